# SPDX-License-Identifier: LGPL-2.1-or-later
"""vGPUs on SR-IOV functions, and what happens outside the daemon: other programs, the driver, functions that come and
go, restarts, and many functions at once."""

import errno
import signal

import libvirt

import documents
import vgpu_hosts
from vgpu_card import CREATABLE, CURRENT
from vgpu_test import MDEV, MDEV_TYPES, VgpuTest

ONLY_ON = ('sim', 'the cards are simulated')
CARDS, FUNCTIONS = 8, 16   # of the storm


class Others(VgpuTest):
    """Types that other programs set and clear: no event tells, so the daemon looks at each list and document."""

    def test_set(self):
        self.function.assign(self.number)
        name = self.vgpu_of_others(self.function)
        self.assertEqual(self.vgpus(), [name])
        root = documents.parse(self.dump(name))
        self.assertEqual(root.find('capability/type').get('id'), 'nvidia-1155')
        self.assertEqual(root.findtext('parent'), self.node(self.function))

    def test_uuid(self):
        """The UUID is the one that OpenNebula shows."""
        self.assertEqual(self.uuid_of_others(self.function), '4fe72103-4494-50f8-9cc8-7a3e31d626f9')
        self.function.assign(self.number)
        self.assertEqual(self.vgpus(), ['mdev_4fe72103_4494_50f8_9cc8_7a3e31d626f9_0000_3d_00_4'])

    def test_set_before_the_start(self):
        self.function.assign(self.number)
        self.restart()
        self.assertEqual(self.vgpus(), [self.vgpu_of_others(self.function)])

    def test_seen_by_a_dump(self):
        """A document of the function shows the change, and the vGPU is told."""
        events = self.listen()
        self.function.assign(self.number)
        self.assertEqual(self.choice(self.function), [])
        events.wait(('created', self.vgpu_of_others(self.function)))
        self.assertEqual(self.conn.nodeDeviceLookupByName(self.vgpu_of_others(self.function)).parent(),
                         self.node(self.function))

    def test_cleared(self):
        name = self.create_vgpu().name()
        events = self.listen()
        self.function.vacate()
        self.assertEqual(self.vgpus(), [])
        events.wait(('deleted', name), *self.updates(self.function))

    def test_cleared_is_seen_by_a_dump(self):
        device = self.create_vgpu()
        self.function.vacate()
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, device.XMLDesc, 0, says=device.name())
        self.assertNotIn(device.name(), self.vgpus())

    def test_changed(self):
        """Another type on the same function is another vGPU, which does not inherit the UUID."""
        name = self.create_vgpu().name()
        self.function.vacate()
        self.function.assign(self.small_number)
        self.assertEqual(self.vgpus(), [self.vgpu_of_others(self.function)])
        self.assertNotEqual(self.vgpus(), [name])

    def test_two_at_once(self):
        """Of two creates on one function, one is refused; the driver would not notice."""
        self.function.set_knob('block_assign', True)
        uuids = [self.new_uuid() for _ in range(2)]
        first = self.in_background(lambda: self.create_vgpu(connection=self.connect(), uuid=uuids[0]))
        self.card.wait_asked('write', self.function.address, CURRENT, self.deadline)
        second = self.in_background(lambda: self.create_vgpu(connection=self.connect(), uuid=uuids[1]))
        self.function.set_knob('block_assign', False)
        name = first.result(self.deadline).name()
        with self.assertRaises(libvirt.libvirtError):
            second.result(self.deadline)
        self.assertEqual(self.vgpus(), [name])
        self.assertEqual(self.card.written(self.function.address), ['1155'])


class Polled(VgpuTest):
    config = {'vgpu': {'poll': '0.2'}}

    def test_poll(self):
        """Changes are told without any call."""
        events = self.listen()
        self.function.assign(self.number)
        events.wait(('created', self.vgpu_of_others(self.function)))
        self.function.vacate()
        events.wait(('deleted', self.vgpu_of_others(self.function)))


