# SPDX-License-Identifier: LGPL-2.1-or-later
"""s390 devices: subchannels and the devices behind them, groups, cryptographic adapters.

The golden documents are the output of libvirtd 9.0.0 on the same machine. This version lists neither offline devices
(libvirt does since 10.5) nor groups (since 11.1).
"""

import pathlib
import re

import libvirt

import documents
import s390_hosts
from mediated_test import MediatedTest, only_on

GOLDEN = pathlib.Path(__file__).parent / 'golden/mainframe'
CSS = s390_hosts.CSS
GROUP = f'{s390_hosts.QETH}/0.0.bd00'
OFFLINE = 'ccw_0_0_1501'
NEWER = [OFFLINE, 'ccwgroup_0_0_bd00']
# Elements of ccw devices since libvirt 10.5 and 11.1.
NEWER_PARTS = re.compile(r"^ {4}<state>.*</state>\n|^ {4}<capability type='ccwgroup_member'>\n.*\n *</capability>\n",
                         re.MULTILINE)
FLAGS = {'ccw': 1 << 15, 'css': 1 << 16, 'ap_card': 1 << 18, 'ap_queue': 1 << 19, 'ap_matrix': 1 << 20,
         'ccwgroup': 1 << 22, 'ccwgroup_member': 1 << 23, 'mdev_types': 1 << 13}
MEMBERS = ['ccw_0_0_bd00', 'ccw_0_0_bd01', 'ccw_0_0_bd02']


@only_on('sim', 'the VM has no such hardware')
class Mainframe(MediatedTest):
    machine = 'mainframe'

    def golden_names(self):
        return sorted(path.stem for path in GOLDEN.glob('*.xml'))

    def look_up(self, name):
        return self.conn.nodeDeviceLookupByName(name)

    def root(self, name):
        return documents.parse(self.look_up(name).XMLDesc(0))


class Golden(Mainframe):
    config = {'xml': {'details': 'false'}}

    def test_documents(self):
        for name in self.golden_names():
            with self.subTest(name):
                document = self.look_up(name).XMLDesc(0)
                self.assertEqual(NEWER_PARTS.sub('', document), (GOLDEN / f'{name}.xml').read_text())
                # The schema defines whether the elements are permitted.
                self.assertIsNone(documents.validate(document))

    def test_set(self):
        expected = [*self.golden_names(), *NEWER, 'computer', self.host.plain_pci()]
        self.assertEqual(self.names(), sorted(expected))


class Shown(Mainframe):
    def test_schema(self):
        for name in [*self.golden_names(), *NEWER]:
            with self.subTest(name):
                document = self.look_up(name).XMLDesc(0)
                self.assertIsNone(documents.validate(document, self.schema), document)

    def test_state(self):
        self.assertEqual(self.root('ccw_0_0_1500').findtext('capability/state'), 'online')
        self.assertEqual(self.root(OFFLINE).findtext('capability/state'), 'offline')
        self.assertEqual(self.root('ccwgroup_0_0_bd00').findtext('capability/state'), 'online')

    def test_group(self):
        root = self.root('ccwgroup_0_0_bd00')
        self.assertEqual(root.findtext('parent'), 'computer')
        self.assertEqual(root.findtext('driver/name'), 'qeth')
        self.assertEqual([(member.get('ref'), member.text) for member in root.iter('ccw_device')],
                         [(f'cdev{number}', name) for number, name in enumerate(MEMBERS)])
        card = documents.find_capability(root, 'ccwgroup', 'qeth_generic')
        self.assertEqual((card.findtext('card_type'), card.findtext('chpid')), ('OSD_10GIG', 'BD'))

    def test_members(self):
        for name in MEMBERS:
            group = documents.find_capability(self.root(name), 'ccw', 'ccwgroup_member')
            self.assertEqual(group.findtext('group_device'), 'ccwgroup_0_0_bd00')
            self.assertEqual(self.look_up(name).listCaps(), ['ccw', 'ccwgroup_member'])
        self.assertIsNone(documents.find_capability(self.root('ccw_0_0_1500'), 'ccw', 'ccwgroup_member'))

    def test_lists(self):
        prefixes = {'ccw': 'ccw_', 'css': 'css_', 'ap_card': 'ap_card', 'ap_matrix': 'ap_matrix',
                    'ccwgroup': 'ccwgroup_'}
        expected = {kind: [name for name in self.names() if name.startswith(prefix)]
                    for kind, prefix in prefixes.items()}
        expected |= {'ap_queue': ['ap_04_0023', 'ap_04_0024', 'ap_0a_0023'], 'ccwgroup_member': MEMBERS,
                     'mdev_types': ['ap_matrix', 'css_0_0_00d0']}
        for kind, names in expected.items():
            with self.subTest(kind):
                self.assertEqual(self.names(FLAGS[kind]), names)
                self.assertEqual(sorted(self.conn.listDevices(kind)), names)
        self.assertEqual(self.names(FLAGS['ap_card'] | FLAGS['ap_matrix']), ['ap_card04', 'ap_card0a', 'ap_matrix'])

    def test_tree(self):
        for name, parent in (('ccw_0_0_1500', 'css_0_0_0000'), ('ccw_0_3_beef', 'css_0_3_0a3f'),
                             ('ap_0a_0023', 'ap_card0a'), ('css_0_0_0000', 'computer')):
            self.assertEqual(self.look_up(name).parent(), parent)


