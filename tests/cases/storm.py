# SPDX-License-Identifier: LGPL-2.1-or-later
"""Thousands of devices made and removed by others while the daemon cannot look."""

import time

from mediated_test import MediatedTest, only_on

DEVICES = 2000
SECONDS_AFTERWARDS = 1.0


@only_on('vm', 'the fake kernel is too slow for thousands, and its sockets do not overflow')
class Storm(MediatedTest):
    def setUp(self):
        super().setUp()
        for parent in self.host.parents():
            self.host.set_knob(parent, 'capacity_scale', 256)
            self.addCleanup(self.host.set_knob, parent, 'capacity_scale', 1)

    def create_many(self, count):
        uuids = [self.new_uuid() for _ in range(count)]
        for uuid in uuids:
            self.host.create_by_others(self.parent, self.type_id, uuid)
        return uuids

    def devices(self):
        return {name for name in self.names() if name.startswith('mdev_')}

    def check_agrees(self, uuids):
        """One second after the daemon could look again it knows all."""
        expected = {self.child_name(self.parent, uuid) for uuid in uuids}
        start = time.monotonic()
        self.wait_until(lambda: self.devices() == expected, 'registry and sysfs agree')
        self.assertLess(time.monotonic() - start, SECONDS_AFTERWARDS)

    def storm(self, before, after):
        """All of `before` are removed, `after` new ones come, all while the daemon is stopped."""
        old = self.create_many(before)
        self.host.settle()
        self.wait_until(lambda: len(self.devices()) == before, 'a beginning')
        events = self.listen()
        self.daemon.pause()
        for uuid in old:
            self.host.remove_by_others(uuid)
        new = self.create_many(after)
        self.host.settle()
        self.daemon.resume()
        self.check_agrees(new)
        self.check_events(events, old, new)

    def check_events(self, events, gone, come):
        """Each of them told once, and nothing else."""
        wanted = [('deleted', self.child_name(self.parent, uuid)) for uuid in gone]
        wanted += [('created', self.child_name(self.parent, uuid)) for uuid in come]
        events.wait(*wanted)
        self.barrier(events)
        heard = [event for event in events.all() if event[0] != 'update']
        self.assertEqual(sorted(heard), sorted(wanted))

    def test_all_are_removed(self):
        self.storm(DEVICES, 0)

    def test_all_are_created(self):
        self.storm(0, DEVICES)

    def test_all_are_replaced(self):
        self.storm(DEVICES // 2, DEVICES // 2)


@only_on('vm', 'datagram sockets of umockdev do not overflow as netlink does')
class StormWithoutRoom(Storm):
    """The receive buffer holds a fraction of the events."""

    config = {'udev': {'receive_buffer': '65536'}}
