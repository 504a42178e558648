# SPDX-License-Identifier: LGPL-2.1-or-later
"""Virtual host adapters of Fibre Channel: created, found and destroyed on a simulated server.

scsi_host0 is not Fibre Channel, 1 is full with its port scsi_host6, 2 is not connected, 3 and 4 have room in two
fabrics, 5 has no virtual ports.
"""

import contextlib
import errno
import subprocess
import tempfile

import libvirt

import access
import documents
import fc
import rpc
from host import URI
from mediated_test import MediatedTest, only_on, seldom_on

NO_FIBRE = 'the VM has no Fibre Channel'
WWNN, WWPN = '5001a4a000000001', '5001a4a000000002'
OURS = '5001a4a'
NO_DEVICE = libvirt.VIR_ERR_NO_NODE_DEVICE
FABRICS = {3: '2001000dec9877c1', 4: '2001000dec9877c2'}
# The fake kernel's name of the next host.
NEXT = 'scsi_host7'


def document(parent='<parent>scsi_host3</parent>', wwnn=WWNN, wwpn=WWPN, name=None):
    """Returns a create document; names that are None are omitted."""
    names = ''.join(f'<{tag}>{text}</{tag}>' for tag, text in (('wwnn', wwnn), ('wwpn', wwpn))
                    if text is not None)
    title = f'<name>{name}</name>' if name else ''
    return (f"<device>{title}{parent}<capability type='scsi_host'>"
            f"<capability type='fc_host'>{names}</capability></capability></device>")


def parent_wwns(number):
    return f"<parent wwnn='20000000c9831b{number:02x}' wwpn='10000000c9831b{number:02x}'/>"


def write(path, text):
    """Writes in one system call, as sysfs requires."""
    with open(path, 'wb', buffering=0) as attribute:
        attribute.write(text.encode())


class VhbaTest(MediatedTest):
    machine = 'fibre'

    @property
    def hbas(self):
        return self.host.kernel.scsi_hosts

    @property
    def hba(self):
        return self.hbas[3]

    def make(self, *args, connection=None, **fields):
        return (connection or self.conn).nodeDeviceCreateXML(document(*args, **fields), 0)

    def ports(self, number):
        """Returns (wwpn, wwnn) of the kernel's ports below a host."""
        return [tuple(f'{name:016x}' for name in port) for port in self.hbas[number].ports]

    def writes(self):
        return [(path.rsplit('/', 2)[1:], data.decode())
                for path, data in self.host.kernel.writes]

    def check_adapter(self, device, number, wwnn=WWNN, wwpn=WWPN):
        """Checks that kernel, lists, document and look-ups agree."""
        name = device.name()
        self.assertIn((wwpn, wwnn), self.ports(number))
        for connection in (self.conn, self.connect(read_only=True)):
            self.assertIn(name, connection.listDevices('fc_host'))
            self.assertNotIn(name, connection.listDevices('vports'))
            root = documents.parse(self.dump(name, connection))
            self.assertEqual(root.findtext('parent'), f'scsi_host{number}')
            cap = documents.find_capability(root, 'scsi_host', 'fc_host')
            self.assertEqual((cap.findtext('wwnn'), cap.findtext('wwpn')), (wwnn, wwpn))
            found = connection.nodeDeviceLookupSCSIHostByWWN(wwnn, wwpn, 0)
            self.assertEqual(found.name(), name)

    def assert_gone(self, name):
        self.assertNotIn(name, self.names())
        self.assert_refused(NO_DEVICE, self.conn.nodeDeviceLookupByName, name, says=name)


