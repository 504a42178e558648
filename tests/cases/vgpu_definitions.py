# SPDX-License-Identifier: LGPL-2.1-or-later
"""Definitions of vGPUs: documents that name the card, autostart, and functions that are not enabled yet.

definitions.py, updates.py and autostart.py run with vGPUs as well.
"""

import libvirt

import documents
import rpc
import vgpu_card
from mediated_test import MediatedTest
from with_vgpus import WithVgpus

ONLY_ON = ('sim', 'the cards are simulated')
UPDATE_LIVE, UPDATE_CONFIG = 1, 2
MDEV, MDEV_TYPES, INACTIVE = 1 << 14, 1 << 13, 1 << 30
CARD = 'pci_0000_3d_00_0'
LOCK_RUNS = 5   # runs of the command in spite of its transient error


def address_of(device):
    """Returns the address of the function in the document of a vGPU."""
    return documents.find_capability(documents.parse(device.XMLDesc(0)), 'mdev').findtext('parent_addr')


class OnCard(WithVgpus, MediatedTest):
    """The document names the card: the daemon chooses a function, and the definition keeps this function."""

    def define_on_card(self, **fields):
        return self.define(parent=CARD, **fields)

    def addresses(self, count):
        return [self.place(number).address for number in range(count)]

    def test_functions_in_order(self):
        """Functions with a definition or a vGPU are left out."""
        self.create(parent=self.place(1).name)
        found = [address_of(self.define_on_card()) for _ in range(3)]
        self.assertEqual(found, [self.place(number).address for number in (0, 2, 3)])

    def test_at_once(self):
        """Concurrent definitions get different functions."""
        clients = [self.raw() for _ in range(8)]
        serials = []
        for client in clients:
            document = self.document(parent=CARD, uuid=self.new_uuid())
            serials.append(client.send('DEFINE_XML', rpc.string(document) + rpc.u32(0)))
        for client, serial in zip(clients, serials):
            self.assertIsNone(client.wait_reply(serial).error())
        defined = self.conn.listAllDevices(MDEV | INACTIVE)
        self.assertEqual(sorted(map(address_of, defined)), self.addresses(8))

    def test_life(self):
        uuid = self.new_uuid()
        device = self.define_on_card(uuid=uuid, attrs=[(self.attr, 'one')])
        self.assertEqual(device.name(), self.child_name(self.parent, uuid))
        self.assertEqual(device.parent(), self.parent.name)
        self.assertEqual(self.read_definition(uuid), {
            'mdev_type': self.type_id, 'start': 'manual', 'attrs': [{self.attr: 'one'}]})
        device.create(0)
        self.assertEqual(self.state(device.name()), (True, True, False))
        self.assertEqual(self.attribute(uuid), 'one')

    def test_again(self):
        """A document with the UUID of a device is about this device, on whatever function it is."""
        uuid = self.new_uuid()
        name = self.define(parent=self.place(5).name, uuid=uuid).name()
        self.assertEqual(self.define_on_card(uuid=uuid, attrs=[(self.attr, 'two')]).name(), name)
        attrs = [(self.attr, 'three')]
        self.raw().update(name, self.document(parent=CARD, uuid=uuid, attrs=attrs), UPDATE_CONFIG)
        self.assertEqual(self.read_definition(uuid, self.place(5).address)['attrs'], [{self.attr: 'three'}])
        self.assertEqual(self.names(MDEV), [name])

    def test_define_active(self):
        """Nova's order works: create, define the same document, set autostart."""
        document = self.document(parent=CARD, uuid=self.new_uuid())
        device = self.conn.nodeDeviceCreateXML(document, 0)
        self.assertEqual(self.conn.nodeDeviceDefineXML(document, 0).name(), device.name())
        device.setAutostart(1)
        self.assertEqual(self.state(device.name()), (True, True, True))

    def test_no_function_left(self):
        for parent in self.host.parents():
            self.define(parent=parent.name)
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, self.define_on_card, says=[CARD, 'definition'])


class TwoDefinitions(WithVgpus, MediatedTest):
    """Two definitions of one function: only one of them can be active."""

    def test_start(self):
        first, second = self.define(), self.define()
        first.create(0)
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, second.create, 0, says=self.parent.name)
        first.destroy()
        second.create(0)
        self.assertEqual(self.state(first.name()), (False, True, False))
        self.assertEqual(self.state(second.name()), (True, True, False))


