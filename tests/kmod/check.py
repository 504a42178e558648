#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that md_vgpu does what md_vgpu.h documents. Runs inside the guest of run-vm:

tests/vm/run-vm --kmod DIR --kmod-args virtual=mtty,mdpy -- /usr/bin/python3 tests/kmod/check.py
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest
import uuid

MDEV_BUS = pathlib.Path('/sys/class/mdev_bus')
DEADLINE = 20
M60_ROOM = {11: 16, 12: 16, 13: 8, 14: 8, 15: 4, 16: 4, 17: 2, 18: 1}
NETLINK_KOBJECT_UEVENT = 15
VFIO_GROUP_GET_DEVICE_FD = 0x3B6A
VFIO_GROUP_SET_CONTAINER = 0x3B68
VFIO_SET_IOMMU = 0x3B66
VFIO_TYPE1_IOMMU = 1
VFIO_DEVICE_GET_INFO = 0x3B6B
VFIO_DEVICE_GET_REGION_INFO = 0x3B6C
VFIO_DEVICE_GET_IRQ_INFO = 0x3B6D
VFIO_DEVICE_SET_IRQS = 0x3B6E
VFIO_DEVICE_RESET = 0x3B6F
DEVICE_PCI_RESET = 3
BAR0 = 0
CONFIG_REGION = 7
MSI = 1
IRQ_EVENTFD_NORESIZE = 9
IRQ_DATA_NONE, IRQ_DATA_BOOL, IRQ_DATA_EVENTFD, IRQ_MASK, IRQ_TRIGGER = 1, 2, 4, 8, 32


def write(path, text):
    """Writes in one write(2); raises OSError."""
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


class Uevents:
    """The kernel's uevents, from the creation of the object until the case ends."""

    def __init__(self, case):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT)
        case.addCleanup(self.socket.close)
        self.socket.bind((0, 1))
        self.socket.settimeout(DEADLINE)

    def until(self, wanted):
        """Returns the events up to the first one that wanted() accepts; fails after the deadline."""
        seen = []
        while True:
            fields = self.socket.recv(65536).decode(errors='replace').split('\0')
            event = dict(field.split('=', 1) for field in fields if '=' in field)
            seen.append(event)
            if wanted(event):
                return seen


class Case(unittest.TestCase):
    """A parent in its initial state, restored after the case."""

    def setUp(self):
        self.parent = sorted(MDEV_BUS.glob('0000:*'))[0].resolve()
        self.knobs = {path.name: path.read_text() for path in (self.parent / 'hostile').iterdir()
                      if path.name != 'registered'}
        self.addCleanup(self.restore)

    def restore(self):
        for name, value in self.knobs.items():
            self.set(name, value)
        self.set('registered', 0)
        self.set('registered', 1)

    def set(self, name, value):
        write(self.parent / 'hostile' / name, f'{value}'.strip())

    def type(self, number):
        return self.parent / 'mdev_supported_types' / f'nvidia-{number}'

    def room(self, number):
        return int((self.type(number) / 'available_instances').read_text())

    def create(self, number=11):
        name = str(uuid.uuid4())
        write(self.type(number) / 'create', name)
        return self.parent / name

    def seconds(self, action, *arguments):
        start = time.monotonic()
        action(*arguments)
        return time.monotonic() - start

    def assert_held_up(self, child, remover):
        """Checks that the core has begun the removal (the file is gone), and that the driver blocks it."""
        end = time.monotonic() + DEADLINE
        while (child / 'remove').exists() and time.monotonic() < end:
            os.sched_yield()
        self.assertFalse((child / 'remove').exists())
        self.assertTrue(remover.is_alive())
        self.assertTrue(child.exists())

    def assert_errno(self, number, action, *arguments):
        with self.assertRaises(OSError) as caught:
            action(*arguments)
        self.assertEqual(errno.errorcode[caught.exception.errno], errno.errorcode[number])


