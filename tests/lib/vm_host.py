# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host inside tests/vm: the machine itself, with parents created by tests/kmod/md_vgpu.

Needs root. The knobs are files in <parent>/hostile; see the head of md_vgpu.h.
"""

import contextlib
import functools
import os
import pathlib
import signal
import subprocess

import host
from daemon import Daemon

MDEV_BUS = pathlib.Path('/sys/class/mdev_bus')
MDEV_DEVICES = pathlib.Path('/sys/bus/mdev/devices')
PCI_DEVICES = pathlib.Path('/sys/bus/pci/devices')
UEVENT_SEQNUM = '/sys/kernel/uevent_seqnum'
DEADLINE = 60.0
# Time for udevd to process its queue before the request is repeated.
RESUME_SECONDS = 15.0
UDEVD_ENDS = 5.0    # seconds; more than an orderly end of udevd takes
RESTING_KNOBS = (*host.KNOBS, 'delay_create_ms', 'delay_remove_ms', 'delay_available_ms',
                 'homogeneous')
HIDING_KNOBS = ('hide_name', 'hide_description', 'intel_text')
# Present in our parents even if they have no types.
HOSTILE = 'hostile'
MODULE = 'md_vgpu'
UDEVD = '/lib/systemd/systemd-udevd'
UDEVD_NAMES = {'systemd-udevd', '(udev-worker)'}


def write(path, text):
    """Writes in one system call, as sysfs requires."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


@functools.cache
def is_emulated():
    """Returns whether QEMU emulates the processor, which is about ten times slower."""
    result = subprocess.run(['systemd-detect-virt', '--vm'], capture_output=True, text=True,
                            check=False)
    return result.stdout.strip() == 'qemu'


def thousands(count):
    """Returns the count on a real processor; a fifth of it on an emulated one."""
    return count // 5 if is_emulated() else count