@only_on('sim', NO_FIBRE)
class Create(VhbaTest):
    def test_parent_by_name(self):
        device = self.make()
        self.assertEqual(device.name(), NEXT)
        self.check_adapter(device, 3)
        self.assertEqual(self.writes(), [(['host3', 'vport_create'], f'{WWPN}:{WWNN}')])

    def test_parent_by_its_names(self):
        self.check_adapter(self.make(parent_wwns(4)), 4)

    def test_parent_in_capitals(self):
        self.check_adapter(self.make(parent_wwns(4).replace('c9831b', 'C9831B')), 4)

    def test_parent_by_fabric(self):
        for number, fabric in FABRICS.items():
            wwpn = f'5001a4a0000001{number:02x}'
            device = self.make(f"<parent fabric_wwn='{fabric}'/>", wwpn=wwpn)
            self.check_adapter(device, number, wwpn=wwpn)

    def test_fabric_of_a_full_one(self):
        """host1 is in the same fabric but full, so the other host is used."""
        self.check_adapter(self.make(f"<parent fabric_wwn='{FABRICS[3]}'/>"), 3)

    def test_any_parent(self):
        """Without a parent, the first connected host with room is used."""
        self.check_adapter(self.make(''), 3)

    def test_any_parent_until_all_are_full(self):
        made = [self.make('', wwpn=f'5001a4a00000020{number}') for number in range(5)]
        self.assertEqual([len(self.ports(number)) for number in (3, 4)], [3, 2])
        with Unchanged(self):
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML,
                                document('', wwpn='5001a4a000000210'), 0, says=('Could not find parent device', 'in use'))
        made[0].destroy()
        self.make('', wwpn='5001a4a000000210')

    def test_name_before_wwns(self):
        self.check_adapter(self.make(parent_wwns(4).replace('/>', '>scsi_host3</parent>')), 3)

    def test_generated_names(self):
        seen = set()
        for _ in range(2):
            device = self.make(wwnn=None, wwpn=None)
            cap = documents.find_capability(documents.parse(device.XMLDesc(0)), 'scsi_host',
                                            'fc_host')
            wwnn, wwpn = cap.findtext('wwnn'), cap.findtext('wwpn')
            self.assertTrue(wwnn.startswith(OURS) and wwpn.startswith(OURS), (wwnn, wwpn))
            self.check_adapter(device, 3, wwnn, wwpn)
            seen |= {wwnn, wwpn}
        self.assertEqual(len(seen), 4)

    def test_one_generated_name(self):
        device = self.make(wwpn=None)
        ((wwpn, wwnn),) = self.ports(3)
        self.assertEqual(wwnn, WWNN)
        self.check_adapter(device, 3, wwnn, wwpn)

    def test_names_in_other_notations(self):
        """Names in other notations are passed to the kernel as 16 digits, and shown in lower case."""
        wwnn, wwpn = '5001a4a00000000b', '5001a4a00000000c'
        self.check_adapter(self.make(wwnn=wwnn.upper(), wwpn=f'0x{wwpn}'), 3, wwnn, wwpn)

    def test_dumped_document(self):
        device = self.make()
        dumped = device.XMLDesc(0)
        device.destroy()
        again = self.conn.nodeDeviceCreateXML(dumped, libvirt.VIR_NODE_DEVICE_CREATE_XML_VALIDATE)
        self.check_adapter(again, 3)

    def test_events(self):
        events = self.listen()
        device = self.make()
        name = device.name()
        self.barrier(events)
        self.assertEqual(events.all(), [('created', name), ('update', 'scsi_host3')])
        device.destroy()
        self.barrier(events)
        self.assertEqual(events.all()[2:], [('deleted', name), ('update', 'scsi_host3')])

    def test_events_before_the_reply(self):
        client = self.raw()
        for event in (0, 1):
            client.register(event)
        name = client.create_xml(document())
        client.destroy(name)
        seen = [(frame.name, *frame.event()[1:2]) if frame.type == rpc.MESSAGE else (frame.name,)
                for frame in client.frames]
        self.assertEqual(seen[-6:], [('EVENT_LIFECYCLE', name), ('EVENT_UPDATE', 'scsi_host3'),
                                     ('CREATE_XML',), ('EVENT_LIFECYCLE', name),
                                     ('EVENT_UPDATE', 'scsi_host3'), ('DESTROY',)])

    def test_port_count(self):
        self.make()
        root = documents.parse(self.conn.nodeDeviceLookupByName('scsi_host3').XMLDesc(0))
        cap = documents.find_capability(root, 'scsi_host', 'vport_ops')
        self.assertEqual((cap.findtext('max_vports'), cap.findtext('vports')), ('3', '1'))

    def test_through_virsh(self):
        def virsh(*command):
            uri = URI.format(self.daemon.rw_path)
            return subprocess.run(['virsh', '-c', uri, *command], capture_output=True,
                                  text=True, check=True, timeout=self.deadline).stdout
        with tempfile.NamedTemporaryFile('w', suffix='.xml') as file:
            file.write(document())
            file.flush()
            self.assertIn(f'Node device {NEXT} created', virsh('nodedev-create', file.name))
        self.assertIn(NEXT, virsh('nodedev-list', '--cap', 'fc_host').split())
        self.assertIn(WWPN, virsh('nodedev-dumpxml', f'{WWNN},{WWPN}'))
        self.assertIn(f'+- {NEXT}', virsh('nodedev-list', '--tree'))
        self.assertIn('Destroyed', virsh('nodedev-destroy', f'{WWNN},{WWPN}'))
        self.assertNotIn(NEXT, virsh('nodedev-list').split())


