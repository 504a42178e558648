# SPDX-License-Identifier: LGPL-2.1-or-later
"""Removes real devices, with all their descendants, from a real kernel, and rescans.

Runs in any machine of tests/vm: all have a SATA controller; the rich machine has bridges with disks, network cards, USB
and graphics.
"""

import pathlib
import subprocess

import documents
from mediated_test import MediatedTest, seldom_on

ONLY_ON = ('vm', 'a simulated machine is pulled apart in hotplug.py')

PCI = pathlib.Path('/sys/bus/pci/devices')
# Drivers that the machine needs, and parents that other cases expect to be unchanged.
VITAL = ('9pnet_virtio', 'virtio_console', 'virtio_rng')
HOSTILE = 'hostile'


def is_vital(path):
    return next(path.rglob(HOSTILE), None) is not None or any(
        (driver.parent / 'driver').resolve().name in VITAL for driver in path.rglob('driver'))


class Hardware(MediatedTest):
    machine = 'm60'

    def setUp(self):
        super().setUp()
        self.devices = self.read(self.conn)
        self.events = self.listen()

    def read(self, connection):
        """Returns the parents of all devices, by name."""
        return {device.name(): device.parent() for device in connection.listAllDevices()}

    def path(self, name):
        return documents.parse(self.dump(name)).findtext('path')

    def below(self, path):
        """Returns the names of the devices at a path and below."""
        paths = {name: self.path(name) for name in self.devices if name != 'computer'}
        return {name for name, other in paths.items() if other == path or other.startswith(f'{path}/')}

    def candidates(self):
        """Returns functions on the root bus that have descendants and can be removed."""
        found = []
        for link in sorted(PCI.iterdir()):
            path = link.resolve()
            if path.parent.parent == pathlib.Path('/sys/devices') and not is_vital(path):
                names = self.below(str(path))
                if len(names) > 1:
                    found.append((path, names))
        self.assertTrue(found)
        return found

    def read_afresh(self):
        """Returns the answers of a newly started daemon."""
        other = type(self.daemon)(self.host.program, self.deadline)
        try:
            other.start()
            connection = self.connect(path=other.rw_path)
            try:
                return self.read(connection)
            finally:
                self.connections.remove(connection)
                connection.close()
                other.stop()
        finally:
            other.close()

    def settle(self):
        """Waits until no more devices are added or removed, and the list agrees with sysfs."""
        def is_true():
            subprocess.run(['udevadm', 'settle', f'--timeout={self.deadline:.0f}'], check=True)
            return self.read(self.conn) == self.read_afresh()

        self.wait_until(is_true, 'the same devices as a daemon that starts now')
        self.barrier(self.events)

    def pop_events(self):
        """Returns the create and delete events since the last call."""
        events = [event for event in self.events.all() if event[0] in ('created', 'deleted')]
        self.events.seen.clear()
        return events

    def check_gone(self, names):
        """Checks that these devices were removed once each, children before parents. Others that depend on them may
        be removed too; returns the remaining events."""
        kept = set(self.read(self.conn))
        gone = set(self.devices) - kept
        self.assertLessEqual(names, gone)
        events = self.pop_events()
        order = [name for _, name in events]
        self.assertEqual(sorted(order), sorted(gone))
        self.assertEqual({what for what, _ in events}, {'deleted'})
        for name in gone:
            if self.devices[name] in gone:
                self.assertLess(order.index(name), order.index(self.devices[name]), order)
        return kept

    def check_created(self, events, come, devices):
        """Checks that all devices were added, parents before children; drivers may remove some again while probing."""
        left = [name for what, name in events if what == 'created' and events.count(('deleted', name)) <
                events.count(('created', name))]
        self.assertEqual(sorted(set(left)), sorted(come))
        for name in come:
            self.assertEqual(events.count(('created', name)) - events.count(('deleted', name)), 1, name)
            if devices[name] in come:
                self.assertLess(left.index(devices[name]), left.index(name), left)

    def check_come_again(self, kept):
        devices = self.read(self.conn)
        self.check_created(self.pop_events(), set(devices) - kept, devices)
        self.devices = devices

    def test_pulled_out_and_found_again(self):
        for path, names in self.candidates():
            with self.subTest(path.name):
                (path / 'remove').write_text('1', encoding='ascii')
                self.settle()
                kept = self.check_gone(names)

                pathlib.Path('/sys/bus/pci/rescan').write_text('1', encoding='ascii')
                self.settle()
                self.check_come_again(kept)
                self.assertIn(f'pci_{path.name.replace(":", "_").replace(".", "_")}', self.devices)

    @seldom_on('vm', 'others.Parents unbinds and binds a driver')
    def test_driver_unbound_and_bound(self):
        for path, names in self.candidates():
            driver = path / 'driver'
            name = f'pci_{path.name.replace(":", "_").replace(".", "_")}'
            if not driver.exists() or driver.resolve().name == 'pcieport':
                continue
            with self.subTest(path.name):
                control = driver.resolve()
                (control / 'unbind').write_text(path.name, encoding='ascii')
                self.settle()
                self.events.wait(('update', name))
                self.assertIsNone(documents.parse(self.dump(name)).find('driver'))
                kept = self.check_gone(names - {name})
                self.assertIn(name, kept)

                (control / 'bind').write_text(path.name, encoding='ascii')
                self.settle()
                self.events.wait(('update', name))
                self.check_come_again(kept)
