# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's QEMU driver beside mediated's module: it detaches, resets and reattaches PCI functions, for which it asks
for their documents inside libvirtd."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import libvirt

import documents
import guest
import libvirtd
from mediated_test import MediatedTest

ONLY_ON = ('iommu', 'VFIO needs an IOMMU')

PCI = pathlib.Path('/sys/bus/pci')
# A driver of a function that each machine has and no other case needs.
DRIVER = 'ahci'
VFIO = 'vfio-pci'


class Detached(MediatedTest):
    def setUp(self):
        super().setUp()
        self.address = sorted(link.name for link in (PCI / 'drivers' / DRIVER).iterdir() if ':' in link.name)[0]
        drivers = pathlib.Path(tempfile.mkdtemp(prefix='md-drivers-'))
        self.addCleanup(shutil.rmtree, drivers)
        shutil.copy(self.host.program.parent / 'libvirtd' / libvirtd.NODEDEV, drivers)
        (drivers / 'libvirt_driver_qemu.so').symlink_to(libvirtd.stock_module('libvirt_driver_qemu.so'))
        pathlib.Path(libvirtd.SOCKET).parent.mkdir(exist_ok=True)
        for ours, usual in ((self.daemon.rw_path, libvirtd.SOCKET), (self.daemon.ro_path, f'{libvirtd.SOCKET}-ro')):
            os.symlink(ours, usual)
            self.addCleanup(os.unlink, usual)
        subprocess.run([guest.START_LIBVIRTD], check=True, timeout=self.deadline,
                       env={**os.environ, 'LIBVIRT_DRIVER_DIR': str(drivers)})
        self.addCleanup(self.stop_libvirtd)
        self.qemu = libvirt.open('qemu:///system')
        self.addCleanup(self.qemu.close)
        self.name = f'pci_{self.address.translate(str.maketrans(":.", "__"))}'

    def stop_libvirtd(self):
        guest.end_process(guest.read_pid(guest.LIBVIRTD_PID), signal.SIGTERM, self.deadline)

    def driver(self):
        link = PCI / 'devices' / self.address / 'driver'
        return link.resolve().name if link.exists() else None

    def shown(self, connection=None):
        """Returns the driver in the document of the function."""
        return documents.parse(self.dump(self.name, connection)).findtext('driver/name')

    def test_life(self):
        device = self.qemu.nodeDeviceLookupByName(self.name)
        self.assertEqual((self.driver(), self.shown(), self.shown(self.qemu)), (DRIVER, DRIVER, DRIVER))
        events = self.listen()
        for detach in (device.dettach, lambda: device.detachFlags('vfio', 0)):
            detach()
            self.assertEqual(self.driver(), VFIO)
            self.wait_until(lambda: (self.shown(), self.shown(self.qemu)) == (VFIO, VFIO), 'the driver in the document')
            device.reset()
            self.assertEqual(self.driver(), VFIO)
            device.reAttach()
            self.assertEqual(self.driver(), DRIVER)
            self.wait_until(lambda: self.shown() == self.shown(self.qemu) == DRIVER, 'the driver in the document')
        events.wait(('update', self.name))

    def test_other_device(self):
        device = self.qemu.nodeDeviceLookupByName('computer')
        for call in (device.dettach, device.reset, device.reAttach):
            self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, call, says='device computer is not a PCI device',
                                domain=libvirt.VIR_FROM_DOMAIN)

    def test_device_that_is_gone(self):
        child = self.create()
        device = self.qemu.nodeDeviceLookupByName(child.name())
        child.destroy()
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, device.reset, says=child.name())
