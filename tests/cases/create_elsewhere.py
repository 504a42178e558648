# SPDX-License-Identifier: LGPL-2.1-or-later
"""Creating devices on hardware that only the simulated host has."""

import libvirt

import documents
from mediated_test import MediatedTest, only_on


class OnMachine(MediatedTest):
    """Creates and destroys one device of each type; subclasses name the machines."""

    def create_each(self):
        for type_id in self.host.type_ids(self.parent):
            with self.subTest(type_id):
                uuid = self.new_uuid()
                device = self.create(type_id=type_id, uuid=uuid)
                self.assertEqual(device.name(), self.child_name(self.parent, uuid))
                self.assertIn(device.name(), self.names())
                device.destroy()
                self.assertNotIn(device.name(), self.names())
                self.assertEqual(self.host.children(), [])


@only_on('sim', 'the VM has no such hardware')
class Subchannel(OnMachine):
    machine = 'ccw'

    def test_create(self):
        self.create_each()

    def test_parent_by_address(self):
        device = self.create(parent='0.0.0062')
        self.assertEqual(device.parent(), 'css_0_0_0062')


@only_on('sim', 'the VM has no such hardware')
class Matrix(OnMachine):
    machine = 'ap'

    def test_create(self):
        self.create_each()

    def test_parent_by_address(self):
        self.assertEqual(self.create(parent='matrix').parent(), 'ap_matrix')

    def test_queues(self):
        uuid = self.new_uuid()
        self.create(uuid=uuid, attrs=[('assign_adapter', '5'), ('assign_domain', '4'),
                                      ('assign_domain', '0x47')])
        self.assertEqual(self.host.journal(uuid), [
            'assign_adapter=5', 'assign_domain=4', 'assign_domain=0x47'])


@only_on('sim', 'the VM has no such hardware')
class Gvtg(OnMachine):
    machine = 'gvtg'

    def test_create(self):
        self.create_each()

    def test_no_type_has_a_name(self):
        with self.nothing_changes():
            document = self.document(type_name='GVTg_V5_4')
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML, document, 0,
                                says='GVTg_V5_4')


@only_on('sim', 'the VM has no such hardware')
class VirtualFunctions(OnMachine):
    machine = 'a40'

    def test_create(self):
        uuid = self.new_uuid()
        for parent in self.host.parents():
            uuid = self.new_uuid()
            device = self.create(parent=parent.name, type_name='NVIDIA A40-2Q', uuid=uuid)
            self.assertEqual(device.name(), self.child_name(parent, uuid))
        self.assertEqual(len(self.host.children()), len(self.host.parents()))

    def test_one_device_takes_all_room_of_its_function(self):
        first, second = self.host.parents()[:2]
        self.create(parent=first.name, type_id='nvidia-557')
        for parent, room in ((first, '0'), (second, '1')):
            root = documents.parse(self.dump(parent.name))
            shown = {facts['availableInstances'] for facts in documents.mdev_types(root).values()}
            self.assertEqual(shown, {room})

    def test_physical_function_offers_nothing(self):
        with self.nothing_changes():
            document = self.document(parent='pci_0000_e8_00_0', type_id='nvidia-557')
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML, document, 0,
                                says='pci_0000_e8_00_0')


@only_on('sim', 'the module of the VM has no two types of one suffix')
class AmbiguousTypes(MediatedTest):
    """Two types of a parent with the same suffix or the same name."""

    machine = 'twins'

    def test_short_id(self):
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML,
                                self.document(type_id='11'), 0,
                                says=['11', 'twin-a-11', 'twin-b-11'])

    def test_name(self):
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML,
                                self.document(type_name='Twin'), 0, says='Twin')

    def test_more_of_the_id_tells_them_apart(self):
        for type_id, full in (('a-11', 'twin-a-11'), ('twin-b-11', 'twin-b-11')):
            uuid = self.new_uuid()
            self.create(type_id=type_id, uuid=uuid)
            self.assertEqual(self.host.link(f'{self.parent.path}/{uuid}/mdev_type'), full)