class Types(Case):
    def test_parents(self):
        names = {path.name for path in MDEV_BUS.iterdir()}
        self.assertGreaterEqual(len([name for name in names if ':' in name]), 2)
        self.assertLessEqual({'mtty', 'mdpy'}, names)

    def test_m60(self):
        self.assertEqual({n: self.room(n) for n in M60_ROOM}, M60_ROOM)
        self.assertEqual((self.type(17) / 'name').read_text(), 'GRID M60-4Q\n')
        self.assertEqual((self.type(11) / 'description').read_text(),
                         'num_heads=2, frl_config=45, framebuffer=512M, '
                         'max_resolution=2560x1600, max_instance=16\n')

    def test_one_type_limits_the_others(self):
        child = self.create(11)
        self.assertEqual({n: self.room(n) for n in M60_ROOM},
                         {11: 15, 12: 15, 13: 7, 14: 7, 15: 3, 16: 3, 17: 1, 18: 0})
        self.assert_errno(errno.ENOSPC, self.create, 18)
        write(child / 'remove', '1')
        self.assertEqual({n: self.room(n) for n in M60_ROOM}, M60_ROOM)

    def test_scale_and_total(self):
        self.set('capacity_scale', 256)
        self.assertEqual(self.room(11), 4096)
        self.set('capacity_scale', 1)
        self.set('total_mib', 1024)
        self.assertEqual({n: self.room(n) for n in (11, 13, 15)}, {11: 2, 13: 1, 15: 0})

    def test_homogeneous(self):
        self.set('homogeneous', 1)
        self.create(14)
        self.assertEqual({n: self.room(n) for n in (13, 14)}, {13: 0, 14: 7})
        self.assert_errno(errno.ENOSPC, self.create, 13)

    def test_vanish(self):
        self.set('vanish', 1)
        self.assertEqual(self.room(11), 16)
        self.assertEqual(self.room(11), 0)
        self.assert_errno(errno.ENOSPC, self.create, 11)
        self.set('vanish', 0)
        self.assertEqual(self.room(11), 16)

    def test_virtual(self):
        serial = MDEV_BUS / 'mtty' / 'mdev_supported_types' / 'mtty-2'
        self.assertEqual((serial / 'available_instances').read_text(), '12\n')
        self.assertFalse((serial / 'description').exists())
        display = MDEV_BUS / 'mdpy' / 'mdev_supported_types' / 'mdpy-vga'
        self.assertEqual((display / 'description').read_text(),
                         'virtual display, 640x480 framebuffer\n')


class Texts(Case):
    def again(self, **knobs):
        for name, value in knobs.items():
            self.set(name, value)
        self.set('registered', 0)
        self.set('registered', 1)

    def test_hide_name(self):
        self.again(hide_name=1)
        self.assertFalse((self.type(11) / 'name').exists())
        self.assertTrue((self.type(11) / 'description').exists())

    def test_hide_description(self):
        self.again(hide_description=1)
        self.assertTrue((self.type(11) / 'name').exists())
        self.assertFalse((self.type(11) / 'description').exists())

    def test_intel(self):
        self.again(intel_text=1)
        self.assertEqual((self.type('GVTg_V5_4') / 'description').read_text().splitlines(),
                         ['low_gm_size: 128MB', 'high_gm_size: 512MB', 'fence: 4',
                          'resolution: 1920x1200', 'weight: 4'])

    def test_registered(self):
        child = self.create()
        events = Uevents(self)
        self.set('registered', 0)
        seen = events.until(lambda e: e.get('MDEV_STATE') == 'unregistered')
        self.assertEqual(seen[-1]['ACTION'], 'change')
        # The core removes the children first.
        self.assertIn(('remove', child.name),
                      [(e['ACTION'], pathlib.Path(e['DEVPATH']).name) for e in seen])
        self.assertFalse((self.parent / 'mdev_supported_types').exists())
        self.set('registered', 1)
        event = events.until(lambda e: 'MDEV_STATE' in e)[-1]
        self.assertEqual((event['ACTION'], event['MDEV_STATE']), ('change', 'registered'))


