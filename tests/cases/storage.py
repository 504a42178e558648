# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks and drives: documents, lists, removable media.

The golden documents are the output of libvirtd 9.0.0 on the same simulated host, corrected where noted.
"""

import os
import pathlib
import subprocess

import libvirt

import documents
import storage_hosts
from mediated_test import MediatedTest, only_on, seldom_on

GOLDEN = pathlib.Path(__file__).parent / 'golden' / 'storage'
SIMULATED = 'the drives are of a simulated host'
REAL = 'the disks are of a real kernel'
STORAGE = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE

SDA = 'block_sda_Samsung_SSD_860_EVO_1TB_S4X6NF0M509214B'
SR0 = 'block_sr0_HL_DT_ST_DVDRAM_GH24NSC0_K8OE8BK0123'
SR1 = 'block_sr1_QEMU_DVD_ROM_QM00003'
VDA = 'block_vda_root_disk'
DASD = 'block_dasda_IBM_75000000092461_2a00_20'

# libvirtd treats sectors of 512 bytes as blocks of the disk, and omits one of two elements that the schema requires
# together.
WRONG = {
    DASD: {
        '<size>177230315520</size>': '<size>22153789440</size>',
        '<num_blocks>43269120</num_blocks>': '<num_blocks>5408640</num_blocks>'},
    'block_sdb_HGST_HSH721414ALN6M0_VEG0LKAK': {
        '<size>112004157145088</size>': '<size>14000519643136</size>',
        '<num_blocks>27344764928</num_blocks>': '<num_blocks>3418095616</num_blocks>'},
    SR0: {
        '<media_size>18359549952</media_size>': '<media_size>4589887488</media_size>',
        '<num_blocks>8964624</num_blocks>': '<num_blocks>2241156</num_blocks>'},
    'block_sr2_HP_Virtual_DVD_ROM_01_0_0': {
        '<media_size>2726297600</media_size>': '<media_size>681574400</media_size>',
        '<num_blocks>1331200</num_blocks>': '<num_blocks>332800</num_blocks>'},
    'block_sdd_Generic__SD_MMC_20120501030900000_0_0': {
        '<logical_block_size>512</logical_block_size>\n':
            '<logical_block_size>512</logical_block_size>\n    <num_blocks>0</num_blocks>\n'},
}

# A card that no udev rule marks as such; libvirtd does not list it.
MISSED = 'block_mmcblk1_0x4a8a5b2c'


class StorageTest(MediatedTest):
    machine = 'storage'
    config = {'xml': {'details': 'false'}}

    @property
    def kernel(self):
        return self.host.kernel

    def path(self, name):
        return self.dump(name).split('<path>')[1].split('<')[0]

    def cap(self, name, *types):
        return documents.find_capability(documents.parse(self.dump(name)), 'storage', *types)

    def change(self, path, removed=(), **properties):
        """Changes udev's properties of a disk, with an event."""
        known = {key: text for key, text in self.kernel.sysfs.uevent(path).items() if key not in removed}
        self.kernel.sysfs.write_uevent(path, {**known, **properties})
        self.kernel.event('change', path)


@only_on('sim', SIMULATED)
class Documents(StorageTest):
    def test_golden(self):
        expected = {path.stem: path.read_text() for path in GOLDEN.glob('*.xml')}
        self.assertEqual(self.names(STORAGE), sorted([*expected, MISSED]))
        for name, document in expected.items():
            for wrong, right in WRONG.get(name, {}).items():
                self.assertIn(wrong, document)
                document = document.replace(wrong, right)
            with self.subTest(name):
                self.assertEqual(self.dump(name), document)
                self.assertIsNone(documents.validate(document))

    def test_card(self):
        cap = self.cap(MISSED)
        self.assertEqual({child.tag: child.text for child in cap}, {
            'block': '/dev/mmcblk1', 'drive_type': 'sd', 'serial': '0x4a8a5b2c', 'size': '31914983424',
            'logical_block_size': '512', 'num_blocks': '62333952'})
        self.assertIsNone(documents.validate(self.dump(MISSED)))

    def test_lists(self):
        names = self.names(STORAGE)
        self.assertEqual(sorted(self.conn.listDevices('storage')), names)
        self.assertEqual(self.conn.numOfDevices('storage'), len(names))
        for name in names:
            device = self.conn.nodeDeviceLookupByName(name)
            self.assertEqual(device.listCaps(), ['storage'])
            self.assertIn(device.parent(), self.names())


