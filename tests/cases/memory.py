# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients can make the daemon use only bounded memory, and other clients are served meanwhile."""

import contextlib
import os
import resource
import socket

import libvirt

import rpc
from mediated_test import only_on
from several_users import ALICE, BOB, OPEN_TO_ALL, SeveralUsersTest

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

CUT_OFF = 'Disconnecting client'
MIB = 1 << 20
PAGE = os.sysconf('SC_PAGE_SIZE')

FROM_RPC = libvirt.VIR_FROM_RPC
RPC_ERROR, OPERATION_FAILED = libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_OPERATION_FAILED
NO_DEVICE = libvirt.VIR_ERR_NO_NODE_DEVICE
UNOPENED_MAX, READER_MAX, WRITER_MAX = 4096, 256 * 1024, MIB + 64 * 1024
OVERHEAD = 32   # of a look-up's frame: header, and length of the name


class MemoryTest(SeveralUsersTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        # The address sanitizer keeps up to 256 MiB of freed memory by default.
        options = os.environ.get('ASAN_OPTIONS', '')
        self.daemon.environment['ASAN_OPTIONS'] = f'{options}:quarantine_size_mb=4'
        self.daemon.start(self.config)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def create_many(self):
        for parent in self.host.parents():
            for _ in range(14):
                self.create(parent=parent.name, type_id=self.host.type_ids(parent)[0])

    def assert_others_are_served(self):
        """Checks that root and another user are served."""
        self.assert_served(self.raw(), self.connect_as(BOB))

    def resident(self):
        with open(f'/proc/{self.daemon.process.pid}/statm', encoding='ascii') as statm:
            return int(statm.read().split()[1]) * PAGE

    def assert_resident_below(self, mib):
        self.assertLess(self.resident() / MIB, mib)

    @staticmethod
    def begin_frame(size):
        """Returns the first bytes of a look-up whose frame has this size."""
        number = rpc.PROCEDURES['LOOKUP_BY_NAME']
        return rpc.Connection.frame(number, rpc.u32(size - OVERHEAD), length=size)

    def send_look_up(self, client, size):
        """Sends a look-up whose frame has this size; returns its serial."""
        return client.send('LOOKUP_BY_NAME', rpc.string('x' * (size - OVERHEAD)))

    @staticmethod
    def send_as_much_as_goes(clients, data):
        """Sends until the daemon has read all data of each client, or stops reading; returns the disconnected
        clients."""
        closed = []
        for client in clients:
            left = memoryview(data)
            client.socket.settimeout(0.5)
            try:
                while left:
                    left = left[client.socket.send(left):]
            except TimeoutError:
                pass
            except OSError:
                closed.append(client)
        return closed

    def pipeline(self, client, count):
        """Sends calls and reads no replies."""
        frame = client.frame(rpc.PROCEDURES['LIST_ALL'], rpc.i32(1) + rpc.u32(0))
        self.send_as_much_as_goes([client], frame * count)


class Frames(MemoryTest):
    config = {'sockets': OPEN_TO_ALL}

    def check_limit(self, client, limit):
        """Checks that the longest frame is read, and a longer one is refused by its length alone."""
        fits = client.wait_reply(self.send_look_up(client, limit)).error()
        self.assertNotIn('too large', fits.message)
        for size in (limit + 4, rpc.MESSAGE_MAX):
            message = self.assert_error(client.wait_reply(self.send_look_up(client, size)), RPC_ERROR, domain=FROM_RPC)
            self.assertEqual(message, f'message of {size} bytes is too large, the limit of this connection is {limit}')

    def test_reader(self):
        client = self.connect_as(ALICE)
        self.check_limit(client, READER_MAX)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_writer(self):
        client = self.raw()
        self.check_limit(client, WRITER_MAX)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_writer_opened_read_only(self):
        client = self.raw(opened=False)
        client.open(flags=1)
        self.check_limit(client, READER_MAX)

    def test_before_open(self):
        """Before open, a frame may have room for a URI, but no more."""
        client = self.raw(opened=False)
        fits = 'nodedev:///system?' + 'x' * (UNOPENED_MAX - 28 - 8 - 4 - len('nodedev:///system?'))
        reply = client.wait_reply(client.send('OPEN', rpc.optional(fits + 'xxxx') + rpc.u32(0)))
        self.assert_error(reply, RPC_ERROR, f'the limit of this connection is {UNOPENED_MAX}', FROM_RPC)
        client.open(fits)
        self.check_limit(client, WRITER_MAX)

    def test_document_sent_with_open(self):
        """The limit after open depends on the rights given by the preceding messages."""
        client = self.raw(opened=False)
        document = self.document(uuid=self.new_uuid(), extra='<x>' + 'y' * 100000 + '</x>')
        serials = [client.send('OPEN', rpc.optional(None) + rpc.u32(0)),
                   client.send('CREATE_XML', rpc.string(document) + rpc.u32(0)),
                   client.send('LOOKUP_BY_NAME', rpc.string('computer'))]
        for serial in serials:
            self.assertIsNone(client.wait_reply(serial).error())

    def test_unserved_procedures(self):
        client = self.connect_as(ALICE)
        self.assert_error(client.wait_reply(client.send(9999, b'\0' * MIB)), RPC_ERROR, domain=FROM_RPC)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_incomplete_frames(self):
        """Incomplete frames of 32 MiB less a byte are not stored."""
        clients = [self.connect_as(ALICE) for _ in range(8)]
        data = self.begin_frame(rpc.MESSAGE_MAX) + b'x' * (rpc.MESSAGE_MAX - OVERHEAD - 1)
        closed = self.send_as_much_as_goes(clients, data)
        self.assertEqual(closed, [])
        self.assert_others_are_served()
        self.assert_resident_below(48)
        for client in clients:
            client.send_raw(b'x')
            self.assertIn('too large', client.wait_reply(1, self.deadline).error().message)


class Unread(MemoryTest):
    config = {'limits': {'frame_timeout': '1'}}

    def test_replies(self):
        """A client that reads no replies is disconnected after the timeout, even with an incomplete frame behind its
        calls."""
        clients = [self.connect_as(ALICE) for _ in range(6)]
        for client in clients:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.pipeline(client, 3000)
            self.send_as_much_as_goes([client], self.begin_frame(rpc.MESSAGE_MAX) + b'x' * 32 * MIB)
        self.assert_others_are_served()
        self.assert_resident_below(48)
        self.wait_until(lambda: self.daemon.log().count(CUT_OFF) == len(clients), 'their ends')

    def test_close(self):
        client = self.connect_as(ALICE)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.pipeline(client, 400)
        self.send_as_much_as_goes([client], client.frame(rpc.PROCEDURES['CLOSE']))
        self.wait_until(lambda: CUT_OFF in self.daemon.log(), 'its end')

    def test_late_reads(self):
        """A slow client is not disconnected while it keeps reading replies."""
        client = self.connect_as(ALICE)
        for _ in range(5):
            serials = [client.send('LIST_ALL', rpc.i32(1) + rpc.u32(0)) for _ in range(500)]
            for serial in serials:
                self.assertIsNone(client.wait_reply(serial).error())


class Total(MemoryTest):
    """The limit of all clients together."""

    config = {'sockets': OPEN_TO_ALL, 'limits': {'max_memory': str(16 * MIB), 'frame_timeout': '60'}}
    count = 160

    def check(self, clients):
        """Checks that some clients were disconnected, and the others are served as before."""
        self.assert_resident_below(64)
        self.wait_until(self.count_evicted, 'somebody to be cut off')
        self.assert_others_are_served()
        self.assertLess(self.count_evicted(), len(clients))

    def count_evicted(self):
        return self.daemon.log().count('memory limit exceeded')

    def test_half_frames(self):
        bob = self.connect_as(BOB)
        self.send_as_much_as_goes([bob], self.begin_frame(READER_MAX) + b'x' * 100000)
        clients = [self.connect_as(ALICE) for _ in range(self.count)]
        data = self.begin_frame(READER_MAX) + b'x' * (READER_MAX - OVERHEAD - 1)
        self.send_as_much_as_goes(clients, data)
        self.check(clients)
        # A user with little memory has lost nothing.
        bob.send_raw(b'x' * (READER_MAX - OVERHEAD - 100000))
        bob.wait_reply(1)

    def test_answers(self):
        """A quarter of a MiB of replies each is within the client's limit, but too much for so many clients."""
        clients = [self.connect_as(ALICE) for _ in range(self.count)]
        for client in clients:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self.pipeline(client, 2000)
        self.check(clients)

    def test_many_users(self):
        """Each user uses less than the user with the most."""
        clients = [self.connect_as(100000 + number) for number in range(self.count)]
        data = self.begin_frame(READER_MAX) + b'x' * (READER_MAX - OVERHEAD - 1)
        self.send_as_much_as_goes(clients, data)
        self.check(clients)

    def test_root(self):
        roots = [self.raw(path=self.daemon.ro_path) for _ in range(40)]
        data = self.begin_frame(READER_MAX) + b'x' * (READER_MAX - OVERHEAD - 1)
        self.send_as_much_as_goes(roots, data)
        clients = [self.connect_as(ALICE) for _ in range(self.count)]
        self.send_as_much_as_goes(clients, data)
        self.check(clients)
        for client in roots:
            client.send_raw(b'x')
            self.assert_error(client.wait_reply(1), NO_DEVICE)

    def test_root_acting_for_a_user(self):
        """Memory used by a user through another daemon does not burden users who connect directly."""
        bob = self.connect_as(BOB)
        self.send_as_much_as_goes([bob], self.begin_frame(READER_MAX) + b'x' * 100000)
        clients = [self.raw() for _ in range(self.count)]
        for client in clients:
            client.set_identity(rpc.param('unix-user-id', 'Q', ALICE))
        data = self.begin_frame(READER_MAX) + b'x' * (READER_MAX - OVERHEAD - 1)
        self.send_as_much_as_goes(clients, data)
        self.check(clients)
        bob.send_raw(b'x' * (READER_MAX - OVERHEAD - 100000))
        bob.wait_reply(1)
        # The log names the user instead of root, who owns the connection.
        evicted = [line for line in self.daemon.log().splitlines() if 'memory limit exceeded' in line]
        for line in evicted:
            self.assertRegex(line, rf'\(client \d+, uid {ALICE}, gid -1, pid 0; via uid 0, gid 0, pid \d+')


class Callbacks(MemoryTest):
    def setUp(self):
        """Creates more devices than a read-only client may have callbacks."""
        super().setUp()
        self.create_many()

    def register_all(self, client):
        """Returns the number of callbacks that a client gets, and the final error."""
        names = client.list_all()[0]
        count = 0
        with contextlib.suppress(rpc.RpcError):
            for event in (0, 1):
                for name in names:
                    client.register(event, name)
                    count += 1
        self.assertGreater(2 * len(names), 64)
        return count, 2 * len(names)

    def test_reader(self):
        client = self.connect_as(ALICE)
        count, _ = self.register_all(client)
        self.assertEqual(count, 64)
        self.assert_refused(OPERATION_FAILED, client.register, 0, domain=FROM_RPC,
                            says='already has the maximum of 64 event callbacks')
        client.deregister(0)
        client.register(0)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_writers_have_many(self):
        count, wanted = self.register_all(self.raw())
        self.assertEqual(count, wanted)

    @only_on('sim', 'thousands of callbacks take a machine that is emulated minutes')
    def test_many_readers(self):
        """Callbacks count towards the limit of all clients; the remaining clients receive events."""
        self.change_config({'limits': {'max_memory': str(4 * MIB)}})
        clients = [self.connect_as(ALICE) for _ in range(200)]
        for client in clients:
            with contextlib.suppress(rpc.Closed, OSError):
                self.register_all(client)
        count = self.daemon.log().count('memory limit exceeded')
        self.assertGreater(count, 0)
        self.assertLess(count, len(clients) / 2)
        events = self.listen()
        device = self.create()
        events.wait(('created', device.name()))
        self.assert_others_are_served()


class Listeners(MemoryTest):
    def test_unread_events(self):
        """Events for clients that never read count at their real cost; clients above their share are disconnected."""
        self.change_config({'limits': {'max_queued_bytes': '65536'}})
        clients = [self.connect_as(ALICE) for _ in range(100)]
        for client in clients:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.register(0)
            client.register(1)
        before = self.resident()
        for _ in range(150):
            self.create().destroy()
        self.assertLess((self.resident() - before) / MIB, 24)
        self.assert_others_are_served()
