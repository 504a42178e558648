# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of one client: time, calls, connections, memory."""

import os
import resource
import socket
import struct

import libvirt

import rpc
from mediated_test import MediatedTest, only_on
from several_users import ALICE, BOB, OPEN_TO_ALL, SeveralUsersTest

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

FROM_RPC, RESOURCE_BUSY = libvirt.VIR_FROM_RPC, libvirt.VIR_ERR_RESOURCE_BUSY


class HalfAFrame(MediatedTest):
    config = {'limits': {'frame_timeout': '0.3'}}

    def test_silence(self):
        bystander = self.raw()
        whole = rpc.Connection.frame(rpc.PROCEDURES['LOOKUP_BY_NAME'], rpc.string('computer'))
        for length in (1, 4, 20, len(whole) - 1):
            with self.subTest(length):
                client = self.raw()
                client.send_raw(whole[:length])
                client.wait_closed()
        self.assertEqual(bystander.look_up('computer'), 'computer')

    def test_dripping(self):
        """A client that sends single bytes slowly is disconnected, because the timeout is for the whole frame."""
        client = self.raw()
        client.send_raw(struct.pack('>I', 1000000))
        with self.within(self.deadline, 'to be cut off'), self.assertRaises(OSError):
            while True:
                client.send_raw(b'\0')
                try:
                    client.receive(0.02)
                except rpc.Closed:
                    raise BrokenPipeError from None

    def test_idle_client_stays(self):
        idle = self.raw()
        other = self.raw()
        other.send_raw(struct.pack('>I', 100))
        other.wait_closed()
        self.assertEqual(idle.look_up('computer'), 'computer')


class Requests(MediatedTest):
    config = {'limits': {'max_client_requests': '2'}}

    def test_calls_under_way(self):
        """A client with too many calls waits; other clients do not, and no call is lost."""
        client = self.raw()
        self.host.set_knob(self.parent, 'block_create', 1)
        uuids = [self.new_uuid() for _ in range(4)]
        serials = [client.send('CREATE_XML', rpc.string(self.document(uuid=uuid)) + rpc.u32(0))
                   for uuid in uuids]
        late = client.send('LOOKUP_BY_NAME', rpc.string('computer'))
        self.wait_until(lambda: len(self.host.children(self.parent)) == 2, 'two of them')
        self.assertEqual(self.raw().look_up('computer'), 'computer')
        self.assertEqual(len(self.host.children(self.parent)), 2)
        self.assertIsNone(client.receive(0))
        self.host.set_knob(self.parent, 'block_create', 0)
        for serial, uuid in zip(serials, uuids):
            self.assertEqual(client.wait_reply(serial).decoder().string(),
                             self.child_name(self.parent, uuid))
        self.assertEqual(client.wait_reply(late).decoder().string(), 'computer')

    def test_pings_meanwhile(self):
        client = self.raw()
        self.host.set_knob(self.parent, 'block_create', 1)
        for _ in range(3):
            client.send('CREATE_XML', rpc.string(self.document()) + rpc.u32(0))
        self.wait_until(lambda: len(self.host.children(self.parent)) == 2, 'two of them')
        client.ping()
        client.wait_keepalive('PONG')
        self.host.set_knob(self.parent, 'block_create', 0)
        for serial in range(client.serial - 2, client.serial + 1):
            self.assertIsNone(client.wait_reply(serial).error())


class ClientsTest(SeveralUsersTest):
    def setUp(self):
        super().setUp()
        self.wait_until(self.is_empty, 'no client')

    def is_empty(self):
        """Returns whether the connections that checked for a listening daemon are gone."""
        log = self.daemon.log()
        return self.daemon.visits == log.count(' connected') == log.count(' disconnected, ')

    def refused(self, uid, path=None):
        """Connects as a user, and checks that the connection is refused."""
        self.connect_as(uid, path, opened=False).wait_closed()

    def left(self, clients):
        """Returns the clients that are still connected."""
        left = []
        for client in clients:
            try:
                self.assert_served(client)
            except (OSError, rpc.Closed):
                continue
            left.append(client)
        return left


