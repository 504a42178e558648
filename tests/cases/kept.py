# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attributes that are read once and cached, events that invalidate them, and attributes never read from a sleeping
device."""

import libvirt

import documents
import laptop_hosts
import pci
import vpd
from mediated_test import MediatedTest, only_on
from syscalls import Trace

CAP_VPD = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD
CARD = 'pci_0000_02_00_0'
OTHER_CARD = 'pci_0000_02_00_1'
ADDRESS = '0000:02:00.0'
PORT = '/sys/devices/pci0000:00/0000:00:1c.0'
PATH = f'{PORT}/{ADDRESS}'
SIMULATED = 'the hardware is of a simulated host'
# Attributes whose read wakes a sleeping function.
WAKES = {'config', 'vpd', 'current_link_speed', 'current_link_width', 'max_link_speed', 'max_link_width'}


class Kept(MediatedTest):
    machine = 'laptop'
    config = {'xml': {'details': 'false'}}

    @property
    def kernel(self):
        return self.host.kernel

    def trace(self):
        return Trace(self.daemon.process.pid, self.deadline)

    def pci(self, name=CARD):
        return documents.find_capability(documents.parse(self.dump(name)), 'pci')

    def serial(self):
        """Returns the serial number in the vital product data; None without such data."""
        return self.pci().findtext("capability[@type='vpd']/fields[@access='readonly']/serial_number")

    def link(self, which, name=CARD):
        """Returns speed and width."""
        link = self.pci(name).find(f"pci-express/link[@validity='{which}']")
        return None if link is None else (link.get('speed'), link.get('width'))

    def write_serial(self, serial, path=PATH):
        name = vpd.resource(vpd.STRING, b'Card')
        self.kernel.sysfs.write(f'{path}/vpd', vpd.read_only(name, [('SN', serial)]) + vpd.END)

    def announce(self, action, events, **extra):
        """Sends an event; on return, the daemon has processed it."""
        self.kernel.event(action, PATH, **extra)
        self.kernel.event('change', f'{PORT}/{ADDRESS[:-1]}1')
        events.wait(('update', OTHER_CARD))


@only_on('sim', SIMULATED)
class Once(Kept):
    def test_configuration_and_vital_product_data(self):
        document = self.dump(CARD)
        with self.trace() as trace:
            self.assertEqual(self.dump(CARD), document)
            self.assertEqual(self.names(CAP_VPD)[0], CARD)
            self.assertIn('vpd', self.conn.nodeDeviceLookupByName(CARD).listCaps())
        opened = [path for path in trace.opened() if ADDRESS in path]
        self.assertTrue(any(path.endswith('/numa_node') for path in opened), opened)
        self.assertFalse({'config', 'vpd'} & {path.rsplit('/', 1)[-1] for path in opened}, opened)

    def test_list_reads_it_for_documents_too(self):
        self.assertEqual(self.names(CAP_VPD), [CARD, OTHER_CARD])
        with self.trace() as trace:
            self.assertEqual(self.names(CAP_VPD), [CARD, OTHER_CARD])
            self.assertEqual(self.conn.numOfDevices('vpd'), 2)
            self.dump(CARD)
            self.dump(OTHER_CARD)
        self.assertEqual([name for name in trace.names_opened() if name in ('config', 'vpd')], [])

    def test_texts_of_a_usb_device(self):
        document = self.dump('usb_1_7')
        with self.trace() as trace:
            self.assertEqual(self.dump('usb_1_7'), document)
        self.assertFalse({'manufacturer', 'product'} & set(trace.names_opened()))


@only_on('sim', SIMULATED)
class Always(Kept):
    """Attributes that change without an event are not cached."""

    def test_link(self):
        self.assertEqual(self.link('cap'), ('16', '16'))
        for speed, width in (('2.5', '1'), ('8', '4'), ('16', '16')):
            self.kernel.sysfs.write(f'{PATH}/current_link_speed', f'{float(speed):.1f} GT/s PCIe\n')
            self.kernel.sysfs.write(f'{PATH}/current_link_width', f'{width}\n')
            self.assertEqual(self.link('sta'), (speed, width))
        self.kernel.sysfs.write(f'{PATH}/current_link_speed', 'Unknown\n')
        self.assertEqual(self.link('sta'), (None, '16'))

    def test_numa_node_and_functions(self):
        self.assertEqual(self.pci().find('numa').get('node'), '0')
        self.kernel.sysfs.write(f'{PATH}/numa_node', '1\n')
        self.assertEqual(self.pci().find('numa').get('node'), '1')
        functions = "capability[@type='virt_functions']/address"
        self.assertEqual(len(self.pci().findall(functions)), 3)
        self.kernel.sysfs.unlink(f'{PATH}/virtfn1')
        self.assertEqual([address.get('function') for address in self.pci().findall(functions)], ['0x2', '0x4'])


@only_on('sim', SIMULATED)
class Dropped(Kept):
    def setUp(self):
        super().setUp()
        self.assertIsNotNone(self.serial())

    def test_by_events(self):
        for number, action in enumerate(('unbind', 'bind', 'change', 'add', 'online')):
            with self.subTest(action):
                self.write_serial(f'after {action}')
                self.announce(action, self.listen())
                self.assertEqual(self.serial(), f'after {action}', number)

    def test_by_another_driver(self):
        """A driver has changed the device and its event has not arrived yet."""
        self.write_serial('other driver')
        self.kernel.sysfs.bind(PATH, 'vfio-pci')
        self.assertEqual(self.serial(), 'other driver')
        self.assertIn('<name>vfio-pci</name>', self.dump(CARD))

    def test_by_another_card_at_the_address(self):
        events = self.listen()
        self.kernel.event('remove', PATH)
        self.kernel.sysfs.leave_iommu_group(PATH)
        self.kernel.sysfs.remove_device(PATH)
        pci.add(self.kernel.sysfs, PORT, pci.Function(ADDRESS, laptop_hosts.INTEL, 0x1572, 0x020000, 'i40e', 30, 0,
                                                      pci.ENDPOINT, 2, 4))
        self.write_serial('another card')
        self.kernel.event('add', PATH)
        events.wait(('deleted', CARD), ('created', CARD))
        self.assertEqual(self.serial(), 'another card')
        self.assertEqual(self.link('cap'), ('5', '4'))
        self.assertEqual(self.pci().find('product').get('id'), '0x1572')

    def test_change_during_read(self):
        """A value whose read began before the event is not cached."""
        stuck = True

        def block():
            with self.kernel.state:
                self.asked += 1
                self.kernel.block_while(lambda: stuck)

        self.asked = 0
        self.kernel.add_show(f'{PATH}/vpd', block)
        self.announce('change', self.listen())
        early = self.in_background(self.dump, CARD, self.connect())
        self.wait_until(lambda: self.asked == 1, 'the question')
        self.announce('bind', self.listen())
        with self.kernel.state:
            stuck = False
            self.kernel.state.notify_all()
        early.result(self.deadline)
        self.write_serial('new')
        self.assertEqual(self.serial(), 'new')
        self.assertEqual(self.asked, 2)

    def test_not_kept_if_the_card_falls_silent(self):
        config = self.kernel.sysfs.real(f'{PATH}/config').read_bytes()
        self.kernel.sysfs.write(f'{PATH}/config', b'\xff' * len(config))
        self.announce('change', self.listen())
        self.assertIsNone(self.link('cap'))
        self.kernel.sysfs.write(f'{PATH}/config', config)
        self.assertEqual(self.link('cap'), ('16', '16'))


@only_on('sim', SIMULATED)
class Asleep(Kept):
    """A function in runtime suspend is never woken up for a document."""

    BRIDGE = 'pci_0000_00_1c_0'

    def set_runtime_status(self, status='suspended', path=PATH):
        self.kernel.sysfs.write(f'{path}/power/runtime_status', f'{status}\n')

    def ask_all(self):
        self.dump(CARD)
        names = self.names(CAP_VPD)
        self.assertIn(CARD, self.names())
        device = self.conn.nodeDeviceLookupByName(CARD)
        self.assertEqual(CARD in names, 'vpd' in device.listCaps())
        self.assertEqual(CARD in names, self.serial() is not None)

    def check_is_not_woken(self):
        with self.trace() as trace:
            self.ask_all()
        touched = [path for path in trace.opened() if path.startswith(str(self.kernel.sysfs.real(PATH)))]
        self.assertTrue(touched)
        self.assertFalse(WAKES & {path.rsplit('/', 1)[-1] for path in touched}, touched)

    def test_no_wakeup(self):
        for status in ('suspended', 'suspending', 'resuming'):
            with self.subTest(status):
                self.set_runtime_status(status)
                self.check_is_not_woken()

    def test_missing_meanwhile(self):
        self.set_runtime_status()
        cap = self.pci()
        self.assertEqual((cap.findall('pci-express/link'), cap.find("capability[@type='vpd']")), ([], None))
        self.assertIsNotNone(cap.find('pci-express'))
        self.assertEqual(self.names(CAP_VPD), [OTHER_CARD])
        self.set_runtime_status('active')
        self.assertEqual((self.link('cap'), self.link('sta')), (('16', '16'), ('16', '16')))
        self.assertEqual(self.names(CAP_VPD), [CARD, OTHER_CARD])

    def test_read_before(self):
        before = self.serial()
        self.set_runtime_status()
        self.check_is_not_woken()
        self.assertEqual(self.serial(), before)
        self.assertEqual((self.link('cap'), self.link('sta')), (('16', '16'), None))
        self.assertEqual(self.names(CAP_VPD), [CARD, OTHER_CARD])

    def test_bridge(self):
        """The kind of a sleeping bridge follows from its class."""
        self.set_runtime_status(path=PORT)
        with self.trace() as trace:
            self.assertIsNotNone(self.pci(self.BRIDGE).find("capability[@type='pci-bridge']"))
        self.assertFalse(WAKES & set(trace.names_opened()))

    def test_validation(self):
        self.set_runtime_status()
        self.assertIsNone(documents.validate(self.dump(CARD)))
