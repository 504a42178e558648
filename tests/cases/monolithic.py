# SPDX-License-Identifier: LGPL-2.1-or-later
"""The monolithic libvirtd with mediated's module: when the module serves node devices, and that libvirtd keeps working
while the daemon is absent, unresponsive or hostile."""

import contextlib
import os
import socket

import libvirt

import host as hosts
import libvirtd
import rpc
from admin_client import AdminClient
from access import allow_all, PolkitTest, only, rule_for_all
from mediated_test import MediatedTest
from user import USER

ONLY_ON = ('libvirtd', 'about libvirtd with the module')

SERVES = 'mediated: Node devices are served by /run/libvirt/virtnodedevd-sock'
LEAVES = "mediated: Node devices are served by libvirt's driver: "
NOBODY = 65534
LIFECYCLE = 0
CLIENTS = 200
QUERIES_MAX, CHANGES_MAX = 2, 2
CALLS_OF_CLIENT = 5   # max_client_requests of libvirtd
BUSY = 'resource busy: the node-device daemon has not answered'


class MonolithicTest(MediatedTest):
    """Clients of libvirtd."""

    @property
    def libvirtd(self):
        return self.host.libvirtd

    @property
    def socket(self):
        return self.host.client_path(self.daemon.rw_path)

    def through(self):
        """Returns a raw client of libvirtd."""
        return self.raw(path=self.socket)

    def other_driver(self):
        """Returns a connection to another driver of this libvirtd."""
        connection = libvirt.open(f'test+unix:///default?socket={self.socket}')
        self.connections.append(connection)
        self.assertEqual(connection.numOfDomains(), 1)
        return connection

    def assert_libvirtd_works(self):
        self.assertTrue(self.libvirtd.is_running())
        self.assertEqual(self.other_driver().numOfDomains(), 1)

    def wait_refused(self, calls, left):
        """Waits until only `left` calls are not refused, and returns these; `calls`: client -> serial."""
        waiting = dict(calls)

        def are_refused():
            for client in [each for each in waiting if each.is_readable(0)]:
                error = client.wait_reply(waiting.pop(client)).error()
                self.assertIsNotNone(error)
                self.assertIn(BUSY, error.message)
            return len(waiting) <= left
        self.wait_until(are_refused, 'refusals')
        self.assertEqual(len(waiting), left)
        return waiting


class Loaded(MonolithicTest):
    def start(self):
        """Restarts libvirtd, and returns the only line that the module logs."""
        self.libvirtd.stop()
        self.libvirtd.log_path.write_text('', encoding='utf-8')
        self.libvirtd.start()
        said = [line for line in self.libvirtd.log().splitlines() if line.startswith('mediated: ')]
        self.assertEqual(len(said), 1)
        self.assert_libvirtd_works()
        return said[0]

    def assert_left_to_libvirt(self, reason):
        self.assertEqual(self.start(), LEAVES + reason)
        connection = libvirt.open(f'nodedev:///system?socket={self.libvirtd.rw_path}')
        self.connections.append(connection)
        # Devices of the simulated host, which only the daemon has.
        self.assertNotIn(self.parent.name, self.names(connection=connection))
        self.assertIn('computer', self.names(connection=connection))

    def test_serves(self):
        self.assertEqual(self.start(), SERVES)
        self.assertIn(self.parent.name, self.names())

    def test_no_socket(self):
        self.libvirtd.link_to(None)
        self.assert_left_to_libvirt(f'{libvirtd.SOCKET}: No such file or directory')

    def test_socket_of_a_stranger(self):
        path = self.libvirtd.directory / 'socket'
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            os.chown(path, NOBODY, NOBODY)
            self.libvirtd.link_to(path)
            self.assert_left_to_libvirt(f'{libvirtd.SOCKET} belongs to user {NOBODY}')

    def test_no_socket_but_a_file(self):
        path = self.libvirtd.directory / 'socket'
        path.touch()
        self.libvirtd.link_to(path)
        self.assert_left_to_libvirt(f'{libvirtd.SOCKET} is not a socket')

    def test_unknown_release(self):
        for number, text in ((8010000, '8.10.0'), (12009000, '12.9.0')):
            with self.subTest(text):
                self.libvirtd.pretend(release=number)
                self.assert_left_to_libvirt(f'not tested with libvirt {text}')

    def test_missing_function(self):
        self.libvirtd.pretend(missing='virGetNodeDevice')
        self.assert_left_to_libvirt('libvirt lacks virGetNodeDevice')

    def test_socket_changes_hands(self):
        """The owner of the socket is checked for each connection, not only at the start."""
        link = self.libvirtd.directory / 'link'
        link.symlink_to(self.daemon.rw_path)
        self.libvirtd.link_to(link)
        self.assertEqual(self.start(), SERVES)
        path = self.libvirtd.directory / 'socket'
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            os.chown(path, NOBODY, NOBODY)
            link.unlink()
            link.symlink_to(path)
            with self.assertRaisesRegex(libvirt.libvirtError, f'belongs to user {NOBODY}'):
                self.conn.listAllDevices()
            server.setblocking(False)
            with self.assertRaises(BlockingIOError):
                server.accept()


