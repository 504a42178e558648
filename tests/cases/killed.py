# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kills the daemon before each system call with which an operation changes something, and checks what the next daemon
finds.

The points are found at run time: a test kills before the first call, the second, and so on until the operation
completes. Table VERBS lists the calls that must be among them.
"""

import contextlib
import dataclasses
import json
import signal

import rpc
from kill_at import KillAt
from mediated_test import MediatedTest, only_on, seldom_on
from with_vgpus import WithVgpus

MDEV = 1 << 14
BOTH = 1 << 30 | 1 << 31
LIFECYCLE = 0
LIVE, CONFIG = 1, 2
ATTRS = [('scratch', 'one'), ('nvidia/vgpu_params', 'two')]
OTHER_ATTRS = [('scratch', 'three'), ('nvidia/vgpu_params', 'four')]
FILE_IS_WRITTEN = ('renameat', 'openat', 'write', 'fchmod', 'fsync', 'sendto')
ENOUGH = 200   # maximum number of points of one operation

GONE = (ConnectionError, rpc.Closed)


@dataclasses.dataclass(frozen=True)
class Verb:
    """An operation, its preparation, and system calls before which it must be killed, the decisive one first."""

    call: str
    points: tuple
    before: tuple = ()
    may_stop_half_way: bool = False   # between its writes to sysfs


VERBS = {
    'create': Verb('create', ('write', 'sendto')),
    'start': Verb('start', ('write', 'sendto'), ('define',)),
    'destroy': Verb('destroy', ('write', 'sendto'), ('create',)),
    'define': Verb('define', (*FILE_IS_WRITTEN, 'mkdirat')),
    'define again': Verb('define_again', FILE_IS_WRITTEN, ('define',)),
    'update the definition': Verb('update_config', FILE_IS_WRITTEN, ('define',)),
    'update the device': Verb('update_live', ('write', 'sendto'), ('create',), True),
    'update both': Verb('update_both', FILE_IS_WRITTEN, ('define', 'start'), True),
    'autostart': Verb('set_autostart', FILE_IS_WRITTEN, ('define',)),
    'undefine': Verb('undefine', ('unlinkat', 'fsync', 'sendto'), ('define',)),
}


@dataclasses.dataclass(frozen=True)
class State:
    """The state of one device in sysfs and on disk."""

    active: bool
    attributes: tuple     # as written to the active device
    definition: object    # as parsed; None without a definition


class KilledTest(MediatedTest):
    """The state of all devices, and the daemon's view of it."""

    attrs, other_attrs = ATTRS, OTHER_ATTRS

    def setUp(self):
        super().setUp()
        self.points = []     # points found in an undisturbed run

    def present(self):
        """Returns the UUIDs of all devices in the kernel, whose daemon may be dead."""
        return set(self.host.children())

    def written(self, uuid):
        """Returns all writes to attributes of a device, in order; an empty list if there is no such device."""
        return (self.host.read_optional(f'{self.parent.path}/{uuid}/journal') or '').splitlines()

    def fresh_client(self):
        client = rpc.Connection(self.daemon.rw_path, self.deadline)
        client.open()
        return client

    def files(self):
        """Returns the UUIDs of all definitions; any other file is an error."""
        found = [path for path in self.daemon.definitions.rglob('*') if not path.is_dir()]
        self.assertEqual([str(path) for path in found if path.parent.name != self.parent.address or
                          len(path.name) != 36], [])
        return {path.name: json.loads(path.read_text(encoding='utf-8'))['start'] == 'auto'
                for path in found}

    def records(self):
        """Returns the UUIDs of devices being created, or left incomplete and to be removed."""
        return [path.name for path in self.daemon.state.glob('*')]

    def wanted_lists(self):
        """Returns (active, persistent, autostart) of all devices, from sysfs and disk."""
        children, files = self.present(), self.files()
        return {self.child_name(self.parent, uuid): (uuid in children, uuid in files,
                                                     files.get(uuid, False))
                for uuid in children | set(files)}

    @staticmethod
    def shown_lists(client):
        """Returns the same from the daemon."""
        return {name: (bool(client.is_active(name)), bool(client.is_persistent(name)),
                       bool(client.is_persistent(name)) and bool(client.get_autostart(name)))
                for name in client.list_all(MDEV | BOTH)[0]}

    def check_lists(self, client):
        """Checks that the daemon's lists agree with sysfs and disk, after autostart."""
        self.wait_until(lambda: not self.records(), 'no device that is half made')
        self.wait_equal(lambda: self.shown_lists(client), self.wanted_lists)


