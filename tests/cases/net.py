# SPDX-License-Identifier: LGPL-2.1-or-later
"""Network interfaces and vDPA devices: documents, lists, links, features, alternative names.

The golden documents are the output of libvirtd 9.0.0 on the same simulated host, corrected where noted.
"""

import errno
import pathlib
import subprocess

import libvirt

import documents
import ethtool
import net_hosts
from fake_kernel import KernelError
from mediated_test import MediatedTest, only_on, seldom_on

GOLDEN = pathlib.Path(__file__).parent / 'golden' / 'net'
SIMULATED = 'the interfaces are of a simulated host'
REAL = 'the interfaces are real ones'
NET = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET
VDPA = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA

LO = 'net_lo_00_00_00_00_00_00'
ETH0 = 'net_mdeth0_52_54_00_12_34_56'
ETH1 = 'net_mdeth1_52_54_00_12_34_57'
VETH0 = 'net_mdveth0_aa_bb_cc_00_00_01'
TWIN = 'net_mdtwin_0_aa_bb_cc_00_00_22'
INFINIBAND = 'net_mdib0_00_00_10_86_fe_80_00_00_00_00_00_00_b8_59_9f_03_00_f7_e1_42'

# libvirtd prints -1, an unknown speed, as an unsigned number.
WRONG = {'net_mdvirt0_52_54_00_aa_bb_cc': {"<link speed='4294967295' state='up'/>": "<link state='up'/>"}}
# libvirt's schema supports only Ethernet addresses, and no vDPA device without a node.
NO_SCHEMA = (INFINIBAND, 'vdpa_vdpa_dev_1')


class NetTest(MediatedTest):
    machine = 'net'
    config = {'xml': {'details': 'false'}}

    @property
    def kernel(self):
        return self.host.kernel

    def cap(self, name):
        return documents.find_capability(documents.parse(self.dump(name)), 'net')

    def path(self, name):
        return documents.parse(self.dump(name)).findtext('path')

    def link(self, name):
        link = self.cap(name).find('link')
        return None if link is None else (link.get('state'), link.get('speed'))

    def features(self, name):
        return {feature.get('name') for feature in self.cap(name).findall('feature')}


@only_on('sim', SIMULATED)
class Documents(NetTest):
    def test_golden(self):
        expected = {path.stem: path.read_text() for path in GOLDEN.glob('*.xml')}
        # The features of the loopback interface depend on the kernel that runs the test.
        self.assertEqual(self.names(NET | VDPA), sorted([LO, *expected]))
        for name, document in expected.items():
            for wrong, right in WRONG.get(name, {}).items():
                self.assertIn(wrong, document)
                document = document.replace(wrong, right)
            with self.subTest(name):
                self.assertEqual(self.dump(name), document)
                self.assertIsNone(documents.validate(document, self.schema))
                if name not in NO_SCHEMA:
                    self.assertIsNone(documents.validate(document))

    def test_loopback(self):
        document = self.dump(LO)
        self.assertIsNone(documents.validate(document))
        self.assertEqual(self.features(LO), ethtool.features('lo') | (self.features(LO) & {'txudptnl'}))
        self.assertEqual(self.link(LO), ('unknown', None))
        self.assertEqual(self.conn.nodeDeviceLookupByName(LO).parent(), 'computer')

    def test_lists(self):
        for cap, flag in (('net', NET), ('vdpa', VDPA)):
            names = self.names(flag)
            self.assertEqual(sorted(self.conn.listDevices(cap)), names)
            for name in names:
                self.assertEqual(self.conn.nodeDeviceLookupByName(name).listCaps(), [cap])