class Driver(VgpuTest):
    """The driver comes and goes; functions are removed and added."""

    def is_parent(self, function):
        return self.node(function) in self.names(MDEV_TYPES)

    def test_unbound_and_bound(self):
        name = self.create_vgpu().name()
        events = self.listen()
        self.function.unbind()
        events.wait(('deleted', name))
        self.wait_until(lambda: not self.is_parent(self.function), 'no parent')
        self.assertEqual(self.vgpus(), [])
        self.function.bind()
        self.wait_until(lambda: self.is_parent(self.function), 'a parent')
        self.assertEqual(self.vgpus(), [])
        self.create_vgpu()

    def test_files_after_bind(self):
        """Later drivers add the files some time after `bind`, and no event tells it."""
        self.function.unbind()
        self.wait_until(lambda: not self.is_parent(self.function), 'no parent')
        events = self.listen()
        self.function.bind(registers=False)
        self.host.kernel.udevd.settle(self.deadline)
        self.assertFalse(self.is_parent(self.function))
        self.function.add_vfio()
        self.host.kernel.udevd.settle(self.deadline)
        events.seen.clear()
        self.function.add_files()
        events.wait(*self.updates(self.function))
        self.assertTrue(self.is_parent(self.function))

    def test_first_read_hangs(self):
        """In the first instant a read can hang in the driver: other functions are served."""
        self.function.unbind()
        self.wait_until(lambda: not self.is_parent(self.function), 'no parent')
        self.function.set_knob('block_read', CURRENT)
        self.function.bind()
        self.create_vgpu(self.other)
        self.function.set_knob('block_read', '')
        self.wait_until(lambda: self.is_parent(self.function), 'a parent')

    def test_card_bound_again(self):
        """Functions are registered again when the driver is bound to the card; their vGPUs are lost."""
        self.create_vgpu()
        self.card.unbind()
        self.wait_until(lambda: not self.names(MDEV_TYPES), 'no parents')
        self.assertEqual(self.vgpus(), [])
        self.card.bind()
        self.wait_until(lambda: len(self.names(MDEV_TYPES)) == len(self.card.functions), 'all parents')
        self.create_vgpu()

    def test_functions_again(self):
        """A new function at the same address does not inherit the vGPU."""
        uuid = self.new_uuid()
        name = self.create_vgpu(uuid=uuid).name()
        events = self.listen()
        self.card.disable()
        events.wait(('deleted', name), ('deleted', self.node(self.function)))
        heard = events.all()
        self.assertLess(heard.index(('deleted', name)), heard.index(('deleted', self.node(self.function))))
        self.card.enable()
        self.function.assign(self.number)
        self.wait_until(lambda: self.is_parent(self.function), 'a parent')
        self.wait_until(lambda: self.vgpus() == [self.vgpu_of_others(self.function)], 'the vGPU of others')

    def test_unbound_during_a_write(self):
        self.function.set_knob('block_assign', True)
        creation = self.in_background(self.create_vgpu)
        self.card.wait_asked('write', self.function.address, CURRENT, self.deadline)
        self.function.unbind()
        with self.assertRaises(libvirt.libvirtError) as raised:
            creation.result(self.deadline)
        self.assertIn(self.node(self.function), str(raised.exception))
        self.assertEqual(self.vgpus(), [])

    def test_vfio_device_goes_first(self):
        """Between the removals of VFIO device and files, the function has no type and takes none."""
        self.create_vgpu()
        self.function.remove_vfio()
        self.assertEqual(self.vgpus(), [])
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.create_vgpu, says=self.node(self.function))
        self.function.remove_files()
        self.wait_until(lambda: not self.is_parent(self.function), 'no parent')

    def test_early_drivers(self):
        """Only two files are there in all versions of the driver."""
        self.card.disable()
        self.wait_until(lambda: self.names(MDEV_TYPES) == [], 'no parents')
        self.card.files = (CREATABLE, CURRENT)
        self.card.enable()
        self.wait_until(lambda: self.is_parent(self.function), 'a parent')
        self.create_vgpu().destroy()
        document = self.vgpu_document(attrs=[('nvidia/vgpu_params', 'x=1')])
        with self.assertRaises(libvirt.libvirtError) as raised:
            self.conn.nodeDeviceCreateXML(document, 0)
        self.assertIn('nvidia/vgpu_params', str(raised.exception))
        self.assertEqual(self.function.number, 0)

    def test_stray_directory_of_the_card(self):
        for name in (CREATABLE, CURRENT):
            self.host.kernel.sysfs.write(f'{self.card.path}/nvidia/{name}', '0\n')
        self.host.kernel.event('change', self.card.path)
        self.host.kernel.udevd.settle(self.deadline)
        self.assertNotIn(self.node(self.card), self.names(MDEV_TYPES))


