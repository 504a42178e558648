# SPDX-License-Identifier: LGPL-2.1-or-later
"""Persistent devices: define, start, destroy, undefine, autostart, and their state in lists."""

import subprocess

import documents
import libvirt
import rpc
from mediated_test import MediatedTest, only_on, seldom_on
from with_vgpus import WithVgpus

PERSISTENT, TRANSIENT, INACTIVE, ACTIVE = 1 << 28, 1 << 29, 1 << 30, 1 << 31
MDEV = 1 << 14
XML_INACTIVE = 1

DEFINED, STARTED, PASSING = (False, True, False), (True, True, False), (True, False, False)


@seldom_on('vm', 'definitions are files',
           keeps=('test_whole_life', 'test_undefine_active', 'test_define_active', 'test_survives_the_daemon'))
class Life(MediatedTest):
    def test_whole_life(self):
        events = self.listen()
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        device = self.define(uuid=uuid, attrs=[(self.attr, 'one')])
        self.assertEqual(device.name(), name)
        self.assertEqual(self.state(name), DEFINED)
        self.assertEqual(self.read_definition(uuid), {
            'mdev_type': self.type_id, 'start': 'manual', 'attrs': [{self.attr: 'one'}]})
        self.assertEqual(self.children(), [])

        device.create(0)
        self.assertEqual(self.state(name), STARTED)
        self.assertEqual(self.journal(uuid), [f'{self.attr}=one'])
        device.destroy()
        self.assertEqual(self.state(name), DEFINED)
        self.assertEqual(self.children(), [])
        device.undefine(0)
        self.assertNotIn(name, self.names())
        self.assertFalse(self.definition_path(uuid).exists())
        self.barrier(events)
        self.assertEqual(self.told(events), [
            ('defined', name), ('created', name), ('update', self.parent.name), ('deleted', name),
            ('update', self.parent.name), ('undefined', name)])

    def test_undefine_active(self):
        device = self.define()
        device.create(0)
        device.undefine(0)
        self.assertEqual(self.state(device.name()), PASSING)
        device.destroy()
        self.assertNotIn(device.name(), self.names())

    def test_define_active(self):
        """Nova's order works: create, define the same document, set autostart."""
        events = self.listen()
        document = self.document(uuid=self.new_uuid())
        device = self.conn.nodeDeviceCreateXML(document, 0)
        self.assertEqual(self.state(device.name()), PASSING)
        self.assertEqual(self.conn.nodeDeviceDefineXML(document, 0).name(), device.name())
        self.assertEqual(self.state(device.name()), STARTED)
        device.setAutostart(1)
        self.assertEqual(self.state(device.name()), (True, True, True))
        device.destroy()
        inactive = self.conn.listAllDevices(MDEV | INACTIVE)
        self.assertEqual([each.name() for each in inactive], [device.name()])
        inactive[0].create(0)
        self.assertEqual(self.state(device.name()), (True, True, True))
        self.barrier(events)
        name, update = device.name(), ('update', self.parent.name)
        self.assertEqual(self.told(events), [
            ('created', name), update, ('defined', name), ('update', name), ('deleted', name),
            update, ('created', name), update])

    def test_create_xml_of_defined_device(self):
        """The active device uses the given document; the definition is unchanged, and used by the next start."""
        uuid, other = self.new_uuid(), self.host.type_ids(self.parent)[1]
        defined = self.define(uuid=uuid, attrs=[(self.attr, 'kept')])
        document = defined.XMLDesc(0)
        for attrs in ([(self.attr, 'given')], []):
            device = self.create(uuid=uuid, type_id=other, attrs=attrs)
            self.assertEqual(device.name(), defined.name())
            self.assertEqual(self.state(device.name()), STARTED)
            self.assertEqual(self.journal(uuid), [f'{name}={value}' for name, value in attrs])
            self.assertIn(f"<type id='{other}'", device.XMLDesc(0))
            self.assertNotIn("value='kept'", device.XMLDesc(0))
            self.assertEqual(self.raw().get_xml(device.name(), XML_INACTIVE), document)
            self.assertEqual(self.read_definition(uuid), {
                'mdev_type': self.type_id, 'start': 'manual', 'attrs': [{self.attr: 'kept'}]})
            device.destroy()
        defined.create(0)
        self.assertEqual(self.journal(uuid), [f'{self.attr}=kept'])
        self.assertIn(f"<type id='{self.type_id}'", defined.XMLDesc(0))

    def test_define_again(self):
        events = self.listen()
        uuid = self.new_uuid()
        device = self.define(uuid=uuid)
        device.setAutostart(1)
        other = self.host.type_ids(self.parent)[1]
        self.define(uuid=uuid, type_id=other, attrs=[(self.attr, 'x')])
        self.assertEqual(self.read_definition(uuid), {
            'mdev_type': other, 'start': 'auto', 'attrs': [{self.attr: 'x'}]})
        self.assertIn(f"<type id='{other}'", device.XMLDesc(0))
        self.define(uuid=uuid, type_id=other, attrs=[(self.attr, 'x')])
        self.barrier(events)
        self.assertEqual(self.told(events), [('defined', device.name()), ('update', device.name()),
                                             ('update', device.name())])

    def test_same_uuid_on_two_parents(self):
        first, second = self.host.parents()[:2]
        uuid = self.new_uuid()
        one = self.define(uuid=uuid, parent=first.name)
        two = self.define(uuid=uuid, parent=second.name)
        self.assertNotEqual(one.name(), two.name())
        one.setAutostart(1)
        self.assertEqual(self.state(two.name()), DEFINED)
        two.create(0)
        self.assertEqual(self.state(one.name()), (False, True, True))
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, one.create, 0, says=uuid)
        one.undefine(0)
        self.assertEqual(self.state(two.name()), STARTED)

    def test_without_uuid(self):
        device = self.conn.nodeDeviceDefineXML(self.document(), 0)
        uuid = documents.parse(device.XMLDesc(0)).findtext('.//uuid')
        self.assertEqual(device.name(), self.child_name(self.parent, uuid))
        self.assertTrue(self.definition_path(uuid).exists())

    def test_type_by_name_and_short(self):
        facts = self.host.types(self.parent)[self.type_id]
        for fields in ({'type_name': facts.name}, {'type_id': self.type_id.rpartition('-')[2]}):
            uuid = self.new_uuid()
            self.define(uuid=uuid, **fields)
            self.assertEqual(self.read_definition(uuid)['mdev_type'], self.type_id)

    def test_survives_the_daemon(self):
        device = self.define()
        started = self.define()
        started.create(0)
        names = self.names()
        self.daemon.stop()
        self.first_connection = None
        self.daemon.start(self.config)
        self.assertEqual(self.names(), names)
        self.assertEqual(self.state(device.name()), DEFINED)
        self.assertEqual(self.state(started.name()), STARTED)

    def test_many_changes_at_once(self):
        """Concurrent changes of one device are serialized: none is lost."""
        uuid = self.new_uuid()
        name = self.define(uuid=uuid).name()
        clients = [self.raw() for _ in range(4)]
        serials = []
        for round_number in range(5):
            for number, client in enumerate(clients):
                if number % 2:
                    serials.append((client, client.send('SET_AUTOSTART', rpc.string(name) +
                                                        rpc.i32(1))))
                else:
                    xml = self.document(uuid=uuid, attrs=[(self.attr, str(round_number))])
                    serials.append((client, client.send('DEFINE_XML', rpc.string(xml) +
                                                        rpc.u32(0))))
        for client, serial in serials:
            self.assertIsNone(client.wait_reply(serial).error())
        kept = self.read_definition(uuid)
        self.assertEqual((kept['mdev_type'], kept['start']), (self.type_id, 'auto'))
        self.assertIn(kept['attrs'], [[{self.attr: str(number)}] for number in range(5)])
        self.assertEqual(self.state(name), (False, True, True))


