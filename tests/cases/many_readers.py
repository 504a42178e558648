# SPDX-License-Identifier: LGPL-2.1-or-later
"""The maximum number of read-only clients, of several users, each with the calls that cost the daemon most memory.

Not run with sanitizers, whose own memory hides the daemon's.
"""

import contextlib
import itertools
import socket

import rpc
from memory import MIB, OPEN_TO_ALL, READER_MAX, MemoryTest, OVERHEAD

ONLY_ON = ('sim', 'a machine that is emulated has no room for 5,000 clients')
SUITE = 'memory'

USERS = range(70000, 70005)
READERS = 5000
RESIDENT_MAX = 256      # in MiB
KEPT_MAX = 48           # after all clients have disconnected, in MiB


class Readers(MemoryTest):
    config = {'sockets': OPEN_TO_ALL}

    def setUp(self):
        super().setUp()
        # Makes lists long.
        self.create_many()

    def highest(self):
        """Returns the peak of resident memory, in MiB."""
        with open(f'/proc/{self.daemon.process.pid}/status', encoding='ascii') as status:
            return next(int(line.split()[1]) for line in status if line.startswith('VmHWM')) * 1024 / MIB

    def send_at_once(self, client, data):
        """Sends without blocking; the daemon may disconnect the client."""
        with contextlib.suppress(OSError):
            client.socket.send(data, socket.MSG_DONTWAIT)

    def silent(self, _):
        pass

    def half_a_frame(self, client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, READER_MAX)
        self.send_at_once(client, self.begin_frame(READER_MAX) + b'x' * (READER_MAX - OVERHEAD - 1))

    def unread_lists(self, client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.send_at_once(client, client.frame(rpc.PROCEDURES['LIST_ALL'], rpc.i32(1) + rpc.u32(0)) * 1000)

    def callbacks(self, client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for event in (0, 1):
            self.send_at_once(client, client.frame(rpc.PROCEDURES['EVENT_REGISTER_ANY'], rpc.i32(event) + rpc.u32(0)) * 40)

    def long_look_ups(self, client):
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        size = 64 * 1024
        frame = rpc.Connection.frame(rpc.PROCEDURES['LOOKUP_BY_NAME'], rpc.string('x' * (size - OVERHEAD)))
        self.send_at_once(client, frame * 4)

    def test_released_memory(self):
        """After all clients have disconnected, memory is returned to the system, except for GLib's small
        allocations."""
        before = self.resident() / MIB
        for habit in (self.unread_lists, self.half_a_frame):
            with self.subTest(habit.__name__):
                clients = []
                for _, user in zip(range(READERS // 5), itertools.cycle(USERS)):
                    with contextlib.suppress(rpc.Closed, OSError):
                        clients.append(self.connect_as(user))
                        habit(clients[-1])
                self.wait_until(lambda: self.resident() / MIB > before + 100, 'much to be held')
                for client in clients:
                    client.disconnect()
                self.wait_until(lambda: self.resident() / MIB < before + KEPT_MAX, 'it to be given back')
                self.assert_others_are_served()

    def check(self, *habits):
        users = itertools.cycle(USERS)
        for _, habit in zip(range(READERS), itertools.cycle(habits)):
            client = None
            with contextlib.suppress(rpc.Closed, OSError):
                client = self.connect_as(next(users))
            if client is not None:
                habit(client)
        self.create().destroy()
        self.assert_others_are_served()
        self.assertLess(self.highest(), RESIDENT_MAX)

    def test_silent(self):
        self.check(self.silent)

    def test_half_frames(self):
        self.check(self.half_a_frame)

    def test_unread_lists(self):
        self.check(self.unread_lists)

    def test_callbacks(self):
        self.check(self.callbacks)

    def test_long_look_ups(self):
        self.check(self.long_look_ups)

    def test_memory(self):
        self.check(self.silent, self.half_a_frame, self.unread_lists, self.callbacks, self.long_look_ups)
