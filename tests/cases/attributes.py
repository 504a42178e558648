# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attributes set at creation are written in order and below the device, or there is no device; those of the kernel
are refused."""

import functools
import os

import libvirt

from mediated_test import MediatedTest, seldom_on

LIVE, CONFIG = 1, 2
UNSUPPORTED, SYSTEM_ERROR = libvirt.VIR_ERR_CONFIG_UNSUPPORTED, libvirt.VIR_ERR_SYSTEM_ERROR

# Names that the driver core, the bus, mdev and VFIO use in the directory of a device, present or not.
KERNELS = ('remove', 'uevent', 'driver_override', 'power/control', 'power', 'power/async',
           'driver/unbind', 'driver/bind', 'subsystem/drivers_probe', 'iommu_group/type',
           'mdev_type/create', 'vfio-dev/vfio0/uevent', 'vfio-dev/vfio0/power/control',
           'waiting_for_supplier', 'consumer:pci:0000:00:01.0/sync_state_only',
           'supplier:pci:0000:00:01.0/status', 'rescan', 'reset', 'reset_method', 'bind', 'unbind',
           'msi_bus', 'enable', 'online', 'new_id', 'of_node/name',
           # In a directory that may be a group of the driver's, or another device.
           'nvidia/remove', 'nvidia/uevent', 'nvidia/power/control', 'x/driver/unbind',
           'net/eth0/device/driver_override', 'x/y/subsystem/drivers_probe', 'x/consumer:a:b/status')

# Attributes added by the drivers of all hosts.
DRIVERS = {'scratch', 'stubborn', 'journal', 'nvidia'}


@seldom_on('vm', 'paths and texts are checked before the kernel sees them',
           keeps=('test_in_order', 'test_driver_refuses_one', 'test_read_only_attribute',
                  'test_one_bad_attribute'))
class Attributes(MediatedTest):
    def test_in_order(self):
        uuid = self.new_uuid()
        attrs = [('scratch', 'one'), ('nvidia/vgpu_params', 'frame_rate_limiter=0,disable_vnc=1'),
                 ('scratch', 'two'), ('scratch', 'one')]
        self.create(uuid=uuid, attrs=attrs)
        self.assertEqual(self.host.journal(uuid), [f'{name}={value}' for name, value in attrs])
        self.assertEqual(self.host.attribute(uuid, 'nvidia/vgpu_params'), attrs[1][1])

    def test_value_ends_in_a_newline(self):
        """A value is written with a newline, without which NVIDIA's driver drops the last character."""
        uuid = self.new_uuid()
        with self.host.knob(self.parent, 'strict_params', 1):
            self.create(uuid=uuid, attrs=[('nvidia/vgpu_params', 'frame_rate_limiter=0')])
        self.assertEqual(self.host.attribute(uuid, 'nvidia/vgpu_params'), 'frame_rate_limiter=0')

    def test_empty_value(self):
        uuid = self.new_uuid()
        self.create(uuid=uuid, attrs=[('scratch', 'x'), ('scratch', '')])
        self.assertEqual(self.host.journal(uuid), ['scratch=x', 'scratch='])

    def test_characters_of_xml(self):
        uuid = self.new_uuid()
        value = 'a<b>&"c" \'d\' é'
        self.create(uuid=uuid, attrs=[('scratch', value)])
        self.assertEqual(self.host.attribute(uuid, 'scratch'), value)

    def refuse(self, attrs, says, code=UNSUPPORTED):
        """Checks that the create is refused without an event, although the device may exist for a moment."""
        with self.nothing_changes():
            self.assert_refused(code, self.create_with, attrs, says=says)

    def create_with(self, attrs):
        return self.conn.nodeDeviceCreateXML(self.document(uuid=self.new_uuid(), attrs=attrs), 0)

    def test_driver_refuses_one(self):
        self.refuse([('scratch', 'one'), ('stubborn', 'yes'), ('scratch', 'two')], 'stubborn', SYSTEM_ERROR)

    def test_unknown_attribute(self):
        self.refuse([('scratch', 'one'), ('no_such_attribute', '1')], 'no_such_attribute', SYSTEM_ERROR)

    def test_read_only_attribute(self):
        self.refuse([('journal', 'x')], 'journal', SYSTEM_ERROR)

    def test_directory(self):
        self.refuse([('nvidia', 'x')], 'nvidia', SYSTEM_ERROR)

    def test_dot_dot(self):
        """A path out of the device is refused; in the stock daemon, '../remove' removes the parent."""
        for name in ('../remove', 'nvidia/../../remove', '..', './../remove', 'nvidia/..',
                     f'../mdev_supported_types/{self.type_id}/create', '../hostile/total_mib',
                     '../' * 40 + 'etc/hostname'):
            with self.subTest(name):
                self.refuse([(name, '1')], name)

    def test_through_a_link(self):
        for name in ('subsystem/drivers_autoprobe', 'mdev_type/create', 'driver/unbind',
                     'iommu_group/type', 'driver'):
            with self.subTest(name):
                self.refuse([(name, '1')], name)

    def test_absolute(self):
        for name in (f'{self.parent.path}/remove', '/etc/hostname', '//scratch'):
            with self.subTest(name):
                self.refuse([(name, '1')], name)

    def test_empty_name(self):
        for name in ('', '/', '.', 'scratch/', 'nvidia//vgpu_params'):
            with self.subTest(name):
                self.refuse([(name, '1')], 'attr')

    def test_too_long_for_the_driver(self):
        self.refuse([('scratch', 'x' * 1000)], 'scratch', SYSTEM_ERROR)

    def test_name_too_long(self):
        self.refuse([('n' * 5000, '1')], 'n' * 20, SYSTEM_ERROR)

    def test_one_bad_attribute(self):
        good = [('scratch', str(number)) for number in range(20)]
        self.refuse(good + [('../remove', '1')], '../remove')