@seldom_on('vm', 'lists are made from memory')
class Lists(MediatedTest):
    def test_by_state(self):
        defined = self.define().name()
        started = self.define()
        started.create(0)
        passing = self.create(parent=self.place(1).name).name()
        started = started.name()
        for flags, names in ((0, [defined, started, passing]), (ACTIVE, [started, passing]),
                             (INACTIVE, [defined]), (PERSISTENT, [defined, started]),
                             (TRANSIENT, [passing]), (TRANSIENT | INACTIVE, []),
                             (PERSISTENT | ACTIVE, [started]),
                             (ACTIVE | INACTIVE, [defined, started, passing])):
            with self.subTest(flags):
                self.assertEqual(self.names(MDEV | flags), sorted(names))
        self.assertIn(defined, self.conn.listDevices('mdev', 0))
        self.assertEqual(self.conn.numOfDevices('mdev', 0), 3)
        self.assertIn(self.parent.name, self.names(TRANSIENT | ACTIVE))
        self.assertNotIn(self.parent.name, self.names(INACTIVE))

    def test_look_up(self):
        name = self.define().name()
        device = self.conn.nodeDeviceLookupByName(name)
        self.assertEqual(device.parent(), self.parent.name)
        self.assertEqual(device.listCaps(), ['mdev'])


