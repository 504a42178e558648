# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients during a restart of the service; the test acts as the service manager."""

import fcntl
import os
import signal
import time

import libvirt

import rpc
from admin_client import AdminClient
from descriptor_store import CLIENT, STATE, DescriptorStore, WithDescriptorStore
from mediated_test import MediatedTest, only_on

SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
LIFECYCLE, UPDATE = 0, 1
CREATED, DELETED, DEFINED, UNDEFINED = range(4)
MANY = 100
PIPELINED = 20
READ_ONLY = 1
UNREAD = 300   # replies: more than the kernel buffers, and fewer than make the daemon stop reading


def sealed_file(data, seals=SEALS):
    fd = os.memfd_create('state', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


@only_on('sim', 'service.py restarts the real service')
class RestartTest(WithDescriptorStore, MediatedTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.store = DescriptorStore(self.daemon)
        self.store.start(self.config)

    def stop(self):
        """Stops the daemon; on return, the store has all descriptors."""
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(), 0)

    def restart(self):
        self.stop()
        self.store.start(self.config)

    def subscribed(self, **options):
        """Returns a raw client that receives all events, and the ids of its callbacks."""
        client = self.raw(**options)
        return client, [client.register(LIFECYCLE), client.register(UPDATE)]

    def events(self, client):
        """Returns the events received before the reply to a new call, as (callback, kind, name, detail)."""
        client.look_up('computer')
        frames = [frame for frame in client.unread if frame.type == rpc.MESSAGE and frame.program == rpc.REMOTE]
        client.unread = [frame for frame in client.unread if frame not in frames]
        return [(frame.decoder().i32(), *frame.event()) for frame in frames]

    def assert_open(self, client):
        self.assertEqual(client.look_up('computer'), 'computer')

    def assert_closed(self, client):
        client.wait_closed()


class Clients(RestartTest):
    def test_many(self):
        """Each of 100 clients that call before, during and after a restart gets one reply per call, and all events."""
        clients = [self.subscribed(path=self.daemon.ro_path if i % 2 else None)[0] for i in range(MANY)]
        serials = {client: [] for client in clients}

        def call_all():
            for client in clients:
                serials[client] += [client.send('LOOKUP_BY_NAME', rpc.string('computer')) for _ in range(PIPELINED)]
        creator = self.raw()
        document = self.document(uuid=self.new_uuid())
        with self.host.knob(self.parent, 'block_create', 1):
            created = creator.send('CREATE_XML', rpc.string(document) + rpc.u32(0))
            self.host.wait_create_stuck(self.parent)
            call_all()
            self.daemon.signal(signal.SIGTERM)
            call_all()
        self.assertEqual(self.daemon.wait(), 0)
        call_all()
        self.assertEqual(len(self.store.fds(CLIENT)), MANY + 1)
        self.store.start(self.config)
        call_all()

        name = creator.wait_reply(created).decoder().string()
        for client in clients:
            for serial in serials[client]:
                self.assertEqual(client.wait_reply(serial).decoder().string(), 'computer')
            self.assertIn((0, 'EVENT_LIFECYCLE', name, CREATED), self.events(client))
            replies = [frame.serial for frame in client.frames if frame.type == rpc.REPLY]
            self.assertEqual(len(replies), len(set(replies)))
            self.assertEqual(set(serials[client]) - set(replies), set())

    def test_libvirt(self):
        """libvirt's own client does not notice the restart, and the store is empty afterwards."""
        events = self.listen()
        before = self.create()
        closed = []
        self.conn.registerCloseCallback(lambda _connection, reason, _opaque: closed.append(reason), None)
        self.restart()
        after = self.create()
        events.wait(('created', before.name()), ('created', after.name()), ('update', self.parent.name))
        self.assertTrue(self.conn.isAlive())
        self.assertEqual(self.names(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV),
                         sorted((before.name(), after.name())))
        self.conn.unregisterCloseCallback()
        self.assertEqual(closed, [])
        self.assertEqual(self.store.kept, [])

    def administrator(self):
        client = AdminClient(self.daemon.admin_path, self.deadline)
        self.addCleanup(client.disconnect)
        return client

    def test_administration(self):
        """The socket is passed like the others. Its connections end, and clients keep the time of their coming."""
        administrator = self.administrator()
        self.wait_until(lambda: administrator.list_clients()[1] == 0, 'no client')
        client = self.raw()
        (_, _, since, _), = administrator.list_clients()[0]
        self.wait_until(lambda: time.time() >= since + 1, 'another second')
        self.restart()
        administrator.wait_closed()
        self.assertEqual(self.administrator().list_clients()[0][0][2], since)
        self.assert_open(client)

    def test_more_than_the_store_takes(self):
        """The clients that have come first remain."""
        clients = [self.subscribed() for _ in range(4)]
        self.store.limit = 3
        self.restart()
        for client, _ in clients[2:]:
            self.assert_closed(client)
        device = self.create(self.connect())
        for client, callbacks in clients[:2]:
            self.assertIn((callbacks[0], 'EVENT_LIFECYCLE', device.name(), CREATED), self.events(client))

    def test_again_and_again(self):
        client, callbacks = self.subscribed()
        for _ in range(3):
            self.restart()
            device = self.create(self.connect())
            self.assertEqual(self.events(client), [(callbacks[0], 'EVENT_LIFECYCLE', device.name(), CREATED),
                                                   (callbacks[1], 'EVENT_UPDATE', self.parent.name, None)])

    def test_stop_during_start(self):
        """A second stop, before the next daemon has read its devices, loses nothing either."""
        client, callbacks = self.subscribed()
        self.stop()
        self.store.begin_start(self.config)
        self.wait_until(lambda: 'Took over 1 clients' in self.daemon.log(), 'the next daemon')
        self.restart()
        client.deregister(callbacks[0])
        self.assertEqual(client.register(LIFECYCLE, 'computer'), callbacks[1] + 1)

    def test_callbacks(self):
        """Callbacks keep their ids, and ids are not reused."""
        client, (lifecycle, update) = self.subscribed()
        of_parent = client.register(UPDATE, self.parent.name)
        client.deregister(update)
        self.restart()
        self.assertEqual(client.register(UPDATE), of_parent + 1)
        device = self.create(self.connect())
        self.assertEqual(self.events(client), [(lifecycle, 'EVENT_LIFECYCLE', device.name(), CREATED),
                                               (of_parent, 'EVENT_UPDATE', self.parent.name, None),
                                               (of_parent + 1, 'EVENT_UPDATE', self.parent.name, None)])
        client.deregister(lifecycle)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, client.deregister, lifecycle, domain=libvirt.VIR_FROM_RPC)

    def test_read_only(self):
        by_flag = self.raw(opened=False)
        by_flag.open(flags=READ_ONLY)
        readers = [by_flag, self.raw(path=self.daemon.ro_path)]
        writer = self.raw()
        device = self.create(self.connect())
        self.restart()
        for client in readers:
            self.assert_refused(libvirt.VIR_ERR_OPERATION_DENIED, client.destroy, device.name())
        writer.destroy(device.name())

    def test_not_open(self):
        """A connection that has not been opened can be opened by the next daemon."""
        client = self.raw(opened=False)
        client.auth_list()
        self.restart()
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, client.look_up, 'computer', domain=libvirt.VIR_FROM_RPC)
        client.open()
        self.assert_open(client)

    def test_identity(self):
        """A client of root that acts for another user still does, and cannot act for root again."""
        client = self.raw()
        client.set_identity(rpc.param('unix-user-id', 'Q', 65534), rpc.param('user-name', 's', 'nobody'))
        self.restart()
        self.assert_refused(libvirt.VIR_ERR_OPERATION_DENIED, client.set_identity,
                            rpc.param('unix-user-id', 'Q', 0), domain=libvirt.VIR_FROM_NONE)
        self.daemon.signal(signal.SIGUSR1)
        self.wait_until(lambda: "user 'nobody'; via" in self.daemon.log(), 'the client in the log')

    def test_half_frame(self):
        client = self.raw()
        frame = client.frame(rpc.PROCEDURES['LOOKUP_BY_NAME'], rpc.string('computer'), serial=1000)
        for size in (1, len(frame) - 1):
            client.send_raw(frame[:size])
            self.assert_open(other := self.raw())
            self.restart()
            client.send_raw(frame[size:])
            self.assertEqual(client.wait_reply(1000).decoder().string(), 'computer')
            self.assert_open(other)

    def test_long_frame(self):
        """A frame that is too long is answered, even if each daemon has received half of it."""
        client = self.raw(path=self.daemon.ro_path)
        frame = client.frame(rpc.PROCEDURES['LOOKUP_BY_NAME'], rpc.string('x' * (1 << 20)), serial=1000)
        client.send_raw(frame[:1 << 19])
        self.restart()
        client.send_raw(frame[1 << 19:])
        self.assert_error(client.wait_reply(1000), libvirt.VIR_ERR_RPC, ['too large'], libvirt.VIR_FROM_RPC)
        self.assert_open(client)

    def test_unread_output(self):
        """Replies that a client has not read arrive in order, before all later ones."""
        client = self.raw()
        names, _ = client.list_all()
        serials = [client.send('LIST_ALL', rpc.i32(1) + rpc.u32(0)) for _ in range(UNREAD)]
        other = self.raw()
        self.assert_open(other)
        self.restart()
        serials.append(client.send('LOOKUP_BY_NAME', rpc.string('computer')))
        replies = [client.wait_for(lambda frame: frame.type == rpc.REPLY) for _ in serials]
        self.assertEqual([frame.serial for frame in replies], serials)
        for frame in replies[:-1]:
            self.assertEqual(frame.decoder().strings(), names)

    def test_leaving(self):
        """A client that closes its connection, or disconnects, during the restart affects no other client."""
        leaving, left, other = self.raw(), self.raw(), self.raw()
        self.daemon.pause()
        leaving.send('CLOSE')
        left.disconnect()
        self.daemon.signal(signal.SIGTERM)
        self.daemon.resume()
        self.assertEqual(self.daemon.wait(), 0)
        self.store.start(self.config)
        self.assert_closed(leaving)
        self.assert_open(other)

    def test_pings(self):
        client = self.raw()
        self.stop()
        client.ping()
        self.store.start(self.config)
        client.wait_keepalive('PONG')


