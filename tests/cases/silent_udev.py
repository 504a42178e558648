# SPDX-License-Identifier: LGPL-2.1-or-later
"""udevd is missing, stopped, killed, hung, restarted or slow while devices are created and removed."""

import hostile
from mediated_test import only_on, seldom_on

NEVER = '3000'    # seconds; longer than any test
TYPES = 1 << 13
ABSENT = 'udevd is not running, using kernel uevents'
SILENT = 'udevd is silent, using kernel uevents'
BACK = 'udevd is back, using its events'


class Udev(hostile.Hostile):
    config = {'mdev': {'event_timeout': NEVER}}

    def setUp(self):
        super().setUp()
        self.addCleanup(self.host.start_udev)
        self.choose_device()

    def choose_device(self):
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)

    def live(self, kinds, do):
        """Creates or removes a device, and checks that this causes one event and that lists agree."""
        do()
        self.wait_events(self.events, self.name, *kinds)
        self.wait_agreement()

    def check_all(self):
        """Checks creation and removal by us and others, and the types of another parent; each causes one event."""
        device = self.create()
        self.assertEqual(self.events_of(self.events, device.name()), ['created'])
        device.destroy()
        self.assertEqual(self.events_of(self.events, device.name()), ['created', 'deleted'])
        self.choose_device()
        self.live(['created'], lambda: self.host.create_by_others(self.parent, self.type_id, self.uuid))
        self.live(['created', 'deleted'], lambda: self.host.remove_by_others(self.uuid))
        parent = self.host.parents()[1]
        self.host.unregister(parent)
        self.wait_until(lambda: parent.name not in self.names(TYPES), 'no types')
        self.host.register(parent)
        self.wait_until(lambda: parent.name in self.names(TYPES), 'types')
        self.choose_device()

    def check_back(self, before):
        """Checks that existing devices keep their names without further events, and that udevd's next event is used."""
        self.assertEqual(self.names(), before)
        self.check_all()
        self.wait_until(lambda: BACK in self.daemon.log(), 'udevd')
        self.check_all()
        self.assertEqual(self.names(), before)
        self.assertEqual(self.daemon.log().count(SILENT), self.daemon.log().count(BACK) - self.was_absent)

    was_absent = 0


@seldom_on('vm', 'one restart of udevd is like another', keeps=('test_absent', 'test_udev_starts_later'))
class Absent(Udev):
    """udevd is missing from the start, as in containers."""

    starts_daemon = False
    was_absent = 1

    def start(self):
        self.host.stop_udev()
        self.daemon.start(self.config)
        self.events = self.listen()

    def test_absent(self):
        self.start()
        self.check_all()
        self.assertIn(ABSENT, self.daemon.log())
        self.assertNotIn(SILENT, self.daemon.log())

    def test_udev_starts_later(self):
        self.start()
        self.live(['created'], lambda: self.create(uuid=self.uuid))
        before = self.names()
        self.host.start_udev()
        self.check_back(before)

    def test_slow_udev_starts_later(self):
        """A device is gone before udevd sends its events, which are not reported a second time."""
        self.start()
        self.host.start_udev()
        self.host.set_knob(self.parent, 'block_create', 1)
        with self.host.silence_udev():
            create = self.in_background(lambda: self.create(self.connect(), uuid=self.uuid))
            self.host.wait_create_stuck(self.parent)
            self.wait_until(lambda: BACK in self.daemon.log(), 'a look at udevd')
            self.host.set_knob(self.parent, 'block_create', 0)
            create.result(self.deadline)
            destroy = self.in_background(self.conn.nodeDeviceLookupByName(self.name).destroy)
            self.wait_until(lambda: not self.host.children(), 'its end')
        destroy.result(self.deadline)
        self.assertEqual(self.events_of(self.events, self.name), ['created', 'deleted'])
        self.wait_agreement()

    @only_on('sim', 'the real one leaves the file of its socket behind')
    def test_without_a_trace(self):
        self.host.kernel.udevd.remove()
        self.daemon.start(self.config)
        self.events = self.listen()
        self.check_all()
        self.assertIn(ABSENT, self.daemon.log())


