# SPDX-License-Identifier: LGPL-2.1-or-later
"""PCI functions with vital product data, USB, graphics, and the firmware of the machine.

The golden documents are the output of libvirtd 9.0.0 on the same simulated hosts, with members of IOMMU groups sorted.
Where that output is not XML, or missing, a test states the right one.
"""

import errno
import pathlib
import re

import libvirt

import documents
import laptop_hosts
import pci
import rpc
from fake_kernel import KernelError
from mediated_test import MediatedTest, only_on

GOLDEN = pathlib.Path(__file__).parent / 'golden'
# Names of vendors and products depend on the hardware database of the machine that runs the test.
HWDB_NAME = re.compile(r"<(product|vendor) id='(0x[0-9a-f]{4})'>[^<]*</\1>")
CAP_VPD = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD
CAP_SYSTEM = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM
CAP_USB_DEVICE = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV
CAP_USB = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE
CAP_DRM = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_DRM
CARDS = ['pci_0000_02_00_0', 'pci_0000_02_00_1']


class Devices(MediatedTest):
    def device(self, name):
        return self.conn.nodeDeviceLookupByName(name)

    def vpd(self, name):
        return documents.find_capability(documents.parse(self.dump(name)), 'pci', 'vpd')


@only_on('sim', 'the VM has no such hardware')
class Laptop(Devices):
    machine = 'laptop'
    config = {'xml': {'details': 'false'}}

    def test_documents(self):
        """All devices, and no others, have the expected documents."""
        golden = {path.stem: path.read_text() for path in (GOLDEN / 'laptop').glob('*.xml')}
        self.assertEqual(self.names(), sorted(golden))
        for name, expected in golden.items():
            with self.subTest(name):
                document = self.dump(name)
                if name.startswith('pci'):
                    document = HWDB_NAME.sub(r"<\1 id='\2'/>", document)
                self.assertEqual(document, expected)
                self.assertIsNone(documents.validate(document))

    def test_lists(self):
        """Each kind can be listed and counted, by flag and by name."""
        for flag, name, expected in (
                (CAP_VPD, 'vpd', CARDS), (CAP_SYSTEM, 'system', ['computer']),
                (CAP_USB_DEVICE, 'usb_device', [
                    'usb_1_1', 'usb_1_1_4', 'usb_1_7', 'usb_1_8', 'usb_1_9', 'usb_usb1', 'usb_usb2']),
                (CAP_USB, 'usb', [
                    'usb_1_0_1_0', 'usb_1_1_1_0', 'usb_1_1_4_1_0', 'usb_1_1_4_1_1', 'usb_1_7_1_0',
                    'usb_1_7_1_1', 'usb_1_8_1_0', 'usb_1_9_1_0', 'usb_2_0_1_0']),
                (CAP_DRM, 'drm', ['drm_card0', 'drm_renderD128'])):
            with self.subTest(name):
                self.assertEqual(self.names(flag), expected)
                self.assertEqual(sorted(self.conn.listDevices(name)), expected)
                self.assertEqual(self.conn.numOfDevices(name), len(expected))
        self.assertEqual(self.names(CAP_VPD | CAP_SYSTEM), ['computer', *CARDS])
        self.assertEqual(self.names(CAP_VPD | 1 << 30), [])

    def test_capabilities(self):
        self.assertEqual(self.device(CARDS[0]).listCaps(), ['pci', 'vpd'])
        self.assertEqual(self.device(CARDS[0]).numOfCaps(), 2)
        self.assertEqual(self.device('pci_0000_02_00_2').listCaps(), ['pci'])
        self.assertEqual(self.device('usb_1_7').listCaps(), ['usb_device'])
        self.assertEqual(self.device('usb_1_7_1_0').listCaps(), ['usb'])
        self.assertEqual(self.device('drm_card0').listCaps(), ['drm'])

    def test_parents(self):
        for name, parent in (('usb_1_1_4_1_0', 'usb_1_1_4'), ('usb_1_1_4', 'usb_1_1'),
                             ('usb_1_1', 'usb_usb1'), ('usb_usb1', 'pci_0000_00_14_0'),
                             ('pci_0000_00_14_0', 'computer'), ('drm_card0', 'pci_0000_01_00_0'),
                             ('pci_0000_01_00_0', 'pci_0000_00_01_0')):
            self.assertEqual(self.device(name).parent(), parent)

    def test_list_without_results(self):
        names, count = self.raw().list_all(flags=CAP_VPD, need_results=0)
        self.assertEqual((names, count), ([], len(CARDS)))

    def test_plug_and_unplug(self):
        events = self.listen()
        kernel = self.host.kernel
        path = laptop_hosts.add_usb_device(
            kernel, '/sys/devices/pci0000:00/0000:00:14.0/usb2', '2-3', (2, 9), (0x0781, 0x5583),
            ('SanDisk\n', 'Ultra Fit\n'))
        kernel.event('add', path)
        interface = laptop_hosts.add_usb_interface(kernel, path, 0, (8, 6, 80))
        kernel.event('add', interface)
        events.wait(('created', 'usb_2_3'), ('created', 'usb_2_3_1_0'))
        self.assertIn("<product id='0x5583'>Ultra Fit</product>", self.dump('usb_2_3'))
        self.assertEqual(self.device('usb_2_3_1_0').parent(), 'usb_2_3')
        for gone in (interface, path):
            kernel.event('remove', gone)
            kernel.sysfs.remove_device(gone)
        events.wait(('deleted', 'usb_2_3_1_0'), ('deleted', 'usb_2_3'))
        self.assertEqual([event for event in events.all() if event[0] != 'update'],
                         [('created', 'usb_2_3'), ('created', 'usb_2_3_1_0'),
                          ('deleted', 'usb_2_3_1_0'), ('deleted', 'usb_2_3')])