@only_on('sim', SIMULATED)
class Changes(NetTest):
    def test_link_at_every_dump(self):
        path = self.path(ETH0)
        events = self.listen()
        for state, speed, shown in (('down', '1000', ('down', None)), ('up', '2500', ('up', '2500')),
                                    ('up', '-1', ('up', None)), ('up', '4294967294', ('up', '4294967294')),
                                    ('up', '4294967296', ('up', None)), ('testing', '10', ('testing', None))):
            self.kernel.sysfs.write(f'{path}/operstate', f'{state}\n')
            self.kernel.sysfs.write(f'{path}/speed', f'{speed}\n')
            self.assertEqual(self.link(ETH0), shown)
        self.barrier(events)
        self.assertEqual(events.all(), [])

    def test_link_refused_by_driver(self):
        def refuse():
            raise KernelError(errno.EINVAL)
        self.kernel.add_show(f'{self.path(ETH0)}/speed', refuse)
        self.assertEqual(self.link(ETH0), ('up', None))

    def test_hung_driver(self):
        document = self.check_hangs_alone(f'{self.path(ETH0)}/speed', ETH0, ETH1, 'mdeth1')
        self.assertIn("<link speed='1000' state='up'/>", document)

    def test_removed_during_read(self):
        path = self.path(ETH0)
        events = self.listen()
        self.kernel.add_show(f'{path}/speed', lambda: self.remove_during_read(path))
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, self.dump, ETH0, says=ETH0)
        events.wait(('deleted', ETH0))
        self.assertNotIn(ETH0, self.names())

    def remove_during_read(self, path):
        self.kernel.forget_below(path)
        self.kernel.sysfs.remove_device(path)
        self.kernel.event('remove', path, SUBSYSTEM='net', INTERFACE='mdeth0')

    def test_renamed_during_read(self):
        path = self.path(VETH0)
        events = self.listen()
        self.kernel.add_show(f'{path}/speed', lambda: self.rename(path, 'mdfront0'))
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, self.dump, VETH0, says=VETH0)
        new = 'net_mdfront0_aa_bb_cc_00_00_01'
        events.wait(('deleted', VETH0), ('created', new))
        self.assertEqual(self.cap(new).findtext('interface'), 'mdfront0')
        self.assertEqual(self.link(new), ('up', '10000'))

    def rename(self, path, name):
        new = str(pathlib.PurePath(path).with_name(name))
        sysfs = self.kernel.sysfs
        self.kernel.forget_below(path)
        sysfs.unlink(f'/sys/class/net/{pathlib.PurePath(path).name}')
        sysfs.real(path).rename(sysfs.real(new))
        sysfs.write_uevent(new, {**sysfs.uevent(new), 'INTERFACE': name})
        sysfs.link(f'/sys/class/net/{name}', new)
        self.kernel.event('move', new, DEVPATH_OLD=path.removeprefix('/sys'))

    def test_other_address(self):
        """No event announces a changed address; libvirt's name remains until udev sends an event."""
        path = self.path(ETH0)
        self.kernel.sysfs.write(f'{path}/address', '52:54:00:00:00:01\n')
        self.assertIn(ETH0, self.names())
        events = self.listen()
        self.kernel.event('change', path)
        events.wait(('deleted', ETH0), ('created', 'net_mdeth0_52_54_00_00_00_01'))

    def test_hotplug(self):
        events = self.listen()
        path = net_hosts.add_interface(self.kernel, '/sys/devices/virtual', 'mdtap1', 'aa:bb:cc:00:00:30')
        self.kernel.event('add', path)
        name = 'net_mdtap1_aa_bb_cc_00_00_30'
        events.wait(('created', name))
        self.assertEqual(self.link(name), ('down', None))
        bridge = net_hosts.add_interface(self.kernel, '/sys/devices/virtual', 'mdbridge1', 'aa:bb:cc:00:00:31', {},
                                         {'DEVTYPE': 'bridge'})
        self.kernel.event('add', bridge)
        self.kernel.sysfs.remove_device(path)
        self.kernel.event('remove', path, SUBSYSTEM='net', INTERFACE='mdtap1')
        events.wait(('deleted', name))
        self.assertEqual(events.all(), [('created', name), ('deleted', name)])

    def test_rdma(self):
        self.assertEqual(self.features(INFINIBAND), {'rdma'})
        self.kernel.sysfs.unlink('/sys/class/infiniband/mlx5_0')
        self.assertEqual(self.features(INFINIBAND), set())
        self.assertEqual(self.features(ETH0), set())


@only_on('sim', SIMULATED)
class Types(NetTest):
    machine = 'typed-net'

    def test_types_of_hardware(self):
        """Hardware interfaces of types without a name in libvirt are listed."""
        names = {f'net_md{devtype}0_52_54_00_12_35_0{number}': f'md{devtype}0'
                 for number, devtype in enumerate(net_hosts.HARDWARE_TYPES)}
        self.assertEqual(self.names(NET), sorted(names))
        for name, interface in names.items():
            with self.subTest(name):
                self.assertEqual(self.cap(name).findtext('interface'), interface)
                self.assertIsNotNone(documents.find_capability(self.cap(name), '80203'))
                self.assertEqual(self.link(name), ('up', '1000'))
                self.assertIsNone(documents.validate(self.dump(name)))