class Cards(Mainframe):
    """Groups with names other than the mainframe's card."""

    machine = 'cards'
    GROUPS = {'ccwgroup_0_0_0bd0': 'qeth_layer2', 'ccwgroup_0_0_1bd0': 'qeth_layer3',
              'ccwgroup_0_0_2bd0': 'qeth_generic', 'ccwgroup_0_0_3bd0': None, 'ccwgroup_0_0_4bd0': None,
              'ccwgroup_0_0_5bd0': None}

    def test_all(self):
        self.assertEqual(self.names(FLAGS['ccwgroup']), sorted(self.GROUPS))
        self.assertEqual(sorted(self.conn.listDevices('ccwgroup')), sorted(self.GROUPS))

    def test_documents(self):
        for name, card_type in self.GROUPS.items():
            with self.subTest(name):
                document = self.look_up(name).XMLDesc(0)
                cap = documents.parse(document).find('capability')
                self.assertIsNone(documents.validate(document, self.schema), document)
                self.assertEqual({card.get('type'): (card.findtext('card_type'), card.findtext('chpid'))
                                  for card in cap.findall('capability')},
                                 {card_type: ('OSD_10GIG', 'BD')} if card_type else {})
                self.assertEqual({member.text for member in cap.iter('ccw_device')},
                                 {other for other in self.names(FLAGS['ccw'])
                                  if other.startswith(name.replace('ccwgroup', 'ccw')[:-1])})

    def test_late_layer(self):
        """When the driver detects the layer, the card stays the same device."""
        path = f'{s390_hosts.QETH}/0.0.2bd0'
        kernel = self.host.kernel
        events = self.listen()
        kernel.sysfs.write_uevent(path, {**kernel.sysfs.uevent(path), 'DEVTYPE': 'qeth_layer3'})
        kernel.event('change', path)
        events.wait(('update', 'ccwgroup_0_0_2bd0'))
        self.assertIsNotNone(documents.find_capability(self.root('ccwgroup_0_0_2bd0'), 'ccwgroup', 'qeth_layer3'))
        self.assertEqual(events.all(), [('update', 'ccwgroup_0_0_2bd0')])