class Memory(RestartTest):
    """Clients that use almost all memory that clients may use together, 128 MiB. Each daemon may need as much again for
    the state, and no more: the service may use 512 MiB."""

    count = 120
    size = 1 << 20
    serial = 100

    def peak(self):
        """Returns the peak of resident memory, in bytes."""
        with open(f'/proc/{self.daemon.process.pid}/status', encoding='ascii') as status:
            return next(int(line.split()[1]) for line in status if line.startswith('VmHWM')) * 1024

    def stop(self):
        """Returns the peak of resident memory, in bytes."""
        self.daemon.signal(signal.SIGTERM)
        _, status, usage = os.wait4(self.daemon.process.pid, 0)
        self.daemon.process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(self.daemon.process.returncode, 0)
        return usage.ru_maxrss * 1024

    def test_half_frames(self):
        # The address sanitizer keeps up to 256 MiB of freed memory by default.
        options = os.environ.get('ASAN_OPTIONS', '')
        self.daemon.environment['ASAN_OPTIONS'] = f'{options}:quarantine_size_mb=4'
        self.restart()
        payload = rpc.string('x' * self.size) + rpc.u32(0)
        frame = rpc.Connection.frame(rpc.PROCEDURES['DEFINE_XML'], payload, self.serial)
        clients = [self.raw() for _ in range(self.count)]
        for client in clients:
            client.send_raw(frame[:-4])
        before = self.peak()
        self.assertLess(self.stop(), before + 16 * self.size)
        # The daemon may not have read the last bytes.
        self.assertGreater(len(self.store.state()), 0.9 * self.count * self.size)
        self.store.start(self.config)
        self.assertLess(self.peak(), 2 * before + 16 * self.size)
        for client in clients:
            client.send_raw(frame[-4:])
        for client in clients:
            self.assert_error(client.wait_reply(self.serial), libvirt.VIR_ERR_XML_DETAIL)


