# SPDX-License-Identifier: LGPL-2.1-or-later
"""Lists, look-ups, parents, capabilities, states."""

import libvirt

from mediated_test import MediatedTest, only_on, seldom_on

CAP = {name: getattr(libvirt, f'VIR_CONNECT_LIST_NODE_DEVICES_CAP_{name}')
       for name in ('SYSTEM', 'PCI_DEV', 'MDEV_TYPES', 'MDEV', 'NET', 'CSS_DEV')}
PERSISTENT, TRANSIENT, INACTIVE, ACTIVE = (1 << 28, 1 << 29, 1 << 30, 1 << 31)


@seldom_on('vm', 'lists are made from memory', keeps=('test_all', 'test_by_state', 'test_parents'))
class Lists(MediatedTest):
    def setUp(self):
        super().setUp()
        self.uuid = self.new_uuid()
        self.child = self.create(uuid=self.uuid).name()

    def test_all(self):
        names = self.names()
        for name in ('computer', self.host.plain_pci(), self.parent.name, self.child):
            self.assertIn(name, names)
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(self.conn.numOfDevices(None), len(names))
        self.assertEqual(sorted(self.conn.listDevices(None)), names)

    def test_by_capability_flag(self):
        parents = {parent.name for parent in self.host.parents()}
        self.assertEqual(self.names(CAP['SYSTEM']), ['computer'])
        self.assertLessEqual(parents, set(self.names(CAP['MDEV_TYPES'])))
        for name in (self.host.plain_pci(), 'computer', self.child):
            self.assertNotIn(name, self.names(CAP['MDEV_TYPES']))
        self.assertEqual(self.names(CAP['MDEV']), [self.child])
        self.assertLess(parents, set(self.names(CAP['PCI_DEV'])))
        self.assertEqual(self.names(CAP['SYSTEM'] | CAP['MDEV']), ['computer', self.child])
        self.assertEqual(self.names(CAP['CSS_DEV']), [])

    def test_by_capability_name(self):
        for name, flag in (('system', 'SYSTEM'), ('pci', 'PCI_DEV'), ('mdev_types', 'MDEV_TYPES'),
                           ('mdev', 'MDEV')):
            with self.subTest(name):
                self.assertEqual(sorted(self.conn.listDevices(name)), self.names(CAP[flag]))
                self.assertEqual(self.conn.numOfDevices(name), len(self.names(CAP[flag])))
        self.assertEqual(self.conn.listDevices('nonsense'), [])
        self.assertEqual(self.conn.numOfDevices('nonsense'), 0)

    def test_by_state(self):
        names = self.names()
        self.assertEqual(self.names(ACTIVE), names)
        self.assertEqual(self.names(INACTIVE), [])
        self.assertEqual(self.names(ACTIVE | INACTIVE), names)
        self.assertEqual(self.names(PERSISTENT), ['computer'])
        self.assertEqual(self.names(TRANSIENT), [name for name in names if name != 'computer'])
        self.assertEqual(self.names(CAP['MDEV'] | TRANSIENT | ACTIVE), [self.child])
        self.assertEqual(self.names(CAP['MDEV'] | PERSISTENT), [])

    def test_unknown_flags(self):
        for flag in (1 << 24, 1 << 27):
            self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, self.conn.listAllDevices, flag, says='unsupported flags')
        self.assertIn(self.child, self.names())

    def test_count_without_results(self):
        client = self.raw()
        names, count = client.list_all(need_results=0)
        self.assertEqual((names, count), ([], len(self.names())))
        names, count = client.list_all()
        self.assertEqual((sorted(names), count), (self.names(), len(self.names())))

    def test_maxnames(self):
        client = self.raw()
        self.assertEqual(len(client.list_devices(maxnames=2)), 2)
        self.assertEqual(client.list_devices(maxnames=0), [])
        self.assertEqual(sorted(client.list_devices()), self.names())

    def test_maxnames_out_of_bounds(self):
        client = self.raw()
        for maxnames in (-1, 65537):
            with self.assertRaises(Exception) as caught:
                client.list_devices(maxnames=maxnames)
            self.assertEqual(type(caught.exception).__name__, 'RpcError')
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_look_up(self):
        for name in self.names():
            self.assertEqual(self.conn.nodeDeviceLookupByName(name).name(), name)

    def test_look_up_of_an_unknown_name(self):
        for name in ('pci_ffff_ff_1f_7', '', 'computer ', 'COMPUTER', self.parent.address,
                     f'mdev_{self.uuid.replace("-", "_")}', 'x' * 100000, '../computer'):
            with self.subTest(name[:40]):
                self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, self.conn.nodeDeviceLookupByName, name,
                                    says=['no node device with matching name', name[:100]])

    def test_unknown_name_in_every_call(self):
        client = self.raw()
        name = 'mdev_that_never_was'
        for call in (client.look_up, client.get_xml, client.get_parent, client.num_of_caps,
                     client.list_caps, client.destroy, client.is_active, client.is_persistent,
                     client.get_autostart):
            with self.subTest(call.__name__):
                self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, call, name, says=name)

    def test_parents(self):
        look_up = self.conn.nodeDeviceLookupByName
        self.assertEqual(look_up(self.child).parent(), self.parent.name)
        self.assertIsNone(self.raw().get_parent('computer'))
        names = set(self.names())
        for name in names - {'computer'}:
            self.assertIn(look_up(name).parent(), names)

    def test_capabilities(self):
        look_up = self.conn.nodeDeviceLookupByName
        expected = {'computer': ['system'], self.child: ['mdev'],
                    self.parent.name: ['mdev_types', 'pci']}
        for name, caps in expected.items():
            device = look_up(name)
            self.assertEqual(sorted(device.listCaps()), caps)
            self.assertEqual(device.numOfCaps(), len(caps))

    def test_states(self):
        expected = {'computer': (1, 1, 1), self.parent.name: (1, 0, 0), self.child: (1, 0, 0)}
        client = self.raw()
        for name, states in expected.items():
            self.assertEqual((client.is_active(name), client.is_persistent(name),
                              client.get_autostart(name)), states, name)

    def test_wwn_of_nobody(self):
        message = self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, self.conn.nodeDeviceLookupSCSIHostByWWN,
                                      '2001001b32a9da5e', '2101001b32a9da5e', 0)
        self.assertNotEqual(message, '')


@only_on('sim', 'the VM has no such hardware')
class Subchannel(MediatedTest):
    machine = 'ccw'

    def test_by_capability(self):
        self.assertEqual(self.names(CAP['CSS_DEV']), ['css_0_0_0062'])
        self.assertEqual(self.names(CAP['MDEV_TYPES']), ['css_0_0_0062'])
        device = self.conn.nodeDeviceLookupByName('css_0_0_0062')
        self.assertEqual(sorted(device.listCaps()), ['css', 'mdev_types'])


@only_on('sim', 'the VM has no such hardware')
class Matrix(MediatedTest):
    machine = 'ap'

    def test_by_capability(self):
        flag = 1 << 20
        self.assertEqual(self.names(flag), ['ap_matrix'])
        device = self.conn.nodeDeviceLookupByName('ap_matrix')
        self.assertEqual(sorted(device.listCaps()), ['ap_matrix', 'mdev_types'])


class Virtual(MediatedTest):
    machine = 'virtual'

    def test_parents_without_a_bus(self):
        names = {parent.name for parent in self.host.parents()}
        self.assertLessEqual(names, set(self.names(CAP['MDEV_TYPES'])))
        for name in names:
            self.assertEqual(self.conn.nodeDeviceLookupByName(name).parent(), 'computer')