@only_on('sim', SIMULATED)
class Vdpa(NetTest):
    def test_bound_to_another_driver(self):
        path = self.path('vdpa_vdpa0')
        events = self.listen()
        self.kernel.sysfs.remove_device(f'{path}/vhost-vdpa-0')
        self.kernel.sysfs.bind(path, None)
        self.kernel.event('unbind', path)
        events.wait(('update', 'vdpa_vdpa0'))
        root = documents.parse(self.dump('vdpa_vdpa0'))
        self.assertEqual(documents.outline(root), [('name', None), ('path', None), ('parent', None),
                                                   ('capability', 'vdpa')])
        self.assertIsNone(root.find('capability/chardev'))

        self.kernel.sysfs.add_device(f'{path}/vhost-vdpa-7', 'vhost-vdpa', {}, {}, is_class=True)
        self.kernel.sysfs.bind(path, 'vhost_vdpa')
        self.kernel.event('bind', path)
        events.wait(('update', 'vdpa_vdpa0'))
        root = documents.parse(self.dump('vdpa_vdpa0'))
        self.assertEqual(root.findtext('capability/chardev'), '/dev/vhost-vdpa-7')
        self.assertEqual(root.findtext('driver/name'), 'vhost_vdpa')

    def test_coming_and_going(self):
        events = self.listen()
        path = net_hosts.add_vdpa(self.kernel, 'vdpa9', 'vhost_vdpa', 'vhost-vdpa-9')
        self.kernel.event('add', path)
        events.wait(('created', 'vdpa_vdpa9'))
        self.assertIn('<chardev>/dev/vhost-vdpa-9</chardev>', self.dump('vdpa_vdpa9'))
        self.kernel.sysfs.remove_device(path)
        self.kernel.event('remove', path, SUBSYSTEM='vdpa')
        events.wait(('deleted', 'vdpa_vdpa9'))


@only_on('sim', SIMULATED)
class Odd(NetTest):
    machine = 'odd-net'

    def test_all(self):
        """All interfaces are listed, except devices without the attributes of an interface."""
        with_address = ('mdlen0', 'mdstate0', 'mdstate1', 'mdspeed0', 'mdspeed1', 'mdspeed2', 'mdspeed3')
        self.assertEqual(self.names(NET), sorted([
            *(f'net_{name}_aa_bb_cc_00_00_20' for name in with_address),
            'net_mdnone0', 'net_mdtext0', 'net_mdlong0', TWIN]))
        for name in self.names(NET):
            self.assertIsNone(documents.validate(self.dump(name)))

    def test_addresses(self):
        for name in ('net_mdnone0', 'net_mdtext0', 'net_mdlong0'):
            self.assertIsNone(self.cap(name).find('address'))

    def test_links(self):
        for name, link in (('mdnone0', None), ('mdstate0_aa_bb_cc_00_00_20', None),
                           ('mdstate1_aa_bb_cc_00_00_20', None), ('mdlen0_aa_bb_cc_00_00_20', ('down', None)),
                           *((f'mdspeed{number}_aa_bb_cc_00_00_20', ('up', None)) for number in range(4))):
            with self.subTest(name):
                self.assertEqual(self.link(f'net_{name}'), link)

    def remove(self, path):
        self.kernel.sysfs.remove_device(path)
        self.kernel.event('remove', path, SUBSYSTEM='net')

    def test_one_name_for_two(self):
        """If two interfaces have the same name, the first keeps it while it exists."""
        first, second = (f'/sys/devices/virtual/net/{name}' for name in net_hosts.TWINS)
        events = self.listen()
        for path, expected in ((first, [('deleted', TWIN), ('created', TWIN)]), (second, [('deleted', TWIN)])):
            self.assertEqual(self.names(NET).count(TWIN), 1)
            self.assertEqual(self.path(TWIN), path)
            self.remove(path)
            events.wait(*expected)
            self.assertEqual(events.all(), expected)
            events.seen.clear()
        self.assertNotIn(TWIN, self.names())

    def test_second_device_of_a_name_removed(self):
        first, second = (f'/sys/devices/virtual/net/{name}' for name in net_hosts.TWINS)
        self.remove(second)
        events = self.listen()
        self.kernel.event('change', first)
        events.wait(('update', TWIN))
        self.remove(first)
        events.wait(('deleted', TWIN))
        self.assertNotIn(TWIN, self.names())
        self.assertEqual(events.all(), [('update', TWIN), ('deleted', TWIN)])

    def test_add_event_before_the_remove_event(self):
        """The old device's removal is reported before the new device of the same name, whatever the order of udev's
        events."""
        first, second = (f'/sys/devices/virtual/net/{name}' for name in net_hosts.TWINS)
        self.remove(second)
        events = self.listen()
        self.kernel.sysfs.remove_device(first)
        net_hosts.add_interface(self.kernel, '/sys/devices/virtual', net_hosts.TWINS[1], 'aa:bb:cc:00:00:22')
        self.kernel.event('add', second)
        self.kernel.event('remove', first, SUBSYSTEM='net')
        events.wait(('created', TWIN))
        self.assertEqual(self.path(TWIN), second)
        self.assertEqual(events.all(), [('deleted', TWIN), ('created', TWIN)])