class Hostile(Case):
    def blocked(self, action, *arguments):
        """Runs an action on a thread; returns the thread, and a list for the exception."""
        errors = []

        def run():
            try:
                action(*arguments)
            except OSError as error:
                errors.append(error.errno)

        thread = threading.Thread(target=run)
        thread.start()
        return thread, errors

    def test_delays(self):
        self.set('delay_create_ms', 300)
        self.assertGreaterEqual(self.seconds(self.create), 0.29)
        self.set('delay_create_ms', 0)
        child = self.create()
        self.set('delay_remove_ms', 300)
        self.assertGreaterEqual(self.seconds(write, child / 'remove', '1'), 0.29)
        self.set('delay_available_ms', 300)
        self.assertGreaterEqual(self.seconds(self.room, 11), 0.29)

    def test_fail_create(self):
        for knob in ('fail_create', 'fail_create_late'):
            for number in (errno.EIO, errno.EBUSY, errno.ENODEV):
                with self.subTest(knob=knob, errno=number):
                    events = Uevents(self)
                    self.set(knob, number)
                    self.assert_errno(number, self.create)
                    seen = events.until(lambda e: (e['ACTION'], e.get('SUBSYSTEM')) ==
                                        ('remove', 'mdev'))
                    self.assertEqual((seen[0]['ACTION'], seen[0]['SUBSYSTEM']), ('add', 'mdev'))
                    self.assertEqual(any(e.get('SUBSYSTEM') == 'vfio-dev' for e in seen),
                                     knob == 'fail_create_late')
                    self.set(knob, 0)
        self.assertEqual(self.room(11), 16)

    def test_fail_remove(self):
        child = self.create()
        self.set('fail_remove', errno.EBUSY)
        self.assert_errno(errno.EBUSY, write, child / 'remove', '1')
        self.assertTrue((child / 'remove').exists())
        self.set('fail_remove', 0)
        write(child / 'remove', '1')
        self.assertFalse(child.exists())

    def test_block_create(self):
        self.set('block_create', 1)
        events = Uevents(self)
        thread, errors = self.blocked(self.create)
        events.until(lambda e: (e['ACTION'], e.get('SUBSYSTEM')) == ('add', 'mdev'))
        self.assertTrue(thread.is_alive())
        self.set('block_create', 0)
        thread.join(DEADLINE)
        self.assertFalse(thread.is_alive())
        self.assertEqual((errors, self.room(11)), ([], 15))

    def test_block_create_killed(self):
        self.set('block_create', 1)
        events = Uevents(self)
        name = str(uuid.uuid4())
        with subprocess.Popen(['sh', '-c', 'echo "$1" > "$2"', 'sh', name,
                               str(self.type(11) / 'create')]) as writer:
            events.until(lambda e: e['ACTION'] == 'add' and e['DEVPATH'].endswith(name))
            writer.kill()
            self.assertEqual(writer.wait(DEADLINE), -signal.SIGKILL)
        self.assertFalse((self.parent / name).exists())

    def test_block_remove(self):
        child = self.create()
        self.set('block_remove', 1)
        events = Uevents(self)
        thread, errors = self.blocked(write, child / 'remove', '1')
        self.assert_held_up(child, thread)
        self.set('block_remove', 0)
        events.until(lambda e: e['ACTION'] == 'remove' and e['DEVPATH'].endswith(child.name))
        thread.join(DEADLINE)
        self.assertEqual(errors, [])

    def test_block_create_unbind(self):
        self.set('block_create', 1)
        events = Uevents(self)
        thread, errors = self.blocked(self.create)
        events.until(lambda e: (e['ACTION'], e.get('SUBSYSTEM')) == ('add', 'mdev'))
        write('/sys/bus/pci/drivers/nvidia/unbind', self.parent.name)
        thread.join(DEADLINE)
        self.assertFalse(thread.is_alive())
        self.assertFalse((self.parent / 'mdev_supported_types').exists())
        write('/sys/bus/pci/drivers/nvidia/bind', self.parent.name)
        self.assertLessEqual(len(errors), 1)

    def test_bad_values(self):
        self.assert_errno(errno.EINVAL, self.set, 'fail_create', -1)
        self.assert_errno(errno.EINVAL, self.set, 'delay_create_ms', 'soon')


class Module(Case):
    def test_defaults(self):
        parameter = pathlib.Path('/sys/module/md_vgpu/parameters/total_mib')
        self.addCleanup(write, parameter, parameter.read_text())
        write(parameter, '1024')
        self.assertEqual(self.room(11), 16)
        write('/sys/bus/pci/drivers/nvidia/unbind', self.parent.name)
        write('/sys/bus/pci/drivers/nvidia/bind', self.parent.name)
        self.assertEqual(self.room(11), 2)

    def test_unload_with_children(self):
        children = [self.create() for _ in range(3)]
        virtual = str(uuid.uuid4())
        write(MDEV_BUS / 'mtty' / 'mdev_supported_types' / 'mtty-1' / 'create', virtual)
        subprocess.run(['rmmod', 'md_vgpu'], check=True)
        self.assertEqual([child for child in children if child.exists()], [])
        self.assertEqual(list(pathlib.Path('/sys/bus/mdev/devices').iterdir()), [])
        self.assertEqual(list(MDEV_BUS.iterdir()), [])
        subprocess.run(['insmod', '/run/vm/md_vgpu.ko', 'virtual=mtty,mdpy'], check=True)
        self.assertEqual(self.room(11), 16)