class Changes(Mainframe):
    def setUp(self):
        super().setUp()
        self.kernel = self.host.kernel
        self.events = self.listen()
        self.before = self.names()

    def test_set_online(self):
        path = f'{CSS}/0.0.0001/0.0.1501'
        self.kernel.sysfs.write(f'{path}/online', '1\n')
        self.kernel.event('change', path)
        self.events.wait(('update', OFFLINE))
        self.assertEqual(self.root(OFFLINE).findtext('capability/state'), 'online')
        self.assertEqual(self.events.all(), [('update', OFFLINE)])

    def test_ungroup(self):
        for number, member in enumerate(MEMBERS):
            self.kernel.sysfs.unlink(f'{CSS}/0.0.002{number}/0.0.bd0{number}/group_device')
            self.kernel.sysfs.unlink(f'{GROUP}/cdev{number}')
        self.kernel.sysfs.remove_device(GROUP)
        self.kernel.event('remove', GROUP, SUBSYSTEM='ccwgroup', DEVTYPE='qeth_generic')
        self.events.wait(('deleted', 'ccwgroup_0_0_bd00'))
        self.assertEqual(self.names(), [name for name in self.before if name != 'ccwgroup_0_0_bd00'])
        for member in MEMBERS:
            self.assertIsNone(self.root(member).find('capability/capability'))

    def test_group_again(self):
        self.test_ungroup()
        s390_hosts.group_qeth(self.kernel, [f'{CSS}/0.0.002{number}/0.0.bd0{number}' for number in (2, 1)])
        path = f'{s390_hosts.QETH}/0.0.bd02'
        self.kernel.event('add', path)
        self.events.wait(('created', 'ccwgroup_0_0_bd02'))
        self.assertEqual([member.text for member in self.root('ccwgroup_0_0_bd02').iter('ccw_device')],
                         ['ccw_0_0_bd02', 'ccw_0_0_bd01'])

    def test_subchannel_for_a_guest(self):
        """A subchannel is unbound from io_subchannel, with the device behind it, and bound to vfio_ccw."""
        subchannel = f'{CSS}/0.0.0001'
        self.kernel.sysfs.remove_device(f'{subchannel}/0.0.1501')
        self.kernel.event('remove', f'{subchannel}/0.0.1501', SUBSYSTEM='ccw')
        self.kernel.sysfs.bind(subchannel, None)
        self.kernel.event('unbind', subchannel)
        self.events.wait(('deleted', OFFLINE), ('deleted', 'css_0_0_0001'))
        self.kernel.sysfs.bind(subchannel, 'vfio_ccw')
        self.kernel.event('bind', subchannel)
        self.events.wait(('created', 'css_0_0_0001'))
        self.assertEqual(self.root('css_0_0_0001').findtext('driver/name'), 'vfio_ccw')
        self.assertEqual(self.events.all(), [('deleted', OFFLINE), ('deleted', 'css_0_0_0001'),
                                             ('created', 'css_0_0_0001')])

    def test_returned_subchannel(self):
        """A driver detects the device behind the subchannel before the kernel's bind event."""
        subchannel = f'{CSS}/0.0.0001'
        channel = f'{subchannel}/0.0.1501'
        self.test_subchannel_for_a_guest()
        self.events.seen.clear()
        self.kernel.sysfs.bind(subchannel, None)
        self.kernel.event('unbind', subchannel)
        self.events.wait(('deleted', 'css_0_0_0001'))
        self.kernel.sysfs.bind(subchannel, s390_hosts.IO_SUBCHANNEL)
        self.kernel.sysfs.add_device(channel, 'ccw', *s390_hosts.ccw_device(s390_hosts.DASD, False))
        self.kernel.event('add', channel)
        self.events.wait(('created', OFFLINE))
        self.kernel.event('bind', subchannel)
        self.events.wait(('created', 'css_0_0_0001'))
        self.assertEqual(self.look_up(OFFLINE).parent(), 'css_0_0_0001')
        self.assertEqual(self.names(), self.before)

    def test_strange_names(self):
        for path, subsystem, devtype in ((f'{CSS}/0.4.0000', 'css', None), (f'{CSS}/defunct2', 'css', None),
                                         (f'{CSS}/0.0.0000/0.0.123', 'ccw', None),
                                         (f'{s390_hosts.AP}/card4', 'ap', 'ap_card'),
                                         (f'{s390_hosts.AP}/card04/04.0123', 'ap', 'ap_queue'),
                                         (f'{s390_hosts.AP}/card07', 'ap', None),
                                         (f'{s390_hosts.QETH}/0.0.1', 'ccwgroup', 'qeth_generic'),
                                         ('/sys/devices/ctcm/0.0.0600', 'ccwgroup', None)):
            self.kernel.sysfs.add_device(path, subsystem, {'online': '1\n'}, {'DEVTYPE': devtype} if devtype else {})
            if subsystem == 'css':
                self.kernel.sysfs.bind(path, s390_hosts.IO_SUBCHANNEL)
            self.kernel.event('add', path)
        # An event after all others.
        s390_hosts.add_card(self.kernel, 0x0b, ())
        self.kernel.event('add', f'{s390_hosts.AP}/card0b')
        self.events.wait(('created', 'ap_card0b'))
        self.assertEqual(self.events.all(), [('created', 'ap_card0b')])
        self.assertEqual(self.names(), sorted([*self.before, 'ap_card0b']))


