# SPDX-License-Identifier: LGPL-2.1-or-later
"""SCSI hosts, targets and units: documents, lists, changes.

The golden documents are the output of libvirtd 9.0.0 on the same simulated host.
"""

import errno
import pathlib
import subprocess

import libvirt

import documents
import fc
from mediated_test import MediatedTest, only_on, seldom_on

GOLDEN = pathlib.Path(__file__).parent / 'golden' / 'fibre'
NO_FIBRE = 'the VM has no Fibre Channel'

FC_HOSTS = [f'scsi_host{number}' for number in range(1, 7)]
VPORT_HOSTS = [f'scsi_host{number}' for number in range(1, 5)]


class ScsiTest(MediatedTest):
    machine = 'fibre'

    @property
    def hbas(self):
        return self.host.kernel.scsi_hosts

    def caps(self, name):
        return self.conn.nodeDeviceLookupByName(name).listCaps()

    def cap(self, name, *types):
        return documents.find_capability(documents.parse(self.dump(name)), *types)


@only_on('sim', NO_FIBRE)
class Documents(ScsiTest):
    def test_golden(self):
        expected = {path.stem: path.read_text() for path in GOLDEN.glob('*.xml')}
        self.assertEqual([name for name in self.names() if 'scsi' in name], sorted(expected))
        for name, document in expected.items():
            with self.subTest(name):
                self.assertEqual(self.dump(name), document)
                self.assertIsNone(documents.validate(document))

    def test_lists(self):
        for cap, flag, wanted in (
                ('fc_host', libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_FC_HOST, FC_HOSTS),
                ('vports', libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPORTS, VPORT_HOSTS),
                ('scsi_host', libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_HOST,
                 ['scsi_host0', *FC_HOSTS]),
                ('scsi_target', libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_SCSI_TARGET,
                 ['scsi_target0_0_0', 'scsi_target3_0_0'])):
            with self.subTest(cap):
                self.assertEqual(sorted(self.conn.listDevices(cap)), wanted)
                self.assertEqual(self.conn.numOfDevices(cap), len(wanted))
                self.assertEqual(self.names(flag), wanted)
        self.assertEqual(self.conn.numOfDevices('scsi'), 8)
        self.assertEqual(self.conn.numOfDevices('scsi_generic'), 8)

    def test_caps(self):
        for name, caps in (('scsi_host0', ['scsi_host']),
                           ('scsi_host3', ['scsi_host', 'fc_host', 'vports']),
                           ('scsi_host5', ['scsi_host', 'fc_host']),
                           ('scsi_target3_0_0', ['scsi_target']),
                           ('scsi_3_0_0_0', ['scsi']), ('scsi_generic_sg0', ['scsi_generic'])):
            with self.subTest(name):
                self.assertEqual(self.caps(name), caps)

    def test_fresh_values_of_dump(self):
        hba = self.hbas[3]
        hba.set_text('fabric_name', '0x2001000dec9877ff\n')
        hba.set_text('max_npiv_vports', '7\n')
        hba.set_text('npiv_vports_inuse', '6\n')
        cap = self.cap('scsi_host3', 'scsi_host')
        self.assertEqual(cap.findtext("capability[@type='fc_host']/fabric_wwn"), '2001000dec9877ff')
        self.assertEqual(cap.findtext("capability[@type='vport_ops']/max_vports"), '7')
        self.assertEqual(cap.findtext("capability[@type='vport_ops']/vports"), '6')