class Child(Case):
    def test_attributes(self):
        child = self.create()
        write(child / 'nvidia' / 'vgpu_params', 'frame_rate_limiter=0\n')
        write(child / 'scratch', 'one')
        self.assert_errno(errno.EINVAL, write, child / 'stubborn', 'x')
        self.assertEqual((child / 'nvidia' / 'vgpu_params').read_text(), 'frame_rate_limiter=0\n')
        self.assertEqual((child / 'journal').read_text(),
                         'nvidia/vgpu_params=frame_rate_limiter=0\nscratch=one\n')
        self.set('strict_params', 1)
        self.assert_errno(errno.EINVAL, write, child / 'nvidia' / 'vgpu_params', 'x')
        self.assertTrue((child / 'subsystem').is_symlink())


class Function(Case):
    """A child opened through its VFIO group."""

    def setUp(self):
        super().setUp()
        self.child = self.create()
        self.group = (self.child / 'iommu_group').resolve().name
        subprocess.run(['udevadm', 'settle', f'--timeout={DEADLINE}'], check=True)
        self.opened = contextlib.ExitStack()
        self.addCleanup(self.opened.close)
        self.device = self.open_device()

    def keep(self, fd):
        self.opened.callback(os.close, fd)
        return fd

    def open_device(self):
        container = self.keep(os.open('/dev/vfio/vfio', os.O_RDWR))
        group = self.keep(os.open(f'/dev/vfio/{self.group}', os.O_RDWR))
        fcntl.ioctl(group, VFIO_GROUP_SET_CONTAINER, struct.pack('i', container))
        fcntl.ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU)
        # Only with a mutable buffer does ioctl() return the descriptor.
        return self.keep(fcntl.ioctl(group, VFIO_GROUP_GET_DEVICE_FD,
                                     bytearray(self.child.name.encode() + b'\0')))

    def ask(self, request, layout, *values):
        """Calls an ioctl on a structure that begins with its own size; returns the fields after the size."""
        size = struct.calcsize(layout)
        return struct.unpack(layout, fcntl.ioctl(self.device, request,
                                                 struct.pack(layout, size, *values)))[1:]

    def region(self, index):
        """Returns flags, size and offset of a region."""
        flags, _, _, size, offset = self.ask(VFIO_DEVICE_GET_REGION_INFO, '4I2Q', 0, index, 0, 0, 0)
        return flags, size, offset

    def irq(self, index):
        """Returns flags and number of vectors of an interrupt."""
        flags, _, count = self.ask(VFIO_DEVICE_GET_IRQ_INFO, '4I', 0, index, 0)
        return flags, count

    def set_irqs(self, index, flags, data=b'', count=1):
        head = struct.pack('5I', 20 + len(data), flags, index, 0, count)
        fcntl.ioctl(self.device, VFIO_DEVICE_SET_IRQS, head + data)

    def read_at(self, index, offset, layout):
        data = os.pread(self.device, struct.calcsize(layout), self.region(index)[2] + offset)
        return struct.unpack(layout, data)[0]

    def write_at(self, index, offset, layout, value):
        os.pwrite(self.device, struct.pack(layout, value), self.region(index)[2] + offset)

    def listen(self):
        """Returns an eventfd that is signalled on each interrupt."""
        event = self.keep(os.eventfd(0, os.EFD_NONBLOCK))
        self.set_irqs(MSI, IRQ_TRIGGER | IRQ_DATA_EVENTFD, struct.pack('i', event))
        return event

    def test_what_it_has(self):
        self.assertEqual(self.ask(VFIO_DEVICE_GET_INFO, '4I', 0, 0, 0), (DEVICE_PCI_RESET, 9, 5))
        sizes = {index: self.region(index)[:2] for index in range(9)}
        nothing = {index: (0, 0) for index in range(9)}
        self.assertEqual(sizes, {**nothing, BAR0: (3, 4096), CONFIG_REGION: (3, 256)})
        self.assertEqual([self.irq(index) for index in range(5)],
                         [(0, 0), (IRQ_EVENTFD_NORESIZE, 1), (0, 0), (0, 0), (0, 0)])
        self.assert_errno(errno.EINVAL, self.region, 9)
        self.assert_errno(errno.EINVAL, self.irq, 5)

    def test_config_space(self):
        self.assertEqual(self.read_at(CONFIG_REGION, 0x00, '<I'), 0x13f210de)
        self.assertEqual(self.read_at(CONFIG_REGION, 0x0a, '<H'), 0x0302)
        self.assertEqual(self.read_at(CONFIG_REGION, 0x0e, 'B'), 0)
        self.assertEqual(self.read_at(CONFIG_REGION, 0x3d, 'B'), 0)
        capability = self.read_at(CONFIG_REGION, 0x34, 'B')
        self.assertEqual(self.read_at(CONFIG_REGION, capability, '<I'), 0x00800005)
        self.assertEqual(os.pread(self.device, 16, self.region(CONFIG_REGION)[2] + 250), b'\0' * 6)

    def test_writes_to_config_space(self):
        for offset, value in ((0x00, 0x13f210de), (0x04, 0x00100406), (0x10, 0xfffff000),
                              (0x14, 0), (0x30, 0), (0x3c, 0xff)):
            with self.subTest(hex(offset)):
                self.write_at(CONFIG_REGION, offset, '<I', 0xffffffff)
                self.assertEqual(self.read_at(CONFIG_REGION, offset, '<I'), value)
        self.write_at(CONFIG_REGION, 0x11, 'B', 0x50)
        self.assertEqual(self.read_at(CONFIG_REGION, 0x10, '<I'), 0xffff5000)

    def test_memory(self):
        for offset, layout, value in ((4, '<I', 0x12345678), (2047, '<Q', 2 ** 63), (4095, 'B', 7)):
            self.write_at(BAR0, offset, layout, value)
            self.assertEqual(self.read_at(BAR0, offset, layout), value)
        start = self.region(BAR0)[2]
        self.assertEqual(os.pread(self.device, 8, start + 4092), b'\0\0\0\7')
        self.assertEqual(os.pread(self.device, 1, start + 4096), b'')
        self.assert_errno(errno.EINVAL, self.write_at, BAR0, 0, '<H', 1)
        self.assert_errno(errno.EINVAL, self.read_at, BAR0, 2, '<I')
        self.assert_errno(errno.EINVAL, self.read_at, 1, 0, '<I')

    def test_interrupt(self):
        event = self.listen()
        self.assert_errno(errno.EAGAIN, os.eventfd_read, event)
        self.write_at(BAR0, 0, '<I', 0)
        self.write_at(BAR0, 0, '<I', 1)
        self.assertEqual((os.eventfd_read(event), self.read_at(BAR0, 0, '<I')), (2, 2))
        self.set_irqs(MSI, IRQ_TRIGGER | IRQ_DATA_NONE)
        self.set_irqs(MSI, IRQ_TRIGGER | IRQ_DATA_BOOL, b'\1')
        self.set_irqs(MSI, IRQ_TRIGGER | IRQ_DATA_BOOL, b'\0')
        self.assertEqual(os.eventfd_read(event), 2)
        self.set_irqs(MSI, IRQ_TRIGGER | IRQ_DATA_NONE, count=0)
        self.write_at(BAR0, 0, '<I', 1)
        self.assert_errno(errno.EAGAIN, os.eventfd_read, event)

    def test_interrupts_that_are_none(self):
        event = struct.pack('i', self.keep(os.eventfd(0)))
        connect = IRQ_TRIGGER | IRQ_DATA_EVENTFD
        self.assert_errno(errno.EINVAL, self.set_irqs, 0, connect, event)
        self.assert_errno(errno.EINVAL, self.set_irqs, 5, connect, event)
        self.assert_errno(errno.EINVAL, self.set_irqs, MSI, connect, event * 2, 2)
        self.assert_errno(errno.EINVAL, self.set_irqs, MSI, connect, b'', 0)
        self.assert_errno(errno.EINVAL, self.set_irqs, MSI, connect, b'')
        self.assert_errno(errno.EINVAL, self.set_irqs, MSI, connect, struct.pack('i', self.device))
        self.assert_errno(errno.ENOTTY, self.set_irqs, MSI, IRQ_MASK | IRQ_DATA_NONE)

    def test_new_again(self):
        event = self.listen()

        def use():
            self.write_at(CONFIG_REGION, 0x04, '<H', 0x0002)
            self.write_at(BAR0, 0, '<I', 1)
            self.write_at(BAR0, 64, '<I', 1)

        def assert_new():
            self.assertEqual((self.read_at(CONFIG_REGION, 0x04, '<H'), self.read_at(BAR0, 0, '<I'),
                              self.read_at(BAR0, 64, '<I')), (0, 0, 0))

        use()
        fcntl.ioctl(self.device, VFIO_DEVICE_RESET)
        assert_new()
        use()
        self.assertEqual(os.eventfd_read(event), 2)
        self.opened.close()
        self.device = self.open_device()
        assert_new()

    def test_one_user_at_a_time(self):
        self.assert_errno(errno.EBUSY, os.open, f'/dev/vfio/{self.group}', os.O_RDWR)

    def test_removal_waits_for_the_user(self):
        remover = threading.Thread(target=write, args=(self.child / 'remove', '1'))
        remover.start()
        self.assert_held_up(self.child, remover)
        self.opened.close()
        remover.join(DEADLINE)
        self.assertFalse(self.child.exists())


if __name__ == '__main__':
    unittest.main(verbosity=2)