class Unchanged:
    """A context around a refused call: devices and events must not change."""

    def __init__(self, case):
        self.case = case

    def __enter__(self):
        self.events = self.case.listen()
        self.before = self.state()
        return self

    def __exit__(self, kind, *_error):
        if kind is None:
            self.case.assertEqual(self.state(), self.before)
            self.case.barrier(self.events)
            self.case.assertEqual(self.events.all(), [])

    def state(self):
        return self.case.names(), [self.case.ports(number) for number in range(6)]


@only_on('sim', NO_FIBRE)
class Refused(VhbaTest):
    def check(self, code, xml, says, writes=False, domain=libvirt.VIR_FROM_NODEDEV):
        with Unchanged(self):
            self.assert_refused(code, self.conn.nodeDeviceCreateXML, xml, 0, says=says, domain=domain)
        self.assertEqual(bool(self.host.kernel.writes), writes)

    def test_invalid_parents(self):
        for parent, says in (
                ('<parent>nix</parent>', 'Could not find parent device'),
                (parent_wwns(9), 'Could not find parent device'),
                ("<parent fabric_wwn='2001000dec9877c9'/>", 'Could not find parent device'),
                ('<parent>computer</parent>', 'not capable of vport operations'),
                ('<parent>pci_0000_00_18_0</parent>', 'not capable of vport operations'),
                ('<parent>scsi_3_0_0_0</parent>', 'not capable of vport operations'),
                ('<parent>scsi_host0</parent>', 'not capable of vport operations'),
                ('<parent>scsi_host5</parent>', 'not capable of vport operations'),
                ('<parent>scsi_host6</parent>', 'not capable of vport operations'),
                (parent_wwns(5), 'not capable of vport operations')):
            with self.subTest(parent):
                self.check(libvirt.VIR_ERR_INTERNAL_ERROR, document(parent), says)

    def test_half_of_a_parent(self):
        for parent in ("<parent wwnn='20000000c9831b03'/>", "<parent wwpn='10000000c9831b03'/>"):
            self.check(libvirt.VIR_ERR_XML_ERROR, document(parent), 'must also be provided')

    def test_invalid_names(self):
        for name in ('zz', '5001a4a', WWNN + '0', '0x', '-' + WWNN[1:], WWNN[:15] + 'g', ' ' + WWNN,
                     '../../../../x', '5' * 100000):
            for fields in ({'wwnn': name}, {'wwpn': name},
                           {'parent': f"<parent fabric_wwn='{name}'/>"},
                           {'parent': f"<parent wwnn='{name}' wwpn='10000000c9831b03'/>"}):
                with self.subTest(name=name[:20], **{key: text[:40] for key, text in fields.items()}):
                    self.check(libvirt.VIR_ERR_XML_ERROR, document(**fields), 'Malformed wwn')

    def test_other_documents(self):
        for inside, says in (
                ('', 'not a fibre channel HBA'),
                ("<capability type='vport_ops'/>", 'not a fibre channel HBA'),
                ("<capability type='foo'/>", 'unknown SCSI host capability type'),
                ('<capability/>', 'missing SCSI host capability type'),
                ("<capability type='fc_host'/><capability type='fc_host'/>", 'repeated'),
                ('<host>x</host>', 'invalid SCSI host ID'),
                ('<unique_id>-1</unique_id>', 'invalid unique_id')):
            with self.subTest(inside):
                self.check(libvirt.VIR_ERR_INTERNAL_ERROR, says=says, xml=(
                    f'<device><parent>scsi_host3</parent><capability type="scsi_host">{inside}</capability></device>'))
        self.check(libvirt.VIR_ERR_XML_ERROR, document(wwnn=f'{WWNN}</wwnn><wwnn>{WWNN}'), 'more than one',
                   domain=libvirt.VIR_FROM_XML)

    def test_other_kinds(self):
        for xml in ("<capability type='fc_host'/>", "<capability type='vports'/>",
                    "<capability type='scsi'><host>1</host><bus>0</bus><target>0</target>"
                    '<lun>0</lun></capability>',
                    "<capability type='scsi_target'><target>target3:0:9</target></capability>",
                    "<capability type='scsi_generic'><char>/dev/sg9</char></capability>"):
            with self.subTest(xml):
                self.check(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, f'<device>{xml}</device>', 'Unsupported device type')

    def test_full(self):
        self.check(libvirt.VIR_ERR_INTERNAL_ERROR, document('<parent>scsi_host1</parent>'), ('scsi_host1', 'in use'),
                   writes=True)

    def test_names_in_use(self):
        """A port name is unique among all adapters, including physical ones."""
        self.make()
        self.host.kernel.writes.clear()
        for parent in ('<parent>scsi_host3</parent>', '<parent>scsi_host4</parent>', ''):
            self.check(libvirt.VIR_ERR_OPERATION_INVALID, document(parent), ('in use', NEXT, WWPN))
        self.check(libvirt.VIR_ERR_OPERATION_INVALID, document(wwnn='5001a4a000000009'), ('in use', NEXT))
        self.check(libvirt.VIR_ERR_OPERATION_INVALID, document(wwpn='10000000c9831b04'), ('in use', 'scsi_host4'))

    def test_same_node_twice(self):
        """A node may have several ports."""
        self.check_adapter(self.make(), 3)
        self.check_adapter(self.make(wwpn='5001a4a000000003'), 3, wwpn='5001a4a000000003')

    def test_validated(self):
        self.assert_refused(libvirt.VIR_ERR_XML_INVALID_SCHEMA, self.conn.nodeDeviceCreateXML,
                            document(), libvirt.VIR_NODE_DEVICE_CREATE_XML_VALIDATE, domain=libvirt.VIR_FROM_XML)

    def test_definitions(self):
        """Definitions are not supported, as in libvirt."""
        with Unchanged(self):
            self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.conn.nodeDeviceDefineXML, document(), 0,
                                says='Unsupported device type')
        device = self.make()
        with Unchanged(self):
            self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, device.undefine, says=device.name())
            self.assert_refused(libvirt.VIR_ERR_OPERATION_UNSUPPORTED, device.setAutostart, 1,
                                says='Unsupported device type')
            self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, device.create, says='active')
            self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.raw().update, device.name(), document(), 1,
                                says='Unsupported device type')

    def test_read_only(self):
        self.assert_refused(libvirt.VIR_ERR_OPERATION_DENIED, self.connect(read_only=True).nodeDeviceCreateXML,
                            document(), 0)

    def test_no_longer_there(self):
        """A parent that no longer exists is not written to."""
        self.assertIn('scsi_host3', self.names())
        self.hba.sysfs.rmdir(self.hba.path)
        self.assert_refused(NO_DEVICE, self.make, says='scsi_host3')
        self.assertEqual(self.host.kernel.writes, [])