@only_on('sim', NO_FIBRE)
class Broken(ScsiTest):
    """Attributes with unexpected values."""

    starts_daemon = False

    def check_plain(self, prepare):
        """Checks that incomplete attributes count as missing, as in libvirt."""
        prepare(self.hbas[3])
        self.daemon.start(self.config)
        self.assertEqual(self.caps('scsi_host3'), ['scsi_host'])
        self.assertEqual(documents.outline(self.cap('scsi_host3', 'scsi_host')),
                         [('host', None), ('unique_id', None)])
        self.assertNotIn('scsi_host3', self.conn.listDevices('fc_host'))
        self.assertIsNone(documents.validate(self.dump('scsi_host3')))

    def test_no_port_name(self):
        self.check_plain(lambda hba: hba.set_text('port_name', None))

    def test_empty_node_name(self):
        self.check_plain(lambda hba: hba.set_text('node_name', '\n'))

    def test_words_for_a_name(self):
        self.check_plain(lambda hba: hba.set_text('node_name', b'\xff\x01<name>\n'))

    def test_too_long_a_name(self):
        self.check_plain(lambda hba: hba.set_text('port_name', '0x' + '1' * 17))

    def test_megabyte_name(self):
        self.check_plain(lambda hba: hba.set_text('port_name', '1' * (1 << 20)))

    def test_missing_limit(self):
        self.check_plain(lambda hba: hba.set_text('max_npiv_vports', None))

    def test_words_for_a_number(self):
        self.check_plain(lambda hba: hba.set_text('npiv_vports_inuse', 'many\n'))

    def test_unreadable_name(self):
        def refuse():
            raise fc.KernelError(errno.EIO)
        self.check_plain(lambda hba: self.host.kernel.add_show(f'{hba.fc_path}/port_name', refuse))

    def test_links_in_a_circle(self):
        sysfs, hba = self.host.kernel.sysfs, self.hbas[3]
        sysfs.rmdir(hba.fc_path)
        sysfs.link(hba.fc_path, hba.fc_path)
        target = fc.add_target(self.hbas[5], 1, 5)
        port = f'{target.rsplit("/", 1)[0]}/fc_remote_ports'
        sysfs.rmdir(port)
        sysfs.link(port, port)
        self.check_plain(lambda hba: None)
        self.assertEqual(documents.outline(self.cap('scsi_target5_0_1', 'scsi_target')),
                         [('target', None)])

    def test_short_names(self):
        """Names without leading zeros, as in the kernel, are padded; libvirt's output violates its own schema."""
        self.hbas[3].set_text('port_name', '0x1\n')
        self.daemon.start(self.config)
        self.assertEqual(self.cap('scsi_host3', 'scsi_host', 'fc_host').findtext('wwpn'),
                         '0000000000000001')
        self.assertIsNone(documents.validate(self.dump('scsi_host3')))

    def test_no_fabric(self):
        self.hbas[3].set_text('fabric_name', None)
        self.daemon.start(self.config)
        self.assertEqual(documents.outline(self.cap('scsi_host3', 'scsi_host', 'fc_host')),
                         [('wwnn', None), ('wwpn', None)])

    def test_no_unique_id(self):
        hba = self.hbas[0]
        hba.sysfs.unlink(f'{hba.path}/scsi_host/{hba.name}/unique_id')
        self.daemon.start(self.config)
        self.assertEqual(documents.outline(self.cap('scsi_host0', 'scsi_host')), [('host', None)])

    def test_types(self):
        """A SCSI type without a libvirt name, or that is not a number, is omitted."""
        sysfs, target = self.host.kernel.sysfs, fc.add_target(self.hbas[3], 7)
        units = {}
        for number, word in ((4, 'worm'), (6, 'scanner'), (7, 'mod'), (12, 'raid'), (2, None),
                             (14, None), (31, None), (1 << 40, None), (-1, None)):
            units[fc.add_unit(self.hbas[3], target, len(units), number)] = word
        for text in ('', 'disk\n', b'\xff\n'):
            path = fc.add_unit(self.hbas[3], target, len(units), 0)
            sysfs.write(f'{path}/type', text)
            units[path] = None
        self.daemon.start(self.config)
        for lun, word in enumerate(units.values()):
            cap = self.cap(f'scsi_3_0_7_{lun}', 'scsi')
            self.assertEqual((cap.findtext('lun'), cap.findtext('type')), (str(lun), word))

    def test_remote_port_without_name(self):
        target = fc.add_target(self.hbas[5], 1, 5)
        above = target.rsplit('/', 1)[0]
        self.host.kernel.sysfs.write(f'{above}/fc_remote_ports/rport-5:0-1/port_name', '')
        self.daemon.start(self.config)
        self.assertEqual(documents.outline(self.cap('scsi_target5_0_1', 'scsi_target')),
                         [('target', None)])

    def test_invalid_names(self):
        """Other entries on the SCSI bus are not devices."""
        kernel, above = self.host.kernel, self.hbas[0].path
        for name, kind in (('hostel', 'scsi_host'), ('host99999999999', 'scsi_host'),
                           ('0:0:0', 'scsi_device'), ('0:0:x:0', 'scsi_device')):
            kernel.sysfs.add_device(f'{above}/{name}', 'scsi', {}, {'DEVTYPE': kind})
        self.daemon.start(self.config)
        self.assertEqual([name for name in self.names() if 'scsi' in name],
                         sorted(path.stem for path in GOLDEN.glob('*.xml')))

    def test_64_bit_lun(self):
        lun = 0x4001000000000000
        fc.add_unit(self.hbas[3], fc.add_target(self.hbas[3], 7), lun, 0)
        self.daemon.start(self.config)
        self.assertEqual(self.cap(f'scsi_3_0_7_{lun}', 'scsi').findtext('lun'), str(lun))


