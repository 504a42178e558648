# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every case stands on: a host, a running daemon, connections of libvirt and raw ones.

A case names what it needs as class attributes (machine, config) or in a decorator (only_on).
There are no sleeps: whatever is waited for has a condition and a deadline.
"""

import contextlib
import json
import signal
import threading
import time
import unittest
import uuid as uuids

import libvirt

import documents
import host as hosts
import rpc

READ_AGAIN = 'the settings have been read again'
URI = 'nodedev:///system?socket={}'

# Where stock answers code 1, a more exact one is as good; these are left for that.
VAGUE = frozenset({1, 8, 9, 27, 38, 55, 67, 84})

LIFECYCLE = {libvirt.VIR_NODE_DEVICE_EVENT_CREATED: 'created',
             libvirt.VIR_NODE_DEVICE_EVENT_DELETED: 'deleted',
             libvirt.VIR_NODE_DEVICE_EVENT_DEFINED: 'defined',
             libvirt.VIR_NODE_DEVICE_EVENT_UNDEFINED: 'undefined'}


def only_on(kind, reason):
    """Declares that a class or a test exists on one kind of host only, and why."""
    return declare_hosts('only_on', kind, reason)


def not_on(kind, reason):
    """Declares that a class or a test exists on all kinds of host but one, and why."""
    return declare_hosts('not_on', kind, reason)


def declare_hosts(word, kind, reason):
    if not reason:
        raise ValueError(f'{word}() wants a reason')

    def declare(thing):
        setattr(thing, word, (kind, reason))
        return thing
    return declare


class EventLoop:
    """libvirt's event loop on a thread; there is one per process, and it never ends."""

    started = False
    lock = threading.Lock()

    @classmethod
    def ensure(cls):
        with cls.lock:
            if cls.started:
                return
            cls.started = True
            libvirt.registerErrorHandler(lambda _context, _error: None, None)
            libvirt.virEventRegisterDefaultImpl()
            threading.Thread(target=cls.run, name='events', daemon=True).start()

    @staticmethod
    def run():
        while True:
            libvirt.virEventRunDefaultImpl()


class Events:
    """All node device events that a connection hears: ('created', name), ('update', name) ..."""

    def __init__(self, connection, deadline, device=None):
        self.connection = connection
        self.deadline = deadline
        self.seen = []
        self.changed = threading.Condition()
        self.ids = [
            connection.nodeDeviceEventRegisterAny(
                device, libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, self.on_lifecycle, None),
            connection.nodeDeviceEventRegisterAny(
                device, libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE, self.on_update, None)]

    def on_lifecycle(self, _connection, device, event, _detail, _opaque):
        self.add((LIFECYCLE[event], device.name()))

    def on_update(self, _connection, device, _opaque):
        self.add(('update', device.name()))

    def add(self, event):
        with self.changed:
            self.seen.append(event)
            self.changed.notify_all()

    def all(self):
        with self.changed:
            return list(self.seen)

    def count(self, event):
        return self.all().count(event)

    def wait(self, *wanted):
        """Until all of these have come, in whatever order."""
        with self.changed:
            if not self.changed.wait_for(lambda: all(event in self.seen for event in wanted),
                                         self.deadline):
                raise AssertionError(f'of {wanted} only these have come: {self.seen}')

    def stop(self):
        for callback in self.ids:
            self.connection.nodeDeviceEventDeregisterAny(callback)
        self.ids = []