@only_on('sim', NO_FIBRE)
class Destroy(VhbaTest):
    def test_destroy(self):
        device = self.make()
        self.assertEqual(device.destroy(), 0)
        self.assert_gone(NEXT)
        self.assertEqual(self.ports(3), [])
        self.assertEqual(self.writes()[1:], [(['host3', 'vport_delete'], f'{WWPN}:{WWNN}')])
        self.assert_refused(NO_DEVICE, self.conn.nodeDeviceLookupSCSIHostByWWN, WWNN, WWPN, 0)
        self.assert_refused(NO_DEVICE, device.destroy)

    def test_existing_adapter(self):
        self.conn.nodeDeviceLookupByName('scsi_host6').destroy()
        self.assert_gone('scsi_host6')
        self.assertEqual(self.ports(1), [])

    def test_physical_adapter(self):
        for name in ('scsi_host0', 'scsi_host3', 'scsi_host5'):
            with Unchanged(self):
                self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.conn.nodeDeviceLookupByName(name).destroy,
                                    says=('Unsupported device type', name))
        self.assertEqual(self.host.kernel.writes, [])

    def test_refusal_by_driver(self):
        device = self.make()
        self.hba.set_knob('fail_delete', errno.EIO)
        with Unchanged(self):
            self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR, device.destroy,
                                says=(NEXT, 'vport_delete', 'Input/output error'))
        self.hba.set_knob('fail_delete', 0)
        device.destroy()
        self.assert_gone(NEXT)

    def test_twice_at_once(self):
        device = self.make()
        self.hba.set_knob('block_delete', 1)
        blocked = self.in_background(device.destroy)
        self.wait_until(lambda: len(self.host.kernel.writes) == 2, 'the write')
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, self.connect().nodeDeviceLookupByName(NEXT).destroy,
                            says=NEXT)
        self.hba.set_knob('block_delete', 0)
        self.assertEqual(blocked.result(self.deadline), 0)
        self.assert_gone(NEXT)

    def test_removed_by_others(self):
        events = self.listen()
        self.make()
        self.hba.delete(int(WWPN, 16), int(WWNN, 16))
        events.wait(('deleted', NEXT))
        self.assert_gone(NEXT)

    def test_event_of_a_removed_class(self):
        """An event of Fibre Channel about a class that is gone is not a change."""
        device = self.make()
        events = self.listen()
        host = self.hba.wait_port(self.deadline)
        uevent = self.host.kernel.sysfs.uevent(host.fc_path)
        self.host.kernel.sysfs.rmdir(host.fc_path)
        self.host.kernel.event('add', host.fc_path, SUBSYSTEM='fc_host', **uevent)
        self.host.kernel.udevd.settle(self.deadline)
        self.host.kernel.sysfs.mkdir(host.fc_path)
        host.sysfs.write(f'{host.fc_path}/uevent', '')
        host.fill()
        device.destroy()
        self.barrier(events)
        self.assertEqual(events.all(), [('deleted', NEXT), ('update', 'scsi_host3')])

    def test_silent_udev(self):
        device = self.make()
        events = self.listen()
        with self.host.silence_udev():
            device.destroy()
            self.assert_gone(NEXT)
        self.barrier(events)
        self.assertEqual(events.count(('deleted', NEXT)), 1)