class Taken(WithVgpus, MediatedTest):
    """Another program changes the vGPU meanwhile."""

    def test_record_is_not_inherited(self):
        """A UUID belongs to one vGPU, even if another program makes one of the same type on the function."""
        device = self.create()
        function = self.host.fake(self.parent)
        function.vacate()
        self.assertEqual(self.names(MDEV), [])
        function.assign(1145)
        other, = self.names(MDEV)
        self.assertNotEqual(other, device.name())

    def test_update_of_another_vgpu(self):
        """Another program has replaced the vGPU: its parameters are not changed."""
        uuid = self.new_uuid()
        name = self.create(uuid=uuid).name()
        client, function = self.raw(), self.host.fake(self.parent)
        function.vacate()
        function.assign(1147)
        document = self.document(uuid=uuid, attrs=[(self.attr, 'x')])
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, client.update, name, document, UPDATE_LIVE)
        self.assertEqual(function.params, '')


class Autostart(WithVgpus, MediatedTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)
        self.write_definition(self.uuid, start='auto', attrs=[{self.attr: 'x'}])

    def wait_state(self, active):
        self.wait_until(lambda: self.state(self.name)[0] == active, 'active' if active else 'inactive')

    def test_driver_bound_to_card_again(self):
        """Functions keep their drivers, but lose their types. Only the VFIO devices send events."""
        self.daemon.start(self.config)
        self.wait_state(True)
        for _ in range(2):
            self.card.unbind()
            self.wait_state(False)
            self.card.bind()
            self.wait_state(True)
            self.assertEqual(self.attribute(self.uuid), 'x')

    def test_functions_come_later(self):
        self.card.disable()
        self.daemon.start({'vgpu': {'enable': 'false'}})
        self.assertEqual(self.state(self.name), (False, True, True))
        self.card.enable()
        self.wait_state(True)

    def test_files_come_later(self):
        """No event announces the files of a function."""
        function = self.host.fake(self.parent)
        function.unbind()
        self.daemon.start(self.config)
        self.assertEqual(self.state(self.name), (False, True, True))
        function.bind(registers=False)
        function.add_vfio()
        function.add_files()
        self.wait_state(True)

    def test_retried_when_there_is_room(self):
        """Another size is in use on the card."""
        other = self.host.fake(self.place(1))
        other.assign(1155)
        self.daemon.start({'vgpu': {'poll': '1'}})
        self.wait_until(lambda: 'Failed to autostart' in self.daemon.log(), 'a message')
        other.vacate()
        self.wait_state(True)

    def test_two_definitions(self):
        """One of two definitions of the function is started, and the log names the other one."""
        names = {self.name, self.child_name(self.parent, uuid := self.new_uuid())}
        self.write_definition(uuid, start='auto')
        self.daemon.start(self.config)
        self.wait_until(lambda: any(self.state(name)[0] for name in names), 'one of them')
        failed, = [name for name in names if not self.state(name)[0]]
        self.wait_until(lambda: f"Failed to autostart '{failed}'" in self.daemon.log(), 'a message')
        self.assertEqual(self.count_children(), 1)

    def test_not_served(self):
        """Definitions are kept if vGPUs are hidden."""
        self.daemon.start({'vgpu': {'enabled': 'false'}})
        self.assertEqual(self.names(MDEV_TYPES), [])
        self.assertEqual(self.state(self.name), (False, True, True))
        device = self.conn.nodeDeviceLookupByName(self.name)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.create, 0, says=self.parent.name)
        device.setAutostart(0)
        self.assertEqual(self.read_definition(self.uuid)['start'], 'manual')
        device.undefine(0)
        self.assertEqual(self.names(MDEV), [])
        self.assertEqual(self.host.fake(self.parent).number, 0)


