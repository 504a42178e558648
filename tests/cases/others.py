# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices and parents are created and removed by other programs and the kernel."""

import libvirt

import documents
import net_hosts
from mediated_test import MediatedTest, only_on

MDEV_TYPES = 1 << 13


class Devices(MediatedTest):
    def test_create_and_remove(self):
        events = self.listen()
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.host.create_by_others(self.parent, self.type_id, uuid)
        events.wait(('created', name), ('update', self.parent.name))
        root = documents.parse(self.dump(name))
        cap = documents.find_capability(root, 'mdev')
        self.assertEqual(cap.find('type').get('id'), self.type_id)
        self.assertEqual(cap.find('iommuGroup').get('number'),
                         self.host.link(f'{self.parent.path}/{uuid}/iommu_group'))
        self.host.remove_by_others(uuid)
        events.wait(('deleted', name))
        self.assertNotIn(name, self.names())
        self.wait_until(lambda: len(events.all()) == 4, 'four events')
        self.assertEqual(events.all(), [('created', name), ('update', self.parent.name),
                                        ('deleted', name), ('update', self.parent.name)])

    def test_announced_before_complete(self):
        """Any time may pass between the add event and the type link."""
        events = self.listen()
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.host.set_knob(self.parent, 'block_create', 1)
        others = self.in_background(self.host.create_by_others, self.parent, self.type_id, uuid)
        self.host.wait_create_stuck(self.parent)
        self.assertNotIn(name, self.names())
        self.host.set_knob(self.parent, 'block_create', 0)
        others.result(self.deadline)
        events.wait(('created', name))
        document = self.dump(name)
        self.assertIn(f"<type id='{self.type_id}'", document)

    def test_announced_but_failed(self):
        events = self.listen()
        uuid = self.new_uuid()
        with self.host.knob(self.parent, 'fail_create_late', 5):
            with self.assertRaises(OSError):
                self.host.create_by_others(self.parent, self.type_id, uuid)
        good = self.new_uuid()
        self.host.create_by_others(self.parent, self.type_id, good)
        events.wait(('created', self.child_name(self.parent, good)))
        self.assertEqual([name for name in self.names() if name.startswith('mdev_')],
                         [self.child_name(self.parent, good)])

    def test_there_before_the_daemon(self):
        uuid = self.new_uuid()
        self.daemon.stop()
        self.host.create_by_others(self.parent, self.type_id, uuid)
        self.daemon.start(self.config)
        name = self.child_name(self.parent, uuid)
        self.assertIn(name, self.names(connection=self.connect()))

    def test_many(self):
        events = self.listen()
        uuids = [self.new_uuid() for _ in range(16)]
        names = sorted(self.child_name(self.parent, uuid) for uuid in uuids)
        for uuid in uuids:
            self.host.create_by_others(self.parent, self.type_id, uuid)
        events.wait(*[('created', name) for name in names])
        self.assertEqual([n for n in self.names() if n.startswith('mdev_')], names)
        for uuid in uuids:
            self.host.remove_by_others(uuid)
        events.wait(*[('deleted', name) for name in names])
        self.assertEqual([n for n in self.names() if n.startswith('mdev_')], [])
        for name in names:
            self.assertEqual(events.count(('created', name)), 1)
            self.assertEqual(events.count(('deleted', name)), 1)

    def test_same_uuid_created_again(self):
        events = self.listen()
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        for times in range(1, 6):
            self.host.create_by_others(self.parent, self.type_id, uuid)
            self.wait_until(lambda n=times: events.count(('created', name)) == n, 'created')
            self.host.remove_by_others(uuid)
            self.wait_until(lambda n=times: events.count(('deleted', name)) == n, 'deleted')


class Changes(MediatedTest):
    """A change event of udev causes an update event, and the device loses no data."""

    def test_of_a_mediated_device(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid, attrs=[('scratch', 'x')])
        document = device.XMLDesc(0)
        events = self.listen()
        self.host.announce_change(f'{self.parent.path}/{uuid}')
        events.wait(('update', device.name()))
        self.assertEqual(device.XMLDesc(0), document)
        self.assertIn("<attr name='scratch' value='x'/>", document)

    def test_of_a_parent(self):
        events = self.listen()
        self.host.announce_change(self.parent.path)
        events.wait(('update', self.parent.name))
        self.barrier(events)
        self.assertEqual(events.all(), [('update', self.parent.name)])