class DestroyInVain(Destroy):
    def test_port_stays(self):
        device = self.make()
        self.hba.set_knob('silent', 1)
        with Unchanged(self), self.settings(mdev={'event_timeout': '0.2'}):
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.destroy, says=(NEXT, 'still present'))
        self.hba.set_knob('silent', 0)
        device.destroy()


@only_on('sim', NO_FIBRE)
class LookUp(VhbaTest):
    def look_up(self, wwnn, wwpn, flags=0):
        return self.conn.nodeDeviceLookupSCSIHostByWWN(wwnn, wwpn, flags).name()

    def test_physical_ones(self):
        for number in range(1, 6):
            self.assertEqual(self.look_up(f'20000000c9831b0{number}', f'10000000c9831b0{number}'),
                             f'scsi_host{number}')

    def test_other_notations(self):
        self.assertEqual(self.look_up('0x20000000C9831B03', '10000000C9831b03'), 'scsi_host3')

    def test_nobody(self):
        for wwnn, wwpn in (('20000000c9831b03', '10000000c9831b04'),
                           ('10000000c9831b03', '20000000c9831b03'), ('', ''), ('zz', 'zz'),
                           ('20000000c9831b03', ''), ('x' * 5000, '\x01\n')):
            message = self.assert_refused(NO_DEVICE, self.look_up, wwnn, wwpn,
                                          says='no node device with matching wwnn')
            self.assertLess(len(message), 300)

    def test_flags(self):
        self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, self.look_up, WWNN, WWPN, 1, says='unsupported flags')


@only_on('sim', NO_FIBRE)
class Authorized(access.PolkitTest):
    machine = 'fibre'
    rules = access.only('scsi_host3') + access.allow_all('read')

    def test_look_up(self):
        client = self.opened(access.NOBODY)

        def look_up(number):
            names = [rpc.string(f'{kind}0000000c9831b{number:02x}') for kind in (2, 1)]
            decoder = client.call('LOOKUP_SCSI_HOST_BY_WWN', b''.join(names) + rpc.u32(0))
            return decoder.end(decoder.string())
        self.assertEqual(look_up(3), 'scsi_host3')
        self.assert_denied(look_up, 4)
        self.assert_refused(NO_DEVICE, look_up, 9)

    def test_look_up_while_another_gets_the_names(self):
        """A permission on one device does not extend to another device with the same names."""
        device = self.conn.nodeDeviceCreateXML(document(), 0)
        self.polkit.use(access.only(device.name()))
        client = self.opened(access.NOBODY)
        wanted = rpc.string(WWNN) + rpc.string(WWPN) + rpc.u32(0)
        self.assertEqual(client.call('LOOKUP_SCSI_HOST_BY_WWN', wanted).string(), NEXT)
        self.polkit.pause()
        asked = client.send('LOOKUP_SCSI_HOST_BY_WWN', wanted)
        client.wait_reply(client.send('IS_SECURE')).decoder()
        device.destroy()
        self.assertNotEqual(self.conn.nodeDeviceCreateXML(document(), 0).name(), NEXT)
        self.polkit.resume()
        self.assert_denied(lambda: client.wait_reply(asked).decoder())

    def test_create_and_destroy(self):
        client = self.opened(access.NOBODY)
        self.assert_denied(client.create_xml, document())
        self.assert_denied(client.destroy, 'scsi_host6')
        self.polkit.use(access.allow_all('write', 'start', 'stop'))
        client = self.opened(access.NOBODY)
        client.destroy(client.create_xml(document()))