@only_on('sim', SIMULATED)
class Changes(StorageTest):
    def test_medium_removed(self):
        events = self.listen()
        self.change(self.path(SR0), removed=('ID_CDROM_MEDIA', 'ID_CDROM_MEDIA_DVD', 'ID_FS_LABEL', 'ID_FS_TYPE'))
        events.wait(('update', SR0))
        drive = self.cap(SR0, 'removable')
        self.assertEqual({child.tag: child.text for child in drive}, {'media_available': '0', 'media_size': '0'})
        self.assertEqual(events.all(), [('update', SR0)])

    def test_inserted_medium(self):
        events = self.listen()
        path = self.path(SR1)
        self.kernel.sysfs.write(f'{path}/size', '2841600\n')
        self.assertEqual(self.cap(SR1, 'removable').findtext('media_size'), '0')
        self.change(path, ID_CDROM_MEDIA='1', ID_FS_LABEL='TOOLS & <more>')
        events.wait(('update', SR1))
        drive = self.cap(SR1, 'removable')
        self.assertEqual({child.tag: child.text for child in drive}, {
            'media_available': '1', 'media_size': '1454899200', 'media_label': 'TOOLS & <more>',
            'logical_block_size': '2048', 'num_blocks': '710400'})

    def test_size_at_every_dump(self):
        path = self.path(VDA)
        for sectors in (41943040, 8, 20971520):
            self.kernel.sysfs.write(f'{path}/size', f'{sectors}\n')
            self.assertEqual(self.cap(VDA).findtext('size'), str(sectors * 512))
            self.assertEqual(self.cap(VDA).findtext('num_blocks'), str(sectors))

    def test_serial_number_reported_later(self):
        events = self.listen()
        self.change(self.path('block_vdb'), ID_SERIAL='late')
        events.wait(('deleted', 'block_vdb'), ('created', 'block_vdb_late'))
        self.assertEqual(self.cap('block_vdb_late').findtext('serial'), 'late')
        self.assertNotIn('block_vdb', self.names())

    def test_late_udev_properties(self):
        """udev repeats its rules for existing devices when it starts, possibly after the daemon's scan."""
        path = self.path('block_vdb')
        events = self.listen()
        self.kernel.event('add', path)
        self.kernel.sysfs.write_uevent(path, {**self.kernel.sysfs.uevent(path), 'ID_SERIAL': 'late'})
        self.kernel.event('add', path)
        events.wait(('deleted', 'block_vdb'), ('created', 'block_vdb_late'))
        self.kernel.event('add', path)
        self.change(self.path(VDA))
        events.wait(('update', VDA))
        self.assertEqual(events.all(), [('deleted', 'block_vdb'), ('created', 'block_vdb_late'), ('update', VDA)])

    def test_late_disk_type(self):
        path = '/sys/devices/virtual/block/nullb0'
        events = self.listen()
        self.change(path, ID_TYPE='disk')
        events.wait(('created', 'block_nullb0'))
        self.assertEqual(self.conn.nodeDeviceLookupByName('block_nullb0').parent(), 'computer')
        self.change(path, removed=('ID_TYPE',))
        events.wait(('deleted', 'block_nullb0'))

    def test_hotplug(self):
        events = self.listen()
        controller = storage_hosts.add_controller(self.kernel, '0000:00:0a.0', 0x010000, 'virtio-pci', 0x1af4)
        self.kernel.event('add', controller)
        path = storage_hosts.add_disk(self.kernel, f'{controller}/virtio10/block', 'vdc', {'size': 8},
                                      {'ID_SERIAL': 'new'})
        self.kernel.event('add', path)
        events.wait(('created', 'block_vdc_new'))
        self.assertEqual(self.conn.nodeDeviceLookupByName('block_vdc_new').parent(), 'pci_0000_00_0a_0')
        self.assertEqual(self.cap('block_vdc_new').findtext('size'), '4096')
        device = self.conn.nodeDeviceLookupByName('block_vdc_new')
        self.kernel.sysfs.remove_device(path)
        self.kernel.event('remove', path, SUBSYSTEM='block', DEVTYPE='disk')
        events.wait(('deleted', 'block_vdc_new'))
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, device.XMLDesc, 0, says='block_vdc_new')

    def test_partitions_and_layers(self):
        events = self.listen()
        before = self.names()
        for path, devtype in ((f'{self.path(SDA)}/sda1', 'partition'), ('/sys/devices/virtual/block/loop0', 'disk')):
            self.kernel.event('add', path, DEVTYPE=devtype)
            self.kernel.event('change', path, DEVTYPE=devtype)
        self.change(self.path(VDA))
        events.wait(('update', VDA))
        self.assertEqual(self.names(), before)
        self.assertEqual(events.all(), [('update', VDA)])

    def test_blocks_after_an_event(self):
        """After an event, the number of blocks is read again, because the disk may have been formatted."""
        self.assertEqual(self.cap(VDA).findtext('num_blocks'), '20971520')
        events = self.listen()
        self.kernel.sysfs.write(f'{self.path(VDA)}/queue/logical_block_size', '4096\n')
        self.change(self.path(VDA))
        events.wait(('update', VDA))
        self.assertEqual((self.cap(VDA).findtext('logical_block_size'), self.cap(VDA).findtext('num_blocks')),
                         ('4096', '2621440'))

    def test_blocks_with_another_size(self):
        path = self.path(VDA)
        self.kernel.sysfs.write(f'{path}/queue/logical_block_size', '4096\n')
        self.kernel.sysfs.write(f'{path}/size', '16\n')
        self.assertEqual((self.cap(VDA).findtext('logical_block_size'), self.cap(VDA).findtext('num_blocks')),
                         ('4096', '2'))

    def test_hung_disk(self):
        events = self.listen()
        path = self.path(VDA)
        self.change(path)
        events.wait(('update', VDA))
        document = self.check_hangs_alone(f'{path}/queue/logical_block_size', VDA, SDA, '<size>')
        self.assertIn('<num_blocks>20971520</num_blocks>', document)