class Restarted(MonolithicTest):
    def restart(self):
        self.daemon.kill()
        self.daemon.start(self.config)

    def test_between_calls(self):
        names = self.names()
        self.restart()
        self.assertEqual(self.names(), names)
        self.restart()
        self.create().destroy()

    def test_while_away(self):
        self.assertIn('computer', self.names())
        self.daemon.kill()
        with self.assertRaisesRegex(libvirt.libvirtError, 'Failed to connect socket'):
            self.names()
        self.assert_libvirtd_works()
        self.daemon.start(self.config)
        self.assertIn('computer', self.names())

    def test_in_the_middle_of_a_change(self):
        """A change is not repeated after its daemon was killed, because the change may have been made."""
        with self.host.knob(self.parent, 'block_create', 1):
            creation = hosts.Background(self.create)
            self.host.wait_create_stuck(self.parent, creation)
            self.daemon.kill()
            with self.assertRaises(libvirt.libvirtError):
                creation.result(self.deadline)
        self.host.wait_idle()
        self.assert_libvirtd_works()
        self.daemon.start(self.config)
        self.assertIn('computer', self.names())

    def test_killed_libvirtd(self):
        with self.host.knob(self.parent, 'block_create', 1):
            creation = hosts.Background(self.create)
            self.host.wait_create_stuck(self.parent, creation)
            self.libvirtd.kill()
            with self.assertRaises(libvirt.libvirtError):
                creation.result(self.deadline)
        self.libvirtd.start()
        self.assertIn('computer', self.names(connection=self.connect()))

    def test_events_of_the_meantime(self):
        """Clients receive the events of changes made while the daemon was absent, and of later changes."""
        gone, kept = self.create(), self.create()
        events = self.listen()
        self.daemon.kill()
        self.host.remove_by_others(gone.name()[5:41].replace('_', '-'))
        new = self.new_uuid()
        self.host.create_by_others(self.parent, self.type_id, new)
        self.daemon.start(self.config)
        new = self.child_name(self.parent, new)
        events.wait(('deleted', gone.name()), ('created', new))
        # Which attributes were changed is unknown.
        events.wait(('update', kept.name()))
        kept.destroy()
        events.wait(('deleted', kept.name()))
        received = [event for event in events.all() if event[0] != 'update']
        self.assertCountEqual(received, [('deleted', gone.name()), ('created', new), ('deleted', kept.name())])

    def test_events_of_definitions(self):
        device = self.define()
        events = self.listen()
        self.daemon.kill()
        for path in self.daemon.definitions.rglob(device.name()[5:41].replace('_', '-')):
            path.unlink()
        self.daemon.start(self.config)
        events.wait(('undefined', device.name()))
        self.assertEqual([event for event in events.all() if event[0] != 'update'],
                         [('undefined', device.name())])


class Authorized(PolkitTest):
    """The daemon authorizes the client of libvirtd, not libvirtd itself."""

    @property
    def socket(self):
        return self.host.client_path(self.daemon.rw_path)

    def test_calls(self):
        device = self.create()
        self.polkit.use(rule_for_all('NO', 'read', 'stop') + allow_all('start', 'write'))
        client = self.opened(USER)
        self.assertEqual(client.look_up(device.name()), device.name())
        self.assert_denied(client.get_xml, device.name())
        self.assert_denied(client.destroy, device.name())
        # The same libvirtd, as root.
        self.assertIn(device.name(), self.dump(device.name()))
        self.assertEqual(client.create_xml(self.document(uuid=(uuid := self.new_uuid()))),
                         self.child_name(self.parent, uuid))

    def test_lists_and_events(self):
        seen, hidden = self.new_uuid(), self.new_uuid()
        name = self.child_name(self.parent, seen)
        self.polkit.use(only(name))
        client = self.opened(USER)
        client.register(LIFECYCLE)
        everything = self.listen()
        self.create(uuid=hidden)
        self.create(uuid=seen)
        everything.wait(('created', self.child_name(self.parent, hidden)), ('created', name))
        self.assertEqual(client.wait_event(), ('EVENT_LIFECYCLE', name, 0))
        self.assertEqual(client.list_all()[0], [name])
        self.assertIn(self.child_name(self.parent, hidden), self.names())


