# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attacks a daemon as one user over a number of connections, until killed.

usage: attack.py KIND CONNECTIONS UID CPU RW_SOCKET RO_SOCKET PARENTS DEVICES

Prints a line when all connections are established. KIND is the name of a class below in lower case; PARENTS and DEVICES
are names separated by commas. Devices are created on the second parent only.
"""

import itertools
import os
import pathlib
import re
import resource
import select
import socket
import sys
import uuid

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))

import documents  # noqa: E402  pylint: disable=wrong-import-position
import rpc  # noqa: E402  pylint: disable=wrong-import-position

CHUNK = 1 << 18
DOCUMENT_MAX = 1 << 20


def frames(*calls):
    """Returns the bytes of calls, each a procedure and its payload."""
    return b''.join(rpc.Connection.frame(rpc.PROCEDURES[procedure], payload, number)
                    for number, (procedure, payload) in enumerate(calls, 1))


class Attack:
    """Repeats the same calls on all connections, as fast as possible, and reads all replies."""

    reads = True
    writer = False
    most = None   # connections
    # Leaves no processor to the simulated kernel, so only the real one can show how long creates take.
    needs_kernel = False

    def __init__(self, rw_path, ro_path, parents, devices):
        self.path = rw_path if self.writer else ro_path
        self.parents = parents
        self.devices = devices
        self.poll = select.epoll()
        self.sockets = {}
        self.left = {}   # unsent bytes of each connection

    def connect(self):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(self.path)
        connection.setblocking(False)
        return connection

    def add(self):
        connection = self.connect()
        self.sockets[connection.fileno()] = connection
        self.left[connection.fileno()] = frames(('AUTH_LIST', b''),
                                                ('OPEN', rpc.optional('nodedev:///system') + rpc.u32(0)))
        self.poll.register(connection, select.EPOLLOUT | (select.EPOLLIN if self.reads else 0))

    def start(self, number):
        for _ in range(min(number, self.most or number)):
            self.add()

    def drop(self, number):
        self.poll.unregister(number)
        self.sockets.pop(number).close()

    def step(self, number, events):
        connection = self.sockets[number]
        if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR) and not connection.recv(CHUNK):
            raise ConnectionResetError
        if events & select.EPOLLOUT:
            left = self.left[number] or self.next(number)
            self.left[number] = left[connection.send(left):]

    def next(self, number):
        """Returns the bytes to send next."""
        raise NotImplementedError

    def run(self):
        while True:
            for number, events in self.poll.poll():
                try:
                    self.step(number, events)
                except BlockingIOError:
                    pass
                except (BrokenPipeError, ConnectionResetError):
                    self.drop(number)
                    self.add()


class Idle(Attack):
    """Many idle connections."""

    def next(self, number):
        self.poll.modify(number, select.EPOLLIN)
        return b''


class Calls(Attack):
    """Lists and lookups."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.bytes = frames(*[('LOOKUP_BY_NAME', rpc.string('computer')),
                              ('LIST_ALL', rpc.i32(1) + rpc.u32(0))] * 32)

    def next(self, number):
        return self.bytes


