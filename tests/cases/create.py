# SPDX-License-Identifier: LGPL-2.1-or-later
"""Creating mediated devices: all ways to name parent and type, and the result."""

import errno

import libvirt

import documents
from mediated_test import MediatedTest, seldom_on

VALIDATE = libvirt.VIR_NODE_DEVICE_CREATE_XML_VALIDATE
REFUSED = 'Unable to start mediated device'


@seldom_on('vm', 'the document is parsed before the kernel sees anything',
           keeps=('test_by_type_id', 'test_parent_by_address', 'test_generated_uuid',
                  'test_capacity_shrinks_and_grows'))
class Create(MediatedTest):
    full_id, short_id, name = 'nvidia-14', '11', 'GRID M60-1Q'   # the name is that of full_id

    def check_created(self, name, parent, type_id, uuid):
        """Checks that API, document and sysfs agree, on this connection and on new ones."""
        self.assertEqual(name, self.child_name(parent, uuid))
        for connection in (self.conn, self.connect(), self.connect(read_only=True)):
            self.assertIn(name, self.names(connection=connection))
            root = documents.parse(self.dump(name, connection))
            self.assertEqual(root.findtext('parent'), parent.name)
            cap = documents.find_capability(root, 'mdev')
            self.assertEqual(cap.find('type').get('id'), type_id)
            self.assertEqual(cap.findtext('uuid'), uuid)
            self.assertEqual(cap.findtext('parent_addr'), parent.address)
            self.assertIsNotNone(root.findtext('driver/name'))
            self.assertEqual(cap.find('iommuGroup').get('number'), self.group(parent, uuid))
        self.assertEqual(self.type_of(parent, uuid), type_id)
        self.assertIn(uuid, self.children())

    def check(self, expected_type, below=None, flags=0, **fields):
        """Creates a device with these fields of the document and checks the result."""
        below = below or self.parent
        fields.setdefault('parent', below.name)
        uuid = self.new_uuid()
        device = self.create(flags=flags, uuid=uuid, **fields)
        self.check_created(device.name(), below, expected_type, uuid)

    def test_by_type_id(self):
        for parent in self.host.parents()[:2]:
            self.check(self.full_id, below=parent, type_id=self.full_id)

    def test_by_short_type_id(self):
        self.check(f'nvidia-{self.short_id}', type_id=self.short_id)

    def test_by_type_name(self):
        self.check(self.full_id, type_name=self.name)

    def test_parent_by_address(self):
        for parent in self.host.parents()[:2]:
            self.check(self.full_id, below=parent, parent=parent.address, type_id=self.full_id)

    def test_generated_uuid(self):
        device = self.conn.nodeDeviceCreateXML(self.document(), 0)
        (uuid,) = self.children()
        self.check_created(device.name(), self.parent, self.type_id, uuid)
        other = self.conn.nodeDeviceCreateXML(self.document(parent=self.place(1).name), 0)
        self.assertNotEqual(other.name(), device.name())

    def test_uuid_in_upper_case(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid.upper())
        self.check_created(device.name(), self.parent, self.type_id, uuid)

    def test_uuid_with_its_dashes_elsewhere(self):
        for form in ('{0}{1}-{2}{3}-{4}', ' {0} {1} {2} {3} {4}', '-{0}--{1}{2}{3} - {4}'):
            uuid = self.new_uuid()
            device = self.create(uuid=form.format(*uuid.split('-')))
            self.check_created(device.name(), self.parent, self.type_id, uuid)
            device.destroy()

    def test_uuid_without_dashes(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid.replace('-', ''))
        self.check_created(device.name(), self.parent, self.type_id, uuid)

    def test_output_elements(self):
        self.check(self.type_id, name='my-vgpu', parent_addr='ffff:ff:1f.7',
                   extra="    <iommuGroup number='7'/>\n    <nonsense/>")

    def test_document_of_another_device_serves_as_template(self):
        first = self.create()
        document = first.XMLDesc(0)
        first.destroy()
        again = self.conn.nodeDeviceCreateXML(document, 0)
        self.assertEqual(again.name(), first.name())

    def test_validate(self):
        self.check(self.type_id, flags=VALIDATE, name='new')

    def test_validate_wants_a_name(self):
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_XML_INVALID_SCHEMA, self.create, None, VALIDATE,
                                domain=libvirt.VIR_FROM_XML)

    def test_validate_refuses_elements_outside_the_schema(self):
        with self.nothing_changes():
            document = self.document(name='new', extra='    <nonsense/>')
            self.assert_refused(libvirt.VIR_ERR_XML_INVALID_SCHEMA, self.conn.nodeDeviceCreateXML, document, VALIDATE,
                                domain=libvirt.VIR_FROM_XML)

    def test_unknown_flags(self):
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, self.create, None, 2, says='unsupported flags')

    def test_capacity_shrinks_and_grows(self):
        before = self.host.available(self.parent, self.type_id)
        device = self.create()
        other = self.connect().nodeDeviceLookupByName(self.parent.name)
        shown = documents.mdev_types(documents.parse(other.XMLDesc(0)))[self.type_id]
        self.assertEqual(int(shown['availableInstances']), before - 1)
        device.destroy()
        shown = documents.mdev_types(documents.parse(other.XMLDesc(0)))[self.type_id]
        self.assertEqual(int(shown['availableInstances']), before)