@seldom_on('vm', 'the other operations write only files, or to sysfs in the same way',
           keeps=('test_create', 'test_destroy', 'test_update_both'))
class Killed(KilledTest):
    """A new daemon is started after each kill."""

    def setUp(self):
        super().setUp()
        self.uuid = None
        self.goal = None     # the state after the operation
        self.room = self.host.available(self.parent, self.type_id)

    # Operations, by a raw client whose daemon may be killed

    @property
    def name(self):
        return self.child_name(self.parent, self.uuid)

    def described(self, attrs=None):
        return self.document(uuid=self.uuid, attrs=attrs or self.attrs)

    def create(self, client):
        client.create_xml(self.described())

    def define(self, client):
        client.define_xml(self.described())

    def define_again(self, client):
        client.define_xml(self.described(self.other_attrs))

    def start(self, client):
        client.create(self.name)

    def destroy(self, client):
        client.destroy(self.name)

    def undefine(self, client):
        client.undefine(self.name)

    def set_autostart(self, client):
        client.set_autostart(self.name, 1)

    def update_config(self, client):
        client.update(self.name, self.described(self.other_attrs), CONFIG)

    def update_live(self, client):
        client.update(self.name, self.described(self.other_attrs), LIVE)

    def update_both(self, client):
        client.update(self.name, self.described(self.other_attrs), LIVE | CONFIG)

    # The state of a device

    def observe(self):
        active = self.uuid in self.present()
        path = self.definition_path(self.uuid)
        text = path.read_text(encoding='utf-8') if path.exists() else None
        return State(active, tuple(self.written(self.uuid)), None if text is None else json.loads(text))

    # One run

    def make(self, *verbs):
        """Prepares a device with a new UUID by undisturbed calls."""
        self.uuid = self.new_uuid()
        with self.fresh_client() as client:
            for verb in verbs:
                getattr(self, verb)(client)
        return self.observe()

    def clean(self):
        """Checks that the remains of the device can be removed completely."""
        with self.fresh_client() as client:
            if self.observe().active:
                self.destroy(client)
            if self.observe().definition is not None:
                self.undefine(client)
            self.check_lists(client)
        self.assertEqual(self.observe(), State(False, (), None))
        self.assertEqual(self.host.available(self.parent, self.type_id), self.room)

    def call_and_see(self, verb, client, listener):
        """Returns (answered, notified): whether the call was answered, and another client received its events."""
        answered = False
        with contextlib.suppress(*GONE):
            getattr(self, verb)(client)
            answered = True
            # Ensures that a daemon that is killed right after the answer is killed before this one's.
            client.get_lib_version()
        with contextlib.suppress(*GONE):
            listener.get_lib_version()
        return answered, any(frame.name == 'EVENT_LIFECYCLE' and frame.event()[1] == self.name
                             for frame in listener.frames)

    def allowed(self, verb, old):
        """Returns all permitted states: some writes to sysfs may have been made; the disk is written after them."""
        states = [old, self.goal]
        if verb.may_stop_half_way:
            made = range(len(old.attributes), len(self.goal.attributes) + 1)
            states += [State(True, self.goal.attributes[:count], old.definition) for count in made]
        return states

    @staticmethod
    def after_start(state):
        """Returns the state that a starting daemon makes of a state."""
        if state.definition is None or state.definition['start'] != 'auto':
            return state
        made = [f'{name}={value}' for attr in state.definition['attrs'] for name, value in attr.items()]
        return State(True, tuple(made), state.definition)

    def check_survivor(self, verb, old, finished):
        """Checks the lists of the daemon started after the kill."""
        self.host.wait_idle()
        self.daemon.start(self.config)
        states = [self.goal] if finished else self.allowed(verb, old)
        allowed = [self.after_start(state) for state in states]
        self.wait_until(lambda: not self.records(), 'no device that is half made')
        self.wait_until(lambda: self.observe() in allowed, f'one of {allowed}')
        with self.fresh_client() as client:
            self.check_lists(client)

    def killed_at(self, verb, number):
        """Kills one run at a point. Returns the call at the point, or None if the operation completed before."""
        old = self.make(*verb.before)
        watch = KillAt(self.daemon, number)
        with self.fresh_client() as client, self.fresh_client() as listener:
            listener.register(LIFECYCLE)
            try:
                watch.attach()
                answered, notified = self.call_and_see(verb.call, client, listener)
            finally:
                watch.end()
        point = watch.killed()
        if point is None:
            self.points = [call.name for call in watch.calls()]
            self.assertEqual(self.observe(), self.goal)
            return None
        try:
            self.assertEqual(self.daemon.wait(), -signal.SIGKILL)
            self.check_survivor(verb, old, answered or notified)
        except AssertionError as error:
            error.add_note(point)
            raise
        return point

    def check_verb(self, title):
        verb = VERBS[title]
        old = self.make(*verb.before)
        with self.fresh_client() as client:
            getattr(self, verb.call)(client)
        self.goal = self.observe()
        self.assertNotEqual(old, self.goal)
        self.clean()
        for number in self.numbers(verb):
            point = self.killed_at(verb, number)
            self.clean()
            if point is None:
                break
        self.assertLessEqual(set(verb.points), set(self.points))

    def numbers(self, verb):
        """Returns the numbers of the points: on a simulated host all, elsewhere the one after the decisive call;
        then one too many."""
        if self.host.kind == 'sim':
            return range(1, ENOUGH)
        self.assertIsNone(self.killed_at(verb, 0))
        self.clean()
        return self.points.index(verb.points[0]) + 2, ENOUGH

    def test_create(self):
        self.check_verb('create')

    def test_start(self):
        self.check_verb('start')

    def test_destroy(self):
        self.check_verb('destroy')

    def test_define(self):
        self.check_verb('define')

    def test_define_again(self):
        self.check_verb('define again')

    def test_update_definition(self):
        self.check_verb('update the definition')

    def test_update_device(self):
        self.check_verb('update the device')

    def test_update_both(self):
        self.check_verb('update both')

    def test_autostart(self):
        self.check_verb('autostart')

    def test_undefine(self):
        self.check_verb('undefine')