@only_on('sim', NO_FIBRE)
class Changes(ScsiTest):
    def test_units_added_and_removed(self):
        events = self.listen()
        target = fc.add_target(self.hbas[3], 7, 7)
        fc.add_unit(self.hbas[3], target, 0, 0)
        events.wait(('created', 'scsi_target3_0_7'), ('created', 'scsi_3_0_7_0'),
                    ('created', 'scsi_generic_sg8'))
        self.assertEqual(self.conn.nodeDeviceLookupByName('scsi_generic_sg8').parent(),
                         'scsi_3_0_7_0')
        self.assertEqual(self.conn.nodeDeviceLookupByName('scsi_target3_0_7').parent(),
                         'scsi_host3')

        path = f'{target}/3:0:7:0'
        for gone in (f'{path}/scsi_generic/sg8', path, target):
            self.hbas[3].drop(gone)
        events.wait(('deleted', 'scsi_generic_sg8'), ('deleted', 'scsi_3_0_7_0'),
                    ('deleted', 'scsi_target3_0_7'))
        self.assertNotIn('scsi_target3_0_7', self.names())

    def test_fc_host_added_after_its_scsi_host(self):
        """The kernel announces the host first, and its class later."""
        events = self.listen()
        hba = fc.Host(self.host.kernel, '/sys/devices/pci0000:00/0000:00:19.0',
                      {'port_state': 'Online\n'}, 1, 2, most=5)
        hba.announce()
        events.wait(('created', 'scsi_host7'))
        hba.add_classes()
        self.host.kernel.udevd.settle(self.deadline)
        self.assertEqual(self.caps('scsi_host7'), ['scsi_host'])
        hba.fill()
        events.wait(('update', 'scsi_host7'))
        self.assertEqual(self.caps('scsi_host7'), ['scsi_host', 'fc_host', 'vports'])
        self.assertIn('scsi_host7', self.conn.listDevices('vports'))
        hba.tear_down()
        events.wait(('deleted', 'scsi_host7'))
        self.assertEqual([event for event in events.all() if event[1] == 'scsi_host7'],
                         [('created', 'scsi_host7'), ('update', 'scsi_host7'),
                          ('deleted', 'scsi_host7')])


@only_on('sim', NO_FIBRE)
class Unnamed(MediatedTest):
    machine = 'fibre'
    config = {'mdev': {'event_timeout': '1'}}

    def test_host_without_names(self):
        """A host that never gets names is listed like one present before the daemon started."""
        events = self.listen()
        hba = fc.Host(self.host.kernel, '/sys/devices/pci0000:00/0000:00:19.0', {}, 1, 2, most=5)
        hba.announce()
        events.wait(('created', 'scsi_host7'))
        hba.add_classes()
        events.wait(('update', 'scsi_host7'))
        self.assertIn('scsi_host7', self.conn.listDevices('fc_host'))
        self.assertIn('scsi_host7', self.conn.listDevices('vports'))


@only_on('vm', 'its kernel has a simulated adapter')
class RealKernel(MediatedTest):
    starts_daemon = False

    def run_tool(self, *command):
        subprocess.run(command, check=True, timeout=self.deadline)

    def setUp(self):
        super().setUp()
        self.run_tool('modprobe', 'sg')
        self.addCleanup(self.tear_down)
        self.run_tool('modprobe', 'scsi_debug', 'num_tgts=2', 'max_luns=2')
        self.run_tool('udevadm', 'settle')
        self.daemon.start(self.config)

    def tear_down(self):
        """Unloads scsi_debug once all programs have closed the new disk."""
        self.wait_until(lambda: subprocess.run(['modprobe', '--quiet', '--remove', 'scsi_debug'], check=False,
                                               timeout=self.deadline).returncode == 0, 'its end')

    def below(self, path):
        return sorted(name for name in self.names()
                      if self.path(name) is not None and self.path(name).startswith(f'{path}/'))

    def path(self, name):
        return documents.parse(self.dump(name)).findtext('path')

    def find_host(self):
        return next(name for name in self.conn.listDevices('scsi_host')
                    if '/pseudo_' in self.path(name))

    @seldom_on('vm', 'the comparison with the stock daemon finds it')
    def test_devices(self):
        host = self.find_host()
        number = host.removeprefix('scsi_host')
        names = self.below(self.path(host))
        self.assertEqual([name for name in names if name.startswith('scsi_target')],
                         [f'scsi_target{number}_0_{target}' for target in (0, 1)])
        units = [f'scsi_{number}_0_{target}_{lun}' for target in (0, 1) for lun in (0, 1)]
        self.assertLessEqual(set(units), set(names))
        for name in units:
            device = self.conn.nodeDeviceLookupByName(name)
            cap = documents.find_capability(documents.parse(device.XMLDesc(0)), 'scsi')
            self.assertEqual(cap.findtext('type'), 'disk')
            self.assertEqual(device.parent(), f'scsi_target{number}_0_{name.split("_")[3]}')
        self.assertEqual(len([name for name in names if name.startswith('scsi_generic_')]), 4)
        for name in [host, *names]:
            document = self.dump(name)
            self.assertIsNone(documents.validate(document), document)

    def test_units_added_and_removed(self):
        events = self.listen()
        number = self.find_host().removeprefix('scsi_host')
        name = f'scsi_{number}_0_1_1'
        path = self.path(name)
        generic = f'scsi_generic_{self.host.listdir(f"{path}/scsi_generic")[0]}'
        pathlib.Path(path, 'delete').write_text('1', encoding='ascii')
        events.wait(('deleted', generic), ('deleted', name))
        self.assertNotIn(name, self.names())
        pathlib.Path(f'/sys/class/scsi_host/host{number}/scan').write_text('0 1 1', encoding='ascii')
        events.wait(('created', name))
        self.wait_until(lambda: name in self.names(), name)
        self.assertEqual(self.path(name), path)