@seldom_on('vm', 'inactive devices are not in the kernel', keeps=('test_active_and_defined_differ',))
class Documents(MediatedTest):
    def test_inactive(self):
        uuid = self.new_uuid()
        device = self.define(uuid=uuid, attrs=[(self.attr, 'a')])
        document = device.XMLDesc(0)
        self.assertIsNone(documents.validate(document))
        root = documents.parse(document)
        self.assertEqual(documents.outline(root), [('name', None), ('parent', None),
                                                   ('capability', 'mdev')])
        cap = documents.find_capability(root, 'mdev')
        self.assertEqual([child.tag for child in cap], ['type', 'uuid', 'parent_addr', 'attr'])
        self.assertEqual(cap.find('type').get('id'), self.type_id)
        self.assertEqual(cap.findtext('parent_addr'), self.parent.address)
        self.assertEqual(self.raw().get_xml(device.name(), XML_INACTIVE), document)

    def test_active_and_defined_differ(self):
        uuid = self.new_uuid()
        device = self.define(uuid=uuid, attrs=[(self.attr, 'a')])
        device.create(0)
        self.define(uuid=uuid, attrs=[(self.attr, 'b')])
        client = self.raw()
        self.assertIn("value='a'", device.XMLDesc(0))
        self.assertIn('<path>', device.XMLDesc(0))
        inactive = client.get_xml(device.name(), XML_INACTIVE)
        self.assertIn("value='b'", inactive)
        self.assertNotIn('<path>', inactive)

    def test_inactive_of_transient(self):
        name = self.create().name()
        client = self.raw()
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, client.get_xml, name, XML_INACTIVE,
                            says=name)
        self.assertIn(self.parent.name, client.get_xml(self.parent.name, XML_INACTIVE))


