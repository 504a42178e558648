# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines with disks and drives, as described by the kernel and udev's rules.

SCSI and USB devices between a controller and its disk are plain directories here; other machines simulate these
devices.
"""

import pci

SATA = 0x010601
NVME = 0x010802
USB_XHCI = 0x0c0330
VIRTIO = 0x1af4

INTEL = 0x8086
SAMSUNG = 0x144d


def add_disk(kernel, above, name, attributes, properties, devtype='disk'):
    """Adds a block device below a directory; `size` is in sectors as in sysfs. Returns its path."""
    path = f'{above}/{name}'
    # No device numbers: libudev would use its data of this machine's own disks.
    uevent = {'DEVNAME': name, 'DEVTYPE': devtype, **properties}
    data = {'removable': '0', 'ro': '0', 'size': '0', 'queue/logical_block_size': '512', **attributes}
    kernel.sysfs.add_device(path, 'block', {
        attribute: text + b'\n' if isinstance(text, bytes) else f'{text}\n'
        for attribute, text in data.items() if text is not None}, uevent, is_class=True)
    return path


def add_controller(kernel, address, class_code, driver, vendor=INTEL):
    root = '/sys/devices/pci0000:00'
    if not kernel.sysfs.exists(root):
        kernel.sysfs.add_device(root, None, {})
    return pci.add(kernel.sysfs, root, pci.Function(address, vendor, 0x2922, class_code, driver))


def scsi_unit(kernel, controller, host, lun='0:0:0'):
    """Returns the path for the block device of a SCSI unit: a directory with the link `device` to the unit."""
    unit = f'{controller}/{host}/target{host[-1]}:0:0/{host[-1]}:{lun}'
    kernel.sysfs.mkdir(f'{unit}/block')
    return unit


# pylint: disable-next=too-many-arguments
def add_scsi_disk(kernel, controller, host, name, vendor, model, attributes, properties):
    unit = scsi_unit(kernel, controller, host)
    for attribute, text in (('vendor', vendor), ('model', model)):
        if text is not None:
            kernel.sysfs.write(f'{unit}/{attribute}', (text if isinstance(text, bytes) else text.encode()) + b'\n')
    path = add_disk(kernel, f'{unit}/block', name, attributes, properties)
    kernel.sysfs.link(f'{path}/device', unit)
    return path


def add_nvme(kernel):
    """Adds a controller with one namespace, and the path to it that multipath hides."""
    controller = add_controller(kernel, '0000:00:05.0', NVME, 'nvme', SAMSUNG)
    subsystem = f'{controller}/nvme/nvme0'
    kernel.sysfs.mkdir(subsystem)
    kernel.sysfs.write(f'{subsystem}/model', 'SAMSUNG MZVL2512HCJQ-00B00              \n')
    kernel.sysfs.write(f'{subsystem}/serial', 'S675NE0R508135      \n')
    path = add_disk(kernel, subsystem, 'nvme0n1', {'size': 1000215216}, {
        'ID_SERIAL': 'SAMSUNG_MZVL2512HCJQ-00B00_S675NE0R508135_1', 'ID_SERIAL_SHORT': 'S675NE0R508135',
        'ID_MODEL': 'SAMSUNG MZVL2512HCJQ-00B00', 'ID_WWN': 'eui.002538b5214002d2'})
    kernel.sysfs.link(f'{path}/device', subsystem)
    hidden = f'{subsystem}/nvme0c0n1'
    kernel.sysfs.add_device(hidden, 'block', {'size': '1000215216\n', 'hidden': '1\n', 'removable': '0\n'},
                            {'DEVTYPE': 'disk'}, is_class=True)


def add_sata(kernel):
    """Adds two disks, one of them zoned and with 4096-byte blocks, and two drives."""
    controller = add_controller(kernel, '0000:00:06.0', SATA, 'ahci')
    disk = add_scsi_disk(kernel, controller, 'host0', 'sda', 'ATA     ', 'Samsung SSD 860 ', {'size': 1953525168}, {
        'ID_BUS': 'ata', 'ID_TYPE': 'disk', 'ID_ATA': '1',
        'ID_SERIAL': 'Samsung_SSD_860_EVO_1TB_S4X6NF0M509214B', 'ID_PART_TABLE_TYPE': 'gpt'})
    add_disk(kernel, disk, 'sda1', {'size': 1048576, 'partition': 1, 'removable': None}, {
        'ID_BUS': 'ata', 'ID_TYPE': 'disk', 'ID_SERIAL': 'Samsung_SSD_860_EVO_1TB_S4X6NF0M509214B'},
        devtype='partition')
    add_scsi_disk(kernel, controller, 'host1', 'sdb', 'ATA     ', 'HGST HSH721414AL', {
        'size': 27344764928, 'queue/logical_block_size': 4096, 'queue/zoned': 'host-managed',
        'queue/nr_zones': 52156}, {
        'ID_BUS': 'ata', 'ID_TYPE': 'disk', 'ID_SERIAL': 'HGST_HSH721414ALN6M0_VEG0LKAK'})
    add_scsi_disk(kernel, controller, 'host2', 'sr0', 'HL-DT-ST', 'DVDRAM GH24NSC0 ', {
        'size': 8964624, 'removable': 1, 'queue/logical_block_size': 2048}, {
        'ID_BUS': 'ata', 'ID_TYPE': 'cd', 'ID_CDROM': '1', 'ID_CDROM_DVD': '1', 'ID_CDROM_MEDIA': '1',
        'ID_CDROM_MEDIA_DVD': '1', 'ID_FS_LABEL': 'Debian 12.5.0 amd64 n', 'ID_FS_TYPE': 'iso9660',
        'ID_SERIAL': 'HL-DT-ST_DVDRAM_GH24NSC0_K8OE8BK0123'})
    add_scsi_disk(kernel, controller, 'host3', 'sr1', 'QEMU    ', 'QEMU DVD-ROM    ', {
        'size': 2097151, 'removable': 1, 'queue/logical_block_size': 2048}, {
        'ID_BUS': 'ata', 'ID_TYPE': 'cd', 'ID_CDROM': '1', 'ID_SERIAL': 'QEMU_DVD-ROM_QM00003'})


def add_usb(kernel):
    """Adds a stick, a card reader without a card, a drive that only ID_CDROM identifies, and a floppy drive."""
    controller = add_controller(kernel, '0000:00:07.0', USB_XHCI, 'xhci_hcd')
    add_scsi_disk(kernel, controller, 'host4', 'sdc', 'SanDisk ', 'Ultra Fit       ', {
        'size': 30031872, 'removable': 1}, {
        'ID_BUS': 'usb', 'ID_TYPE': 'disk', 'ID_SERIAL': 'SanDisk_Ultra_Fit_4C530001231120115142-0:0',
        'ID_PART_TABLE_TYPE': 'dos'})
    add_scsi_disk(kernel, controller, 'host5', 'sdd', 'Generic-', 'SD/MMC          ', {'removable': 1}, {
        'ID_BUS': 'usb', 'ID_TYPE': 'disk', 'ID_SERIAL': 'Generic-_SD_MMC_20120501030900000-0:0'})
    add_scsi_disk(kernel, controller, 'host6', 'sr2', 'HP      ', 'Virtual DVD-ROM ', {
        'size': 1331200, 'removable': 1, 'queue/logical_block_size': 2048}, {
        'ID_BUS': 'usb', 'ID_TYPE': 'generic', 'ID_CDROM': '1', 'ID_CDROM_MEDIA': '1',
        'ID_SERIAL': 'HP_Virtual_DVD-ROM_01-0:0'})
    add_scsi_disk(kernel, controller, 'host7', 'sde', 'Y-E DATA', 'USB-FDU         ', {
        'size': 2880, 'removable': 1}, {
        'ID_BUS': 'usb', 'ID_TYPE': 'floppy', 'ID_DRIVE_FLOPPY': '1', 'ID_SERIAL': 'Y-E_DATA_USB-FDU'})
    # A zoned disk behind SAS: scsi_id has no name for its type.
    add_scsi_disk(kernel, controller, 'host8', 'sdf', 'HGST    ', 'HSH721414ALE6M0 ', {'size': 27344764928}, {
        'ID_BUS': 'scsi', 'ID_TYPE': 'generic', 'ID_SERIAL': '35000cca2a1e4f6d0'})


def add_virtio(kernel):
    """Adds virtio disks of a guest, with and without a serial number."""
    for slot, name, properties in (('8', 'vda', {'ID_SERIAL': 'root-disk'}), ('9', 'vdb', {})):
        controller = add_controller(kernel, f'0000:00:0{slot}.0', 0x010000, 'virtio-pci', VIRTIO)
        device = f'{controller}/virtio{slot}'
        kernel.sysfs.mkdir(f'{device}/block')
        kernel.sysfs.write(f'{device}/vendor', '0x1af4\n')
        kernel.sysfs.write(f'{device}/device', '0x0002\n')
        path = add_disk(kernel, f'{device}/block', name, {'size': 20971520}, properties)
        kernel.sysfs.link(f'{path}/device', device)


def add_dasd(kernel, **properties):
    device = '/sys/devices/css0/0.0.0003/0.0.0200'
    kernel.sysfs.mkdir(f'{device}/block')
    kernel.sysfs.write(f'{device}/uid', 'IBM.75000000092461.2a00.20\n')
    kernel.sysfs.write(f'{device}/vendor', 'IBM\n')
    path = add_disk(kernel, f'{device}/block', 'dasda', {'size': 43269120, 'queue/logical_block_size': 4096}, {
        'ID_BUS': 'ccw', 'ID_SERIAL': '0X0200', 'ID_UID': 'IBM.75000000092461.2a00.20', **properties})
    kernel.sysfs.link(f'{path}/device', device)


def add_cards_and_floppies(kernel):
    kernel.sysfs.mkdir('/sys/devices/platform/floppy.0/block')
    add_disk(kernel, '/sys/devices/platform/floppy.0/block', 'fd0', {'size': 2880, 'removable': 1}, {
        'ID_DRIVE_FLOPPY': '1', 'ID_FS_LABEL': 'DRIVERS'})
    add_disk(kernel, '/sys/devices/platform/floppy.0/block', 'fd1', {'size': 8, 'removable': 1}, {
        'ID_DRIVE_FLOPPY': '1'})
    add_disk(kernel, '/sys/devices/platform/floppy.0/block', 'fd2', {'size': 8, 'removable': 1}, {})
    card = '/sys/devices/platform/sdhci/mmc_host/mmc0/mmc0:aaaa'
    kernel.sysfs.mkdir(f'{card}/block')
    for name, properties in (('mmcblk0', {'ID_DRIVE_FLASH_SD': '1'}), ('mmcblk1', {})):
        add_disk(kernel, f'{card}/block', name, {'size': 62333952}, {
            'ID_NAME': 'SL32G', 'ID_SERIAL': '0x4a8a5b2c', **properties})


def add_memory_and_layers(kernel):
    """Adds block devices without hardware."""
    for name, properties in (('loop0', {}), ('ram0', {}), ('zram0', {}), ('nbd0', {}), ('md127', {'ID_FS_TYPE': 'ext4'}),
                             ('dm-0', {'DM_NAME': 'vg-root', 'DM_UUID': 'LVM-x'}), ('pmem0', {}), ('xvda', {}),
                             ('rbd0', {}), ('drbd0', {}), ('nullb0', {})):
        add_disk(kernel, '/sys/devices/virtual/block', name, {'size': 2048}, properties)


def storage(kernel):
    """A server with a drive of every kind."""
    for add in (add_nvme, add_sata, add_usb, add_virtio, add_dasd, add_cards_and_floppies, add_memory_and_layers):
        add(kernel)
    return []


def odd_storage(kernel):
    """A machine with disks whose attributes are missing or unreadable."""
    controller = add_controller(kernel, '0000:00:06.0', SATA, 'ahci')
    odd = {
        'sda': (b'B\xfcro\x01   ', b'\xff\xfe<Disk> & \x1b[31m', {'size': 8}, 'S\x07N_\xe9\x01'),
        'sdb': (None, None, {'size': None, 'removable': None, 'queue/logical_block_size': None}, None),
        'sdc': ('', '        ', {'size': '', 'removable': '', 'queue/logical_block_size': ''}, ''),
        'sdd': ('V', 'M', {'size': '18446744073709551615'}, 'HUGE'),
        'sde': ('V', 'M', {'size': '99999999999999999999999999'}, 'HUGER'),
        'sdf': ('V', 'M', {'size': '-8', 'queue/logical_block_size': '-512'}, 'NEGATIVE'),
        'sdg': ('V', 'M', {'size': 'many', 'removable': 'maybe'}, 'WORDS'),
        'sdh': ('V' * 100000, 'M' * 200000, {'size': 8}, 'LONG'),
        'sdi': ('  V 1', '  M  2  ', {'size': 9, 'queue/logical_block_size': 4096}, 'CUT'),
    }
    for number, (name, (vendor, model, attributes, serial)) in enumerate(odd.items()):
        properties = {'ID_BUS': 'ata', 'ID_TYPE': 'disk'}
        if serial is not None:
            properties['ID_SERIAL'] = serial
        add_scsi_disk(kernel, controller, f'host{number}', name, vendor, model, attributes, properties)
    # Reading a directory fails; so does a link to itself.
    broken = add_scsi_disk(kernel, controller, 'host9', 'sdj', None, None,
                           {'size': None, 'removable': None, 'queue/logical_block_size': None},
                           {'ID_TYPE': 'cd', 'ID_CDROM': '1', 'ID_CDROM_MEDIA': '1'})
    for attribute in ('size', 'removable', 'queue/logical_block_size', 'device/vendor'):
        kernel.sysfs.mkdir(f'{broken}/{attribute}')
    kernel.sysfs.link(f'{broken}/device/model', f'{broken}/device/model')
    return []


# Name, udev's type, SCSI type of the unit (None: not a SCSI unit), other properties.
TYPED = (
    ('sr9', 'cd/dvd', None, {'ID_CDROM': '1', 'ID_SERIAL': 'DVDRAM_1'}),
    ('sr8', 'optical', None, {}),
    ('sr7', 'cd/dvd', 5, {'ID_CDROM': '1', 'ID_CDROM_MEDIA': '1'}),
    ('sda', 'rbc', 14, {}),
    ('sdb', 'optical', 7, {'ID_SERIAL': 'MO'}),
    ('sdc', 'generic', 20, {'ID_SERIAL': 'ZONED'}),
    ('sdd', 'generic', 5, {}),
    ('sde', 'Disk', None, {}),
    ('sdf', 'floppy drive', None, {'ID_DRIVE_FLOPPY': '1'}),
    ('sdg', 'memory card', None, {'ID_DRIVE_FLASH_SD': '1'}),
    ('fd3', 'FLOPPY', None, {}),
    ('nvme7n1', 'ssd', None, {}),
    ('mmcblk7', 'mmc', None, {}),
    ('vdq', 'virtual', None, {}),
)


def typed_storage(kernel):
    """A machine with disks and drives of udev types without a libvirt name, and a DASD of udev type disk."""
    controller = add_controller(kernel, '0000:00:06.0', SATA, 'ahci')
    for number, (name, reported, scsi_type, properties) in enumerate(TYPED):
        path = add_scsi_disk(kernel, controller, f'host{number}', name, None, None,
                             {'size': 8, 'removable': int(name.startswith(('sr', 'fd')))},
                             {'ID_TYPE': reported, **properties})
        if scsi_type is not None:
            kernel.sysfs.write(f'{path}/device/type', f'{scsi_type}\n')
    add_dasd(kernel, ID_TYPE='disk')
    return []


MACHINES = {
    'storage': storage,
    'typed-storage': typed_storage,
    'odd-storage': odd_storage,
}
