# SPDX-License-Identifier: LGPL-2.1-or-later
"""Destroying mediated devices, and devices that cannot be destroyed."""

import errno

import libvirt

from mediated_test import MediatedTest, seldom_on


@seldom_on('vm', 'refused before the kernel sees anything, or as another case',
           keeps=('test_removed_before_the_reply', 'test_device_of_others', 'test_twice_at_once', 'test_vanished',
                  'test_others_remove_it_meanwhile', 'test_in_use', 'test_driver_fails',
                  'test_driver_reports_the_device_as_gone'))
class Destroy(MediatedTest):
    def test_removed_before_the_reply(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        other = self.connect()
        device.destroy()
        self.assertEqual(self.children(), [])
        for connection in (other, self.connect(), self.connect(read_only=True)):
            self.assertNotIn(device.name(), self.names(connection=connection))
            self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, connection.nodeDeviceLookupByName, device.name(),
                                says=device.name())

    def test_device_of_others(self):
        uuid = self.new_uuid()
        self.host.create_by_others(self.parent, self.type_id, uuid)
        name = self.child_name(self.parent, uuid)
        self.wait_until(lambda: name in self.names(), name)
        self.conn.nodeDeviceLookupByName(name).destroy()
        self.assertEqual(self.children(), [])

    def test_again_and_again(self):
        uuid = self.new_uuid()
        for _ in range(10):
            device = self.create(uuid=uuid)
            self.assertEqual(self.children(), [uuid])
            device.destroy()
            self.assertEqual(self.children(), [])

    def test_twice(self):
        device = self.create()
        device.destroy()
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, device.destroy, says=device.name())

    def test_twice_at_once(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        self.host.set_knob(self.parent, 'block_remove', 1)
        first = self.in_background(device.destroy)
        self.host.wait_remove_stuck(uuid)
        again = self.connect().nodeDeviceLookupByName(device.name())
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, again.destroy, says=device.name())
        self.host.set_knob(self.parent, 'block_remove', 0)
        first.result(self.deadline)
        self.assertEqual(self.children(), [])

    def test_vanished(self):
        """A device removed by another program, without udev's event yet, is reported as missing."""
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        with self.host.silence_udev():
            self.host.remove_by_others(uuid)
            self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, device.destroy, says=device.name())
            self.assertNotIn(device.name(), self.names())

    def test_others_remove_it_meanwhile(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        self.host.set_knob(self.parent, 'block_remove', 1)
        ours = self.in_background(device.destroy)
        self.host.wait_remove_stuck(uuid)
        self.host.set_knob(self.parent, 'block_remove', 0)
        ours.result(self.deadline)
        self.assertNotIn(device.name(), self.names())

    def test_other_kinds(self):
        for name in ('computer', self.parent.name, self.host.plain_pci()):
            with self.subTest(name), self.nothing_changes():
                device = self.conn.nodeDeviceLookupByName(name)
                self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, device.destroy, says='Unsupported device type')

    def test_in_use(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        with self.host.hold_open(uuid) as pid:
            with self.nothing_changes(), self.within(self.deadline / 2, 'to refuse it'):
                message = self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.destroy,
                                              says=[device.name(), 'in use'])
            if pid is not None:
                self.assertIn(str(pid), message)
        device.destroy()
        self.assertEqual(self.children(), [])

    def test_driver_fails(self):
        device = self.create()
        for number in (errno.EIO, errno.EBUSY, errno.ENOMEM):
            with self.subTest(number), self.host.knob(self.parent, 'fail_remove', number), \
                    self.nothing_changes():
                self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.destroy, says=device.name())
        device.destroy()

    def test_driver_reports_the_device_as_gone(self):
        """A device that the driver wrongly reports as removed stays listed."""
        device = self.create()
        with self.host.knob(self.parent, 'fail_remove', errno.ENODEV), self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, device.destroy, says=device.name())
        device.destroy()
