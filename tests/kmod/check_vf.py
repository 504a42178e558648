# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that md_vf does what md_vf.h documents. Runs inside the guest of run-vm:

tests/vm/run-vm --kmod DIR --vgpus 4 -- /usr/bin/python3 tests/kmod/check_vf.py
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import struct
import sys
import threading
import time
import unittest

for room in ('sim', 'lib'):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / room))

from host import wait_until  # noqa: E402  pylint: disable=wrong-import-position
from vm_card_host import DRIVER, KNOBS, Card, write  # noqa: E402  pylint: disable=wrong-import-position

DEADLINE = 20
N_TYPES = 12
VFIO_GROUP_GET_DEVICE_FD = 0x3B6A
VFIO_GROUP_SET_CONTAINER = 0x3B68
VFIO_SET_IOMMU = 0x3B66
VFIO_TYPE1_IOMMU = 1


class CardTest(unittest.TestCase):
    def setUp(self):
        path = next(DRIVER.glob('*/sriov_totalvfs')).parent
        self.card = Card(os.path.realpath(path))
        self.function, self.other, self.third, _ = self.card.functions
        for knob in KNOBS.iterdir():
            self.addCleanup(write, knob, knob.read_text(encoding='ascii'))
        self.addCleanup(self.vacate_all)

    def vacate_all(self):
        for function in self.card.functions:
            with contextlib.suppress(PermissionError):
                function.vacate()

    def listed(self, function=None):
        """Returns the numbers that a function lists."""
        lines = (function or self.function).read('creatable_vgpu_types').splitlines()
        return [int(line.split(':')[0]) for line in lines if line[0].isdigit()]

    def assert_errno(self, number, func, *args):
        with self.assertRaises(OSError) as raised:
            func(*args)
        self.assertEqual(raised.exception.errno, number)


class Files(CardTest):
    def test_siblings(self):
        self.assertEqual(len(self.listed()), N_TYPES)
        self.other.assign(1155)
        self.assertEqual((self.listed(), self.listed(self.other)), ([1155], []))
        self.third.assign(1155)
        self.assertEqual(self.listed(), [])
        self.third.vacate()
        self.card.set_knob('mixed', 1)
        self.function.assign(1154)
        self.assertEqual(self.function.read('placement_id'), '32')

    def test_lists(self):
        for knobs, text in (({'header': 2, 'list': 1}, ''), ({'list': 1}, 'ID    : vGPU Name'), ({'list': 2}, '')):
            for knob, value in knobs.items():
                self.card.set_knob(knob, value)
            self.assertEqual(self.function.read('creatable_vgpu_types'), text)
            self.card.set_knob('header', 0)
        self.card.set_knob('list', 3)
        self.assert_errno(errno.EINVAL, self.function.read, 'creatable_vgpu_types')
        self.card.set_knob('list', 0)
        self.card.set_knob('steal', 1)
        self.assertEqual((len(self.listed()), self.listed()), (N_TYPES, []))

    def test_instances(self):
        self.assert_errno(errno.ENXIO, self.function.read, 'gpu_instance_id')
        self.card.set_knob('instances', 0)
        self.assertEqual(self.listed(), [])
        self.assert_errno(errno.EIO, self.function.assign, 1147)
        self.card.set_knob('instances', 2)
        self.assertNotIn(1155, self.listed())
        self.function.assign(1147)
        self.other.assign(1148)
        self.assertEqual((self.other.read('gpu_instance_id'), self.listed(self.third)), ('2', []))

    def test_errors(self):
        self.assert_errno(errno.EINVAL, self.function.assign, 'x')
        self.assert_errno(errno.EPERM, self.function.vacate)
        self.assert_errno(errno.EIO, self.function.assign, 7)
        self.function.assign((1 << 32) + 1155)
        self.assert_errno(errno.EPERM, self.function.assign, 1155)
        self.assert_errno(errno.EIO, self.other.assign, 1147)
        self.card.set_knob('distinct', 1)
        self.assert_errno(errno.EINVAL, self.other.assign, 1147)
        self.assert_errno(errno.ENODEV, self.other.assign, 7)
        self.other.vacate()

    def test_release(self):
        self.function.assign(1155)
        self.card.set_knob('busy', 1)
        self.assert_errno(errno.EBUSY, self.function.vacate)
        self.card.set_knob('fail_release', errno.EIO)
        self.assert_errno(errno.EIO, self.function.vacate)
        self.assertEqual(self.card.get_knob('traps'), 0)
        self.card.set_knob('fail_release', 0)
        self.function.vacate()
        self.assertEqual(self.card.get_knob('traps'), 1)

    def test_odd_results(self):
        self.card.set_knob('reads_back', 1156)
        self.function.assign(1155)
        self.assertEqual(self.function.number, 1156)
        self.card.set_knob('fail_assign', errno.EIO)
        self.card.set_knob('resets', 1)
        self.assert_errno(errno.EIO, self.function.assign, 1155)
        self.assertEqual(self.function.number, 0)

    def test_params(self):
        def set_params(text):
            write(f'{self.function.path}/nvidia/vgpu_params', text)
        self.assert_errno(errno.ENXIO, set_params, 'x=1\n')
        self.function.assign(1155)
        for text, stored in (('x=1\n', 'x=1'), ('x=1', 'x='), (' \n', '')):
            set_params(text)
            self.assertEqual(self.function.params, stored)
        self.assert_errno(errno.E2BIG, set_params, 'x' * 1025)