class VmHost(host.Host):
    """Real sysfs, real udev."""

    kind = 'vm'
    deadline = DEADLINE
    machines = ('m60', 'virtual')
    make_daemon = Daemon
    settled = None    # seqnum of the last uevent that udev is known to have processed

    def __init__(self, machine, program):
        if machine not in self.machines:
            raise ValueError(f"no machine '{machine}' in the VM")
        self.machine = machine
        self.program = program
        self.known = self.find_parents()
        self.reset()
        self.daemon = self.make_daemon(program, DEADLINE)

    def close(self):
        self.daemon.close()
        self.reset()

    def find_parents(self):
        found = []
        for link in sorted(PCI_DEVICES.iterdir() if self.machine == 'm60' else MDEV_BUS.iterdir()):
            path = str(link.resolve())
            is_virtual = path.startswith('/sys/devices/virtual/')
            if os.path.exists(f'{path}/{HOSTILE}') and is_virtual == (self.machine == 'virtual'):
                prefix = link.name if is_virtual else 'pci'
                found.append(host.Parent(host.make_name(prefix, link.name), link.name, path))
        return found

    def reset(self):
        """Resets all parents to their state after the module was loaded."""
        for parent in self.known:
            if not os.path.exists(f'{parent.path}/{HOSTILE}'):
                self.bind(parent)
        self.relax()
        for parent in self.known:
            hidden = [knob for knob in HIDING_KNOBS
                      if self.read(f'{parent.path}/{HOSTILE}/{knob}') != '0']
            for knob in hidden:
                self.set_knob(parent, knob, 0)
            if hidden:
                self.unregister(parent)
            self.register(parent)
            for uuid in self.children(parent):
                self.remove_by_others(uuid)
        self.settle()

    def settle(self):
        number = self.read(UEVENT_SEQNUM)
        if number != VmHost.settled:
            subprocess.run(['udevadm', 'settle', f'--timeout={DEADLINE:.0f}'], check=True)
            VmHost.settled = number

    def parents(self):
        return self.known

    def real(self, path):
        return path

    def plain_pci(self):
        for link in sorted(PCI_DEVICES.iterdir()):
            if not (link / HOSTILE).exists() and not (link / 'mdev_supported_types').exists():
                return host.make_name('pci', link.name)
        raise AssertionError('every PCI device is an mdev parent')

    def create_by_others(self, parent, type_id, uuid):
        write(f'{self.type_path(parent, type_id)}/create', uuid)

    def remove_by_others(self, uuid):
        write(MDEV_DEVICES / uuid / 'remove', '1')

    def relax(self):
        for parent in self.known:
            if os.path.exists(f'{parent.path}/{HOSTILE}'):
                for knob in RESTING_KNOBS:
                    self.set_knob(parent, knob, 0)

    def set_knob(self, parent, knob, value):
        write(f'{parent.path}/{HOSTILE}/{knob}', str(int(value)))

    def hide(self, parent, attribute):
        self.set_knob(parent, f'hide_{attribute}', 1)
        self.unregister(parent)
        self.register(parent)

    def unregister(self, parent):
        write(f'{parent.path}/{HOSTILE}/registered', '0')

    def register(self, parent):
        write(f'{parent.path}/{HOSTILE}/registered', '1')

    def unbind(self, parent):
        write(f'{parent.path}/driver/unbind', parent.address)

    def bind(self, parent):
        write('/sys/bus/pci/drivers/nvidia/bind', parent.address)

    def unblock(self, parent, knob):
        pass

    def mdevctl(self, *words):
        host.run_mdevctl(words)

    def unload_module(self):
        subprocess.run(['rmmod', MODULE], check=True)
        self.settle()

    def load_module(self):
        """Loads the module with the parameters given to run-vm, unless it is loaded."""
        if os.path.exists(f'/sys/module/{MODULE}'):
            return
        words = subprocess.run(['sh', '-c', '. /run/vm/settings && echo "$VM_KMOD_ARGS"'],
                               check=True, text=True, capture_output=True).stdout.split()
        subprocess.run(['insmod', f'/run/vm/{MODULE}.ko', *words], check=True)
        self.settle()

    def announce_change(self, path):
        subprocess.run(['udevadm', 'trigger', '--action=change', path], check=True)

    @contextlib.contextmanager
    def silence_udev(self):
        subprocess.run(['udevadm', 'control', '--stop-exec-queue'], check=True)
        try:
            yield
        finally:
            self.resume_udev()

    def resume_udev(self):
        """Repeats the request until udevd has processed its queue: once udevd 252 stayed silent after it."""
        def has_resumed():
            subprocess.run(['udevadm', 'control', '--start-exec-queue'], check=True)
            return subprocess.run(['udevadm', 'settle', f'--timeout={RESUME_SECONDS:.0f}'], check=False).returncode == 0
        host.wait_until(has_resumed, 'the events of udevd', DEADLINE)

    @staticmethod
    def udev_processes():
        """Returns udevd and its workers."""
        found = []
        for comm in pathlib.Path('/proc').glob('[0-9]*/comm'):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                if comm.read_text(encoding='utf-8').strip() in UDEVD_NAMES:
                    found.append(int(comm.parent.name))
        return found

    def signal_udev(self, number):
        for pid in self.udev_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait_no_udev(self, seconds=DEADLINE):
        host.wait_until(lambda: not self.udev_processes(), 'the end of udevd', seconds)

    def ask_udev_to_end(self):
        """Returns whether udevd has ended. udevadm fails if udevd ends before it answers."""
        subprocess.run(['udevadm', 'control', '--exit'], check=False)
        with contextlib.suppress(AssertionError):
            self.wait_no_udev(UDEVD_ENDS)
        return not self.udev_processes()

    def stop_udev(self):
        """Repeats the request, because udevd (seen with 252) misses it if its last worker ends at the same moment."""
        host.wait_until(self.ask_udev_to_end, 'the end of udevd', DEADLINE)

    def kill_udev(self):
        self.signal_udev(signal.SIGKILL)
        self.wait_no_udev()

    def start_udev(self):
        if not self.udev_processes():
            subprocess.run([UDEVD, '--daemon'], check=True)
        self.settle()

    def udev_has_room(self):
        return host.can_connect('/run/udev/control')

    def hang_udev(self):
        self.signal_udev(signal.SIGSTOP)

    def wake_udev(self):
        self.signal_udev(signal.SIGCONT)
        self.settle()

    @contextlib.contextmanager
    def hold_open(self, uuid):
        group = os.path.basename(os.readlink(MDEV_DEVICES / uuid / 'iommu_group'))
        fd = os.open(f'/dev/vfio/{group}', os.O_RDWR)
        try:
            yield os.getpid()
        finally:
            os.close(fd)
