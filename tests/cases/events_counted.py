# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every subscriber receives every event once and in order, however short-lived a device is."""

import selectors
import struct

import rpc
from mediated_test import MediatedTest, only_on, seldom_on
from vm_host import thousands

LIFECYCLE = 0
CREATED, DELETED = 0, 1
EVENT = rpc.PROCEDURES['EVENT_LIFECYCLE']
# Offsets in a frame of the procedure, the length of the name, and the name.
PROCEDURE_AT, LENGTH_AT, NAME_AT = 12, 32, 36
NUMBER = struct.Struct('>I')


class Listeners:
    """Many subscribers, read as fast as possible; only names and kinds of events are decoded."""

    def __init__(self, clients):
        self.selector = selectors.DefaultSelector()
        self.buffers = {}
        for client in clients:
            client.socket.setblocking(False)
            self.buffers[client] = bytearray(client.buffer)
            self.selector.register(client.socket, selectors.EVENT_READ, client)

    def read_until(self, size, deadline):
        """Reads until each subscriber has received `size` bytes of events."""
        left = set(self.buffers)
        while left:
            ready = self.selector.select(deadline)
            if not ready:
                got = sorted(len(buffer) for buffer in self.buffers.values())
                raise AssertionError(f'nothing more comes; {got[0]} to {got[-1]} of {size} bytes')
            for key, _ in ready:
                client = key.data
                self.buffers[client] += client.socket.recv(1 << 20)
                if len(self.buffers[client]) >= size:
                    left.discard(client)

    @staticmethod
    def stories(buffer):
        """Returns {name: [kinds of its events, in order]}, and the size of all frames in bytes."""
        stories, at = {}, 0
        while at + NAME_AT <= len(buffer):
            size = NUMBER.unpack_from(buffer, at)[0]
            if NUMBER.unpack_from(buffer, at + PROCEDURE_AT)[0] == EVENT:
                length = NUMBER.unpack_from(buffer, at + LENGTH_AT)[0]
                name = bytes(buffer[at + NAME_AT:at + NAME_AT + length]).decode()
                padded = length + -length % 4
                detail = NUMBER.unpack_from(buffer, at + NAME_AT + padded)[0]
                stories.setdefault(name, []).append(detail)
            at += size
        return stories


class Counted(MediatedTest):
    """Other programs create and remove devices, some as fast as possible."""

    subscribers, devices = 20, 50

    def frame_size(self, uuid):
        name = rpc.string(self.child_name(self.parent, uuid))
        return len(rpc.Connection.frame(EVENT, rpc.i32(0) + name + rpc.i32(0) * 2))

    def all_at_once(self, uuids):
        return [uuids[i:i + 8] for i in range(0, len(uuids), 8)]

    def test_everybody_hears_everything(self):
        clients = [self.raw() for _ in range(self.subscribers)]
        for client in clients:
            client.register(LIFECYCLE)
        uuids = [self.new_uuid() for _ in range(self.devices)]
        others = self.in_background(self.come_and_go, uuids)
        listeners = Listeners(clients)
        listeners.read_until(2 * sum(self.frame_size(uuid) for uuid in uuids), self.deadline)
        others.result(self.deadline)
        expected = {self.child_name(self.parent, uuid): [CREATED, DELETED] for uuid in uuids}
        for buffer in listeners.buffers.values():
            self.assertEqual(listeners.stories(buffer), expected)
        self.assertEqual(self.host.children(), [])

    def come_and_go(self, uuids):
        for some in self.all_at_once(uuids):
            for uuid in some:
                self.host.create_by_others(self.parent, self.type_id, uuid)
            for uuid in some:
                self.host.remove_by_others(uuid)

    def test_one_uuid_again_and_again(self):
        """Each creation and removal of a reused UUID is reported, even if sysfs has changed again by then."""
        client = self.raw()
        client.register(LIFECYCLE)
        uuid = self.new_uuid()
        times = 30
        for _ in range(times):
            self.host.create_by_others(self.parent, self.type_id, uuid)
            self.host.remove_by_others(uuid)
        self.host.create_by_others(self.parent, self.type_id, uuid)
        listeners = Listeners([client])
        listeners.read_until((2 * times + 1) * self.frame_size(uuid), self.deadline)
        (buffer,) = listeners.buffers.values()
        self.assertEqual(listeners.stories(buffer), {
            self.child_name(self.parent, uuid): [CREATED, DELETED] * times + [CREATED]})
        self.assertIn(self.child_name(self.parent, uuid), self.names())

    def test_paused_daemon(self):
        client = self.raw()
        client.register(LIFECYCLE)
        uuids = [self.new_uuid() for _ in range(20)]
        self.daemon.pause()
        others = self.in_background(self.come_and_go, uuids)
        if self.host.kind == 'vm':
            others.result(self.deadline)
        self.daemon.resume()
        others.result(self.deadline)
        listeners = Listeners([client])
        listeners.read_until(2 * sum(self.frame_size(uuid) for uuid in uuids), self.deadline)
        (buffer,) = listeners.buffers.values()
        self.assertEqual(listeners.stories(buffer), {
            self.child_name(self.parent, uuid): [CREATED, DELETED] for uuid in uuids})


@only_on('vm', 'the fake kernel is too slow for thousands')
@seldom_on('vm', 'Counted has fewer devices, and Storm as many')
class CountedInLarge(Counted):
    subscribers = 100

    def setUp(self):
        super().setUp()
        self.devices = thousands(1000)
        self.host.set_knob(self.parent, 'capacity_scale', 256)
        self.addCleanup(self.host.set_knob, self.parent, 'capacity_scale', 1)

    def all_at_once(self, uuids):
        return [uuids]


@seldom_on('vm', 'whether a client reads does not depend on the kernel')
class Stalled(MediatedTest):
    """A subscriber that does not read is disconnected at the limit, and affects no other client."""

    config = {'limits': {'max_queued_bytes': '65536'}}

    def test_cut_off(self):
        stalled, good = self.raw(answers_pings=False), self.raw()
        stalled.socket.setsockopt(rpc.socket.SOL_SOCKET, rpc.socket.SO_RCVBUF, 4096)
        for client in (stalled, good):
            client.register(LIFECYCLE)
            client.register(1)
        expected = []
        for _ in range(40):
            for _ in range(20):
                device = self.create(uuid=(uuid := self.new_uuid()))
                device.destroy()
                expected += [('EVENT_LIFECYCLE', self.child_name(self.parent, uuid), CREATED),
                             ('EVENT_LIFECYCLE', self.child_name(self.parent, uuid), DELETED)]
            good.look_up('computer')
            if 'Disconnecting client: too many unread replies and events' in self.daemon.log():
                break
        else:
            self.fail('it has not been cut off')
        self.assertEqual([frame.event() for frame in good.frames
                          if frame.name == 'EVENT_LIFECYCLE'], expected)
        stalled.wait_closed()
