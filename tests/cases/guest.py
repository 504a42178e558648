# SPDX-License-Identifier: LGPL-2.1-or-later
"""Guests of the stock qemu driver that use devices created by mediated.

The guests run tests/guest, which reports the devices that it sees on the serial port.
"""

import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
from xml.etree import ElementTree

import libvirt

from mediated_test import MediatedTest, seldom_on

ONLY_ON = ('vm', 'a guest gets its device from VFIO, which the simulated kernel does not have')

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
EXAMPLES = ROOT / 'examples'
START_LIBVIRTD = ROOT / 'tests/vm/stock-libvirtd'
LIBVIRTD_PID = '/run/libvirtd.pid'
PROGRAM = 'tests/guest/guest'    # in the build directory
MDEV = libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV
UP = r'up\n'
FOUND = r'slot \d+: found, 4096 bytes, memory good, interrupt good\n'
EJECTED = r'slot \d+: ejected\n'
GONE = r'slot \d+: gone\n'


def read_pid(path):
    return int(pathlib.Path(path).read_text(encoding='ascii'))


def end_process(pid, number, deadline):
    """Ends a process that is not our child by a signal, and waits for its end."""
    process = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(process, number)
        if not select.select([process], [], [], deadline)[0]:
            raise AssertionError(f'process {pid} does not end')
    finally:
        os.close(process)


def hostdev(uuid):
    """Returns the examples' element that assigns a device to a guest."""
    element = ElementTree.parse(EXAMPLES / 'hostdev.xml').getroot()
    element.find('source/address').set('uuid', uuid)
    return element


class Guest:
    """The guest of the examples with a program that uses its devices, and the program's output."""

    def __init__(self, connection, program, work, uuids):
        self.serial = work / 'serial'
        kernel = work / 'guest'
        shutil.copy(program, kernel)
        self.domain = connection.createXML(self.document(kernel, uuids))
        name = self.domain.name()
        self.pid = read_pid(f'/run/libvirt/qemu/{name}.pid')

    def document(self, kernel, uuids):
        root = ElementTree.parse(EXAMPLES / 'guest.xml').getroot()
        devices = root.find('devices')
        devices.remove(devices.find('hostdev'))
        devices.extend(hostdev(uuid) for uuid in uuids)
        ElementTree.SubElement(root.find('os'), 'kernel').text = str(kernel)
        port = ElementTree.SubElement(devices, 'serial', type='file')
        ElementTree.SubElement(port, 'source', path=str(self.serial))
        return ElementTree.tostring(root, encoding='unicode')

    def output(self):
        return self.serial.read_text(encoding='ascii')

    def uuids(self):
        """Returns the mediated devices of the guest according to libvirt."""
        root = ElementTree.fromstring(self.domain.XMLDesc())
        return [address.get('uuid') for address in root.findall('devices/hostdev/source/address')]

    def holds(self, group):
        """Returns whether QEMU has the node of that VFIO group open."""
        for fd in pathlib.Path(f'/proc/{self.pid}/fd').iterdir():
            # QEMU may close other descriptors meanwhile.
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(fd) == f'/dev/vfio/{group}':
                    return True
        return False


