# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sysfs link that is circular or dangling counts as missing, and hides nothing else."""

import documents
from mediated_test import MediatedTest, only_on

DEVICE = 'pci_0000_00_1f_6'
LINKS = ('driver', 'iommu_group', 'physfn', 'virtfn0', 'mdev_supported_types', 'firmware_node')


@only_on('sim', 'the links of a real kernel lead somewhere')
class OddLinks(MediatedTest):
    machine = 'laptop'
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.sysfs = self.host.kernel.sysfs
        self.daemon.start(self.config)
        self.before = self.names()
        self.path = self.root(DEVICE).findtext('path')
        self.daemon.stop()

    def root(self, name):
        return documents.parse(self.dump(name))

    def start_again(self):
        self.first_connection = None
        self.daemon.start(self.config)

    def replace(self, path, target):
        real = self.sysfs.real(path)
        if self.sysfs.exists(path):
            real.unlink()
        real.symlink_to(target)

    def check(self, target):
        for name in LINKS:
            self.replace(f'{self.path}/{name}', target)
        self.start_again()
        self.assertEqual(self.names(), self.before)
        root = self.root(DEVICE)
        self.assertIsNone(root.find('capability/iommuGroup'))
        self.assertIsNone(root.find("capability/capability[@type='phys_function']"))
        for name in self.before:
            self.assertEqual(self.root(name).findtext('name'), name)

    def test_circular_links(self):
        self.check('driver')

    def test_nowhere(self):
        self.check('../../nothing/here')

    def test_out_of_sysfs(self):
        self.check('../' * 64)

    def test_buses_and_classes(self):
        for number, target in enumerate(('circle', 'circle-0', '/', '..', '../../../nothing', '.')):
            for directory in ('/sys/bus/pci/devices', '/sys/class/net', '/sys/bus/usb/devices'):
                self.sysfs.mkdir(directory)
                self.replace(f'{directory}/circle-{number}', target)
        self.start_again()
        self.assertEqual(self.names(), self.before)