class Silence(MediatedTest):
    """Without udev's events, sysfs decides."""

    config = {'mdev': {'event_timeout': '0.2'}}

    def test_create_and_destroy(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        events = self.listen()
        with self.host.silence_udev():
            device = self.create(uuid=uuid)
            self.assertEqual(device.name(), name)
            self.assertIn(name, self.names())
            self.assertIn(f"<type id='{self.type_id}'", device.XMLDesc(0))
            device.destroy()
            self.assertNotIn(name, self.names())
        events.wait(('created', name), ('deleted', name))
        self.barrier(events)
        self.assertEqual(self.host.children(), [])
        self.assertEqual((events.count(('created', name)), events.count(('deleted', name))),
                         (1, 1))

    def test_late_events_change_nothing(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        events = self.listen()
        with self.host.silence_udev():
            self.create(uuid=uuid)
        self.host.create_by_others(self.parent, self.type_id, other := self.new_uuid())
        events.wait(('created', self.child_name(self.parent, other)))
        self.assertIn(name, self.names())
        self.assertEqual(events.count(('created', name)), 1)
        self.assertEqual(events.count(('deleted', name)), 0)


class Parents(MediatedTest):
    def is_parent(self):
        return self.parent.name in self.names(MDEV_TYPES)

    def test_loses_and_regains_its_types(self):
        events = self.listen()
        device = self.create()
        self.host.unregister(self.parent)
        events.wait(('deleted', device.name()), ('update', self.parent.name))
        self.wait_until(lambda: not self.is_parent(), 'no types')
        self.assertIn(self.parent.name, self.names())
        document = self.dump(self.parent.name)
        self.assertNotIn('mdev_types', document)
        self.host.register(self.parent)
        self.wait_until(self.is_parent, 'types')
        self.create()

    def test_create_on_one_without_types(self):
        type_id = self.type_id
        self.host.unregister(self.parent)
        self.wait_until(lambda: not self.is_parent(), 'no types')
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML, self.document(type_id=type_id),
                            0, says=self.parent.name)

    def test_create_on_an_unregistered_parent_still_listed(self):
        type_id = self.type_id
        with self.host.silence_udev():
            self.host.unregister(self.parent)
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML,
                                self.document(type_id=type_id), 0, says=self.parent.name)

    def test_unbound_and_bound(self):
        events = self.listen()
        device = self.create()
        self.host.unbind(self.parent)
        events.wait(('deleted', device.name()), ('update', self.parent.name))
        self.wait_until(lambda: not self.is_parent(), 'no types')
        look_up = self.conn.nodeDeviceLookupByName
        self.wait_until(lambda: '<driver>' not in look_up(self.parent.name).XMLDesc(0),
                        'no driver')
        self.host.bind(self.parent)
        self.wait_until(self.is_parent, 'types')
        self.assertIn('<name>nvidia</name>', look_up(self.parent.name).XMLDesc(0))
        self.create()


class VirtualParents(MediatedTest):
    machine = 'virtual'

    def test_listed_while_it_has_types(self):
        """A device that is only a parent is listed while it has types."""
        events = self.listen()
        self.host.unregister(self.parent)
        events.wait(('deleted', self.parent.name))
        self.assertNotIn(self.parent.name, self.names())
        self.host.register(self.parent)
        events.wait(('created', self.parent.name))
        self.assertIn(self.parent.name, self.names())


@only_on('sim', 'a real kernel always tells its sequence number')
class WithoutSeqnum(Devices):
    """A kernel without /sys/kernel/uevent_seqnum."""

    shows_seqnum = False


@only_on('sim', 'on a real kernel interfaces are not below each other')
class LostEvents(MediatedTest):
    """All devices are scanned again after lost events, even if one scan removes the next device in the list."""

    def test_renamed_below_each_other(self):
        kernel, events = self.host.kernel, self.listen()
        above = '/sys/devices/virtual'
        paths = []
        for number in range(6):
            paths.append(net_hosts.add_interface(kernel, above, f'mdnest{number}',
                                                 f'aa:bb:cc:00:01:0{number}'))
            kernel.event('add', paths[-1])
            above = paths[-1] if number % 2 == 0 else '/sys/devices/virtual'
        old = [f'net_mdnest{number}_aa_bb_cc_00_01_0{number}' for number in range(6)]
        events.wait(*[('created', name) for name in old])
        for number, path in enumerate(paths):
            kernel.sysfs.write(f'{path}/address', f'aa:bb:cc:00:02:0{number}\n')
        kernel.udevd.break_off()
        new = [f'net_mdnest{number}_aa_bb_cc_00_02_0{number}' for number in range(6)]
        events.wait(*[('deleted', name) for name in old], *[('created', name) for name in new])
        self.assertEqual([name for name in self.names() if 'mdnest' in name], new)


@only_on('vm', 'datagram sockets of umockdev do not overflow as netlink does')
class Overflow(MediatedTest):
    """The receive buffer overflows while the daemon does not read."""

    config = {'udev': {'receive_buffer': '4096'}}

    def test_lost_events(self):
        events = self.listen()
        parents = self.host.parents()
        kept = [self.new_uuid() for _ in parents]
        self.daemon.pause()
        for parent, uuid in zip(parents, kept):
            for _ in range(20):
                passing = self.new_uuid()
                self.host.create_by_others(parent, self.type_id, passing)
                self.host.remove_by_others(passing)
            self.host.create_by_others(parent, self.type_id, uuid)
        self.host.settle()
        self.daemon.resume()
        names = sorted(self.child_name(parent, uuid) for parent, uuid in zip(parents, kept))
        events.wait(*[('created', name) for name in names])
        self.assertEqual([n for n in self.names() if n.startswith('mdev_')], names)
        for name in names:
            self.assertEqual(events.count(('created', name)), 1)