@seldom_on('vm', 'a guest starts slowly on an emulated processor', keeps=('test_from_start_to_end',))
class Guests(MediatedTest):
    def setUp(self):
        super().setUp()
        subprocess.run([START_LIBVIRTD], check=True, timeout=self.deadline)
        self.addCleanup(self.stop_libvirtd)
        self.qemu = libvirt.open('qemu:///system')
        self.addCleanup(self.qemu.close)
        self.addCleanup(self.end_guests)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix='md-guest-'))
        self.addCleanup(shutil.rmtree, self.work)
        # QEMU runs as another user.
        self.work.chmod(0o777)

    def stop_libvirtd(self):
        end_process(read_pid(LIBVIRTD_PID), signal.SIGTERM, self.deadline)

    def end_guests(self):
        for domain in self.qemu.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
            domain.destroy()

    # Checks

    def start_guest(self, *uuids):
        build = self.host.program.parent.parent
        return Guest(self.qemu, build / PROGRAM, self.work, uuids)

    def wait_for_line(self, guest, line, times=1):
        self.wait_until(lambda: len(re.findall(line, guest.output())) == times,
                        f'the line "{line}" of the guest')

    def group(self, uuid):
        return self.host.link(f'{self.host.device_path(uuid)}/iommu_group')

    def plug(self, guest, uuid):
        guest.domain.attachDeviceFlags(ElementTree.tostring(hostdev(uuid), encoding='unicode'),
                                       libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def unplug(self, guest, uuid):
        """Asks the guest to release a device, and waits until the guest and QEMU have released it."""
        group = self.group(uuid)
        guest.domain.detachDeviceFlags(ElementTree.tostring(hostdev(uuid), encoding='unicode'),
                                       libvirt.VIR_DOMAIN_AFFECT_LIVE)
        self.wait_until(lambda: uuid not in guest.uuids() and not guest.holds(group),
                        'the device is unplugged')

    def assert_held(self, guest, device):
        """Checks that the device persists while the guest uses it, whoever tries to destroy it."""
        document = device.XMLDesc()
        for connection in (self.conn, self.connect()):
            mine = connection.nodeDeviceLookupByName(device.name())
            with self.nothing_changes(), self.within(self.deadline / 2, 'to refuse it'):
                self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, mine.destroy, says=[
                    f"Unable to destroy '{device.name()}': device in use by process {guest.pid} "
                    '(qemu-system-x86)'])
            self.assertEqual(mine.XMLDesc(), document)
        self.assertTrue(guest.domain.isActive())

    # Cases

    def test_from_start_to_end(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        guest = self.start_guest(uuid)
        self.assert_held(guest, device)
        self.wait_for_line(guest, FOUND)
        guest.domain.destroy()
        device.destroy()
        self.assertEqual(self.host.children(), [])

    def test_plugged_and_unplugged(self):
        guest = self.start_guest()
        uuids = [self.new_uuid(), self.new_uuid()]
        first, second = [self.create(uuid=uuid) for uuid in uuids]
        self.wait_for_line(guest, UP)
        self.plug(guest, uuids[0])
        self.assert_held(guest, first)
        self.wait_for_line(guest, FOUND)
        self.plug(guest, uuids[1])
        self.wait_for_line(guest, FOUND, times=2)

        self.unplug(guest, uuids[0])
        first.destroy()
        self.assertEqual(self.host.children(), [uuids[1]])
        self.wait_for_line(guest, EJECTED)
        self.wait_for_line(guest, GONE)
        self.assert_held(guest, second)

        guest.domain.destroy()
        second.destroy()
        self.assertEqual(self.host.children(), [])

    def test_others_remove_it(self):
        """Another program's removal waits in the kernel for the guest, which then dies without notice."""
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        guest = self.start_guest(uuid)
        events = self.listen()
        remover = self.in_background(self.host.remove_by_others, uuid)
        self.host.wait_remove_stuck(uuid)
        self.assertEqual(self.names(MDEV), [device.name()])
        self.assertEqual(events.all(), [])
        end_process(guest.pid, signal.SIGKILL, self.deadline)
        remover.result(self.deadline)
        events.wait(('deleted', device.name()))
        self.assertEqual((self.names(MDEV), self.host.children()), ([], []))
        self.wait_until(lambda: not self.qemu.listAllDomains(), 'libvirt knows that it has ended')

    def test_without_its_device(self):
        uuid = self.new_uuid()
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_DEVICE_MISSING, self.start_guest, uuid, says=uuid,
                                domain=libvirt.VIR_FROM_NONE)
        self.assertEqual(self.qemu.listAllDomains(), [])
        self.create(uuid=uuid).destroy()
        self.assert_refused(libvirt.VIR_ERR_DEVICE_MISSING, self.start_guest, uuid, says=uuid,
                            domain=libvirt.VIR_FROM_NONE)

    def test_example(self):
        result = subprocess.run([EXAMPLES / 'run-guest', self.host.client_uri(self.daemon.rw_path)],
                                capture_output=True, text=True, check=False, timeout=self.deadline)
        self.assertEqual((result.returncode, result.stderr), (0, ''), result.stdout)
        for words in (r'Created mdev_\w+\.\n', r'vgpu-guest +running\n', r"<hostdev .*type='mdev'",
                      r'in use by process \d+ \(qemu-system-x86\)\n', r'Destroyed the guest and mdev_'):
            self.assertRegex(result.stdout, words)
        self.assertEqual((self.host.children(), self.qemu.listAllDomains()), ([], []))