@only_on('sim', SIMULATED)
class Types(StorageTest):
    machine = 'typed-storage'

    def test_types_without_a_name(self):
        """The kind of a drive with an unknown type follows from its other properties."""
        expected = {
            'block_sr9_DVDRAM_1': 'cdrom', 'block_sr8': 'cdrom', 'block_sr7': 'cdrom', 'block_sda': 'disk',
            'block_sdb_MO': 'disk', 'block_sdc_ZONED': 'disk', 'block_sdd': 'cdrom', 'block_sde': 'disk',
            'block_sdf': 'floppy', 'block_sdg': 'sd', 'block_fd3': 'floppy', 'block_nvme7n1': 'disk',
            'block_mmcblk7': 'sd', 'block_vdq': 'disk', DASD: 'dasd'}
        self.assertEqual(self.names(STORAGE), sorted(expected))
        for name, drive_type in expected.items():
            with self.subTest(name):
                self.assertEqual(self.cap(name).findtext('drive_type'), drive_type)
                self.assertIsNone(documents.validate(self.dump(name)))

    def test_number_of_disk_of_channels(self):
        self.assertEqual(self.cap(DASD).findtext('serial'), 'IBM.75000000092461.2a00.20')


@only_on('sim', SIMULATED)
class Identity(StorageTest):
    """A device keeps its identity when udev's properties change, or a helper program fails."""

    def check_stays(self, name, removed=(), **properties):
        before = self.dump(name)
        events = self.listen()
        self.change(self.path(name), removed, **properties)
        events.wait(('update', name))
        self.change(self.path(VDA))
        events.wait(('update', VDA))
        self.assertEqual(events.all(), [('update', name), ('update', VDA)])
        self.assertEqual(self.dump(name), before)

    def test_disk_of_channels(self):
        self.check_stays(DASD, ID_TYPE='disk', ID_SERIAL='0X0200')
        self.check_stays(DASD, removed=('ID_TYPE', 'ID_SERIAL', 'ID_BUS', 'ID_UID'))

    def test_disk_of_channels_without_its_number(self):
        path = self.path(DASD)
        self.kernel.sysfs.write(f'{path}/device/uid', '\n')
        self.check_stays(DASD)

    def test_serial_number(self):
        for properties in ({'ID_SERIAL': ''}, {'ID_SERIAL': 'other'}):
            self.check_stays(SDA, **properties)
        self.check_stays(SDA, removed=('ID_SERIAL',))

    def test_type(self):
        for reported in ('cd', 'floppy', 'generic', 'tape', ''):
            self.check_stays(SDA, ID_TYPE=reported)
        self.check_stays(SDA, removed=('ID_TYPE',))
        self.check_stays(SR0, ID_TYPE='disk')

    def test_removed_udev_properties(self):
        for name in (SDA, SR1, 'block_sde_Y_E_DATA_USB_FDU'):
            self.check_stays(name, removed=('ID_TYPE', 'ID_SERIAL', 'ID_BUS', 'ID_DRIVE_FLOPPY', 'ID_CDROM'))

    def test_another_disk_in_its_place(self):
        """Another disk at the same path is another device."""
        path = self.path(SDA)
        properties = self.kernel.sysfs.uevent(path)
        events = self.listen()
        with self.host.silence_udev():
            self.kernel.sysfs.remove_device(path)
            self.kernel.event('remove', path, SUBSYSTEM='block', DEVTYPE='disk')
            self.kernel.sysfs.add_device(path, 'block', {'size': '8\n'}, {**properties, 'ID_SERIAL': 'B'},
                                         is_class=True)
            self.kernel.event('add', path)
        events.wait(('deleted', SDA), ('created', 'block_sda_B'))
        self.assertNotIn(SDA, self.names())