@seldom_on('vm', 'refused before the kernel sees anything',
           keeps=('test_driver_fails', 'test_exhausted_before', 'test_exhausted_by_a_race',
                  'test_same_uuid_twice_at_once', 'test_uuid_in_use_by_a_device_of_others'))
class Refused(MediatedTest):
    """Valid documents that cannot be fulfilled are refused."""

    largest_id = 'nvidia-18'   # takes all room
    failures = ('fail_create', 'fail_create_late')

    def refuse(self, code, says=(), **fields):
        with self.nothing_changes():
            fields.setdefault('uuid', self.new_uuid())
            self.assert_refused(code, self.conn.nodeDeviceCreateXML, self.document(**fields), 0,
                                says=says)

    def test_unknown_parent(self):
        self.refuse(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, ['invalid parent device', 'pci_ffff_ff_1f_7'],
                    parent='pci_ffff_ff_1f_7')

    def test_no_parent(self):
        self.refuse(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, 'missing parent device', parent=None)

    def test_parent_without_types(self):
        plain = self.host.plain_pci()
        self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, [REFUSED, plain], parent=plain)

    def test_computer_as_parent(self):
        self.refuse(libvirt.VIR_ERR_PARSE_FAILED, "Unable to find address for parent device 'computer'", parent='computer')

    def test_mediated_device_as_parent(self):
        child = self.create().name()
        self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, child, parent=child)

    def test_unknown_type(self):
        for field in ({'type_id': 'nvidia-99'}, {'type_id': '99'}, {'type_name': 'GRID M60-99Q'}):
            with self.subTest(field):
                self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, [REFUSED, *field.values()], **field)

    def test_type_id_path(self):
        for type_id in ('..', '../..', 'nvidia-11/../nvidia-12', '/', '.', 'nvidia-11/devices'):
            with self.subTest(type_id):
                self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, REFUSED, type_id=type_id)

    def test_exhausted_before(self):
        self.create(parent=self.place(1).name, type_id=self.largest_id)
        self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, [REFUSED, self.largest_id, self.parent.name], type_id=self.largest_id)

    def test_exhausted_by_a_race(self):
        """The room is available when the daemon checks, and taken when the kernel creates."""
        uuid = self.new_uuid()
        with self.host.knob(self.parent, 'vanish', 1):
            root = documents.parse(self.dump(self.parent.name))
            rooms = [facts['availableInstances'] for facts in documents.mdev_types(root).values()]
            self.assertNotEqual(set(rooms), {'0'})
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML, self.document(uuid=uuid), 0,
                                says=[REFUSED, self.parent.name])
            self.assertEqual(self.host.children(), [])
        self.assertEqual(self.create(uuid=uuid).name(), self.child_name(self.parent, uuid))

    def test_uuid_in_use(self):
        uuid = self.new_uuid()
        self.create(uuid=uuid)
        for parent in self.host.parents()[:2]:
            with self.subTest(parent.name):
                self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, [REFUSED, uuid], parent=parent.name, uuid=uuid)

    def test_uuid_in_use_by_a_device_of_others(self):
        uuid = self.new_uuid()
        self.host.create_by_others(self.host.parents()[1], self.type_id, uuid)
        name = self.child_name(self.host.parents()[1], uuid)
        self.wait_until(lambda: name in self.names(), name)
        self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, [REFUSED, uuid], uuid=uuid)

    def test_same_uuid_twice_at_once(self):
        uuid = self.new_uuid()
        self.host.set_knob(self.parent, 'block_create', 1)
        first = self.in_background(lambda: self.create(self.connect(), uuid=uuid))
        self.host.wait_create_stuck(self.parent)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML, self.document(uuid=uuid), 0,
                            says=uuid)
        self.host.set_knob(self.parent, 'block_create', 0)
        self.assertEqual(first.result(self.deadline).name(), self.child_name(self.parent, uuid))
        self.assertEqual(self.children(), [uuid])

    def test_driver_fails(self):
        for knob in self.failures:
            for number in (errno.EIO, errno.EBUSY, errno.ENODEV, errno.ENOMEM):
                with self.subTest(knob, errno=number), self.host.knob(self.parent, knob, number):
                    self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, [REFUSED, self.parent.name])
        self.create()


class VirtualParents(MediatedTest):
    machine = 'virtual'

    def test_on_each(self):
        for parent in self.host.parents():
            for type_id in self.host.type_ids(parent):
                with self.subTest(type_id):
                    uuid = self.new_uuid()
                    device = self.create(parent=parent.name, type_id=type_id, uuid=uuid)
                    self.assertEqual(device.name(), self.child_name(parent, uuid))
                    self.assertEqual(device.parent(), parent.name)
                    self.assertEqual(self.host.children(parent), [uuid])
                    device.destroy()
                    self.assertEqual(self.host.children(parent), [])