@seldom_on('vm', 'refused before the kernel sees anything', keeps=('test_states',))
class Refusals(MediatedTest):
    def test_states(self):
        device = self.define()
        name = device.name()
        invalid = libvirt.VIR_ERR_OPERATION_INVALID
        self.assert_refused(invalid, device.destroy, says=name)
        device.create(0)
        self.assert_refused(invalid, device.create, 0, says=name)
        device.undefine(0)
        self.assert_refused(invalid, device.undefine, 0, says=name)
        self.assert_refused(invalid, device.setAutostart, 1, says=name)
        device.destroy()
        for call in (lambda: device.create(0), lambda: device.undefine(0), device.destroy,
                     lambda: device.setAutostart(1)):
            self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, call, says=name)

    def test_of_hardware(self):
        device = self.conn.nodeDeviceLookupByName(self.parent.name)
        invalid = libvirt.VIR_ERR_OPERATION_INVALID
        with self.nothing_changes():
            self.assert_refused(invalid, device.create, 0, says=self.parent.name)
            self.assert_refused(invalid, device.undefine, 0, says=self.parent.name)
            self.assert_refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, device.setAutostart, 1,
                                says=self.parent.name)

    def test_of_the_machine(self):
        """A device of the machine is persistent without a definition."""
        device = self.conn.nodeDeviceLookupByName('computer')
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, device.undefine, 0, says='computer')

    def test_flags(self):
        device = self.define()
        with self.nothing_changes():
            argument = libvirt.VIR_ERR_INVALID_ARG
            self.assert_refused(argument, self.conn.nodeDeviceDefineXML, self.document(), 4)
            self.assert_refused(argument, device.create, 1)
            self.assert_refused(argument, device.undefine, 1)

    def test_documents(self):
        unsupported = libvirt.VIR_ERR_CONFIG_UNSUPPORTED
        define = self.conn.nodeDeviceDefineXML
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_XML_DETAIL, define, '<device>', 0)
            self.assert_refused(unsupported, define, documents.create(type_id='x'), 0)
            self.assert_refused(unsupported, define, self.document(parent='nobody'), 0,
                                says='nobody')
            self.assert_refused(libvirt.VIR_ERR_PARSE_FAILED, define,
                                self.document(parent='computer'), 0, says='computer')
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, define, self.document(type_name='no such'),
                                0, says='no such')
            self.assert_refused(libvirt.VIR_ERR_XML_INVALID_SCHEMA, define, self.document(), 1,
                                domain=libvirt.VIR_FROM_XML)
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, define, '<device><name>x</name>'
                                "<capability type='system'/></device>", 0)

    def test_read_only(self):
        name = self.define().name()
        reader = self.connect(read_only=True)
        device = reader.nodeDeviceLookupByName(name)
        denied = libvirt.VIR_ERR_OPERATION_DENIED
        self.assert_refused(denied, reader.nodeDeviceDefineXML, self.document(), 0)
        self.assert_refused(denied, device.create, 0)
        self.assert_refused(denied, device.undefine, 0)
        self.assert_refused(denied, device.setAutostart, 1)
        self.assertEqual(device.isPersistent(), 1)
        self.assertEqual(device.isActive(), 0)
        self.assertIn(name, self.names(INACTIVE, reader))


@seldom_on('vm', 'the kernel does not know these parents', keeps=('test_by_address',))
class UnknownParent(MediatedTest):
    """A device can be defined before its parent exists."""

    def test_pci(self):
        uuid = self.new_uuid()
        device = self.define(uuid=uuid, parent='pci_0000_99_00_0', type_id='nvidia-11')
        self.assertEqual(self.state(device.name()), DEFINED)
        self.assertEqual(device.parent(), 'computer')
        self.assertTrue(self.definition_path(uuid, '0000:99:00.0').exists())
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.create, 0, says='0000:99:00.0')
        device.undefine(0)
        self.assertNotIn(device.name(), self.names())

    def test_other_buses(self):
        for parent, address in (('css_0_0_0062', '0.0.0062'), ('ap_matrix', 'matrix'),
                                ('mbochs_mbochs', 'mbochs'), ('pci_10000_e1_00_1', '10000:e1:00.1')):
            uuid = self.new_uuid()
            self.define(uuid=uuid, parent=parent, type_id='x')
            self.assertTrue(self.definition_path(uuid, address).exists())

    def test_by_address(self):
        uuid = self.new_uuid()
        document = self.document(uuid=uuid, parent='card_of_tomorrow', parent_addr='card0')
        self.conn.nodeDeviceDefineXML(document, 0)
        self.assertTrue(self.definition_path(uuid, 'card0').exists())

    def test_own_document(self):
        """Such a device can be updated and defined again with its own document."""
        device = self.define(parent='pci_0000_99_00_0', type_id='nvidia-11')
        name = device.name()
        document = device.XMLDesc(0).replace('</uuid>', "</uuid><attr name='scratch' value='x'/>")
        self.raw().update(name, document, 0)
        shown = device.XMLDesc(0)
        self.assertIn("<attr name='scratch' value='x'/>", shown)
        device.undefine(0)
        self.assertEqual(self.conn.nodeDeviceDefineXML(shown, 0).name(), name)
        self.assertEqual(self.dump(name), shown)

    def test_invalid_address(self):
        for address in ('..', '.', 'a/b', 'scripts.d', 'x' * 300):
            document = self.document(uuid=self.new_uuid(), parent='nobody', parent_addr=address)
            self.assert_refused(libvirt.VIR_ERR_INVALID_ARG,
                                self.conn.nodeDeviceDefineXML, document, 0)
        self.assertEqual(self.names(MDEV), [])

    @only_on('sim', 'the VM cannot add a device with the address that is wanted')
    def test_parent_without_types(self):
        uuid = self.new_uuid()
        device = self.define(uuid=uuid, parent=self.host.plain_pci())
        self.assertEqual(device.parent(), self.host.plain_pci())
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.create, 0, says=self.host.plain_pci())