class Stuck(Devices):
    """Cards that do not respond until relax()."""

    machine = 'laptop'

    def setUp(self):
        super().setUp()
        self.stuck = True
        self.asked = 0

    def play(self, path, func):
        """Sets a function for reads of an attribute until the end of the test."""
        self.host.kernel.add_show(path, func)
        self.addCleanup(self.host.kernel.shows.pop, path, None)

    def block(self):
        with self.host.kernel.state:
            self.asked += 1
            self.host.kernel.block_while(lambda: self.stuck)

    def relax(self):
        with self.host.kernel.state:
            self.stuck = False
            self.host.kernel.state.notify_all()


@only_on('sim', 'a card that does not answer')
class Unreadable(Stuck):
    """Reading vital product data fails."""

    def vpd_path(self, number):
        return f'/sys/devices/pci0000:00/0000:00:1c.0/0000:02:00.{number}/vpd'

    def refuse(self):
        raise KernelError(errno.EIO)

    def test_error(self):
        self.play(self.vpd_path(0), self.refuse)
        self.assertEqual(self.names(CAP_VPD), CARDS[1:])
        self.assertEqual(self.device(CARDS[0]).listCaps(), ['pci'])
        self.assertIsNone(self.vpd(CARDS[0]))
        self.assertIsNotNone(self.vpd(CARDS[1]))

    def test_hung_card(self):
        """The first list waits for a hung card, and lists omit the card; its document fails with an error."""
        self.addCleanup(self.relax)
        self.play(self.vpd_path(0), self.block)
        with self.settings(mdev={'driver_timeout': '1'}):
            self.assertEqual(self.names(CAP_VPD), CARDS[1:])
            self.assertEqual(self.conn.numOfDevices('vpd'), 1)
            self.assertEqual(self.device(CARDS[0]).listCaps(), ['pci'])
            self.assertEqual(self.names(CAP_VPD), CARDS[1:])
            self.assertEqual(self.asked, 1)
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, self.dump, CARDS[0])
        self.assertIsNotNone(self.vpd(CARDS[1]))
        self.relax()
        self.wait_until(lambda: self.names(CAP_VPD) == CARDS, 'both cards')

    def test_other_calls(self):
        client = self.raw()
        self.addCleanup(self.relax)
        self.play(self.vpd_path(0), self.block)
        listing = self.in_background(lambda: self.names(CAP_VPD, self.connect()))
        self.wait_until(lambda: self.asked, 'the question')
        self.assertFalse(listing.is_done())
        self.assertEqual(client.look_up('computer'), 'computer')
        self.assertIn(CARDS[0], self.names())
        self.relax()
        self.assertEqual(listing.result(self.deadline), CARDS)

    def test_card_removed_meanwhile(self):
        self.addCleanup(self.relax)
        self.play(self.vpd_path(0), self.block)
        listing = self.in_background(lambda: self.names(CAP_VPD, self.connect()))
        self.wait_until(lambda: self.asked, 'the question')
        kernel = self.host.kernel
        path = self.vpd_path(0).removesuffix('/vpd')
        kernel.event('remove', path)
        kernel.sysfs.leave_iommu_group(path)
        kernel.sysfs.remove_device(path)
        self.wait_until(lambda: CARDS[0] not in self.names(), 'its going')
        self.relax()
        self.assertEqual(listing.result(self.deadline), CARDS[1:])

    def test_disconnected_client(self):
        self.addCleanup(self.relax)
        self.play(self.vpd_path(0), self.block)
        client = self.raw()
        client.send('LIST_ALL', rpc.i32(1) + rpc.u32(CAP_VPD))
        self.wait_until(lambda: self.asked, 'the question')
        client.disconnect()
        self.relax()
        self.assertEqual(self.names(CAP_VPD), CARDS)

    def test_nobody_asks_at_the_start(self):
        """At start, the daemon reads neither vital product data nor strings of USB devices."""
        self.play(self.vpd_path(0), self.block)
        self.play('/sys/devices/pci0000:00/0000:00:14.0/usb1/1-7/manufacturer', self.block)
        self.addCleanup(self.relax)
        self.daemon.stop()
        self.daemon.start(self.config)
        connection = self.connect()
        self.assertIn(CARDS[0], self.names(connection=connection))
        self.assertEqual(self.names(CAP_DRM, connection), ['drm_card0', 'drm_renderD128'])
        self.assertIn('Logitech', connection.nodeDeviceLookupByName('usb_1_1_4').XMLDesc(0))
        self.assertEqual(self.asked, 0)
        with self.settings(mdev={'driver_timeout': '0.5'}):
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, connection.nodeDeviceLookupByName('usb_1_7').XMLDesc, 0)
        self.assertEqual(self.asked, 1)