class Enabling(WithVgpus, MediatedTest):
    """The daemon enables the functions of a card if a definition with autostart names one of them."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)
        self.write_definition(self.uuid, start='auto')
        self.card.disable()

    def start(self, **settings):
        self.daemon.start({'vgpu': settings})

    def wait_started(self):
        self.wait_until(lambda: self.state(self.name)[0], 'active')

    def wait_log(self, *words):
        self.wait_until(lambda: any(all(word in line for word in words)
                                    for line in self.daemon.log().splitlines()), ' '.join(words))

    def test_command(self):
        self.start()
        self.wait_started()
        self.assertEqual(self.card.managed, ['-e'])

    def test_once(self):
        """Whoever disables the functions again has reasons."""
        self.start()
        self.wait_started()
        self.card.manage('-d')
        self.wait_until(lambda: not self.state(self.name)[0], 'inactive')
        self.host.announce_change(self.card.path)
        self.host.kernel.udevd.settle(self.deadline)
        self.barrier(self.listen())
        self.assertEqual(self.card.managed, ['-e'])

    def test_transient_error(self):
        self.card.lock_errors = 2
        self.start()
        self.wait_started()
        self.assertEqual(self.card.managed, ['-e'] * 3)

    def test_lasting_error(self):
        self.card.lock_errors = 100
        self.start()
        self.wait_log('Failed to enable', CARD, 'Cannot obtain unbindLock')
        self.assertEqual(self.card.managed, ['-e'] * LOCK_RUNS)
        self.assertEqual(self.state(self.name), (False, True, True))

    def test_other_error(self):
        self.daemon.sriov_manage.write_text('#!/bin/sh\necho "no such card" >&2\nexit 3\n', encoding='utf-8')
        self.start()
        self.wait_log('Failed to enable', CARD, 'exit status 3', 'no such card')
        self.assertEqual(self.card.managed, [])

    def test_without_command(self):
        """The kernel's interface is served by open drivers only."""
        self.card.accepts_numvfs = True
        self.start(enable_command='/nowhere/sriov-manage')
        self.wait_started()
        self.assertEqual(self.card.managed, [])

    def test_not_possible(self):
        self.start(enable_command='/nowhere/sriov-manage')
        self.wait_log('Failed to enable', CARD, '/nowhere/sriov-manage', 'not installed')
        self.assertEqual(self.state(self.name), (False, True, True))

    def test_forbidden(self):
        self.card.accepts_numvfs = True
        self.start(enable='false')
        self.assertEqual(self.state(self.name), (False, True, True))
        self.host.announce_change(self.card.path)
        self.host.kernel.udevd.settle(self.deadline)
        self.barrier(self.listen())
        self.assertEqual((self.card.managed, self.card.functions), ([], []))

    def test_not_needed(self):
        """Neither a definition without autostart nor one of another card's function is a reason."""
        self.write_definition(self.uuid)
        for address in ('0000:3d:04.4', '0000:45:00.4', '0001:3d:00.4', '0000:3d:00.3'):
            self.write_definition(self.new_uuid(), address, start='auto')
        self.start()
        self.assertEqual(self.state(self.name), (False, True, False))
        self.host.announce_change(self.card.path)
        self.host.kernel.udevd.settle(self.deadline)
        self.barrier(self.listen())
        self.assertEqual(self.card.managed, [])

    def test_some_are_enabled(self):
        """The definition names a function that this number of functions does not include."""
        self.card.functions.append(self.card.all_functions[0])
        self.card.functions[0].add()
        self.card.functions[0].bind()
        self.write_definition(self.new_uuid(), self.card.all_functions[9].address, start='auto')
        self.start()
        self.wait_started()
        self.assertEqual(self.card.managed, [])

    def test_offset_is_hidden(self):
        """Until functions are enabled, a card may not say where they will be."""
        self.host.kernel.sysfs.write(f'{self.card.path}/sriov_offset', '0\n')
        self.start()
        self.wait_started()
        self.assertEqual(self.card.managed, ['-e'])

    def test_driver_loaded_again(self):
        """The functions of a card are enabled again if its driver's module was unloaded."""
        self.start()
        self.wait_started()
        self.card.disable()
        self.card.unbind()
        self.wait_until(lambda: not self.state(self.name)[0], 'inactive')
        self.host.kernel.sysfs.rmdir(f'/sys/bus/pci/drivers/{vgpu_card.DRIVER}')
        self.card.bind()
        self.wait_started()
        self.assertEqual(self.card.managed, ['-e', '-e'])

    def test_card_comes_later(self):
        self.card.unbind()
        self.start()
        self.assertEqual(self.state(self.name), (False, True, True))
        self.card.bind()
        self.wait_started()
        self.assertEqual(self.card.managed, ['-e'])