class Driver(CardTest):
    def test_unbound_during_a_write(self):
        self.card.set_knob('block_assign', 1)
        errors = []

        def assign():
            try:
                self.function.assign(1155)
            except OSError as error:
                errors.append(error.errno)
        writer = threading.Thread(target=assign, daemon=True)
        writer.start()
        # The kernel waits for the writer before it removes the files.
        self.function.unbind()
        writer.join(DEADLINE)
        self.assertIn(errors, ([errno.ENODEV], [errno.ENOENT], [errno.EINVAL]))
        self.function.bind()

    def test_late_files(self):
        self.function.unbind()
        self.assertFalse(self.function.has_files())
        self.card.set_knob('files_ms', 500)
        self.card.set_knob('hang_ms', -500)
        self.function.bind()
        self.assertFalse(self.function.has_files())
        wait_until(self.function.has_files, 'the files', DEADLINE)
        start = time.monotonic()
        self.assertEqual(self.function.number, 0)
        self.assertGreater(time.monotonic() - start, 0.4)

    def test_functions(self):
        self.card.set_knob('numvfs', 0)
        self.assert_errno(errno.ENOENT, self.card.enable, 0)
        self.card.set_knob('numvfs', 1)
        self.function.assign(1155)
        self.card.enable(0)
        self.assertEqual(self.card.functions, [])
        self.card.set_knob('optional', 0)
        self.card.enable(4)
        self.assertEqual(self.card.functions[0].number, 0)
        self.assertEqual(len(os.listdir(f'{self.function.path}/nvidia')), 2)
        self.card.enable(0)
        self.card.set_knob('optional', 1)
        self.card.enable(4)

    def open_function(self, group):
        return fcntl.ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bytearray(self.function.address.encode() + b'\0'))

    def test_open(self):
        """A function cannot be opened without a type, and not be released while it is open."""
        with open('/dev/vfio/vfio', 'rb+', buffering=0) as container, \
                open(f'/dev/vfio/{self.function.group}', 'rb+', buffering=0) as group:
            fcntl.ioctl(group, VFIO_GROUP_SET_CONTAINER, struct.pack('i', container.fileno()))
            fcntl.ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1_IOMMU)
            self.assert_errno(errno.ENODEV, self.open_function, group)
            self.function.assign(1155)
            device = self.open_function(group)
            try:
                self.assert_errno(errno.EPERM, self.function.vacate)
                self.assert_errno(errno.EPERM, write, f'{self.function.path}/nvidia/vgpu_params', 'x=1\n')
            finally:
                os.close(device)
            self.function.vacate()


if __name__ == '__main__':
    unittest.main()