@only_on('sim', 'a card that does not answer')
class ManyCards(Stuck):
    """More cards than are read at once."""

    config = {'mdev': {'driver_timeout': '30'}}
    ASKED_AT_ONCE = 64

    def setUp(self):
        super().setUp()
        self.addCleanup(self.relax)
        events = self.listen()
        self.cards = []
        for number in range(100):
            function = pci.Function(f'0000:40:{number // 8:02x}.{number % 8}', 0x8086, 0x1572, 0x020000,
                                    vpd=laptop_hosts.NETWORK_CARD)
            path = pci.add(self.host.kernel.sysfs, '/sys/devices/pci0000:40', function)
            self.play(f'{path}/vpd', self.block)
            self.host.kernel.event('add', path)
            self.cards.append('pci_' + re.sub(r'\W', '_', function.address))
        events.wait(*(('created', name) for name in self.cards))

    def test_list(self):
        listing = self.in_background(lambda: self.names(CAP_VPD, self.connect()))
        self.wait_until(lambda: self.asked >= self.ASKED_AT_ONCE - len(CARDS), 'the questions')
        self.assertEqual(self.raw().look_up('computer'), 'computer')
        self.assertLessEqual(self.asked, self.ASKED_AT_ONCE)
        self.assertFalse(listing.is_done())
        self.relax()
        self.assertEqual(listing.result(self.deadline), CARDS + self.cards)
        self.assertEqual(self.asked, len(self.cards))