class MediatedTest(unittest.TestCase):
    """One test: a fresh host and a fresh daemon, both looked after at the end."""

    machine = 'm60'
    config = {}
    starts_daemon = True
    make_host = None       # of the runner: a function of (machine, case class)
    schema = None          # of the runner: our own RELAX NG schema of documents
    maxDiff = None
    host: hosts.Host

    def setUp(self):
        EventLoop.ensure()
        self.host = type(self).make_host(self.machine, type(self))
        self.addCleanup(self.host.close)
        self.addCleanup(self.show_log_of_failure)
        self.daemon = self.host.daemon
        self.deadline = self.host.deadline
        self.addCleanup(self.end_daemon)
        self.connections = []
        self.first_connection = None
        if self.starts_daemon:
            self.daemon.start(self.config)

    # The end of a test

    def end_daemon(self):
        """The daemon must still be well, and leave in peace."""
        for connection in self.connections:
            with contextlib.suppress(libvirt.libvirtError):
                connection.close()
        if self.daemon.process is None:
            return
        self.host.relax()
        if not self.daemon.is_running():
            raise AssertionError(f'the daemon ended with {self.daemon.process.returncode}')
        self.daemon.stop()

    def show_log_of_failure(self):
        # While cleanups run, unittest's own mark of success is that of the cleanup.
        if self._outcome.result.troubles:
            for line in self.daemon.log().splitlines()[-120:]:
                print(f'# | {line}', flush=True)

    # Connections

    def connect(self, read_only=False, path=None):
        """A connection of libvirt, closed at the end."""
        uri = URI.format(path or self.daemon.rw_path)
        connection = libvirt.openReadOnly(uri) if read_only else libvirt.open(uri)
        self.connections.append(connection)
        return connection

    @property
    def conn(self):
        """The connection most tests need."""
        if self.first_connection is None:
            self.first_connection = self.connect()
        return self.first_connection

    def raw(self, opened=True, path=None, **options):
        """A raw client, disconnected at the end."""
        client = rpc.Connection(path or self.daemon.rw_path, self.deadline, **options)
        self.addCleanup(client.disconnect)
        if opened:
            client.open()
        return client

    def listen(self, device=None):
        """Collects events from here on."""
        events = Events(self.connect(), self.deadline, device)
        self.addCleanup(events.stop)
        return events

    # Devices

    @property
    def parent(self):
        return self.host.parents()[0]

    @property
    def type_id(self):
        return self.host.type_ids(self.parent)[0]

    @staticmethod
    def new_uuid():
        return str(uuids.uuid4())

    @staticmethod
    def child_name(parent, uuid):
        return hosts.make_name('mdev', uuid, parent.address)

    def document(self, **fields):
        """A create document for the first type of the first parent, unless told otherwise."""
        fields.setdefault('parent', self.parent.name)
        if 'type_id' not in fields and 'type_name' not in fields:
            fields['type_id'] = self.type_id
        return documents.create(**fields)

    def create(self, connection=None, flags=0, **fields):
        """Creates a device and returns it; its UUID is new unless it is given."""
        fields.setdefault('uuid', self.new_uuid())
        return (connection or self.conn).nodeDeviceCreateXML(self.document(**fields), flags)

    def define(self, connection=None, flags=0, **fields):
        """Defines a device and returns it; its UUID is new unless it is given."""
        fields.setdefault('uuid', self.new_uuid())
        return (connection or self.conn).nodeDeviceDefineXML(self.document(**fields), flags)

    # Definitions on disk

    def definition_path(self, uuid, parent=None):
        return self.daemon.definitions / (parent or self.parent.address) / uuid

    def read_definition(self, uuid, parent=None):
        return json.loads(self.definition_path(uuid, parent).read_text(encoding='utf-8'))

    def write_definition(self, uuid, parent=None, **members):
        """As another program does it: in place."""
        path = self.definition_path(uuid, parent)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {'mdev_type': self.type_id, 'start': 'manual', 'attrs': [], **members}
        path.write_text(json.dumps(content, indent=2), encoding='utf-8')

    def state(self, name):
        """(active, persistent, autostart) of a device."""
        device = self.conn.nodeDeviceLookupByName(name)
        return (bool(device.isActive()), bool(device.isPersistent()), bool(device.autostart()))

    def dump(self, name, connection=None):
        return (connection or self.conn).nodeDeviceLookupByName(name).XMLDesc(0)

    def names(self, flags=0, connection=None):
        return sorted(device.name() for device in (connection or self.conn).listAllDevices(flags))

    def wait_until(self, condition, what):
        return hosts.wait_until(condition, what, self.deadline)

    def wait_equal(self, one, other):
        """Until both functions return the same once; a second look would find what has begun since."""
        looks = []

        def is_equal():
            looks[:] = one(), other()
            return looks[0] == looks[1]
        with contextlib.suppress(AssertionError):
            self.wait_until(is_equal, 'agreement')
        self.assertEqual(*looks)

    def change_config(self, config):
        """On return the running daemon goes by these settings."""
        before = self.daemon.log().count(READ_AGAIN)
        self.daemon.write_config(config)
        self.daemon.signal(signal.SIGHUP)
        self.wait_until(lambda: self.daemon.log().count(READ_AGAIN) > before, 'other settings')

    @contextlib.contextmanager
    def settings(self, **groups):
        """For a while the running daemon goes by these, too: limits that are short only where they matter."""
        self.change_config({**self.config, **{group: {**self.config.get(group, {}), **settings}
                                              for group, settings in groups.items()}})
        try:
            yield
        finally:
            self.change_config(self.config)

    def in_background(self, func, *args):
        return hosts.Background(func, *args)

    # Assertions

    def check_hangs_alone(self, attribute, name, other, shows):
        """A driver that does not answer holds up those who ask for its device; returns the document in the end.

        On a simulated host. Meanwhile the document of another device shows what drivers say, too.
        """
        asked, goes_on = threading.Event(), threading.Event()
        self.addCleanup(goes_on.set)

        def hang():
            asked.set()
            goes_on.wait(self.deadline)
        self.host.kernel.add_show(attribute, hang)
        document = self.in_background(self.dump, name)
        self.assertTrue(asked.wait(self.deadline))
        client = self.connect()
        self.assertIn(shows, self.dump(other, client))
        self.assertIn(name, self.names(connection=client))
        self.assertFalse(document.is_done())
        goes_on.set()
        return document.result(self.deadline)

    def assert_refused(self, codes, func, *args, says=(), domain=None):
        """The call fails with one of these codes, and its message names all that is in `says`."""
        codes = {codes} if isinstance(codes, int) else set(codes)
        try:
            result = func(*args)
        except libvirt.libvirtError as error:
            code, source, message = error.get_error_code(), error.get_error_domain(), str(error)
        except rpc.RpcError as error:
            code, source, message = error.code, error.domain, error.message
        else:
            self.fail(f'nothing was refused: {result!r}')
        self.assertIn(code, codes, message)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, message)
        if domain is not None:
            self.assertEqual(source, domain, message)
        return message

    @contextlib.contextmanager
    def nothing_changes(self):
        """Around a call that is refused: devices, room, events and the connection stay as is."""
        events = self.listen()
        before = self.snapshot()
        yield
        self.assertEqual(self.snapshot(), before)
        self.barrier(events)
        self.assertEqual(events.all(), [])

    def snapshot(self):
        """What the daemon lists and what sysfs holds."""
        room = {parent.name: {type_id: self.host.available(parent, type_id)
                              for type_id in self.host.type_ids(parent)}
                for parent in self.host.parents()}
        return self.names(), self.host.children(), room

    def barrier(self, events):
        """When this returns, all events that the daemon had sent before have been delivered.

        Replies and events of a connection come in one stream; but libvirt calls back from its
        loop, so the events ahead of a reply of ours may still wait there for their turn.
        """
        events.connection.getLibVersion()
        turned = threading.Event()
        timer = libvirt.virEventAddTimeout(0, lambda _timer, _opaque: turned.set(), None)
        # Twice round: the first turn may be the one that had begun before.
        for _ in range(2):
            turned.clear()
            if not turned.wait(self.deadline):
                raise AssertionError('the event loop of libvirt does not turn')
        libvirt.virEventRemoveTimeout(timer)

    @contextlib.contextmanager
    def within(self, seconds, what):
        start = time.monotonic()
        yield
        self.assertLess(time.monotonic() - start, seconds, what)
