# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cost of a document of each kind of device: exact upper bounds in system calls, independent of the machine.

All threads' calls that read something are counted, without those of the test bed. Raise a bound only for data that must
be read anew for each document.
"""

from mediated_test import MediatedTest, only_on
from syscalls import Trace

SIMULATED = 'the hardware is of a simulated host'
# Several, so that rare calls such as the end of a thread do not count for each document.
DOCUMENTS = 10
READING = {'openat', 'newfstatat', 'readlinkat', 'getdents64', 'read', 'ioctl'}
# How threads wake each other: the main loop, and waits for a job or a lock.
WAKE_UP = 'eventfd'
WAKE_UP_THREAD = 'FUTEX_WAKE'


class Costs(MediatedTest):
    def trace(self, device):
        """Traces documents of a device that has been read before."""
        device.XMLDesc(0)
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            for _ in range(DOCUMENTS):
                device.XMLDesc(0)
        return trace

    def check(self, name, most, waking_up=0):
        """Checks the number of reading calls, and how often a thread wakes the main loop. The main loop wakes the
        thread as often: neither waits for a lock of the other, except rarely for the allocator's."""
        trace = self.trace(self.conn.nodeDeviceLookupByName(name))
        reads = [call for call in trace.calls if call.name in READING and WAKE_UP not in call.arguments]
        wake_ups = [call for call in trace.calls if call.name == 'write' and WAKE_UP in call.arguments]
        read_back = [call for call in trace.calls if call.name == 'read' and WAKE_UP in call.arguments]
        self.assertLessEqual(len(reads) / DOCUMENTS, most, trace.counter())
        self.assertEqual(read_back, [], 'nobody needs what woke the loop up')
        self.assertLessEqual(len(wake_ups) / DOCUMENTS, waking_up)
        woken = [call for call in trace.calls if call.name == 'futex' and WAKE_UP_THREAD in call.arguments]
        self.assertLessEqual(len(woken) / DOCUMENTS, 1.5 * waking_up, woken)
        self.assertLessEqual(trace.count('poll') / DOCUMENTS, 1 + waking_up + 1 / DOCUMENTS)

    def check_all(self, bounds, waking_up=0):
        """`bounds` maps devices to numbers of calls."""
        for name, most in bounds.items():
            with self.subTest(name):
                self.check(name, most, waking_up)


@only_on('sim', SIMULATED)
class Parents(Costs):
    """A document asks the parent's driver for the available instances of each type, with three calls per type."""

    def test_gpus(self):
        self.check_all({'pci_0000_86_00_0': 36, 'pci_0000_87_00_0': 36}, waking_up=1)
        self.check_all({'pci_0000_85_08_0': 20, 'pci_0000_00_1f_6': 14, 'computer': 0})

    def test_mediated_device(self):
        """The absence of scripts is cached."""
        self.check_all({self.create().name(): 5})

    def test_lists_and_lookups(self):
        self.names()
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            for name in self.names():
                self.conn.nodeDeviceLookupByName(name).listCaps()
        self.assertEqual([call for call in trace.calls if call.name in READING], [])


@only_on('sim', SIMULATED)
class Virtual(Costs):
    machine = 'virtual'

    def test_parents(self):
        self.check_all({'mtty_mtty': 9, 'mdpy_mdpy': 11})


@only_on('sim', SIMULATED)
class Laptop(Costs):
    machine = 'laptop'

    def test_functions(self):
        """Functions with and without a link, with virtual functions, as one, and with vital product data."""
        self.check_all({'pci_0000_00_1f_0': 14, 'pci_0000_00_01_0': 20, 'pci_0000_02_00_0': 26, 'pci_0000_02_00_1': 23,
                        'pci_0000_02_00_2': 21, 'pci_10000_e1_00_0': 17})

    def test_usb_and_graphics(self):
        self.check_all({'usb_1_7': 4, 'usb_1_7_1_0': 10, 'drm_card0': 3})


@only_on('sim', SIMULATED)
class Interfaces(Costs):
    """All offloads take a single query."""

    machine = 'net'

    def test_documents(self):
        self.check_all({'net_lo_00_00_00_00_00_00': 8, 'net_mdveth0_aa_bb_cc_00_00_01': 10,
                        'net_mdeth0_52_54_00_12_34_56': 19}, waking_up=1)
        self.check_all({'vdpa_vdpa0': 7})


@only_on('sim', SIMULATED)
class Disks(Costs):
    machine = 'storage'

    def test_documents(self):
        self.check_all({'block_vda_root_disk': 5, 'block_sr1_QEMU_DVD_ROM_QM00003': 3})


@only_on('sim', SIMULATED)
class Adapters(Costs):
    machine = 'fibre'

    def test_documents(self):
        self.check_all({'scsi_host0': 9, 'scsi_target0_0_0': 3, 'scsi_target3_0_0': 5, 'scsi_0_0_0_0': 4,
                        'scsi_generic_sg0': 3})

    def test_fibre_channel(self):
        """A document asks the driver for the name of the fabric."""
        self.check_all({'scsi_host3': 16, 'scsi_host6': 13}, waking_up=1)


@only_on('sim', SIMULATED)
class Mainframe(Costs):
    machine = 'mainframe'

    def test_documents(self):
        self.check_all({'ap_card04': 4, 'ap_04_0023': 4, 'css_0_0_0000': 5, 'ccw_0_0_1500': 7})

    def test_parents(self):
        """Drivers of parents only read a counter, without a hand-over to a thread; the driver of a card needs one."""
        self.check_all({'css_0_0_00d0': 7, 'ap_matrix': 7})
        self.check_all({'ccwgroup_0_0_bd00': 16}, waking_up=1)