class Changes(RestartTest):
    """Changes made between two daemons are reported once."""

    def test_none(self):
        self.create(attrs=[('scratch', 'one')]).name()
        self.define()
        client, _ = self.subscribed()
        self.define(uuid=self.new_uuid())
        self.events(client)
        self.restart()
        self.assertEqual([event for event in self.events(client) if event[1] == 'EVENT_LIFECYCLE'], [])

    def test_nothing_to_update(self):
        self.define()
        client, _ = self.subscribed()
        self.restart()
        self.assertEqual(self.events(client), [])

    def test_devices(self):
        gone, stays, again = (self.create() for _ in range(3))
        uuids = {device: device.name()[5:41].replace('_', '-') for device in (gone, again)}
        client, callbacks = self.subscribed()
        of_gone = client.register(LIFECYCLE, gone.name())
        self.stop()
        for device in (gone, again):
            self.host.remove_by_others(uuids[device])
        self.host.create_by_others(self.parent, self.type_id, new := self.new_uuid())
        self.host.create_by_others(self.parent, self.type_id, uuids[again])
        self.store.start(self.config)

        events = self.events(client)
        name = self.child_name(self.parent, new)
        self.assertEqual(sorted(event for event in events if event[1] == 'EVENT_LIFECYCLE'),
                         sorted((callback, 'EVENT_LIFECYCLE', *event) for callback, *event in (
                             (callbacks[0], gone.name(), DELETED), (of_gone, gone.name(), DELETED),
                             (callbacks[0], again.name(), DELETED), (callbacks[0], again.name(), CREATED),
                             (callbacks[0], name, CREATED))))
        self.assertLess(events.index((callbacks[0], 'EVENT_LIFECYCLE', again.name(), DELETED)),
                        events.index((callbacks[0], 'EVENT_LIFECYCLE', again.name(), CREATED)))
        self.assertEqual([event for event in events if event[1] == 'EVENT_UPDATE'],
                         [(callbacks[1], 'EVENT_UPDATE', self.parent.name, None)])
        self.assertEqual(client.look_up(stays.name()), stays.name())

    def test_definitions(self):
        changed, lost = self.new_uuid(), self.new_uuid()
        names = [self.define(uuid=uuid).name() for uuid in (changed, lost)]
        client, callbacks = self.subscribed()
        self.stop()
        self.definition_path(lost).unlink()
        self.write_definition(changed, mdev_type=self.type_id, start='auto')
        self.write_definition(new := self.new_uuid(), mdev_type=self.type_id, start='manual')
        self.store.start(self.config)
        self.assertEqual(self.events(client), [
            (callbacks[0], 'EVENT_LIFECYCLE', names[1], UNDEFINED),
            (callbacks[0], 'EVENT_LIFECYCLE', self.child_name(self.parent, new), DEFINED),
            (callbacks[1], 'EVENT_UPDATE', names[0], None)])