class Kept(VgpuTest):
    """UUIDs that the daemon gave survive its end, and end with their vGPU."""

    def test_restart(self):
        device = self.create_vgpu(attrs=[('nvidia/vgpu_params', 'x=1')])
        name = device.name()
        for end in (self.daemon.stop, self.daemon.kill):
            self.restart(end)
            self.assertEqual(self.vgpus(), [name])
        self.assertEqual(self.function.params, 'x=1')
        self.conn.nodeDeviceLookupByName(name).destroy()
        self.restart()
        self.assertEqual(self.vgpus(), [])

    def test_types_of_a_full_card(self):
        """Types that were listed once are known after a restart on a full card, without the vendor's table."""
        self.daemon.vgpu_types.unlink()
        self.restart()
        known = self.types(self.function)
        self.create_vgpu(number=1156)
        self.restart(self.daemon.kill)
        self.assertEqual(sorted(self.types(self.other)), sorted(known))
        self.assertEqual(len(self.names(MDEV_TYPES)), len(self.card.functions))

    def test_cleared_meanwhile(self):
        name = self.create_vgpu().name()
        self.daemon.stop()
        self.function.vacate()
        self.function.assign(self.small_number)
        self.restart(lambda: None)
        self.assertEqual(self.vgpus(), [self.vgpu_of_others(self.function)])
        self.assertNotIn(name, self.vgpus())

    def test_function_again_meanwhile(self):
        self.create_vgpu()
        self.daemon.stop()
        self.card.disable()
        self.card.enable()
        self.function.assign(self.number)
        self.restart(lambda: None)
        self.wait_until(lambda: self.vgpus() == [self.vgpu_of_others(self.function)], 'the vGPU of others')

    def test_killed_during_the_write(self):
        """The vGPU that the driver makes in the end has the UUID of the document."""
        uuid = self.new_uuid()
        self.function.set_knob('block_assign', True)
        creation = self.in_background(lambda: self.create_vgpu(uuid=uuid))
        self.card.wait_asked('write', self.function.address, CURRENT, self.deadline)
        self.daemon.signal(signal.SIGKILL)
        self.daemon.wait()
        with self.assertRaises(libvirt.libvirtError):
            creation.result(self.deadline)
        self.function.set_knob('block_assign', False)
        self.host.wait_idle()
        self.restart(lambda: None)
        self.assertEqual(self.vgpus(), [self.vgpu(self.function, uuid)])


class Storm(VgpuTest):
    """Many functions of several cards at once."""

    machine = 'm60'
    starts_daemon = False

    def setUp(self):
        self.addCleanup(lambda: None)
        super(VgpuTest, self).setUp()
        for number in range(CARDS):
            vgpu_hosts.add_l40s(self.host.kernel, number, FUNCTIONS)
        self.daemon.vgpu_types.write_text(vgpu_hosts.TABLE, encoding='utf-8')
        self.daemon.start(self.config)

    def test_create_and_destroy(self):
        functions = [function for card in self.host.cards for function in card.functions]
        connections = [self.connect() for _ in functions]
        for _ in range(2):
            creations = [self.in_background(self.create_vgpu, function, self.small_number, connection)
                         for function, connection in zip(functions, connections)]
            names = sorted(creation.result(self.deadline).name() for creation in creations)
            self.assertEqual({function.number for function in functions}, {self.small_number})
            self.assertEqual(self.names(MDEV), names)
            removals = [self.in_background(lambda name=name, connection=connection:
                                           connection.nodeDeviceLookupByName(name).destroy())
                        for name, connection in zip(names, connections)]
            for removal in removals:
                removal.result(self.deadline)
            self.assertEqual({function.number for function in functions}, {0})
            self.assertEqual(self.names(MDEV), [])
        for card in self.host.cards:
            self.assertEqual(len(card.asked('write')), 4 * FUNCTIONS)

    def test_more_than_the_cards_hold(self):
        """Everybody asks for half a card: each card makes two."""
        connections = [self.connect() for _ in range(CARDS * 4)]
        creations = [self.in_background(self.create_on_card, self.host.cards[number % CARDS], connection)
                     for number, connection in enumerate(connections)]
        results = [creation.result(self.deadline) for creation in creations]
        self.assertEqual(len([name for name in results if name]), CARDS * 2)
        self.assertEqual(sorted(name for name in results if name), self.vgpus())
        for card in self.host.cards:
            self.assertEqual(len(card.taken()), 2)
            self.assertEqual(card.traps, [])

    def create_on_card(self, card, connection):
        """Returns the name of the vGPU; None if the card is full."""
        try:
            return self.create_vgpu(parent=self.node(card), connection=connection).name()
        except libvirt.libvirtError as error:
            self.assertIn('no available instances', str(error))
            return None


class Errors(VgpuTest):
    def test_odd_errors_of_a_release(self):
        """After a refused release, the file decides what is true."""
        for number in (errno.EPERM, errno.ENOMEM, errno.ENODEV):
            with self.subTest(number):
                device = self.create_vgpu()
                self.function.set_knob('fail_release', number)
                with self.assertRaises(libvirt.libvirtError) as raised:
                    device.destroy()
                self.assertIn(device.name(), str(raised.exception))
                self.assertEqual(self.vgpus(), [device.name()])
                self.function.relax()
                device.destroy()
        self.assertEqual(self.card.traps, [])