@only_on('sim', 'the VM has no such hardware')
class Odd(Devices):
    """Unusual and invalid data of hardware."""

    machine = 'odd'
    # Golden documents are those of libvirtd.
    config = {'xml': {'details': 'false'}}

    def shown(self, name):
        """Returns (name, read-only fields, writable fields) in the document; None: no such section."""
        vpd = self.vpd(laptop_hosts.odd_address(name))
        if vpd is None:
            return None
        sections = {section.get('access'): [(field.tag, field.get('index'), field.text or '')
                                            for field in section]
                    for section in vpd.findall('fields')}
        return vpd.findtext('name'), sections.get('readonly'), sections.get('readwrite')

    def test_golden(self):
        """Wherever libvirtd prints XML, the documents are the same."""
        golden = {path.stem: path.read_text() for path in (GOLDEN / 'odd').glob('*.xml')}
        for name, expected in golden.items():
            with self.subTest(name):
                document = self.dump(name)
                if name.startswith('pci'):
                    document = HWDB_NAME.sub(r"<\1 id='\2'/>", document)
                self.assertEqual(document, expected)

    def test_list(self):
        right = sorted(laptop_hosts.odd_address(name) for name in laptop_hosts.odd_vpd()
                       if self.shown(name) is not None)
        self.assertEqual(self.names(CAP_VPD), right)
        self.assertIn(laptop_hosts.odd_address('plain'), right)
        self.assertNotIn(laptop_hosts.odd_address('garbage'), right)

    def test_markup(self):
        """Markup in texts is escaped; libvirtd prints it unescaped."""
        self.assertEqual(self.shown('markup'), (
            "a<b>&'c' \"d\"",
            [('part_number', None, '<&>'), ('serial_number', None, "'\""),
             ('vendor_field', '1', '&amp;')],
            [('asset_tag', None, '<tag>'), ('system_field', '1', '&')]))

    def test_checksum_covers_unknown_resources(self):
        """The checksum covers unknown resources, as specified; libvirtd omits their bytes."""
        self.assertEqual(self.shown('unknown-first'), ('Card', [('serial_number', None, '10')], None))

    def find(self, slot, path):
        return documents.parse(self.dump(f'pci_0000_40_{slot:02x}_0')).findall(f'capability/{path}')

    def test_configuration_space(self):
        """Invalid configuration spaces are tolerated; libvirtd drops some functions, loops, or prints a speed of
        (null)."""
        for slot in (1, 2, 3, 4, 5, 0x16):
            self.assertEqual(self.find(slot, 'pci-express/link'), [], slot)
        self.assertEqual(self.find(0x16, 'capability'), [])
        self.assertEqual([link.get('speed') for link in self.find(7, 'pci-express/link')],
                         [None, None])

    def test_missing_attributes(self):
        """Functions without a NUMA node or ids are listed; libvirtd drops them."""
        for slot in (0x12, 0x13, 0x15, 0x17):
            self.assertEqual(self.find(slot, 'numa') + self.find(slot, 'iommuGroup'), [])
        self.assertEqual(self.find(0x15, 'vendor')[0].get('id'), '0x0000')

    def test_virtual_functions_with_a_hole(self):
        """Virtual functions after a gap are listed; libvirtd stops at the gap."""
        self.assertEqual([address.get('slot') for address in self.find(0xd, 'capability/address')],
                         ['0x0e', '0x0f'])

    def test_large_numbers(self):
        """Large numbers of the kernel are supported; libvirtd supports neither of these."""
        cap = documents.parse(self.dump(f'scsi_9_0_0_{laptop_hosts.LARGE_LUN}')).find('capability')
        self.assertEqual(cap.findtext('lun'), str(laptop_hosts.LARGE_LUN))
        self.assertEqual([documents.parse(self.dump(name)).findtext('capability/type')
                          for name in self.names(CAP_DRM)], ['primary', 'render'])

    def test_nodes_of_graphics_without_a_number(self):
        """The type of a graphics node without a number follows from its name; an unknown name means primary."""
        expected = {'card7': 'primary', 'controlD77': 'control', 'renderD177': 'render', 'other0': 'primary'}
        events = self.listen()
        for name in expected:
            path = f'/sys/devices/pci0000:40/drm/{name}'
            self.host.kernel.sysfs.add_device(path, 'drm', {}, {'DEVNAME': f'dri/{name}', 'DEVTYPE': 'drm_minor'},
                                              is_class=True)
            self.host.kernel.event('add', path)
        events.wait(*(('created', f'drm_{name}') for name in expected))
        for name, kind in expected.items():
            self.assertEqual(documents.parse(self.dump(f'drm_{name}')).findtext('capability/type'), kind)

    def test_validation(self):
        for name in self.names():
            with self.subTest(name):
                self.assertIsNone(documents.validate(self.dump(name), self.schema))

    def test_invalid_utf8(self):
        root = documents.parse(self.dump('usb_1_1'))
        self.assertEqual(root.findtext('capability/vendor'), 'Soci\ufffdt\ufffd')
        self.assertEqual(root.findtext('capability/product'), 'mouse[1m')
        root = documents.parse(self.dump('computer'))
        self.assertEqual(root.findtext('capability/product'), 'M\ufffdll\tPC')

    def test_xml_characters(self):
        root = documents.parse(self.dump('usb_1_3'))
        self.assertEqual(root.findtext('capability/vendor'), 'caf\xe9 \ufffd')
        self.assertEqual(root.findtext('capability/product'), 'line\nline\ttab\rreturn')

    def test_careless_firmware(self):
        """Blanks in firmware texts are kept; texts with unprintable characters are omitted."""
        root = documents.parse(self.dump('computer')).find('capability')
        self.assertEqual([root.findtext(f'hardware/{element}') for element in
                          ('vendor', 'version', 'serial', 'uuid')],
                         ['  B\xfcro  ', '   ', None, 'ffffffff-ffff-ffff-ffff-ffffffffffff'])
        self.assertEqual([root.findtext(f'firmware/{element}') for element in
                          ('vendor', 'version', 'release_date')],
                         ['Example Firmware', None, 'x' * 3000])

    def test_interface_without_attributes(self):
        """An interface without a number is listed; libvirtd drops it."""
        root = documents.parse(self.dump('usb_1_2_1_0'))
        self.assertEqual([root.findtext(f'capability/{element}') for element in
                          ('number', 'class', 'subclass', 'protocol')], ['0', '255', '0', '0'])

    def test_unprocessed_device(self):
        """A device that udev has not processed is listed from the kernel's data; libvirtd drops it."""
        root = documents.parse(self.dump('usb_1_5'))
        self.assertEqual([root.findtext(f'capability/{element}') for element in ('bus', 'device')],
                         ['1', '77'])
        self.assertEqual([root.find(f'capability/{element}').get('id') for element in
                          ('vendor', 'product')], ['0x046d', '0xc31c'])
        self.assertNotIn('usb_1_6', self.names())


@only_on('sim', 'a machine without a hardware database')
class NoHardwareDatabase(Devices):
    """Without the hardware database, only names of PCI ids are missing."""

    machine = 'laptop'
    starts_daemon = False

    def test_absent_names(self):
        self.daemon.environment['MD_FAKE_NO_HWDB'] = '1'
        self.daemon.start({'xml': {'details': 'false'}})
        golden = {path.stem: path.read_text() for path in (GOLDEN / 'laptop').glob('*.xml')}
        self.assertEqual(self.names(), sorted(golden))
        for name, expected in golden.items():
            self.assertEqual(self.dump(name), expected)