@only_on('sim', 'the card is simulated')
class KilledWithVgpu(WithVgpus, Killed):
    """The test has one device at a time, on the first function."""

    attrs = [(WithVgpus.attr, 'one'), (WithVgpus.attr, 'two')]
    other_attrs = [(WithVgpus.attr, 'three'), (WithVgpus.attr, 'four')]

    def present(self):
        return {self.uuid} if self.host.fake(self.parent).number else set()

    def written(self, uuid):
        return self.journal(uuid) if self.present() else []

    def records(self):
        return [path.name for path in self.daemon.state.glob('vgpu/*.creating')]


@only_on('sim', 'a thousand starts take a machine that is emulated too long')
class KilledAtStart(KilledTest):
    """Kills between the first call and the orderly end: the next daemon recovers the sockets and completes
    autostart."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.uuids = [self.new_uuid() for _ in range(2)]
        for uuid in self.uuids:
            self.write_definition(uuid, start='auto', attrs=[{name: value} for name, value in self.attrs])

    def is_whole(self):
        """Returns whether all devices exist, with their attributes."""
        wanted = [f'{name}={value}' for name, value in self.attrs]
        return all(self.written(uuid) == wanted for uuid in self.uuids)

    def start_killed_at(self, number):
        """Returns the call at which the daemon was killed; None if it completed autostart and stopped before."""
        watch = KillAt(self.daemon, number)
        watch.spawn(self.daemon.arguments(self.config))
        self.wait_until(lambda: self.daemon.has_ended() or self.is_whole(), 'the end of it')
        with contextlib.suppress(*GONE, FileNotFoundError), self.fresh_client() as client:
            client.get_lib_version()
        if self.daemon.is_running():
            self.daemon.signal(signal.SIGTERM)
        if self.daemon.wait() == 0:
            self.points = [call.name for call in watch.calls()]
            return None
        self.assertEqual(self.daemon.process.returncode, -signal.SIGKILL)
        return watch.killed()

    def test_start_and_stop(self):
        for number in range(1, ENOUGH):
            point = self.start_killed_at(number)
            self.host.wait_idle()
            self.daemon.start(self.config)
            self.wait_until(self.is_whole, f'all devices after {point}')
            with self.fresh_client() as client:
                self.check_lists(client)
            self.daemon.stop()
            for uuid in self.host.children():
                self.host.remove_by_others(uuid)
            if point is None:
                break
        self.assertLessEqual({'bind', 'listen', 'write', 'sendto', 'unlink'}, set(self.points))
        self.daemon.start(self.config)


@seldom_on('vm', 'other records are refused from their text',
           keeps=('test_left', 'test_in_use', 'test_still_in_the_driver'))
class HalfMade(KilledTest):
    """The next daemon finds a record, but not the incomplete device of the record."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)

    def write_record(self, text=None, type_id=None):
        self.daemon.state.mkdir()
        (self.daemon.state / self.uuid).write_text(
            text or f'{self.parent.path}/{self.uuid}\n{type_id or self.type_id}\n', encoding='utf-8')

    def start(self):
        self.daemon.start(self.config)
        self.wait_until(lambda: not self.records(), 'no device that is half made')
        with self.fresh_client() as client:
            self.check_lists(client)

    def test_left(self):
        self.write_record()
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.start()
        self.assertEqual(self.host.children(), [])

    def test_autostart(self):
        self.write_record()
        self.write_definition(self.uuid, start='auto', attrs=[{'scratch': 'one'}])
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.start()
        self.wait_until(lambda: self.state(self.name) == (True, True, True), 'a start by itself')
        self.assertEqual(self.host.journal(self.uuid), ['scratch=one'])

    def test_in_use(self):
        self.write_record()
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        with self.host.hold_open(self.uuid):
            self.start()
            self.assertEqual(self.host.children(), [self.uuid])
            self.assertIn('Unable to remove half-created device', self.daemon.log())

    def test_another_type(self):
        self.write_record(type_id=self.host.type_ids(self.parent)[1])
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.start()
        self.assertEqual(self.host.children(), [self.uuid])

    def test_torn_record(self):
        self.write_record(text=f'{self.parent.path}/{self.uuid}')
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.start()
        self.assertEqual(self.host.children(), [self.uuid])

    def test_no_device(self):
        self.write_record()
        self.start()
        self.create(uuid=self.uuid)
        self.assertEqual(self.host.children(), [self.uuid])

    def test_still_in_the_driver(self):
        """A device that is still being created by the driver is removed afterwards."""
        self.write_record()
        self.host.set_knob(self.parent, 'block_create', 1)
        other = self.in_background(self.host.create_by_others, self.parent, self.type_id, self.uuid)
        self.host.wait_create_stuck(self.parent)
        self.daemon.start(self.config)
        self.host.set_knob(self.parent, 'block_create', 0)
        other.result(self.deadline)
        self.wait_until(lambda: not self.records(), 'no device that is half made')
        self.assertEqual(self.host.children(), [])
        self.wait_until(lambda: self.name not in self.names(), 'its end')