@seldom_on('vm', 'one end of udevd is like another', keeps=('test_stopped', 'test_restarted'))
class Gone(Udev):
    """udevd ends while the daemon runs."""

    def setUp(self):
        super().setUp()
        self.events = self.listen()
        self.check_all()

    def check(self, end):
        end()
        self.check_all()
        self.assertIn(SILENT, self.daemon.log())
        self.live(['created'], lambda: self.create(uuid=self.uuid, attrs=[('scratch', 'x')]))
        before = self.names()
        self.host.start_udev()
        self.check_back(before)

    def test_stopped(self):
        self.check(self.host.stop_udev)

    def test_killed(self):
        self.check(self.host.kill_udev)

    def test_restarted(self):
        """No query occurs between end and restart; each later event of udevd is reported."""
        before = self.names()
        self.host.stop_udev()
        self.host.start_udev()
        self.check_all()
        self.assertEqual(self.names(), before)

    def test_killed_with_unreported_events(self):
        """The end of udevd is not noticed; its unsent events are detected as missing after `event_timeout`."""
        self.change_config({'mdev': {'event_timeout': '0.5'}})
        self.host.hang_udev()
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.host.kill_udev()
        self.live(['created'], lambda: None)
        self.live(['created', 'deleted'], lambda: self.host.remove_by_others(self.uuid))


@seldom_on('vm', 'one end of udevd is like another', keeps=('test_hangs', 'test_is_killed_then'))
class Hangs(Udev):
    """udevd accepts connections but sends no event: after `event_timeout`, the kernel's uevents are used."""

    config = {'mdev': {'event_timeout': '0.5'}}

    def setUp(self):
        super().setUp()
        self.events = self.listen()
        self.create().destroy()
        self.addCleanup(self.host.wake_udev)
        self.host.hang_udev()

    def test_hangs(self):
        """The first device is found after the timeout and later ones at once, until udevd sends events again."""
        self.live(['created'], lambda: self.host.create_by_others(self.parent, self.type_id, self.uuid))
        self.assertIn(SILENT, self.daemon.log())
        self.change_config({'mdev': {'event_timeout': NEVER}})
        device = self.create()
        device.destroy()
        self.live(['created', 'deleted'], lambda: self.host.remove_by_others(self.uuid))
        self.live(['created', 'deleted', 'created'],
                  lambda: self.host.create_by_others(self.parent, self.type_id, self.uuid))
        self.host.wake_udev()
        self.wait_until(lambda: BACK in self.daemon.log(), 'udevd')
        self.live(['created', 'deleted', 'created'], lambda: None)
        self.assertEqual(self.events_of(self.events, device.name()), ['created', 'deleted'])
        self.live(['created', 'deleted', 'created', 'deleted'], lambda: self.host.remove_by_others(self.uuid))
        self.assertEqual(self.daemon.log().count(SILENT), 1)

    def test_others_can_connect(self):
        """The daemon leaves room for a waiting client of udevd, such as udevadm."""
        self.live(['created'], lambda: self.host.create_by_others(self.parent, self.type_id, self.uuid))
        self.assertIn(SILENT, self.daemon.log())
        self.assertTrue(self.host.udev_has_room())
        self.host.remove_by_others(self.uuid)

    def test_restart(self):
        """A restarted udevd never sends the events queued before, only new ones."""
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.host.kill_udev()
        self.host.start_udev()
        self.create().destroy()
        self.live(['created'], lambda: None)
        self.live(['created', 'deleted'], lambda: self.host.remove_by_others(self.uuid))

    def test_is_killed_then(self):
        self.live(['created'], lambda: self.host.create_by_others(self.parent, self.type_id, self.uuid))
        self.host.kill_udev()
        self.live(['created', 'deleted'], lambda: self.host.remove_by_others(self.uuid))


class Slow(Udev):
    """udevd reports itself busy and sends no event for many times `event_timeout`."""

    config = {'mdev': {'event_timeout': '0.2'}}

    def setUp(self):
        super().setUp()
        self.events = self.listen()

    def test_is_waited_for(self):
        """Before udevd's events, only devices of our own are listed, for which sysfs decides."""
        with self.host.silence_udev():
            self.host.create_by_others(self.parent, self.type_id, self.uuid)
            for _ in range(5):
                self.create().destroy()
            self.assertNotIn(self.name, self.names())
            self.assertEqual(self.events_of(self.events, self.name), [])
        self.wait_events(self.events, self.name, 'created')
        self.wait_agreement()
        self.assertNotIn(SILENT, self.daemon.log())


@only_on('sim', 'when the kernel drops events is not in the hands of a test')
class Lost(Udev):
    """After lost uevents of the kernel, all devices are scanned."""

    MADE_UP_FOR = 'Lost udev events, comparing all devices with sysfs'

    def setUp(self):
        super().setUp()
        self.events = self.listen()
        self.host.stop_udev()
        self.check_all()

    def test_silent_udevd(self):
        netlink = self.host.kernel.netlink
        post, netlink.post = netlink.post, lambda _properties: None
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        netlink.post = post
        netlink.lose()
        self.live(['created'], lambda: None)
        self.assertIn(self.MADE_UP_FOR, self.daemon.log())
        self.live(['created', 'deleted'], lambda: self.host.remove_by_others(self.uuid))