class Dumps(Attack):
    """Documents of all other devices, which are built on the main loop."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.bytes = frames(*[('GET_XML_DESC', rpc.string(name) + rpc.u32(0)) for name in self.named()] * 16)

    def named(self):
        return self.devices

    def next(self, number):
        return self.bytes


class Drivers(Dumps):
    """Documents of parents, which require queries to a driver on worker threads."""

    needs_kernel = True

    def named(self):
        return self.parents


class Unread(Calls):
    """Lists whose replies are not read."""

    reads = False


class Storm(Attack):
    """Most connections send half a frame and close; the others stay open with theirs."""

    half = frames(('LOOKUP_BY_NAME', rpc.string('computer')))[:-5]

    def start(self, number):
        super().start(number - 100)

    def next(self, number):
        self.poll.modify(number, select.EPOLLIN)
        return self.half

    def run(self):
        while True:
            for number, events in self.poll.poll(0):
                try:
                    self.step(number, events)
                except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                    self.drop(number)
            for connection in [self.connect() for _ in range(64)]:
                try:
                    connection.send(self.half)
                except (BlockingIOError, BrokenPipeError):
                    pass
                connection.close()


class Documents(Attack):
    """The slowest documents within the limits, valid or not."""

    writer = True
    most = 100

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.calls = itertools.cycle([
            frames((procedure, rpc.string(document) + rpc.u32(flags)))
            for document, flags in heavy_documents(self.parents[1]).values()
            for procedure in ('CREATE_XML', 'DEFINE_XML')])

    def next(self, number):
        return next(self.calls)


class Creates(Attack):
    """Creates on a driver that hangs, or has no room."""

    writer = True

    def next(self, number):
        return frames(*[('CREATE_XML', rpc.string(documents.create(self.parents[1], 'nvidia-11')) + rpc.u32(0))] * 8)


class Definitions(Attack):
    """Defines and undefines devices."""

    writer = True
    needs_kernel = True

    def next(self, number):
        name = str(uuid.uuid4())
        document = documents.create(self.parents[1], 'nvidia-11', uuid=name)
        return frames(('DEFINE_XML', rpc.string(document) + rpc.u32(0)),
                      ('UNDEFINE', rpc.string(f'mdev_{name.replace("-", "_")}') + rpc.u32(0)))


class Subscriptions(Attack):
    """Registers and deregisters event callbacks, and receives all events."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        register = [('EVENT_REGISTER_ANY', rpc.i32(kind) + rpc.optional(None)) for kind in (0, 1)] * 16
        self.bytes = frames(*register, *[('EVENT_DEREGISTER_ANY', rpc.i32(number)) for number in range(31)])

    def next(self, number):
        return self.bytes


class Listeners(Subscriptions):
    """The maximum number of event callbacks, and one connection that causes events all the time."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.bytes = frames(*[('EVENT_REGISTER_ANY', rpc.i32(kind) + rpc.optional(device))
                              for kind in (0, 1) for device in (None, *self.parents)])
        self.definitions = Definitions(*arguments)
        self.registered = set()
        self.maker = None   # the connection that causes events

    def start(self, number):
        super().start(number - 1)
        self.path = self.definitions.path
        self.add()
        self.maker = list(self.sockets)[-1]

    def next(self, number):
        if number == self.maker:
            return self.definitions.next(number)
        if number in self.registered:
            self.poll.modify(number, select.EPOLLIN)
            return b''
        self.registered.add(number)
        return self.bytes


def in_a_device(content):
    return ("<device><name>x</name><parent>none</parent><capability type='mdev'><type id='none'/>"
            f"{content}</capability></device>")


def heavy_documents(parent):
    """Returns {description: (document, flags)}."""
    names = itertools.count()
    many_names = ''.join('<x ' + ' '.join(f"a{next(names):x}=''" for _ in range(64)) + '/>' for _ in range(780))
    valid = documents.create(parent, 'nvidia-11', attrs=[('none', 'x' * 1000)] * 1000)
    comment = f'<!--{"x" * (DOCUMENT_MAX - len(valid) - 8)}--></device>'
    return {
        'elements': (in_a_device("<xxxxxxxxxxx a='b'/>" * 49000), 0),
        'names of attributes': (in_a_device(many_names), 0),
        'attributes, to be validated': (in_a_device("<attr name='a' value='b'/>" * 8180), 1),
        'features, to be validated': (
            "<device><name>x</name><capability type='net'><interface>x</interface>"
            + "<feature name='rx'/>" * 8180 + '</capability></device>', 1),
        'valid, 1 MiB': (re.sub('</device>', lambda _: comment, valid).rstrip(), 1),
        'too long': (in_a_device('x' * DOCUMENT_MAX), 0),
        'not closed': (in_a_device("<xxxxxxxxxxx a='b'/>" * 49000)[:-9], 0),
    }


KINDS = {kind.__name__.lower(): kind
         for kind in (Idle, Calls, Dumps, Drivers, Unread, Storm, Documents, Creates, Definitions, Subscriptions,
                      Listeners)}


def main():
    name, connections, uid, cpu, rw_path, ro_path, parents, devices = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    os.sched_setaffinity(0, {int(cpu)})
    os.setresuid(int(uid), int(uid), int(uid))
    attack = KINDS[name](rw_path, ro_path, parents.split(','), devices.split(','))
    attack.start(int(connections))
    print(name, flush=True)
    attack.run()


if __name__ == '__main__':
    main()
