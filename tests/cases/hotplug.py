# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of every kind are added, changed, unbound and removed: lists are correct, and each event is sent once."""

import libvirt

import documents
from mediated_test import MediatedTest, only_on
from plug import Unplugged

GONE = libvirt.VIR_ERR_NO_NODE_DEVICE
# Subsystems whose devices are listed only with a driver.
WANTS_DRIVER = 'css'


@only_on('sim', 'hardware of a real machine cannot be pulled out')
class Hotplug:
    """The tests; subclasses name the machines."""

    def setUp(self):
        super().setUp()
        self.kernel = self.host.kernel
        self.before = self.names()
        self.documents = {name: self.dump(name) for name in self.before}
        self.paths = {documents.parse(document).findtext('path'): name
                      for name, document in self.documents.items()}
        self.paths.pop(None)
        self.events = self.listen()

    def roots(self):
        """Returns the paths of devices that are below no other device."""
        return [path for path, name in self.paths.items()
                if documents.parse(self.documents[name]).findtext('parent') == 'computer']

    def unplug(self, tells=True):
        return [Unplugged(self.kernel, root, tells) for root in self.roots()]

    def listed(self, trees):
        """Returns the listed names in removed trees, in the order of removal."""
        return [self.paths[piece.path] for tree in trees for piece in tree.pieces if piece.path in self.paths]

    def strip(self, path):
        """Removes the attributes of a device, except those that show its existence and kind."""
        for attribute in self.kernel.sysfs.listdir(path):
            real = self.kernel.sysfs.real(f'{path}/{attribute}')
            if attribute not in ('uevent', 'subsystem') and (real.is_file() or real.is_symlink()):
                real.unlink()

    @staticmethod
    def expect(event, names):
        return [(event, name) for name in names]

    def heard(self, expected):
        """Returns the events so far. Changes of a SCSI host caused by its ports may arrive early or late."""
        return [event for event in self.events.all()
                if event in expected or event[0] != 'update' or not event[1].startswith('scsi_host')]

    def check_events(self, expected):
        """Checks that exactly these events have arrived since the last check."""
        self.wait_until(lambda: len(self.heard(expected)) >= len(expected), expected[-1:])
        self.kernel.udevd.settle(self.deadline)
        self.barrier(self.events)
        self.assertEqual(self.heard(expected), expected)
        self.events.seen.clear()

    def check_all_is_back(self):
        self.assertEqual(self.names(), self.before)
        for name, document in self.documents.items():
            with self.subTest(name):
                self.assertEqual(self.dump(name), document)

    def test_all_removed_and_added(self):
        trees = self.unplug()
        gone = self.listed(trees)
        self.assertEqual(sorted(gone), [name for name in self.before if name != 'computer'])
        self.check_events(self.expect('deleted', gone))
        self.assertEqual(self.names(), ['computer'])
        for name in gone:
            self.assert_refused(GONE, self.conn.nodeDeviceLookupByName, name, says=name)
        for tree in reversed(trees):
            tree.put_back()
        self.check_events(self.expect('created', reversed(gone)))
        self.check_all_is_back()

    def test_all_added_again_before_the_remove_events(self):
        with self.host.silence_udev():
            trees = self.unplug()
            gone = self.listed(trees)
            for tree in reversed(trees):
                tree.put_back()
        self.check_events(self.expect('deleted', gone) + self.expect('created', reversed(gone)))
        self.check_all_is_back()

    def test_one_after_the_other(self):
        """Removing one device after another does not affect the remaining ones."""
        for path, name in self.paths.items():
            tree = Unplugged(self.kernel, path)
            gone = self.listed([tree])
            self.check_events(self.expect('deleted', gone))
            self.assertEqual(self.names(), [other for other in self.before if other not in gone])
            tree.put_back()
            self.check_events(self.expect('created', reversed(gone)))
            self.assertEqual(self.dump(name), self.documents[name])
        self.check_all_is_back()

    def test_change(self):
        for path in self.paths:
            self.kernel.event('change', path)
        self.check_events([('update', name) for name in self.paths.values()])
        self.check_all_is_back()

    def test_unbind_and_bind(self):
        parents = [parent.path for parent in self.host.parents()]
        for path, name in self.paths.items():
            driver = self.kernel.sysfs.target(f'{path}/driver')
            # Unbinding a parent removes its types, which events.py covers.
            if driver is None or path in parents:
                continue
            listed = self.kernel.sysfs.target(f'{path}/subsystem') != WANTS_DRIVER
            self.kernel.sysfs.bind(path, None)
            self.kernel.event('unbind', path, DRIVER=driver)
            self.check_events([('update' if listed else 'deleted', name)])
            self.assertEqual(name in self.names(), listed)
            if listed:
                self.assertNotIn('<driver>', self.dump(name))
            self.kernel.sysfs.bind(path, driver)
            self.kernel.event('bind', path)
            self.check_events([('update' if listed else 'created', name)])
        self.check_all_is_back()

    def test_change_of_a_device_being_removed(self):
        """A change event of a device that the kernel is removing does not update the device."""
        properties = {path: self.kernel.sysfs.uevent(path) for path in self.paths}
        for path in self.paths:
            self.kernel.sysfs.unlink(f'{path}/uevent')
            self.strip(path)
            for action in ('unbind', 'change'):
                self.kernel.event(action, path, **properties[path])
        self.check_events([])
        self.assertEqual(self.names(), self.before)
        for path, known in properties.items():
            self.kernel.sysfs.write(f'{path}/uevent', ''.join(f'{key}={text}\n' for key, text in known.items()))
        trees = self.unplug()
        self.check_events(self.expect('deleted', self.listed(trees)))

    def test_removed_without_an_event(self):
        """A removed device whose event is still missing is reported as missing."""
        devices = {name: self.conn.nodeDeviceLookupByName(name) for name in self.paths.values()}
        trees = self.unplug(tells=False)
        for name, device in devices.items():
            with self.subTest(name):
                self.assert_refused(GONE, device.XMLDesc, 0, says=name)
        for tree in trees:
            tree.emit_all('remove')
        self.check_events(self.expect('deleted', self.listed(trees)))
        self.assertEqual(self.names(), ['computer'])

    def test_removed_before_probe(self):
        """A device that is gone before its name is known was never listed."""
        trees = self.unplug()
        self.check_events(self.expect('deleted', self.listed(trees)))
        for tree in trees:
            tree.emit_all('add')
            tree.emit_all('remove')
        self.check_events([])
        self.assertEqual(self.names(), ['computer'])

    def test_attributes_removed_during_read(self):
        """A call that reads a device whose attributes disappear returns a document or an error."""
        for path in self.paths:
            self.strip(path)
        for name in self.paths.values():
            with self.subTest(name):
                try:
                    self.assertIn(f'<name>{name}</name>', self.dump(name))
                except libvirt.libvirtError as error:
                    self.check_error(error, GONE, name)
        trees = self.unplug()
        self.check_events(self.expect('deleted', self.listed(trees)))
        self.assertEqual(self.names(), ['computer'])


class M60(Hotplug, MediatedTest):
    machine = 'm60'


class A40(Hotplug, MediatedTest):
    machine = 'a40'


class Fibre(Hotplug, MediatedTest):
    machine = 'fibre'


class Mainframe(Hotplug, MediatedTest):
    machine = 'mainframe'


class Laptop(Hotplug, MediatedTest):
    machine = 'laptop'


class Net(Hotplug, MediatedTest):
    machine = 'net'


class Storage(Hotplug, MediatedTest):
    machine = 'storage'


class Mixed(Hotplug, MediatedTest):
    """Functions that carry vGPUs become parents some time after they were added, and are updated then."""

    machine = 'mixed'

    def heard(self, expected):
        functions = [self.paths.get(function.path) for function in self.host.functions()]
        return [event for event in super().heard(expected)
                if event in expected or event[0] != 'update' or event[1] not in functions]