@only_on('sim', SIMULATED)
class Many(NetTest):
    machine = 'many-nets'

    def name(self, number):
        return f'net_mdveth{number}_aa_bb_cc_dd_{number >> 8:02x}_{number & 0xff:02x}'

    def test_all(self):
        names = [self.name(number) for number in range(1, net_hosts.MANY + 1)]
        self.assertEqual(self.names(NET), sorted(names))
        for number in (1, 1000, net_hosts.MANY):
            self.assertEqual(self.cap(self.name(number)).findtext('interface'), f'mdveth{number}')
        events = self.listen()
        path = self.path(self.name(7))
        self.kernel.sysfs.remove_device(path)
        self.kernel.event('remove', path, SUBSYSTEM='net', INTERFACE='mdveth7')
        events.wait(('deleted', self.name(7)))
        self.assertEqual(len(self.names(NET)), net_hosts.MANY - 1)


class RealInterfaces:
    """Interfaces of a real kernel, created by the test."""

    made = ('mdtest0', 'mdtest1', 'mdfront0', 'mdbridge0', 'mdvlan0')

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean_up)

    def clean_up(self):
        for name in self.made:
            subprocess.run(['ip', 'link', 'delete', name], capture_output=True, check=False)

    @staticmethod
    def ip(*args):
        subprocess.run(['ip', 'link', *args], check=True)

    def name_of(self, interface):
        """Returns the node device of an interface; None if there is none."""
        return next((name for name in self.names(NET) if name.startswith(f'net_{interface}_')), None)

    def add_pair(self):
        self.ip('add', 'mdtest0', 'type', 'veth', 'peer', 'name', 'mdtest1')
        return [self.wait_until(lambda name=name: self.name_of(name), name) for name in ('mdtest0', 'mdtest1')]

    def test_features(self):
        for interface in ('lo', *(path.name for path in pathlib.Path('/sys/class/net').glob('e*'))):
            name = self.name_of(interface)
            self.assertIsNotNone(name, interface)
            self.assertEqual(self.features(name) - {'txudptnl'}, ethtool.features(interface), interface)
        self.assertIn('tso', self.features(LO))

    @seldom_on('vm', 'test_features reads them in the same way')
    def test_features_at_every_dump(self):
        name, _ = self.add_pair()
        for on in (True, False, True):
            ethtool.set_gro('mdtest0', on)
            self.assertEqual(self.features(name), ethtool.features('mdtest0') | {'txudptnl'})
            self.assertEqual('gro' in self.features(name), on)

    def test_link(self):
        name, _ = self.add_pair()
        self.assertEqual(self.link(name), ('down', None))
        self.ip('set', 'mdtest0', 'up')
        self.wait_until(lambda: self.link(name) == ('lowerlayerdown', None), 'one end')
        self.ip('set', 'mdtest1', 'up')
        self.wait_until(lambda: self.link(name) == ('up', '10000'), 'both ends')

    def test_other_name(self):
        name, peer = self.add_pair()
        events = self.listen()
        self.ip('set', 'mdtest0', 'name', 'mdfront0')
        new = name.replace('mdtest0', 'mdfront0')
        events.wait(('deleted', name), ('created', new))
        self.assertEqual(self.cap(new).findtext('interface'), 'mdfront0')
        self.ip('delete', 'mdfront0')
        events.wait(('deleted', new), ('deleted', peer))
        self.assertEqual([event for event in events.all() if event[0] != 'update'][:2],
                         [('deleted', name), ('created', new)])

    @seldom_on('vm', 'the comparison with the stock daemon finds them')
    def test_unlisted_interfaces(self):
        name, _ = self.add_pair()
        events = self.listen()
        self.ip('add', 'mdbridge0', 'type', 'bridge')
        self.ip('add', 'link', 'mdtest0', 'name', 'mdvlan0', 'type', 'vlan', 'id', '5')
        self.ip('delete', 'mdtest0')
        events.wait(('deleted', name))
        self.assertEqual([event for event in events.all() if 'mdbridge0' in event[1] or 'mdvlan0' in event[1]], [])


@only_on('vm', REAL)
class Real(RealInterfaces, NetTest):
    machine = 'm60'


@only_on('service', REAL)
class Confined(RealInterfaces, NetTest):
    machine = 'm60'