class Clients(ClientsTest):
    config = {'sockets': OPEN_TO_ALL, 'limits': {'max_clients': '4'}}

    def test_one_too_many(self):
        clients = [self.connect_as(ALICE, self.daemon.rw_path) for _ in range(4)]
        self.refused(ALICE, self.daemon.rw_path)
        self.assert_served(*clients)
        clients[0].disconnect()
        self.wait_until(lambda: 'disconnected, 3 left' in self.daemon.log(), 'its end')
        self.assert_served(self.connect_as(ALICE, self.daemon.rw_path))
        self.refused(ALICE, self.daemon.rw_path)

    def test_both_sockets_count(self):
        for path in (self.daemon.rw_path, self.daemon.ro_path, None):
            self.connect_as(ALICE, path)
        self.refused(ALICE)

    def test_readers(self):
        """Read-only clients cannot occupy all places, and displace no read-write client."""
        readers = [self.connect_as(ALICE) for _ in range(3)]
        self.refused(ALICE)
        writer = self.connect_as(ALICE, self.daemon.rw_path)
        other = self.connect_as(BOB)
        self.assert_served(other, writer)
        self.assertEqual(len(self.left(readers)), 2)

    def test_shares(self):
        """Users displace each other until both have the same number of connections."""
        first = [self.connect_as(ALICE, self.daemon.rw_path) for _ in range(4)]
        second = [self.connect_as(BOB, self.daemon.rw_path) for _ in range(2)]
        self.refused(BOB, self.daemon.rw_path)
        self.refused(ALICE, self.daemon.rw_path)
        self.assert_served(*second)
        self.assertEqual(self.left(first), first[:2])

    def test_root(self):
        clients = [self.connect_as(uid, self.daemon.rw_path) for uid in (ALICE, ALICE, BOB, BOB)]
        self.assert_served(*(self.raw() for _ in range(10)))
        self.assertEqual(self.left(clients), [])

    def test_root_acting_for_a_user(self):
        """A user who connects through another daemon has no more places than one who connects directly."""
        proxied = [self.raw() for _ in range(4)]
        for client in proxied:
            client.set_identity(rpc.param('unix-user-id', 'Q', ALICE))
        others = [self.connect_as(BOB, self.daemon.rw_path) for _ in range(2)]
        self.refused(BOB, self.daemon.rw_path)
        self.assert_served(*others)
        self.assertEqual(self.left(proxied), proxied[:2])

    def test_silent_connections(self):
        """Silent connections keep their places, until another user needs one."""
        for _ in range(50):
            self.connect_as(ALICE, opened=False)
        self.assert_served(self.connect_as(BOB), self.raw(path=self.daemon.ro_path))


class ClientsPerUser(ClientsTest):
    config = {'limits': {'max_clients_per_user': '2'}}

    def test_other_users(self):
        mine = [self.connect_as(ALICE) for _ in range(2)]
        self.refused(ALICE)
        self.assert_served(*mine, self.connect_as(BOB), *(self.raw() for _ in range(5)))

    def test_root_acting_for_a_user(self):
        """A connection that may not act for the user counts as root's."""
        mine, proxied, late = self.connect_as(ALICE), self.raw(), self.raw()
        alice = rpc.param('unix-user-id', 'Q', ALICE)
        proxied.set_identity(alice)
        self.refused(ALICE)
        self.assert_refused(RESOURCE_BUSY, late.set_identity, alice, domain=FROM_RPC,
                            says=f'user {ALICE} already has the maximum of 2 connections')
        self.assert_served(mine, proxied, late)
        mine.disconnect()
        self.wait_until(lambda: ' disconnected, 2 left' in self.daemon.log(), 'its end')
        late.set_identity(alice)

    def test_root_acting_for_users_without_a_uid(self):
        """Users of virtproxyd over the network have no uid: each user has places of their own, independent of
        others. Users without any identity count as one user."""
        users = [[rpc.param(field, 's', value)] for field in ('sasl-user-name', 'x509-distinguished-name')
                 for value in ('fred', 'jane')]
        clients = [self.raw() for _ in range(11)]
        late = clients.pop()
        for user, client in zip([*users, []] * 2, clients):
            client.set_identity(*user)
        for user in users:
            self.assert_refused(RESOURCE_BUSY, late.set_identity, *user, domain=FROM_RPC,
                                says='already has the maximum of 2 connections')
        self.assert_refused(RESOURCE_BUSY, late.set_identity, domain=FROM_RPC,
                            says='an unknown user already has the maximum of 2 connections')
        self.assert_served(*clients, late)

    def test_reload(self):
        for _ in range(2):
            self.connect_as(ALICE)
        self.refused(ALICE)
        self.change_config({'limits': {'max_clients_per_user': '3'}})
        self.assert_served(self.connect_as(ALICE))
        self.refused(ALICE)


