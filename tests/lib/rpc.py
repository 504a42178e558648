# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of libvirt's wire protocol that sends any data, valid or not.

Frames are kept in the order of their arrival, so that a test can check the order.
"""

import dataclasses
import select
import socket
import struct
import time

REMOTE = 0x20008086
KEEPALIVE = 0x6b656570
ADMIN = 0x06900690
VERSION = 1

CALL, REPLY, MESSAGE, STREAM, CALL_WITH_FDS, REPLY_WITH_FDS = range(6)
OK, ERROR, CONTINUE = range(3)
PING, PONG = 1, 2

HEADER = struct.Struct('>IIiiIi')
LENGTH = struct.Struct('>I')
MESSAGE_MAX = 33554432
CHUNK = 65536

PROCEDURES = {
    'OPEN': 1, 'CLOSE': 2, 'GET_TYPE': 3, 'GET_VERSION': 4, 'GET_HOSTNAME': 59,
    'SUPPORTS_FEATURE': 60, 'AUTH_LIST': 66, 'AUTH_SASL_INIT': 67, 'AUTH_SASL_START': 68,
    'AUTH_SASL_STEP': 69, 'AUTH_POLKIT': 70, 'GET_URI': 110,
    'NUM_OF_DEVICES': 111, 'LIST_DEVICES': 112, 'LOOKUP_BY_NAME': 113, 'GET_XML_DESC': 114,
    'GET_PARENT': 115, 'NUM_OF_CAPS': 116, 'LIST_CAPS': 117, 'DETTACH': 118, 'REATTACH': 119,
    'RESET': 120, 'CREATE_XML': 123, 'DESTROY': 124, 'IS_SECURE': 149, 'GET_LIB_VERSION': 157,
    'LIST_ALL': 285, 'LOOKUP_SCSI_HOST_BY_WWN': 297, 'DETACH_FLAGS': 301,
    'REGISTER_CLOSE_CALLBACK': 360, 'UNREGISTER_CLOSE_CALLBACK': 361, 'CONNECTION_CLOSED': 362,
    'EVENT_REGISTER_ANY': 374, 'EVENT_DEREGISTER_ANY': 375, 'EVENT_LIFECYCLE': 376,
    'EVENT_UPDATE': 377, 'SET_IDENTITY': 419, 'DEFINE_XML': 428, 'UNDEFINE': 429, 'CREATE': 430,
    'GET_AUTOSTART': 433, 'SET_AUTOSTART': 434, 'IS_PERSISTENT': 435, 'IS_ACTIVE': 436,
    'UPDATE': 447,
}
NAMES = {number: name for name, number in PROCEDURES.items()}


def i32(value):
    return struct.pack('>i', value)


def u32(value):
    return struct.pack('>I', value)


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return LENGTH.pack(len(data)) + data + b'\0' * (-len(data) % 4)


def optional(text):
    """Encodes an optional string; None: absent."""
    return i32(0) if text is None else i32(1) + string(text)


def param(name, kind, value):
    """Encodes a typed parameter; `kind` is a struct format, or 's' for a string."""
    types = {'i': 1, 'I': 2, 'q': 3, 'Q': 4, 'd': 5, '?': 6, 's': 7}
    if kind == 's':
        packed = string(value)
    else:
        packed = i32(value) if kind == '?' else struct.pack(f'>{kind}', value)
    return string(name) + i32(types[kind]) + packed


class Decoder:
    """Decodes a payload; raises an error if bytes are left or missing."""

    def __init__(self, data):
        self.data = data
        self.offset = 0

    def take(self, size):
        if self.offset + size > len(self.data):
            raise ValueError('payload too short')
        self.offset += size
        return self.data[self.offset - size:self.offset]

    def i32(self):
        return struct.unpack('>i', self.take(4))[0]

    def u32(self):
        return struct.unpack('>I', self.take(4))[0]

    def u64(self):
        return struct.unpack('>Q', self.take(8))[0]

    def string(self):
        size = self.u32()
        text = self.take(size).decode()
        self.take(-size % 4)
        return text

    def optional(self):
        return self.string() if self.i32() else None

    def strings(self):
        return [self.string() for _ in range(self.u32())]

    def end(self, value=None):
        if self.offset != len(self.data):
            raise ValueError(f'{len(self.data) - self.offset} bytes left in payload')
        return value


class RpcError(Exception):
    """An error reply."""

    def __init__(self, payload):
        decoder = Decoder(payload)
        self.code = decoder.i32()
        self.domain = decoder.i32()
        self.message = decoder.optional()
        self.level = decoder.i32()
        if decoder.i32():
            raise ValueError('error with a domain object')
        self.texts = [decoder.optional() for _ in range(3)]
        self.numbers = [decoder.i32(), decoder.i32()]
        if decoder.i32():
            raise ValueError('error with a network object')
        decoder.end()
        super().__init__(f'{self.code}/{self.domain}: {self.message}')


@dataclasses.dataclass
class Frame:
    """One received message."""

    program: int
    version: int
    procedure: int
    type: int
    serial: int
    status: int
    payload: bytes

    @property
    def name(self):
        if self.program == KEEPALIVE:
            return {PING: 'PING', PONG: 'PONG'}.get(self.procedure)
        return NAMES.get(self.procedure)

    def decoder(self):
        """Returns a decoder of the payload; raises RpcError for an error reply."""
        if self.status == ERROR:
            raise RpcError(self.payload)
        return Decoder(self.payload)

    def error(self):
        """Returns the RpcError of an error reply, else None."""
        return RpcError(self.payload) if self.status == ERROR else None

    def event(self):
        """Returns (kind, name, detail) of an event, without the callback id."""
        decoder = self.decoder()
        decoder.i32()
        name = decoder.string()
        detail = decoder.i32() if self.name == 'EVENT_LIFECYCLE' else None
        if detail is not None:
            decoder.i32()
        return decoder.end((self.name, name, detail))


class Closed(Exception):
    """The daemon has closed the connection."""


class Connection:  # pylint: disable=too-many-public-methods
    """One client; only one thread may use the socket."""

    def __init__(self, path, deadline=10.0, answers_pings=True):
        """`path` is the path of the daemon's socket, or a connected socket."""
        self.deadline = deadline
        self.answers_pings = answers_pings
        self.serial = 0
        self.buffer = b''
        self.frames = []     # all frames, in the order of arrival
        self.unread = []     # frames that no caller has taken yet
        connected = isinstance(path, socket.socket)
        self.socket = path if connected else socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(deadline)
        if not connected:
            self.socket.connect(str(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.disconnect()

    def disconnect(self):
        """Closes the socket without closing the libvirt connection first."""
        self.socket.close()

    # Frames

    def send_raw(self, data):
        self.socket.sendall(data)

    # pylint: disable-next=too-many-arguments
    @staticmethod
    def frame(procedure, payload=b'', serial=1, program=REMOTE, version=VERSION, kind=CALL,
              status=OK, length=None):
        body = HEADER.pack(program, version, procedure, kind, serial, status) + payload
        return LENGTH.pack(len(body) + LENGTH.size if length is None else length) + body

    def send(self, procedure, payload=b'', **header):
        """Sends a call and returns its serial, without waiting."""
        self.serial += 1
        number = PROCEDURES[procedure] if isinstance(procedure, str) else procedure
        header.setdefault('serial', self.serial)
        self.send_raw(self.frame(number, payload, **header))
        return header['serial']

    def pop_frame(self):
        """Returns the first complete frame of the buffer, or None."""
        if len(self.buffer) < LENGTH.size:
            return None
        size = LENGTH.unpack_from(self.buffer)[0]
        if not LENGTH.size + HEADER.size <= size <= MESSAGE_MAX:
            raise ValueError(f'the daemon sent a frame of {size} bytes')
        if len(self.buffer) < size:
            return None
        fields = HEADER.unpack_from(self.buffer, LENGTH.size)
        frame = Frame(*fields, self.buffer[LENGTH.size + HEADER.size:size])
        self.buffer = self.buffer[size:]
        return frame

    def is_readable(self, seconds):
        """Polls the socket; unlike select(), supports any descriptor number."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def receive(self, seconds):
        """Returns the next frame, or None after this time. Raises Closed at the end of the connection."""
        limit = time.monotonic() + seconds
        while True:
            frame = self.pop_frame()
            if frame is not None:
                self.frames.append(frame)
                if frame.name == 'PING' and self.answers_pings:
                    self.pong()
                return frame
            left = limit - time.monotonic()
            if left <= 0 or not self.is_readable(left):
                return None
            try:
                data = self.socket.recv(CHUNK)
            except ConnectionResetError:
                data = b''
            if not data:
                raise Closed
            self.buffer += data

    def wait_for(self, wanted, seconds=None):
        """Returns the first untaken frame that is wanted; keeps others."""
        for frame in self.unread:
            if wanted(frame):
                self.unread.remove(frame)
                return frame
        limit = time.monotonic() + (self.deadline if seconds is None else seconds)
        while True:
            frame = self.receive(max(0.0, limit - time.monotonic()))
            if frame is None:
                raise TimeoutError('no such frame has arrived')
            if wanted(frame):
                return frame
            self.unread.append(frame)

    def wait_reply(self, serial, seconds=None):
        return self.wait_for(lambda frame: frame.type == REPLY and frame.serial == serial and
                             frame.program != KEEPALIVE, seconds)

    def wait_event(self, seconds=None):
        frame = self.wait_for(lambda frame: frame.type == MESSAGE and
                              frame.program == REMOTE, seconds)
        return frame.event()

    def wait_closed(self, seconds=None):
        """Reads until the daemon closes the connection."""
        limit = time.monotonic() + (self.deadline if seconds is None else seconds)
        try:
            while time.monotonic() < limit:
                self.receive(max(0.0, limit - time.monotonic()))
        except Closed:
            return
        raise TimeoutError('the daemon keeps the connection')

    def call(self, procedure, payload=b'', **header):
        """Sends a call and returns the decoder of its reply; raises RpcError for an error reply."""
        return self.wait_reply(self.send(procedure, payload, **header)).decoder()

    # Keepalive

    def ping(self):
        self.send_raw(self.frame(PING, serial=0, program=KEEPALIVE, kind=MESSAGE))

    def pong(self):
        self.send_raw(self.frame(PONG, serial=0, program=KEEPALIVE, kind=MESSAGE))

    def wait_keepalive(self, name, seconds=None):
        return self.wait_for(lambda frame: frame.program == KEEPALIVE and frame.name == name,
                             seconds)

    # Procedures

    def open(self, uri='nodedev:///system', flags=0):
        """Sends the first calls of every client: authentication, then open."""
        types = self.auth_list()
        self.call('OPEN', optional(uri) + u32(flags)).end()
        return types

    def auth_list(self):
        """Returns the required authentication: 0 none, 1 SASL, 2 polkit."""
        decoder = self.call('AUTH_LIST')
        types = [decoder.i32() for _ in range(decoder.u32())]
        return decoder.end(types)

    def auth_polkit(self):
        return (decoder := self.call('AUTH_POLKIT')).end(decoder.i32())

    def set_identity(self, *params, flags=0):
        """Acts for another user; each parameter is a result of param()."""
        self.call('SET_IDENTITY', u32(len(params)) + b''.join(params) + u32(flags)).end()

    def close(self):
        self.call('CLOSE').end()

    def get_type(self):
        return (decoder := self.call('GET_TYPE')).end(decoder.string())

    def get_uri(self):
        return (decoder := self.call('GET_URI')).end(decoder.string())

    def get_lib_version(self):
        return (decoder := self.call('GET_LIB_VERSION')).end(decoder.u64())

    def is_secure(self):
        return (decoder := self.call('IS_SECURE')).end(decoder.i32())

    def supports_feature(self, feature):
        decoder = self.call('SUPPORTS_FEATURE', i32(feature))
        return decoder.end(decoder.i32())

    def num_of_devices(self, cap=None, flags=0):
        decoder = self.call('NUM_OF_DEVICES', optional(cap) + u32(flags))
        return decoder.end(decoder.i32())

    def list_devices(self, cap=None, maxnames=65536, flags=0):
        decoder = self.call('LIST_DEVICES', optional(cap) + i32(maxnames) + u32(flags))
        return decoder.end(decoder.strings())

    def list_all(self, flags=0, need_results=1):
        decoder = self.call('LIST_ALL', i32(need_results) + u32(flags))
        return decoder.end((decoder.strings(), decoder.u32()))

    def look_up(self, name):
        return (decoder := self.call('LOOKUP_BY_NAME', string(name))).end(decoder.string())

    def get_xml(self, name, flags=0):
        decoder = self.call('GET_XML_DESC', string(name) + u32(flags))
        return decoder.end(decoder.string())

    def get_parent(self, name):
        decoder = self.call('GET_PARENT', string(name))
        return decoder.end(decoder.optional())

    def num_of_caps(self, name):
        return (decoder := self.call('NUM_OF_CAPS', string(name))).end(decoder.i32())

    def list_caps(self, name, maxnames=65536):
        decoder = self.call('LIST_CAPS', string(name) + i32(maxnames))
        return decoder.end(decoder.strings())

    def create_xml(self, xml, flags=0):
        decoder = self.call('CREATE_XML', string(xml) + u32(flags))
        return decoder.end(decoder.string())

    def destroy(self, name):
        self.call('DESTROY', string(name)).end()

    def define_xml(self, xml, flags=0):
        decoder = self.call('DEFINE_XML', string(xml) + u32(flags))
        return decoder.end(decoder.string())

    def undefine(self, name, flags=0):
        self.call('UNDEFINE', string(name) + u32(flags)).end()

    def create(self, name, flags=0):
        self.call('CREATE', string(name) + u32(flags)).end()

    def set_autostart(self, name, autostart):
        self.call('SET_AUTOSTART', string(name) + i32(autostart)).end()

    def update(self, name, xml, flags=0):
        self.call('UPDATE', string(name) + string(xml) + u32(flags)).end()

    def is_active(self, name):
        return (decoder := self.call('IS_ACTIVE', string(name))).end(decoder.i32())

    def is_persistent(self, name):
        return (decoder := self.call('IS_PERSISTENT', string(name))).end(decoder.i32())

    def get_autostart(self, name):
        return (decoder := self.call('GET_AUTOSTART', string(name))).end(decoder.i32())

    def register(self, event, device=None):
        """Subscribes to event 0 (lifecycle) or 1 (update); returns the callback id."""
        decoder = self.call('EVENT_REGISTER_ANY', i32(event) + optional(device))
        return decoder.end(decoder.i32())

    def deregister(self, callback):
        self.call('EVENT_DEREGISTER_ANY', i32(callback)).end()