class State(RestartTest):
    """States that the next daemon does not accept."""

    def setUp(self):
        super().setUp()
        # A warning must not end the daemon.
        self.daemon.environment.pop('G_DEBUG', None)

    def assert_refused_state(self, make, says):
        """Checks that clients are disconnected, and that the daemon serves others."""
        client = self.raw()
        self.stop()
        self.store.replace_state(make(self.store.state()))
        self.store.start(self.config)
        self.assert_closed(client)
        self.assert_open(self.raw())
        self.assertIn(says, self.daemon.log())
        self.assertEqual(self.store.kept, [])

    def test_another_revision(self):
        self.assert_refused_state(lambda state: sealed_file(state[:4] + rpc.u32(1000) + state[8:]),
                                  'the state has revision 1000')

    def test_truncated(self):
        self.assert_refused_state(lambda state: sealed_file(state[:-4]), 'the state is damaged')

    def test_longer(self):
        self.assert_refused_state(lambda state: sealed_file(state + bytes(4)), 'the state is damaged')

    def test_not_sealed(self):
        self.assert_refused_state(lambda state: sealed_file(state, fcntl.F_SEAL_GROW), 'not a sealed file')

    def test_none(self):
        client = self.raw()
        self.stop()
        self.store.remove(STATE)
        self.store.start(self.config)
        self.assert_closed(client)
        self.assert_open(self.raw())

    def test_another_socket(self):
        """A socket without a state is closed, and a state without a socket is ignored."""
        client = self.raw()
        self.stop()
        self.store.remove(CLIENT)
        ours, theirs = rpc.socket.socketpair()
        self.addCleanup(ours.close)
        self.store.kept.append((CLIENT, theirs.detach()))
        self.store.start(self.config)
        self.assert_closed(rpc.Connection(ours))
        self.assert_closed(client)
        self.assert_open(self.raw())

    def test_no_store(self):
        """Without a store, the daemon disconnects its clients itself."""
        del self.daemon.environment['FDSTORE']
        self.restart()
        client = self.raw()
        client.call('REGISTER_CLOSE_CALLBACK').end()
        self.daemon.signal(signal.SIGTERM)
        frame = client.wait_for(lambda frame: frame.name == 'CONNECTION_CLOSED')
        self.assertEqual(frame.type, rpc.MESSAGE)
        self.assert_closed(client)
        self.assertEqual(self.daemon.wait(), 0)
        self.assertEqual(self.store.kept, [])
        self.store.start(self.config)