class Odd(Mainframe):
    """Attributes with invalid values."""

    def test_attributes(self):
        sysfs = self.host.kernel.sysfs
        sysfs.write(f'{CSS}/0.0.0000/0.0.1500/online', 'perhaps\n')
        sysfs.write(f'{CSS}/0.0.0001/0.0.1501/online', '')
        sysfs.unlink(f'{CSS}/0.0.0010/0.0.1940/online')
        sysfs.write(f'{GROUP}/online', '-1\n')
        sysfs.write(f'{GROUP}/card_type', b'\xff<O>\x01\x1b\n')
        sysfs.write(f'{GROUP}/chpid', '')
        sysfs.link(f'{GROUP}/cdev9', GROUP)
        sysfs.write(f'{GROUP}/cdev8', 'no link\n')
        for name in ('ccw_0_0_1500', OFFLINE, 'ccw_0_0_1940', 'ccwgroup_0_0_bd00'):
            with self.subTest(name):
                document = self.look_up(name).XMLDesc(0)
                self.assertIsNone(documents.validate(document, self.schema), document)
                self.assertNotIn('<state>', document)
        self.assertIn('<ccw_device ref=\'cdev2\'>', document)
        self.assertNotIn('cdev8', document)

    def test_addresses_of_channels(self):
        sysfs = self.host.kernel.sysfs
        for text in ('', 'none\n', '0.0.zzzz\n', '0' * 100000, b'\xff\xfe\n'):
            sysfs.write(f'{CSS}/0.0.00f0/dev_busid', text)
            self.host.announce_change(f'{CSS}/0.0.00f0')
        sysfs.write(f'{CSS}/0.0.00f0/dev_busid', '0.3.0007\n')
        events = self.listen()
        self.host.announce_change(f'{CSS}/0.0.00f0')
        events.wait(('update', 'css_0_0_00f0'))
        self.assertEqual(self.root('css_0_0_00f0').findtext('capability/channel_dev_addr/devno'), '0x0007')


class Parents(Mainframe):
    """Parents of mediated devices."""

    def test_same_address(self):
        """A channel device and a group may have the address of an unrelated subchannel."""
        device = self.define(parent='css_0_0_00d0', type_id='vfio_ccw-io')
        kernel = self.host.kernel
        events = self.listen()
        s390_hosts.add_ccw(kernel, '0.0.0030', '0.0.00d0', s390_hosts.DASD)
        for path in (f'{CSS}/0.0.0030', f'{CSS}/0.0.0030/0.0.00d0'):
            kernel.event('add', path)
        s390_hosts.group_qeth(kernel, [f'{CSS}/0.0.0030/0.0.00d0'])
        kernel.event('add', f'{s390_hosts.QETH}/0.0.00d0')
        events.wait(('created', 'ccw_0_0_00d0'), ('created', 'ccwgroup_0_0_00d0'))
        self.assertEqual(documents.parse(device.XMLDesc(0)).findtext('parent'), 'css_0_0_00d0')
        device.create(0)
        self.assertTrue(device.isActive())

    def test_other_parents(self):
        with self.nothing_changes():
            for name in ('ccw_0_0_1500', 'ccwgroup_0_0_bd00', 'ap_card04', 'ap_04_0023', 'computer'):
                with self.subTest(name):
                    document = self.document(uuid=self.new_uuid(), parent=name, type_id='vfio_ccw-io')
                    self.assert_refused(libvirt.VIR_ERR_PARSE_FAILED, self.conn.nodeDeviceDefineXML, document, 0,
                                        says=name)
            for name in ('ccw_0_0_1599', '0.0.1500'):
                document = self.document(uuid=self.new_uuid(), parent=name, type_id='vfio_ccw-io')
                self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.conn.nodeDeviceDefineXML, document, 0,
                                    says=name)