@seldom_on('vm', 'Life makes the same calls, and virsh takes a minute')
class Virsh(MediatedTest):
    """The same operations with virsh."""

    def virsh(self, *words):
        return subprocess.run(['virsh', '-q', '-c', f'nodedev:///system?socket={self.daemon.rw_path}',
                               *words], check=True, text=True, capture_output=True).stdout

    def listed(self, *words):
        return self.virsh('nodedev-list', '--cap', 'mdev', *words).split()

    def info(self, name):
        pairs = (line.partition(':') for line in self.virsh('nodedev-info', name).splitlines())
        return {key: value.strip() for key, _, value in pairs}

    def test_whole_life(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        path = self.daemon.directory / 'device.xml'
        path.write_text(self.document(uuid=uuid, name='any'), encoding='utf-8')
        facts = {'Name': name, 'Parent': self.parent.name, 'Active': 'no', 'Persistent': 'yes',
                 'Autostart': 'no'}
        self.virsh('nodedev-define', '--validate', str(path))
        self.assertEqual(self.info(name), facts)
        self.assertEqual((self.listed(), self.listed('--inactive'), self.listed('--all')),
                         ([], [name], [name]))
        self.assertIn(name, self.virsh('nodedev-list', '--tree', '--all'))
        self.virsh('nodedev-autostart', name)
        self.virsh('nodedev-start', name)
        self.assertEqual(self.info(name), {**facts, 'Active': 'yes', 'Autostart': 'yes'})
        self.assertEqual((self.listed(), self.listed('--inactive'), self.listed('--all')),
                         ([name], [], [name]))
        self.virsh('nodedev-autostart', '--disable', name)
        self.virsh('nodedev-undefine', name)
        self.assertEqual(self.info(name), {**facts, 'Active': 'yes', 'Persistent': 'no'})
        self.virsh('nodedev-destroy', name)
        self.assertEqual(self.listed('--all'), [])
        self.assertEqual(self.info(self.parent.name)['Persistent'], 'no')


@only_on('sim', 'the card is simulated')
class LifeOfVgpu(WithVgpus, Life):
    pass


@only_on('sim', 'the card is simulated')
class ListsOfVgpus(WithVgpus, Lists):
    pass


@only_on('sim', 'the card is simulated')
class DocumentsOfVgpus(WithVgpus, Documents):
    pass


@only_on('sim', 'the card is simulated')
class RefusalsOfVgpus(WithVgpus, Refusals):
    pass


@only_on('sim', 'the card is simulated')
class VirshWithVgpus(WithVgpus, Virsh):
    pass