@only_on('sim', NO_FIBRE)
class Late(VhbaTest):
    """The kernel announces an adapter before its names exist, and sends no later event."""

    def test_names_appear_late(self):
        events = self.listen()
        self.hba.set_knob('late', 150)
        self.check_adapter(self.make(), 3)
        self.barrier(events)
        self.assertEqual(events.all(), [('created', NEXT), ('update', 'scsi_host3')])

    def test_names_appear_before_the_write_ends(self):
        self.hba.set_knob('block_create', 2)
        self.hba.set_knob('late', 20)
        made = self.in_background(lambda: self.make(connection=self.connect()))
        self.hba.wait_port(self.deadline)
        self.host.kernel.udevd.settle(self.deadline)
        self.assertNotIn(NEXT, self.names())
        self.assertFalse(made.is_done())
        self.hba.set_knob('block_create', 0)
        self.check_adapter(made.result(self.deadline), 3)

    def test_by_others(self):
        """An adapter created by another program is not listed before its names exist."""
        events = self.listen()
        self.hba.set_knob('late', -1)
        host = self.hba.create(int(WWPN, 16), int(WWNN, 16))
        self.host.kernel.udevd.settle(self.deadline)
        self.assertNotIn(NEXT, self.names())
        host.fill()
        events.wait(('created', NEXT))
        self.check_adapter(self.conn.nodeDeviceLookupByName(NEXT), 3)

    def test_child_added_before_the_adapter(self):
        """A device below has the adapter as its parent as soon as the adapter is listed."""
        events = self.listen()
        self.hba.set_knob('late', -1)
        host = self.hba.create(int(WWPN, 16), int(WWNN, 16))
        fc.add_target(host, 0)
        target = f'scsi_target{host.number}_0_0'
        events.wait(('created', target))
        self.assertEqual(self.conn.nodeDeviceLookupByName(target).parent(), 'scsi_host3')
        host.fill()
        events.wait(('created', NEXT), ('update', target))
        self.assertEqual(self.conn.nodeDeviceLookupByName(target).parent(), NEXT)

    def test_child_added_before_the_adapter_changes(self):
        """The same if a change event, instead of the daemon's polling, completes the adapter."""
        events = self.listen()
        self.hba.set_knob('late', -1)
        for number in range(3):
            host = self.hba.create(int(WWPN, 16) + number, int(WWNN, 16))
            target = f'scsi_target{host.number}_0_0'
            fc.add_target(host, 0)
            events.wait(('created', target))
            host.fill()
            self.host.kernel.event('change', host.path)
            events.wait(('created', f'scsi_host{host.number}'), ('update', target))
            self.assertEqual(self.conn.nodeDeviceLookupByName(target).parent(), f'scsi_host{host.number}')

    def test_other_clients(self):
        self.hba.set_knob('block_create', 1)
        blocked = self.in_background(lambda: self.make(connection=self.connect()))
        self.wait_until(lambda: self.host.kernel.writes, 'the write')
        wwpn = '5001a4a000000005'
        self.check_adapter(self.make('<parent>scsi_host4</parent>', wwpn=wwpn), 4, wwpn=wwpn)
        self.assertFalse(blocked.is_done())
        self.hba.set_knob('block_create', 0)
        self.check_adapter(blocked.result(self.deadline), 3)

    def test_same_twice_at_once(self):
        """The second create waits for the first, and is refused because the port exists by then."""
        self.hba.set_knob('block_create', 1)
        first = self.in_background(lambda: self.make(connection=self.connect()))
        self.wait_until(lambda: self.host.kernel.writes, 'the write')
        client = self.raw()
        second = client.send('CREATE_XML', rpc.string(document('')) + rpc.u32(0))
        self.assertEqual(client.look_up('computer'), 'computer')
        self.assertEqual(len(self.host.kernel.writes), 1)
        self.hba.set_knob('block_create', 0)
        self.check_adapter(first.result(self.deadline), 3)
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, lambda: client.wait_reply(second).decoder(), says='in use')

    def test_disconnected_client(self):
        self.hba.set_knob('block_create', 1)
        client = self.raw()
        client.send('CREATE_XML', rpc.string(document()) + rpc.u32(0))
        self.wait_until(lambda: self.host.kernel.writes, 'the write')
        client.disconnect()
        self.hba.set_knob('block_create', 0)
        self.wait_until(lambda: NEXT in self.names(), NEXT)

    def test_many(self):
        self.hba.most = 40
        self.hba.update_room()
        self.hba.set_knob('late', 5)
        clients = [self.raw() for _ in range(8)]
        for round_ in range(4):
            for index, client in enumerate(clients):
                client.send('CREATE_XML', rpc.string(document(
                    wwpn=f'5001a4a00000{round_:02x}{index:02x}')) + rpc.u32(0))
        made = {client.wait_reply(serial).decoder().string()
                for client in clients for serial in range(client.serial - 3, client.serial + 1)}
        self.assertEqual(len(made), 32)
        self.assertEqual(len(self.ports(3)), 32)
        self.assertLessEqual(made, set(self.names()))
        for name in made:
            self.conn.nodeDeviceLookupByName(name).destroy()
        self.assertEqual(self.ports(3), [])


