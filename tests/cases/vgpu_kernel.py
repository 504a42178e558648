# SPDX-License-Identifier: LGPL-2.1-or-later
"""vGPUs on virtual functions with a real kernel: a driver of the tests on the functions of an NVMe controller. Guests
use the functions."""

import errno
import pathlib
import re
import subprocess
import tempfile

import libvirt

import documents
from vgpu_test import MDEV_TYPES, VgpuTest

ONLY_ON = ('card', 'run-vm --vgpus makes such a card')
INTERNAL = libvirt.VIR_ERR_INTERNAL_ERROR
GUEST = 'tests/guest/guest'   # in the build directory
USES_FUNCTION = r'slot \d+: NVMe, status 2\n'
LATE_MS = 700
HANG_MS = 3000


class CardTest(VgpuTest):
    machine = 'card'

    def is_parent(self, function):
        return self.node(function) in self.names(MDEV_TYPES)


class Devices(CardTest):
    def test_functions(self):
        kinds = self.types(self.function)
        self.assertEqual(kinds['nvidia-1155'],
                         {'name': 'NVIDIA L40S-24Q', 'deviceAPI': 'vfio-pci', 'availableInstances': '1'})
        self.assertEqual(self.names(MDEV_TYPES), sorted(map(self.node, self.card.functions)))
        for name in (self.node(self.card), self.node(self.function)):
            document = self.dump(name)
            self.assertIsNone(documents.validate(document, self.schema), document)

    def test_create_and_destroy(self):
        uuid = self.new_uuid()
        events = self.listen()
        device = self.create_vgpu(uuid=uuid, attrs=[('nvidia/vgpu_params', 'frame_rate_limiter=0')])
        self.assertEqual((self.function.number, self.function.params), (self.number, 'frame_rate_limiter=0'))
        events.wait(('created', device.name()), *self.updates(self.function, self.other))
        self.assertEqual(device.name(), self.vgpu(self.function, uuid))
        document = device.XMLDesc(0)
        self.assertIsNone(documents.validate(document, self.schema), document)
        self.assertEqual(documents.parse(document).find('capability/iommuGroup').get('number'), str(self.function.group))
        self.assertEqual(self.choice(self.other), [1155])
        device.destroy()
        self.assertEqual((self.function.number, self.vgpus()), (0, []))
        events.wait(('deleted', device.name()))

    def test_on_the_card(self):
        names = [self.create_vgpu(parent=self.node(self.card)).name() for _ in range(2)]
        self.assertEqual(self.vgpus(), sorted(names))
        self.refuse(INTERNAL, parent=self.node(self.card), says=['no available instances'])
        self.assertEqual(self.card.taken(), [self.number] * 2)

    def test_of_others(self):
        self.function.assign(self.number)
        self.assertEqual(self.vgpus(), [self.vgpu_of_others(self.function)])
        self.function.vacate()
        self.assertEqual(self.vgpus(), [])

    def test_kept(self):
        name = self.create_vgpu().name()
        self.restart(self.daemon.kill)
        self.assertEqual(self.vgpus(), [name])


class Refused(CardTest):
    def test_other_size(self):
        self.create_vgpu(self.other)
        self.refuse(INTERNAL, number=self.small_number, says=['another size'])

    def test_driver_refuses(self):
        for number in (errno.EIO, errno.ENOMEM):
            self.card.set_knob('fail_assign', number)
            self.refuse(INTERNAL, says=['nvidia-1155', self.node(self.function)])

    def test_last_instance_taken_meanwhile(self):
        """Another function gets the last room after the list was read."""
        self.types(self.function)
        self.create_vgpu(self.card.functions[2])
        self.card.set_knob('steal', 1)
        self.assert_refused(INTERNAL, self.create_vgpu, says=['nvidia-1155'])
        self.assertEqual(self.function.number, 0)
        self.assertEqual(self.card.taken(), [self.number] * 2)

    def test_release(self):
        device = self.create_vgpu()
        self.card.set_knob('busy', 1)
        device.destroy()
        device = self.create_vgpu()
        self.card.set_knob('fail_release', errno.EIO)
        for code in (INTERNAL, libvirt.VIR_ERR_OPERATION_INVALID):
            self.assert_refused(code, device.destroy, says=device.name())
        self.assertEqual(self.card.get_knob('traps'), 0)


class Driver(CardTest):
    """The driver comes and goes; no event tells when the files of a function come."""

    def unbind(self):
        self.function.unbind()
        self.wait_until(lambda: not self.is_parent(self.function), 'no parent')

    def test_late_files(self):
        self.unbind()
        self.card.set_knob('files_ms', LATE_MS)
        events = self.listen()
        self.function.bind()
        self.wait_until(lambda: self.is_parent(self.function), 'a parent')
        events.wait(*self.updates(self.function))

    def test_first_read_hangs(self):
        self.unbind()
        self.card.set_knob('hang_ms', -HANG_MS)
        self.function.bind()
        self.create_vgpu(self.other)
        self.wait_until(lambda: self.is_parent(self.function), 'a parent')

    def test_vgpu_is_lost(self):
        self.create_vgpu()
        self.unbind()
        self.assertEqual(self.vgpus(), [])
        self.function.bind()
        self.wait_until(lambda: self.is_parent(self.function), 'a parent')
        self.assertEqual(self.vgpus(), [])

    def test_functions_again(self):
        count = len(self.card.functions)
        self.create_vgpu()
        self.card.enable(0)
        self.wait_until(lambda: not self.names(MDEV_TYPES), 'no parents')
        self.assertEqual(self.vgpus(), [])
        self.card.enable(count)
        self.wait_until(lambda: len(self.names(MDEV_TYPES)) == count, 'all parents')
        self.card.functions[0].assign(self.number)
        self.assertEqual(self.vgpus(), [self.vgpu_of_others(self.card.functions[0])])


class Guests(CardTest):
    def setUp(self):
        super().setUp()
        self.work = tempfile.TemporaryDirectory(prefix='md-guest-')
        self.addCleanup(self.work.cleanup)
        self.serial = pathlib.Path(self.work.name, 'serial')

    def start_guest(self, function):
        """Starts a guest with the function; returns its process when the guest uses the function."""
        program = self.host.program.parent.parent / GUEST
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen(
            ['qemu-system-x86_64', '-nodefaults', '-display', 'none', '-machine', 'pc', '-m', '64', '-kernel', program,
             '-serial', f'file:{self.serial}', '-uuid', self.new_uuid(), '-device', f'vfio-pci,sysfsdev={function.path}'],
            stdin=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait_until(self.is_used, 'the guest uses the function')
        return process

    def is_used(self):
        return self.serial.exists() and re.search(USES_FUNCTION, self.serial.read_text(encoding='ascii'))

    def test_from_start_to_end(self):
        """A guest runs on the vGPU, which is not destroyed meanwhile."""
        device = self.create_vgpu()
        process = self.start_guest(self.function)
        with self.nothing_changes(), self.within(self.deadline / 2, 'to refuse it'):
            self.assert_refused(INTERNAL, device.destroy,
                                says=[device.name(), f'device in use by process {process.pid} '])
        self.assertEqual(self.function.number, self.number)
        process.terminate()
        process.wait()
        device.destroy()
        self.assertEqual((self.function.number, self.vgpus()), (0, []))
