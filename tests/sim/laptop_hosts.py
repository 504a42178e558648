# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fake machines without mediated devices: a laptop, a workstation, and unusual cards.

Ids and texts are from real hardware; serial numbers are fictitious.
"""

import os

import pci
import vpd

INTEL = 0x8086
AMD = 0x1002
MELLANOX = 0x15b3
TI = 0x104c

LARGE_LUN = 0x4001000000000000

HOST_BRIDGE = 0x060000
ISA_BRIDGE = 0x060100
BRIDGE = 0x060400
CARDBUS = 0x060700
VGA = 0x030000
ETHERNET = 0x020000
NVME = 0x010802
XHCI = 0x0c0330

NETWORK_CARD = vpd.build(
    'ConnectX-6 Dx EN adapter card, 100GbE, Dual-port QSFP56',
    [('PN', 'MCX623106AN-CDAT'), ('EC', 'A6'), ('V2', 'MCX623106AN-CDAT'), ('SN', 'MT2042X00642'),
     ('V3', 'a2f4c8d40e1deb118000043f72bf6a52'), ('VA', 'MLX:MN=MLNX:CSKU=V2:UUID=V3:PCI=V0'),
     ('V0', 'PCIeGen4 x16   ')],
    [('YA', 'EX-7781'), ('V1', ' rack 4 '), ('YB', 'blade 2'), ('RW', bytes(16))], spare=8)


def add_usb_device(kernel, above, name, numbers, ids, texts, in_database=(None, None)):
    """Adds a USB device. `numbers` are bus and device, `ids` vendor and product, `texts` the strings of the device."""
    path = f'{above}/{name}'
    bus, device = numbers
    vendor, product = ids
    node = f'/dev/bus/usb/{bus:03}/{device:03}'
    attributes = {'busnum': f'{bus}\n', 'devnum': f'{device}\n', 'idVendor': f'{vendor:04x}\n',
                  'idProduct': f'{product:04x}\n', 'bDeviceClass': '00\n'}
    for attribute, text in zip(('manufacturer', 'product', 'serial'), texts):
        if text is not None:
            attributes[attribute] = text
    properties = {'MAJOR': '189', 'MINOR': f'{(bus - 1) * 128 + device - 1}',
                  'DEVNAME': node.removeprefix('/dev/'), 'DEVTYPE': 'usb_device',
                  'DRIVER': 'usb', 'PRODUCT': f'{vendor:x}/{product:x}/100', 'TYPE': '0/0/0',
                  'BUSNUM': f'{bus:03}', 'DEVNUM': f'{device:03}',
                  'ID_VENDOR_ID': f'{vendor:04x}', 'ID_MODEL_ID': f'{product:04x}'}
    for key, text in zip(('ID_VENDOR_FROM_DATABASE', 'ID_MODEL_FROM_DATABASE'), in_database):
        if text is not None:
            properties[key] = text
    kernel.sysfs.add_device(path, 'usb', attributes, properties)
    kernel.sysfs.bind(path, 'usb')
    kernel.sysfs.add_node(node, 189, (bus - 1) * 128 + device - 1)
    return path


# pylint: disable-next=too-many-arguments
def add_usb_interface(kernel, device, number, kind, driver=None, configuration=1, text=None):
    """Adds a USB interface. `kind` is class, subclass and protocol."""
    name = os.path.basename(device)
    if name.startswith('usb'):
        name = f'{name[3:]}-0'
    path = f'{device}/{name}:{configuration}.{number}'
    attributes = {'bInterfaceNumber': f'{number:02x}\n', 'bAlternateSetting': ' 0\n',
                  'bInterfaceClass': f'{kind[0]:02x}\n', 'bInterfaceSubClass': f'{kind[1]:02x}\n',
                  'bInterfaceProtocol': f'{kind[2]:02x}\n'}
    if text is not None:
        attributes['interface'] = f'{text}\n'
    kernel.sysfs.add_device(path, 'usb', attributes, {
        'DEVTYPE': 'usb_interface', 'INTERFACE': f'{kind[0]}/{kind[1]}/{kind[2]}'})
    kernel.sysfs.bind(path, driver)
    return path


def add_root_hubs(kernel, controller):
    """Adds the two buses of an xHCI controller."""
    paths = []
    for bus, product, name in ((1, 0x0002, '2.0 root hub'), (2, 0x0003, '3.0 root hub')):
        path = add_usb_device(
            kernel, controller, f'usb{bus}', (bus, 1), (0x1d6b, product),
            ('Linux 6.1.0-18-amd64 xhci-hcd\n', 'xHCI Host Controller\n', '0000:00:14.0\n'),
            ('Linux Foundation', name))
        add_usb_interface(kernel, path, 0, (9, 0, bus - 1), 'hub')
        paths.append(path)
    return paths


def add_usb(kernel, controller):
    fast, _ = add_root_hubs(kernel, controller)
    hub = add_usb_device(kernel, fast, '1-1', (1, 2), (0x05e3, 0x0610),
                         ('GenesysLogic\n', 'USB2.1 Hub\n'), ('Genesys Logic, Inc.', 'Hub'))
    add_usb_interface(kernel, hub, 0, (9, 0, 2), 'hub')
    keyboard = add_usb_device(kernel, hub, '1-1.4', (1, 5), (0x046d, 0xc31c),
                              ('Logitech\n', 'USB Keyboard\n'),
                              ('Logitech, Inc.', 'Keyboard K120'))
    add_usb_interface(kernel, keyboard, 0, (3, 1, 1), 'usbhid', text='Boot keyboard')
    add_usb_interface(kernel, keyboard, 1, (3, 0, 0), 'usbhid')
    # Missing in the hardware database, or present with the vendor only.
    camera = add_usb_device(kernel, fast, '1-7', (1, 3), (0x3277, 0x0029),
                            ("Shine <optics> & 'co'\n", 'USB2.0 FHD UVC WebCam  \n', '0x0001\n'))
    add_usb_interface(kernel, camera, 0, (14, 1, 0), 'uvcvideo', text='USB2.0 FHD UVC WebCam')
    add_usb_interface(kernel, camera, 1, (14, 2, 0), 'uvcvideo')
    stick = add_usb_device(kernel, fast, '1-8', (1, 10), (0x0781, 0xffff),
                           ('SanDisk\n', 'Ultra\n', '4C53\n'), ('SanDisk Corp.', None))
    add_usb_interface(kernel, stick, 0, (8, 6, 80), 'usb-storage')
    # A device without strings, whose interface has no driver.
    mute = add_usb_device(kernel, fast, '1-9', (1, 11), (0x27c6, 0x639c), ())
    add_usb_interface(kernel, mute, 0, (255, 0, 0))


def add_drm(kernel, gpu):
    """Adds the nodes of a graphics driver, and its connectors, which are not nodes."""
    for name, minor in (('card0', 0), ('renderD128', 128)):
        path = f'{gpu}/drm/{name}'
        kernel.sysfs.add_device(path, 'drm', {'dev': f'226:{minor}\n'}, {
            'MAJOR': '226', 'MINOR': f'{minor}', 'DEVNAME': f'dri/{name}',
            'DEVTYPE': 'drm_minor'}, is_class=True)
        kernel.sysfs.link(f'{path}/device', gpu)
        kernel.sysfs.add_node(f'/dev/dri/{name}', 226, minor)
    kernel.sysfs.add_device(f'{gpu}/drm/card0/card0-eDP-1', 'drm', {'status': 'connected\n'}, {},
                            is_class=True)
    kernel.sysfs.add_device('/sys/devices/virtual/drm/ttm', 'drm', {}, {}, is_class=True)


def add_root(kernel, name):
    path = f'/sys/devices/{name}'
    kernel.sysfs.add_device(path, None, {})
    return path


def laptop(kernel):
    """A laptop: PCI Express links of all kinds, graphics, USB, and a network card with VPD."""
    sysfs = kernel.sysfs
    root = add_root(kernel, 'pci0000:00')
    multi = pci.HEADER_MULTI
    # Its configuration space is extended but has no PCI Express capability; the function still counts as PCI Express.
    pci.add(sysfs, root, pci.Function('0000:00:00.0', INTEL, 0x4601, HOST_BRIDGE, 'igen6_edac', 0,
                                      config_size=pci.EXTENDED_SIZE))
    port = pci.add(sysfs, root, pci.Function(
        '0000:00:01.0', INTEL, 0x460d, BRIDGE, 'pcieport', 2, -1, pci.ROOT_PORT, 5, 16, port=2,
        now=(1, 8), header=pci.HEADER_BRIDGE, config_size=pci.EXTENDED_SIZE))
    gpu = pci.add(sysfs, port, pci.Function(
        '0000:01:00.0', AMD, 0x73ff, VGA, 'amdgpu', 14, -1, pci.ENDPOINT, 4, 16, now=(1, 8),
        config_size=pci.EXTENDED_SIZE, subsystem=(0x1043, 0x05db)))
    add_drm(kernel, gpu)
    pci.add(sysfs, root, pci.Function('0000:00:1f.0', INTEL, 0x5182, ISA_BRIDGE, None, 9,
                                      header=multi))
    # A sleeping device, and one whose bus does not respond.
    pci.add(sysfs, root, pci.Function('0000:00:0a.0', INTEL, 0x467d, 0x118000, 'intel_vsec', 8, -1,
                                      pci.RC_ENDPOINT, 0, 0))
    controller = pci.add(sysfs, root, pci.Function('0000:00:14.0', INTEL, 0x51ed, XHCI, 'xhci_hcd',
                                                   9, header=multi))
    add_usb(kernel, controller)
    old = pci.add(sysfs, root, pci.Function('0000:00:1e.0', INTEL, 0x244e, BRIDGE, None, 11))
    pci.add(sysfs, old, pci.Function('0000:05:01.0', TI, 0xac56, CARDBUS, 'yenta_cardbus', 11,
                                     header=pci.HEADER_CARDBUS | multi))
    pci.add(sysfs, old, pci.Function('0000:05:02.0', 0x1af4, 0xfffe, 0, None))
    add_network_card(kernel, root)
    domain = add_root(kernel, 'pci10000:e0')
    pci.add(sysfs, domain, pci.Function('10000:e1:00.0', INTEL, 0xf1aa, NVME, 'nvme', None, -1,
                                        pci.ENDPOINT, 4, 4))
    return []


def add_network_card(kernel, root):
    """Adds a network card with two ports; the virtual functions of the first are enabled."""
    sysfs = kernel.sysfs
    port = pci.add(sysfs, root, pci.Function(
        '0000:00:1c.0', INTEL, 0x51b8, BRIDGE, 'pcieport', 12, 0, pci.ROOT_PORT, 4, 16, port=9,
        header=pci.HEADER_BRIDGE | pci.HEADER_MULTI))
    cards = [pci.add(sysfs, port, pci.Function(
        f'0000:02:00.{number}', MELLANOX, 0x101d, ETHERNET, 'mlx5_core', 20 + number, 0,
        pci.ENDPOINT, 4, 16, header=pci.HEADER_MULTI, vpd=NETWORK_CARD)) for number in (0, 1)]
    virtual = [pci.Function(f'0000:02:00.{number}', MELLANOX, 0x101e, ETHERNET, 'mlx5_core',
                            20 + number, 0, pci.ENDPOINT, 0, 0) for number in (2, 3, 4)]
    pci.add_virtual_functions(sysfs, cards[0], virtual, 8)
    sysfs.write(f'{cards[1]}/sriov_totalvfs', '8\n')
    sysfs.write(f'{cards[1]}/sriov_numvfs', '0\n')


def odd_vpd():
    """Returns {device name: VPD}; each VPD has one error, or is unusual but valid."""
    name = vpd.resource(vpd.STRING, b'Card')
    good = vpd.read_only(name, [('PN', '1'), ('SN', '2')])
    return {
        'plain': good + vpd.END,
        'empty': b'',
        'garbage': bytes(range(255, -1, -1)) * 4,
        'ones': b'\xff' * 32768,
        'zeroes': b'\0' * 32768,
        'no-end': good,
        'cut': good[:-6],
        'checksum': good[:-2] + bytes([good[-2] ^ 1]) + good[-1:] + vpd.END,
        'no-read-only': name + vpd.END,
        'no-name': vpd.read_only(b'', [('SN', 'nameless')]) + vpd.END,
        'bad-name': vpd.read_only(vpd.resource(vpd.STRING, b'B\xfcro'), [('SN', '3')]) + vpd.END,
        'markup': vpd.build("a<b>&'c' \"d\"", [('PN', '<&>'), ('SN', "'\""), ('V1', '&amp;')],
                            [('YA', '<tag>'), ('Y1', '&')]),
        'bad-field': vpd.build('Card', [('PN', b'\x01\x02'), ('SN', b'caf\xe9'), ('EC', 'ok')]),
        'blanks': vpd.build('  Card \t', [('PN', '   '), ('SN', ' 7 '), ('EC', '')], []),
        'unknown-keywords': vpd.build('Card', [('PG', '1'), ('ZZ', '2'), ('v1', '3'), ('CP', b'\1'),
                                               ('Y1', '4'), ('YA', '5'), ('SN', '6')],
                                      [('SN', '7'), ('PN', '8'), ('ZZ', '9'), ('V9', 'nine')]),
        'twice': vpd.build('Card', [('SN', 'one'), ('SN', 'two'), ('V1', 'a'), ('V2', 'b'),
                                    ('V1', 'c')]),
        'only-checksum': vpd.read_only(name, []) + vpd.END,
        'nul': vpd.build('Card\0more', [('SN', b'12\x0034'), ('PN', b'x\0')]),
        'rv-not-last': name + vpd.resource(vpd.READ_ONLY, vpd.field('RV', b'\0') +
                                           vpd.field('SN', '8')) + vpd.END,
        'rv-in-writable': good + vpd.resource(vpd.READ_WRITE, vpd.field('RV', b'\0')) + vpd.END,
        'rw-in-read-only': vpd.build('Card', [('RW', b'\0')]),
        'rw-not-last': good + vpd.resource(
            vpd.READ_WRITE, vpd.field('RW', b'\0') + vpd.field('V1', 'x')) + vpd.END,
        'field-too-long': good + vpd.resource(vpd.READ_WRITE, b'YA\x7fabc') + vpd.END,
        'stray-bytes': good + vpd.resource(vpd.READ_WRITE, vpd.field('YA', 'a') + b'??') + vpd.END,
        'unknown-resource': good + vpd.resource(0x85, b'whatever') + b'\x0b\1\2\3' + vpd.END,
        'writable-first': vpd.read_only(name + vpd.resource(
            vpd.READ_WRITE, vpd.field('YA', 'first')), [('SN', '9')]) + vpd.END,
        'unknown-first': vpd.read_only(name + vpd.resource(0x85, b'whatever'), [('SN', '10')]) + vpd.END,
        'full': vpd.read_only(name, [('V1', 'x' * 255)] * 120) + vpd.END,
        'beyond': good + vpd.resource(0x85, b'') + vpd.resource(0x86, bytes(32767)) + vpd.END,
        'behind-end': good + vpd.END + b'\xff' * 100,
    }


def odd(kernel):
    """Hardware with unusual data: one network card for each VPD, USB devices, the firmware."""
    root = add_root(kernel, 'pci0000:00')
    add_odd_usb(kernel, root)
    add_odd_pci(kernel)
    add_large_numbers(kernel, root)
    for name, text in ODD_DMI.items():
        kernel.sysfs.write(f'/sys/devices/virtual/dmi/id/{name}', text)
    for number, data in enumerate(odd_vpd().values()):
        pci.add(kernel.sysfs, root, pci.Function(
            f'0000:00:{number // 8 + 1:02x}.{number % 8}', INTEL, 0x1572, ETHERNET, vpd=data))
    return []


ODD_DMI = {
    'sys_vendor': b'  B\xc3\xbcro  \n',
    'product_name': b'M\xfcll\x01\x7f\tPC\n',
    'product_version': b'   \n',
    'product_serial': b'\n',
    'product_uuid': b'ffffffff-ffff-ffff-ffff-ffffffffffff\n',
    'bios_version': b'\x02\x03\n',
    'bios_date': b'x' * 3000,
}


def add_odd_usb(kernel, root):
    """Adds USB devices with unusual or missing attributes."""
    sysfs = kernel.sysfs
    controller = pci.add(sysfs, root, pci.Function('0000:00:14.0', INTEL, 0x51ed, XHCI, 'xhci_hcd'))
    hub, _ = add_root_hubs(kernel, controller)
    texts = {'1-1': (b'Soci\xe9t\xe9\n', b'\x01mouse\x1b[1m\x7f\n'),
             '1-2': (b'\n', b'   \n'),
             '1-3': (b'caf\xc3\xa9 \xef\xbf\xbe\n', b'line\nline\ttab\rreturn\n'),
             '1-4': (b'x' * 3000 + b'\n', b'nul\0nul\n')}
    for number, (name, said) in enumerate(texts.items(), 2):
        path = add_usb_device(kernel, hub, name, (1, number), (0x1234, number), said)
        add_usb_interface(kernel, path, 0, (255, 255, 255))
        if name == '1-2':
            sysfs.unlink(f'{path}/1-2:1.0/bInterfaceProtocol')
            sysfs.write(f'{path}/1-2:1.0/bInterfaceSubClass', 'no number\n')
    # Not yet processed by udev, and with few attributes from the kernel.
    path = f'{hub}/1-5'
    sysfs.add_device(path, 'usb', {'idVendor': '046d\n', 'idProduct': 'c31c\n', 'busnum': '1\n',
                                   'devnum': '77\n'}, {'DEVTYPE': 'usb_device'})
    sysfs.add_device(f'{hub}/1-6', 'usb', {}, {'DEVTYPE': 'usb_device'})


def add_large_numbers(kernel, root):
    """Adds nodes of graphics cards beyond the first 64, and a logical unit number of eight bytes."""
    for name, minor in (('card64', 192), ('renderD250', 250)):
        kernel.sysfs.add_device(f'{root}/drm/{name}', 'drm', {}, {
            'MAJOR': '226', 'MINOR': f'{minor}', 'DEVNAME': f'dri/{name}', 'DEVTYPE': 'drm_minor'}, is_class=True)
    kernel.sysfs.add_device(f'{root}/host9/target9:0:0/9:0:0:{LARGE_LUN}', 'scsi', {'type': '0\n'},
                            {'DEVTYPE': 'scsi_device'})


def add_odd_pci(kernel):
    """Adds configuration spaces, links and attributes that are invalid, truncated or missing."""
    sysfs = kernel.sysfs
    root = add_root(kernel, 'pci0000:40')

    def add(slot, **facts):
        function = pci.Function(f'0000:40:{slot:02x}.0', INTEL, 0x1572, ETHERNET, **facts)
        return pci.add(sysfs, root, function)

    sysfs.unlink(f'{add(1, express=pci.ENDPOINT)}/config')
    sysfs.write(f'{add(2, express=pci.ENDPOINT)}/config', b'')
    whole = pci.config_space(pci.Function('', INTEL, 0x1572, ETHERNET, express=pci.ENDPOINT))
    sysfs.write(f'{add(3)}/config', whole[:64])
    sysfs.write(f'{add(4)}/config', b'\xff' * 256)
    looping = bytearray(whole)
    looping[pci.EXPRESS:pci.EXPRESS + 2] = bytes([0x05, pci.EXPRESS])
    sysfs.write(f'{add(5)}/config', bytes(looping))
    add(6, express=pci.ENDPOINT, speed=6, width=32)
    add(7, express=pci.ENDPOINT, speed=7, width=63)
    add(8, express=pci.RC_EVENT_COLLECTOR)
    add(9, express=pci.TO_PCI_BRIDGE, header=pci.HEADER_BRIDGE)
    path = add(0xa)
    for attribute in ('class', 'numa_node', 'subsystem_vendor', 'enable'):
        sysfs.unlink(f'{path}/{attribute}')
    # Virtual functions: of a driver without their number, with a gap, and removed.
    physical = add(0xb)
    sysfs.link(f'{physical}/virtfn0', add(0xc))
    physical = add(0xd)
    sysfs.write(f'{physical}/sriov_totalvfs', '4\n')
    sysfs.write(f'{physical}/sriov_numvfs', '3\n')
    sysfs.link(f'{physical}/virtfn0', add(0xe))
    sysfs.link(f'{physical}/virtfn2', add(0xf))
    sysfs.link(f'{add(0x10)}/physfn', f'{root}/0000:40:1f.7')
    sysfs.mkdir('/sys/kernel/iommu_groups/99/devices')
    sysfs.link(f'{add(0x11)}/iommu_group', '/sys/kernel/iommu_groups/99')
    sysfs.write(f'{add(0x12)}/numa_node', 'nowhere\n')
    sysfs.write(f'{add(0x13)}/numa_node', '')
    path = add(0x14)
    sysfs.write(f'{path}/sriov_totalvfs', '0\n')
    path = add(0x15)
    sysfs.unlink(f'{path}/vendor')
    sysfs.unlink(f'{path}/device')
    add(0x16, header=5)
    path = add(0x17)
    sysfs.link(f'{path}/iommu_group', f'{path}/iommu_group')


def odd_address(name):
    """Returns libvirt's name of the card with that VPD."""
    number = list(odd_vpd()).index(name)
    return f'pci_0000_00_{number // 8 + 1:02x}_{number % 8}'


MACHINES = {
    'laptop': laptop,
    'odd': odd,
}