@only_on('sim', NO_FIBRE)
class Failing(VhbaTest):
    def test_refusal_by_driver(self):
        for number, says in ((errno.EIO, 'Input/output error'),
                             (errno.EBUSY, 'Device or resource busy')):
            self.hba.set_knob('fail_create', number)
            with Unchanged(self):
                self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR, self.make, says=('scsi_host3', WWPN, says))

    def test_any_parent_when_one_refuses(self):
        self.hba.set_knob('fail_create', errno.EIO)
        self.check_adapter(self.make(''), 4)

    def test_any_parent_with_hung_adapter(self):
        self.hba.set_knob('block_state', 1)
        with self.settings(mdev={'driver_timeout': '1'}):
            self.check_adapter(self.make(''), 4)

    def test_any_parent_if_one_does_not_answer(self):
        self.hba.set_knob('fail_state', errno.EIO)
        self.check_adapter(self.make(''), 4)

    def test_no_connected_adapter(self):
        for hba in self.hbas[1:5]:
            hba.set_text('port_state', 'Linkdown\n')
        with Unchanged(self):
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.make, '', says=('Could not find parent', 'not online'))
        # The parent can still be used by name.
        self.check_adapter(self.make(), 3)

    def test_port_stays(self):
        self.hba.set_knob('silent', 1)
        with Unchanged(self), self.settings(mdev={'event_timeout': '0.3'}):
            self.assert_refused(NO_DEVICE, self.make, says=(WWNN, WWPN, 'scsi_host3'))
        self.hba.set_knob('silent', 0)
        self.check_adapter(self.make(), 3)

    def test_names_never_appear(self):
        """An adapter whose names never appear is listed without them, by the kernel's name."""
        self.hba.set_knob('late', -1)
        with self.settings(mdev={'event_timeout': '0.3'}):
            self.assert_refused(NO_DEVICE, self.make, says=(WWNN, WWPN))
        self.wait_until(lambda: NEXT in self.names(), 'the adapter, as it is')
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceLookupByName(NEXT).destroy, says=NEXT)
        self.hba.wait_port(self.deadline).fill()
        self.conn.nodeDeviceLookupByName(NEXT).destroy()
        self.assert_gone(NEXT)

    def test_write_timeout(self):
        self.hba.set_knob('block_create', 1)
        with self.settings(mdev={'driver_timeout': '0.5'}):
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, self.make, says=('scsi_host3', 'did not answer in time'))
        self.assertNotIn(NEXT, self.names())
        self.hba.set_knob('block_create', 0)
        self.wait_until(lambda: NEXT in self.names(), 'the adapter, in the end')

    def test_removal_timeout(self):
        device = self.make()
        self.hba.set_knob('block_delete', 1)
        with self.settings(mdev={'driver_timeout': '0.5'}):
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, device.destroy, says=(NEXT, 'did not answer in time'))
        self.assertIn(NEXT, self.names())
        self.hba.set_knob('block_delete', 0)
        self.wait_until(lambda: NEXT not in self.names(), 'its end')

    def test_silent_udev(self):
        """Without udev's events, sysfs decides."""
        events = self.listen()
        with self.settings(mdev={'event_timeout': '0.3'}), self.host.silence_udev():
            self.check_adapter(self.make(), 3)
        self.barrier(events)
        self.assertEqual(events.all(), [('created', NEXT), ('update', 'scsi_host3')])