@only_on('sim', SIMULATED)
class Odd(StorageTest):
    machine = 'odd-storage'

    def texts(self, name):
        document = self.dump(name)
        self.assertIsNone(documents.validate(document))
        return {child.tag: child.text for child in self.cap(name)}

    def test_all(self):
        self.assertEqual(self.names(STORAGE), [
            'block_sda_S_N____', 'block_sdb', 'block_sdc', 'block_sdd_HUGE', 'block_sde_HUGER', 'block_sdf_NEGATIVE',
            'block_sdg_WORDS', 'block_sdh_LONG', 'block_sdi_CUT', 'block_sdj'])

    def test_invalid_bytes(self):
        texts = self.texts('block_sda_S_N____')
        self.assertEqual(texts['model'], '\ufffd\ufffd<Disk> & [31m')
        self.assertEqual(texts['vendor'], 'B\ufffdro')
        self.assertEqual(texts['serial'], 'SN_\u00e9')

    def test_nothing(self):
        for name in ('block_sdb', 'block_sdc'):
            self.assertEqual(self.texts(name), {'block': f'/dev/{name[6:]}', 'bus': 'ata', 'drive_type': 'disk',
                                                'size': '0'})

    def test_numbers(self):
        for name in ('block_sdd_HUGE', 'block_sde_HUGER', 'block_sdg_WORDS'):
            with self.subTest(name):
                texts = self.texts(name)
                self.assertEqual((texts['size'], texts['logical_block_size'], texts['num_blocks']), ('0', '512', '0'))
        self.assertEqual(self.texts('block_sdf_NEGATIVE')['size'], '0')
        self.assertNotIn('num_blocks', self.texts('block_sdf_NEGATIVE'))

    def test_texts(self):
        texts = self.texts('block_sdh_LONG')
        self.assertEqual((texts['model'], texts['vendor']), ('M' * 65536, 'V' * 65536))
        texts = self.texts('block_sdi_CUT')
        self.assertEqual((texts['vendor'], texts['model']), ('  V 1', '  M  2'))
        self.assertEqual((texts['size'], texts['num_blocks']), ('4608', '1'))

    def test_unreadable_attributes(self):
        self.assertEqual(self.texts('block_sdj'), {'block': '/dev/sdj', 'drive_type': 'cdrom', 'size': '0'})


@only_on('vm', REAL)
class Real(StorageTest):
    machine = 'm60'

    def run_program(self, *args):
        return subprocess.run(args, check=True, capture_output=True, text=True).stdout.strip()

    def remove_disk(self):
        subprocess.run(['rmmod', 'scsi_debug'], capture_output=True, check=False)

    @staticmethod
    def size(node):
        with open(node, 'rb') as disk:
            return disk.seek(0, os.SEEK_END)

    def test_blocks_of_4096_bytes(self):
        before = set(self.names(STORAGE))
        self.addCleanup(self.remove_disk)
        self.run_program('modprobe', 'scsi_debug', 'dev_size_mb=8', 'sector_size=4096')
        name = self.wait_until(lambda: next(iter(set(self.names(STORAGE)) - before), None), 'the disk')
        cap = self.cap(name)
        self.assertEqual(int(cap.findtext('size')), self.size(cap.findtext('block')))
        self.assertEqual((cap.findtext('size'), cap.findtext('logical_block_size'), cap.findtext('num_blocks')),
                         ('8388608', '4096', '2048'))
        self.assertEqual((cap.findtext('drive_type'), cap.findtext('model')), ('disk', 'scsi_debug'))
        self.assertIsNone(documents.validate(self.dump(name)))
        events = self.listen()
        self.remove_disk()
        events.wait(('deleted', name))

    @seldom_on('vm', 'the comparison with the stock daemon finds it')
    def test_virtual_disks(self):
        names = self.names(STORAGE)
        self.run_program('modprobe', 'loop')
        loop = self.run_program('losetup', '--find', '--show', '--read-only', __file__)
        self.addCleanup(subprocess.run, ['losetup', '--detach', loop], check=False)
        self.run_program('modprobe', 'zram')
        self.run_program('udevadm', 'settle')
        self.assertEqual(self.names(STORAGE), names)
