# SPDX-License-Identifier: LGPL-2.1-or-later
"""Thousands of devices are created and removed by others while the daemon is stopped."""

import collections
import time

from mediated_test import MediatedTest, seldom_on
from vm_host import is_emulated, thousands

ONLY_ON = ('vm', 'the fake kernel is too slow for thousands, and its sockets do not overflow as netlink does')

LIFECYCLE = 0
CREATED, DELETED = 0, 1
DEVICES = 2000
SECONDS_AFTERWARDS = 1.0
# An emulated processor is slower than its host by this factor.
EMULATION = 10.0


def seconds_allowed():
    return SECONDS_AFTERWARDS * (EMULATION if is_emulated() else 1.0)


@seldom_on('vm', 'the same storm without devices before it', keeps=('test_replacement',))
class Storm(MediatedTest):
    has_room = True

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

    def wait_for_count(self, client, count):
        """Polls the number only, because lists of thousands would slow down the measurement."""
        self.wait_until(lambda: client.num_of_devices('mdev') == count, f'{count} devices')

    def storm(self, before, passing, after):
        """While the daemon is stopped, removes `before`, creates and removes `passing`, and creates `after` devices."""
        client, listener = self.raw(), self.raw()
        old = self.create_many(before)
        self.host.settle()
        self.wait_for_count(client, before)
        listener.register(LIFECYCLE)
        self.daemon.pause()
        gone = self.create_many(passing)
        for uuid in old + gone:
            self.host.remove_by_others(uuid)
        new = self.create_many(after)
        self.host.settle()
        self.daemon.resume()
        start = time.monotonic()
        names = {self.child_name(self.parent, uuid) for uuid in new}
        # The number may be the same before the first and after the last event.
        self.wait_until(lambda: client.num_of_devices('mdev') == after and
                        set(client.list_devices('mdev')) == names, 'the devices there are')
        seconds = time.monotonic() - start
        self.check_events(listener, old, gone, new)
        # The daemon is late, or udevd is busy; udevd is not silent.
        self.assertNotIn('udevd is silent', self.daemon.log())
        if self.has_room:
            self.assertNotIn('Lost udev events', self.daemon.log())
        print(f'# {self.id()}: registry and sysfs agree after {seconds:.2f} s', flush=True)
        self.assertLess(seconds, seconds_allowed())

    def check_events(self, listener, old, gone, new):
        """Checks that each device has one event; a device created and removed has both or none."""
        listener.is_active('computer')
        stories = collections.defaultdict(list)
        for frame in listener.frames:
            if frame.name == 'EVENT_LIFECYCLE':
                _, name, detail = frame.event()
                stories[name].append(detail)
        expected = {self.child_name(self.parent, uuid): [DELETED] for uuid in old}
        expected.update({self.child_name(self.parent, uuid): [CREATED] for uuid in new})
        for uuid in gone:
            name = self.child_name(self.parent, uuid)
            if name in stories:
                expected[name] = [CREATED, DELETED]
        self.assertEqual(dict(stories), expected)

    def test_all_added_and_removed(self):
        # The last device shows that all earlier events were processed.
        self.storm(0, thousands(DEVICES), 1)

    def test_replacement(self):
        self.storm(thousands(DEVICES) // 2, 0, thousands(DEVICES) // 2)


class StormWithoutRoom(Storm):
    """The receive buffer holds a fraction of the events."""

    has_room = False
    config = {'udev': {'receive_buffer': '65536'}}
