# SPDX-License-Identifier: LGPL-2.1-or-later
"""The simulated host: the daemon under umockdev, with a fake kernel behind its sysfs."""

import contextlib
import os

import host
import hosts
import vgpu_card
import vgpu_hosts
from daemon import Daemon
from fake_kernel import FakeKernel, KernelError

DEADLINE = 30.0
UMOCKDEV = 'libumockdev-preload.so.0'
# The knobs of functions with the same effect as those of parents of mdevs.
FUNCTION_KNOBS = {'fail_create': 'fail_assign', 'fail_remove': 'fail_release', 'block_create': 'block_assign',
                  'block_remove': 'block_release'}


class SimHost(host.Host):
    """One of the machines of hosts.py."""

    kind = 'sim'
    deadline = DEADLINE

    def __init__(self, machine, program, preload, shows_seqnum=True):
        self.kernel = FakeKernel(shows_seqnum)
        hosts.add_dmi(self.kernel)
        hosts.add_plain_network_card(self.kernel)
        self.mdev_parents = hosts.MACHINES[machine](self.kernel)
        self.cards = self.kernel.vgpu_cards
        self.facts = {}
        for parent in self.mdev_parents:
            self.facts[parent.path] = parent
            parent.register()
        self.kernel.udevd.settle(DEADLINE)
        self.daemon = self.make_daemon(program, self.environment(preload))
        if self.cards:
            self.daemon.vgpu_types.write_text(vgpu_hosts.TABLE, encoding='utf-8')
            vgpu_card.write_manage_script(self.kernel, self.daemon.sriov_manage)

    @staticmethod
    def make_daemon(program, environment):
        return Daemon(program, DEADLINE, environment)

    def wait_idle(self):
        """Waits until the kernel has finished the writes of a killed daemon; the process of a real one does not end
        before."""
        self.kernel.wait_idle(DEADLINE)

    def environment(self, preload):
        # Ours comes first, because it handles a write before umockdev does.
        libraries = [str(preload), UMOCKDEV]
        return {
            'LD_PRELOAD': ' '.join(libraries + os.environ.get('LD_PRELOAD', '').split()),
            'UMOCKDEV_DIR': str(self.kernel.sysfs.root),
            'MD_FAKE_KERNEL_SOCKET': self.kernel.socket_path,
            # libudev otherwise rejects a sysfs that is not a mount.
            'SYSTEMD_DEVICE_VERIFY_SYSFS': '0',
        }

    def close(self):
        self.daemon.close()
        self.kernel.close()

    def make_sysfs_readable(self):
        # umockdev also creates its sockets in this directory.
        self.kernel.sysfs.root.chmod(0o777)

    def parents(self):
        """Returns the parents of mdevs, and then the functions for vGPUs."""
        return [host.Parent(self.node_name(parent), os.path.basename(parent.path), parent.path)
                for parent in [*self.mdev_parents, *self.functions()]]

    def functions(self):
        return [function for card in self.cards for function in card.functions]

    def node_name(self, parent):
        address = os.path.basename(parent.path)
        subsystem = self.kernel.sysfs.target(f'{parent.path}/subsystem')
        return host.make_name('ap' if subsystem == 'matrix' else subsystem, address)

    def real(self, path):
        return self.kernel.sysfs.real(path)

    def plain_pci(self):
        return 'pci_0000_00_1f_6'

    def fake(self, parent):
        """Returns the parent in the fake kernel."""
        return self.facts.get(parent.path) or self.function(parent)

    def function(self, parent):
        """Returns the function in the fake kernel; None if this is a parent of mdevs."""
        return next((function for card in self.cards for function in card.all_functions
                     if function.path == parent.path), None)

    def type_ids(self, parent):
        function = self.function(parent)
        if function is None:
            return super().type_ids(parent)
        return [f'{vgpu_card.DRIVER}-{number}' for number in function.card.types]

    def types(self, parent):
        function = self.function(parent)
        if function is None:
            return super().types(parent)
        with self.kernel.state:
            creatable = [] if function.number else function.card.creatable
            return {type_id: host.TypeFacts('vfio-pci', int(kind in creatable), kind.name, None)
                    for type_id, kind in zip(self.type_ids(parent), function.card.types.values())}

    def available(self, parent, type_id):
        if self.function(parent) is None:
            return super().available(parent, type_id)
        return self.types(parent)[type_id].available

    def wait_create_stuck(self, parent, creation=None):
        function = self.function(parent)
        if function is None:
            return super().wait_create_stuck(parent, creation)
        function.card.wait_asked('write', function.address, vgpu_card.CURRENT, DEADLINE)
        return None

    def create_by_others(self, parent, type_id, uuid):
        function = self.function(parent)
        if function is None:
            self.as_program(self.fake(parent).create, type_id, uuid)
        else:
            # The driver knows no UUIDs.
            self.as_program(function.assign, int(type_id.rpartition('-')[2]))

    def remove_by_others(self, uuid):
        for parent in self.mdev_parents:
            if uuid in parent.children:
                self.as_program(parent.remove, parent.children[uuid])
                return
        raise FileNotFoundError(uuid)

    @staticmethod
    def as_program(func, *args):
        try:
            func(*args)
        except KernelError as error:
            raise OSError(error.number, os.strerror(error.number)) from error

    def relax(self):
        for fake in [*self.mdev_parents, *self.kernel.scsi_hosts, *self.cards]:
            fake.relax()

    def wait_available_stuck(self, parent):
        """Waits until a driver that blocks reads of its room blocks one."""
        fake = self.fake(parent)
        with self.kernel.state:
            if not self.kernel.state.wait_for(lambda: fake.asked_in_vain, DEADLINE):
                raise AssertionError('nobody asks')

    def set_knob(self, parent, knob, value):
        if self.function(parent) is not None:
            knob = FUNCTION_KNOBS.get(knob, knob)
        self.fake(parent).set_knob(knob, value)

    def hide(self, parent, attribute):
        self.unregister(parent)
        self.fake(parent).hidden.add(attribute)
        self.register(parent)

    def unregister(self, parent):
        self.fake(parent).unregister()

    def register(self, parent):
        self.fake(parent).register()

    def unbind(self, parent):
        self.fake(parent).unbind()

    def bind(self, parent):
        self.fake(parent).bind()

    def unblock(self, parent, knob):
        self.set_knob(parent, knob, 0)

    def unload_module(self):
        for parent in self.parents():
            self.unbind(parent)

    def load_module(self):
        for parent in self.parents():
            self.bind(parent)

    def mdevctl(self, *words):
        host.run_mdevctl(words, self.daemon.environment)

    def announce_change(self, path):
        self.kernel.event('change', path)

    @contextlib.contextmanager
    def silence_udev(self):
        self.kernel.udevd.pause()
        try:
            yield
        finally:
            self.kernel.udevd.resume()
            self.kernel.udevd.settle(DEADLINE)

    def stop_udev(self):
        self.kernel.udevd.stop()

    def kill_udev(self):
        self.kernel.udevd.stop()

    def start_udev(self):
        self.kernel.udevd.start()

    def udev_has_room(self):
        if not host.can_connect(self.kernel.udevd.control):
            return False
        self.kernel.udevd.accept_client()
        return True

    def hang_udev(self):
        self.kernel.udevd.hang()

    def wake_udev(self):
        self.kernel.udevd.resume()
        self.kernel.udevd.settle(DEADLINE)

    @contextlib.contextmanager
    def hold_start(self):
        """A context during which a starting daemon listens but proceeds no further."""
        self.kernel.hold_seqnum(True)
        try:
            yield
        finally:
            self.kernel.hold_seqnum(False)

    @contextlib.contextmanager
    def hold_open(self, uuid):
        group = int(self.link(f'{self.device_path(uuid)}/iommu_group'))
        with self.kernel.state:
            self.kernel.held_groups.add(group)
        try:
            yield None
        finally:
            with self.kernel.state:
                self.kernel.held_groups.discard(group)
                self.kernel.state.notify_all()