@seldom_on('vm', 'the other operations write attributes in the same way',
           keeps=('test_create', 'test_update', 'test_existing_files'))
class Kernels(MediatedTest):
    """The kernel's attributes are not the driver's: a write to `remove` would destroy a device whose destruction is
    refused."""

    def refused(self, func, *args, name):
        self.assert_refused(UNSUPPORTED, func, *args, says=[f"'{name}'", 'belongs to the kernel'])

    def for_each(self, func):
        for name in KERNELS:
            with self.subTest(name):
                func(name, [('scratch', 'x'), (name, '1')])

    def test_create(self):
        """A create with a kernel attribute is refused before the device exists."""
        with self.nothing_changes():
            self.for_each(lambda name, attrs: self.refused(
                functools.partial(self.create, attrs=attrs), name=name))

    def test_define(self):
        with self.nothing_changes():
            self.for_each(lambda name, attrs: self.refused(
                functools.partial(self.define, attrs=attrs), name=name))

    def test_update(self):
        device = self.define(uuid=(uuid := self.new_uuid()), attrs=[('scratch', 'old')])
        device.create(0)
        client = self.raw()

        def update(flags, name, attrs):
            self.refused(client.update, device.name(), self.document(uuid=uuid, attrs=attrs), flags,
                         name=name)

        with self.nothing_changes():
            for flags in (0, LIVE, CONFIG, LIVE | CONFIG):
                self.for_each(functools.partial(update, flags))
        self.assertEqual(self.host.journal(uuid), ['scratch=old'])
        self.assertEqual(self.read_definition(uuid)['attrs'], [{'scratch': 'old'}])

    def test_update_while_in_use(self):
        """An update of a device in use is refused for root too, because the kernel would remove the device after its
        last use."""
        device = self.create(uuid=(uuid := self.new_uuid()))
        with self.host.hold_open(uuid):
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.destroy, says='in use')
            self.refused(self.raw().update, device.name(),
                         self.document(uuid=uuid, attrs=[('remove', '1')]), LIVE, name='remove')
        device.destroy()

    def test_existing_files(self):
        """In the directory of a device, only files of the mdev driver are accepted."""
        device = self.create(uuid=(uuid := self.new_uuid()))
        top = self.host.real(self.host.device_path(uuid))
        found = set()
        for path, directories, files in os.walk(top):
            for name in (*files, *directories):
                found.add(os.path.relpath(os.path.join(path, name), top))
        kernels = {name for name in found if name.partition('/')[0] not in DRIVERS}
        self.assertLessEqual({'remove', 'uevent', 'driver', 'iommu_group', 'mdev_type', 'power/control',
                              'subsystem', 'vfio-dev'}, kernels)
        for name in sorted(kernels):
            with self.subTest(name):
                self.refused(self.raw().update, device.name(),
                             self.document(uuid=uuid, attrs=[(name, '1')]), LIVE, name=name)
        self.assertEqual(self.host.journal(uuid), [])
        device.destroy()

    def test_definition_on_disk(self):
        """A definition on disk with such an attribute is listed, but can neither be started nor set to autostart."""
        for name in ('remove', 'power/control', 'uevent'):
            with self.subTest(name):
                uuid = self.new_uuid()
                self.write_definition(uuid, attrs=[{'scratch': 'x'}, {name: '1'}])
                self.wait_until(lambda u=uuid: self.child_name(self.parent, u) in self.names(),
                                'the definition')
                device = self.conn.nodeDeviceLookupByName(self.child_name(self.parent, uuid))
                self.assertIn(f"<attr name='{name}' value='1'/>", device.XMLDesc(0))
                with self.nothing_changes():
                    self.refused(device.create, 0, name=name)
                    self.refused(device.setAutostart, 1, name=name)
                    self.refused(self.conn.nodeDeviceDefineXML, device.XMLDesc(0), 0, name=name)
                device.setAutostart(0)
                self.raw().update(device.name(), self.document(uuid=uuid, attrs=[('scratch', 'y')]),
                                  CONFIG)
                device.create(0)
                self.assertEqual(self.host.journal(uuid), ['scratch=y'])

    def test_autostart(self):
        uuid = self.new_uuid()
        self.write_definition(uuid, start='auto', attrs=[{'remove': '1'}])
        self.daemon.stop()
        self.first_connection = None
        self.daemon.start(self.config)
        self.wait_until(lambda: "'remove' belongs to the kernel" in self.daemon.log(), 'a message')
        self.assertEqual(self.state(self.child_name(self.parent, uuid)), (False, True, True))
        self.assertEqual(self.host.children(), [])

    def test_shared_with_parent(self):
        """Attributes that the bus also gives the parent are not the mdev driver's, whatever their names."""
        device = self.create(uuid=(uuid := self.new_uuid()))
        for name in ('vendor', 'class'):
            with self.subTest(name):
                self.assert_refused(UNSUPPORTED, self.raw().update, device.name(),
                                    self.document(uuid=uuid, attrs=[(name, '1')]), LIVE, says=name)
        self.assertEqual(self.host.journal(uuid), [])


@seldom_on('vm', 'the kernel never sees these paths')
class PathsAreChecked(MediatedTest):
    """A name that is not a path below the device is not stored either."""

    def test_define(self):
        with self.nothing_changes():
            for name in ('../remove', './remove', '//remove', 'nvidia/../remove', '/', 'scratch/'):
                with self.subTest(name):
                    self.assert_refused(UNSUPPORTED,
                                        functools.partial(self.define, attrs=[(name, '1')]),
                                        says=name)
