# SPDX-License-Identifier: LGPL-2.1-or-later
"""The virtual machine: its accelerator and devices."""

import hashlib
import os
import pathlib
import subprocess
import tempfile

import initrd
import kernel

QEMU = 'qemu-system-x86_64'
PROBE_SECONDS = 8
PROBE_TOKEN = 'kernel-is-up'
PROBE_INIT = f"""#!/bin/sh
echo {PROBE_TOKEN}
mount -t proc proc /proc
echo o > /proc/sysrq-trigger
while :; do :; done
"""
MAX_DEVICES = 16
FIRST_DEVICE_SLOT = 0x08
FIRST_PORT_SLOT = 0x18
# The M60 boards of the examples, at 0000:86:00.0 and 0000:87:00.0.
N_BOARDS = 2
FIRST_BOARD_BUS = 0x86
# Without these, the guest would take each serial port for a console.
BASE = ['-nodefaults', '-display', 'none', '-no-reboot', '-no-user-config', '-monitor', 'none']


def command(arguments):
    """Returns a command line that ends with its parent process, however that ends."""
    return ['setpriv', '--pdeathsig', 'KILL', '--', QEMU] + BASE + arguments


def boots_with_kvm(release):
    """Boots the kernel to its first process under KVM, because the device may exist without being usable."""
    if not os.access('/dev/kvm', os.R_OK | os.W_OK):
        return False
    with tempfile.TemporaryDirectory(prefix='vm-probe-') as work:
        init = pathlib.Path(work, 'init')
        init.write_text(PROBE_INIT, encoding='ascii')
        ramdisk = pathlib.Path(work, 'initrd')
        initrd.build(ramdisk, release, init, {})
        arguments = ['-accel', 'kvm', '-machine', 'q35', '-m', '256', '-serial', 'stdio',
                     '-kernel', str(kernel.image(release)), '-initrd', str(ramdisk),
                     '-append', 'console=ttyS0 quiet panic=-1']
        try:
            result = subprocess.run(command(arguments), check=False, stdin=subprocess.DEVNULL,
                                    capture_output=True, timeout=PROBE_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return result.returncode == 0 and PROBE_TOKEN.encode() in result.stdout


def accelerator(release):
    """Returns 'kvm' or 'tcg'; the result of the probe is stored until the host reboots."""
    wanted = os.environ.get('VM_ACCEL', '')
    if wanted in ('kvm', 'tcg'):
        return wanted
    boot_id = pathlib.Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii')
    key = hashlib.sha256(f'{boot_id} {release} {os.getuid()}'.encode()).hexdigest()[:16]
    memory = pathlib.Path(tempfile.gettempdir(), f'vm-accel-{os.getuid()}-{key}')
    try:
        remembered = memory.read_text(encoding='ascii').strip()
        if remembered in ('kvm', 'tcg') and memory.stat().st_uid == os.getuid():
            return remembered
    except FileNotFoundError:
        pass
    answer = 'kvm' if boots_with_kvm(release) else 'tcg'
    memory.write_text(answer + '\n', encoding='ascii')
    return answer


def processor_arguments(accel, cpus, iommu):
    """With 'icount', each instruction takes 8 ns, which requires a single processor."""
    if accel == 'icount':
        return ['-smp', '1', '-accel', 'tcg', '-icount', 'shift=3,sleep=off']
    if accel == 'kvm':
        return ['-smp', str(cpus), '-accel', 'kvm,kernel-irqchip=split' if iommu else 'kvm', '-cpu', 'host']
    return ['-smp', str(cpus), '-accel', 'tcg,thread=multi']


def kernel_words(accel):
    """Returns the kernel parameters that the accelerator requires."""
    # The processors of an emulated machine share one clock, which the kernel does not know; any other clock source is
    # slow to read. If the host is busy, the emulated timer is late, and the kernel would consider it disconnected.
    return ['tsc=reliable', 'no_timer_check'] if accel != 'kvm' else []


def share(tag, path, readonly):
    """A directory of the host that the guest can mount by its tag."""
    mode = ',readonly=on' if readonly else ''
    path = str(path).replace(',', ',,')
    return ['-fsdev', f'local,id={tag},path={path},security_model=none,multidevs=remap{mode}',
            '-device', f'virtio-9p-pci,fsdev={tag},mount_tag={tag}']


def disk(path):
    """A read-only disk, /dev/vda."""
    path = str(path).replace(',', ',,')
    return ['-drive', f'file={path},if=none,id=root,format=raw,readonly=on', '-device', 'virtio-blk-pci,drive=root']


def channel(name, fd):
    """A virtio port; the guest's output is written to the descriptor."""
    return ['-add-fd', f'fd={fd},set={fd}',
            '-chardev', f'file,id={name},path=/dev/fdset/{fd},append=on',
            '-device', f'virtserialport,chardev={name},name={name}']


def parents(count):
    """Functions for md_vgpu: two boards behind ports of their own bus, then plain ones."""
    arguments = []
    boards = min(count, N_BOARDS)
    if boards > 0:
        arguments += ['-device', f'pxb-pcie,id=boards,bus=pcie.0,bus_nr={FIRST_BOARD_BUS - 1}']
    for index in range(boards):
        arguments += ['-device', f'pcie-root-port,id=board{index},bus=boards,addr={index},'
                                 f'chassis={index + 1},slot={index + 1}',
                      '-device', f'edu,bus=board{index},addr=0']
    for index in range(count - boards):
        arguments += ['-device', f'edu,bus=pcie.0,addr={FIRST_DEVICE_SLOT + index:#x}']
    return arguments


def sriov(count):
    """A physical function (NVMe) behind its own root port, with this number of virtual functions."""
    if count == 0:
        return []
    return ['-device', f'pcie-root-port,id=rp1,bus=pcie.0,addr={FIRST_PORT_SLOT:#x},'
                       'chassis=16,slot=16',
            '-device', 'nvme-subsys,id=subsys0',
            '-device', f'nvme,serial=pf,subsys=subsys0,bus=rp1,sriov_max_vfs={count},'
                       f'max_ioqpairs={2 * count + 2},msix_qsize={count + 2},'
                       f'sriov_vq_flexible={2 * count},sriov_vi_flexible={count}']