class Silent(MonolithicTest):
    """While the daemon is stopped by a signal, calls that wait for it do not block libvirtd's other clients."""

    def setUp(self):
        super().setUp()
        self.other = self.other_driver()
        self.clients = [self.through() for _ in range(CLIENTS)]

    def send_all(self, procedure, payload):
        return {client: client.send(procedure, payload) for client in self.clients}

    def test_all_at_once(self):
        """As long as the daemon answers, no call is refused."""
        for client, serial in self.send_all('LIST_ALL', rpc.i32(1) + rpc.u32(0)).items():
            self.assertIsNone(client.wait_reply(serial).error())

    def test_queries(self):
        self.clients[0].num_of_devices()
        self.daemon.pause()
        waiting = self.wait_refused(self.send_all('LIST_ALL', rpc.i32(1) + rpc.u32(0)), QUERIES_MAX)
        # If the waiting calls occupied all threads, this call would wait as well.
        self.assertEqual(self.other.numOfDomains(), 1)
        client = next(each for each in self.clients if each not in waiting)
        with self.assertRaisesRegex(rpc.RpcError, BUSY):
            client.num_of_devices()
        self.daemon.resume()
        for each, serial in waiting.items():
            self.assertIsNone(each.wait_reply(serial).error())
        self.assertGreater(client.num_of_devices(), 0)

    def test_changes_leave_room_for_queries(self):
        with self.host.knob(self.parent, 'block_create', 1):
            calls = {client: client.send('CREATE_XML', rpc.string(self.document(uuid=self.new_uuid())) + rpc.u32(0))
                     for client in self.clients}
            waiting = self.wait_refused(calls, CHANGES_MAX)
            self.assertIn('computer', self.names())
            self.assertEqual(self.other.numOfDomains(), 1)
        for each, serial in waiting.items():
            self.assertIsNone(each.wait_reply(serial).error())

    def test_subscriptions(self):
        """libvirtd locks a client that subscribes, so its further calls would wait for the first one, each on a thread.
        A refused subscription can be repeated when the daemon answers again."""
        client = self.clients[0]
        self.daemon.pause()
        calls = [each.send('EVENT_REGISTER_ANY', rpc.i32(LIFECYCLE) + rpc.optional(None))
                 for each in self.clients[:QUERIES_MAX] for _ in range(CALLS_OF_CLIENT)]
        self.assertEqual(self.other.numOfDomains(), 1)
        for serial in calls[:CALLS_OF_CLIENT]:
            self.assertIn(BUSY, client.wait_reply(serial).error().message)
        self.daemon.resume()
        callbacks = []

        def is_subscribed():
            with contextlib.suppress(rpc.RpcError):
                callbacks.append(client.register(LIFECYCLE))
            return callbacks
        self.wait_until(is_subscribed, 'the subscription')
        device = self.create()
        self.assertEqual(client.wait_event(), ('EVENT_LIFECYCLE', device.name(), 0))
        client.deregister(callbacks[0])

    def test_subscriber_leaves(self):
        """A client that disconnects during its registrations keeps no connection to the daemon. The second registration
        waits for the first one in libvirtd."""
        client = self.clients[0]
        administrator = AdminClient(self.daemon.admin_path, self.deadline)
        self.addCleanup(administrator.disconnect)
        self.daemon.pause()
        for _ in range(2):
            client.send('EVENT_REGISTER_ANY', rpc.i32(LIFECYCLE) + rpc.optional(None))
        # libvirtd has read the registrations, and then the end of the connection, before it answers later calls.
        self.assertEqual(self.other.numOfDomains(), 1)
        client.disconnect()
        for _ in range(2):
            self.assertEqual(self.other.numOfDomains(), 1)
        self.daemon.resume()
        self.wait_until(lambda: administrator.list_clients()[1] == 1, 'the connection of the registrations')
        self.wait_until(lambda: administrator.list_clients()[1] == 0, 'the end of this connection')


class Hostile(MonolithicTest):
    """Another program listens on a socket that belongs to root."""

    starts_daemon = False
    ANSWERS = {
        'nothing': b'',
        'garbage': b'\xff' * 4096,
        'a length of zero': b'\0' * 4,
        'half a frame': rpc.Connection.frame(66, kind=rpc.REPLY, length=1000),
        'another program': rpc.Connection.frame(66, kind=rpc.REPLY, program=1),
        'an unknown serial': rpc.Connection.frame(66, kind=rpc.REPLY, serial=77),
        'an endless list': rpc.Connection.frame(66, rpc.u32(0xffffffff), kind=rpc.REPLY, serial=0),
        'an error without text': rpc.Connection.frame(66, kind=rpc.REPLY, status=rpc.ERROR, serial=0),
    }

    def setUp(self):
        super().setUp()
        self.server = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.server.close)
        self.server.bind(str(self.daemon.rw_path))
        self.server.listen()
        self.addCleanup(self.daemon.rw_path.unlink)
        self.libvirtd.start()

    def test_answers(self):
        client = self.through()
        for name, data in self.ANSWERS.items():
            with self.subTest(name):
                serial = client.send('NUM_OF_DEVICES', rpc.i32(0) + rpc.u32(0))
                taken, _ = self.server.accept()
                taken.recv(4096)
                taken.sendall(data)
                taken.shutdown(socket.SHUT_WR)
                reply = client.wait_reply(serial)
                self.assertIsNotNone(reply.error())
                taken.close()
                self.assert_libvirtd_works()

    def test_silence(self):
        clients = [self.through() for _ in range(QUERIES_MAX + 1)]
        calls = {client: client.send('NUM_OF_DEVICES', rpc.i32(0) + rpc.u32(0)) for client in clients}
        taken, _ = self.server.accept()
        waiting = self.wait_refused(calls, QUERIES_MAX)
        self.assert_libvirtd_works()
        taken.close()
        self.server.close()
        for client, serial in waiting.items():
            self.assertIsNotNone(client.wait_reply(serial).error())
        self.assert_libvirtd_works()