@only_on('sim', 'the limit of the running daemon is lowered')
class Descriptors(ClientsTest):
    def test_root(self):
        clients = [self.connect_as(ALICE) for _ in range(10)]
        pid = self.daemon.process.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = max(int(name) for name in os.listdir(f'/proc/{pid}/fd')) + 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limits[1]))
        roots = [self.raw() for _ in range(3)]
        bob = self.connect_as(BOB)
        self.refused(ALICE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        self.assert_served(*roots, bob)
        self.assertGreaterEqual(len(self.left(clients)), 6)


class Unread(MediatedTest):
    config = {'limits': {'max_queued_bytes': '65536'}}

    def test_no_reads_by_client(self):
        """A client that reads nothing is disconnected or no longer read; the daemon's memory is bounded, and other
        clients do not wait."""
        client = self.raw()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.socket.settimeout(0.2)
        frame = client.frame(rpc.PROCEDURES['LIST_ALL'], rpc.i32(1) + rpc.u32(0))
        try:
            for _ in range(20000):
                client.send_raw(frame)
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
        self.assertEqual(self.raw().look_up('computer'), 'computer')
        self.assertLess(self.resident_kib(), 200 * 1024)

    def test_no_reads_by_listener(self):
        client = self.raw()
        client.register(0)
        client.register(1)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        uuid = self.new_uuid()
        for _ in range(20):
            self.create(uuid=uuid).destroy()
        self.assertEqual(self.raw().look_up('computer'), 'computer')

    def resident_kib(self):
        with open(f'/proc/{self.daemon.process.pid}/status', encoding='ascii') as status:
            for line in status:
                if line.startswith('VmRSS:'):
                    return int(line.split()[1])
        raise AssertionError('no VmRSS')


class Keepalive(MediatedTest):
    config = {'keepalive': {'interval': '0.1', 'count': '2'}}

    def test_pong(self):
        client = self.raw(answers_pings=False)
        client.ping()
        client.wait_keepalive('PONG')

    def test_pong_before_open(self):
        client = self.raw(opened=False)
        client.ping()
        client.wait_keepalive('PONG')

    def test_pings_after_agreement(self):
        self.change_config({'keepalive': {'interval': '0.1', 'count': '100'}})
        client = self.raw()
        self.assertEqual(client.supports_feature(10), 1)
        for _ in range(3):
            client.wait_keepalive('PING')
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_dead_client(self):
        bystander = self.raw()
        client = self.raw(answers_pings=False)
        client.supports_feature(10)
        client.wait_closed()
        self.assertEqual(bystander.look_up('computer'), 'computer')

    def test_no_ping_to_clients_without_keepalive(self):
        asked = self.raw(answers_pings=False)
        client = self.raw(answers_pings=False)
        asked.supports_feature(10)
        asked.wait_closed()
        self.assertEqual(client.look_up('computer'), 'computer')
        self.assertEqual([frame for frame in client.frames if frame.name == 'PING'], [])

    def test_unknown_procedure_of_keepalive(self):
        client = self.raw()
        client.send_raw(client.frame(77, program=rpc.KEEPALIVE, kind=rpc.MESSAGE, serial=0))
        self.assertEqual(client.look_up('computer'), 'computer')


class KeepaliveUnderPressure(MediatedTest):
    config = {'keepalive': {'interval': '0.3', 'count': '2'}, 'limits': {'max_client_requests': '1'}}

    def test_silence_caused_by_the_daemon(self):
        """While the daemon does not read a client, unanswered pings do not count."""
        client, other = self.raw(), self.raw()
        client.supports_feature(10)
        self.host.set_knob(self.parent, 'block_create', 1)
        uuid = self.new_uuid()
        create = client.send('CREATE_XML', rpc.string(self.document(uuid=uuid)) + rpc.u32(0))
        for _ in range(100):
            last = client.send('LOOKUP_BY_NAME', rpc.string('computer'))
        # Another client, which is read, is pinged for as many intervals.
        other.supports_feature(10)
        for _ in range(8):
            other.wait_keepalive('PING')
        self.host.set_knob(self.parent, 'block_create', 0)
        self.assertEqual(client.wait_reply(create).decoder().string(),
                         self.child_name(self.parent, uuid))
        self.assertEqual(client.wait_reply(last).decoder().string(), 'computer')


class NoKeepalive(MediatedTest):
    config = {'keepalive': {'interval': '0'}}

    def test_pong_without_pings(self):
        client = self.raw()
        client.supports_feature(10)
        client.ping()
        client.wait_keepalive('PONG')