@only_on('vm', 'it takes the Fibre Channel of a real kernel: that over Ethernet, without a fabric')
@seldom_on('vm', 'refused by the daemon, or the same several times',
           keeps=('test_create_and_destroy', 'test_by_others'))
class RealKernel(MediatedTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.run_tool('modprobe', 'fcoe')
        self.run_tool('ip', 'link', 'add', 'md-fc0', 'type', 'veth', 'peer', 'name', 'md-fc1')
        self.addCleanup(self.tear_down)
        for name in ('md-fc0', 'md-fc1'):
            self.run_tool('ip', 'link', 'set', name, 'up')
        write('/sys/bus/fcoe/ctlr_create', 'md-fc0')
        self.run_tool('udevadm', 'settle')
        self.daemon.start(self.config)
        (self.physical,) = self.conn.listDevices('vports')

    def run_tool(self, *command):
        subprocess.run(command, check=True, timeout=self.deadline)

    def tear_down(self):
        write('/sys/bus/fcoe/ctlr_destroy', 'md-fc0')
        self.run_tool('ip', 'link', 'delete', 'md-fc0')
        self.run_tool('udevadm', 'settle')

    def make(self, wwpn=WWPN, parent=None):
        return self.conn.nodeDeviceCreateXML(
            document(f'<parent>{parent or self.physical}</parent>', wwpn=wwpn), 0)

    def vports(self):
        root = documents.parse(self.dump(self.physical))
        return int(documents.find_capability(root, 'scsi_host', 'vport_ops').findtext('vports'))

    def test_create_and_destroy(self):
        events = self.listen()
        device = self.make()
        path = documents.parse(device.XMLDesc(0)).findtext('path')
        number = path.rsplit('/', 1)[1]
        self.assertEqual(self.host.read(f'{path}/fc_host/{number}/port_name'), f'0x{WWPN}')
        self.assertEqual(device.listCaps(), ['scsi_host', 'fc_host'])
        self.assertEqual(device.parent(), self.physical)
        self.assertEqual(self.conn.nodeDeviceLookupSCSIHostByWWN(WWNN, WWPN, 0).name(),
                         device.name())
        self.assertEqual(self.vports(), 1)
        device.destroy()
        self.assertFalse(self.host.exists(path))
        self.assertEqual(self.vports(), 0)
        self.barrier(events)
        name = device.name()
        self.assertEqual(events.all(), [('created', name), ('update', self.physical),
                                        ('deleted', name), ('update', self.physical)])

    def test_many(self):
        """The kernel reuses host numbers; each adapter is a separate device."""
        events = self.listen()
        for number in range(20):
            wwpn = f'5001a4a0000003{number:02x}'
            device = self.make(wwpn)
            self.assertEqual(self.conn.nodeDeviceLookupSCSIHostByWWN(WWNN, wwpn, 0).name(),
                             device.name())
            device.destroy()
        self.barrier(events)
        kinds = [kind for kind, name in events.all() if name != self.physical]
        self.assertEqual(kinds, ['created', 'deleted'] * 20)
        self.assertEqual(self.conn.listDevices('fc_host'), [self.physical])

    def test_by_others(self):
        device = documents.parse(self.dump(self.physical))
        path = device.findtext('path')
        control = f'{path}/fc_host/{path.rsplit("/", 1)[1]}'
        events = self.listen()
        write(f'{control}/vport_create', f'{WWPN}:{WWNN}')

        def look_up():
            with contextlib.suppress(libvirt.libvirtError):
                return self.conn.nodeDeviceLookupSCSIHostByWWN(WWNN, WWPN, 0)
            return None
        name = self.wait_until(look_up, 'the adapter').name()
        write(f'{control}/vport_delete', f'{WWPN}:{WWNN}')
        events.wait(('created', name), ('deleted', name))
        self.assertNotIn(name, self.names())

    def test_refused(self):
        self.make()
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, self.make, says='in use')
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML, document('', wwpn=None), 0,
                            says=('Could not find parent device', 'not online'))
        self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.conn.nodeDeviceLookupByName(self.physical).destroy)
        self.conn.nodeDeviceLookupSCSIHostByWWN(WWNN, WWPN, 0).destroy()
