# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls systemd over the private socket of systemctl, without starting a process per call."""

import os
import socket
import struct
import threading

from gi.repository import Gio, GLib

SOCKET = '/run/systemd/private'
PATH = '/org/freedesktop/systemd1'
NAME = 'org.freedesktop.systemd1'
# Properties that all units have; other properties belong to the service interface.
OF_UNIT = ('ActiveState',)
JOB_SECONDS = 120.0
CHUNK = 1 << 16
# The fixed part of a message: byte order, type, flags, version, length of the body, serial number, length of the header
# fields, which are padded.
HEADER = struct.Struct('<BBBBIII')
SIGNAL = 4
NO_FLAGS = Gio.DBusCapabilityFlags.NONE


class Manager:
    """A connection to process 1, and the results of its jobs.

    systemd sends all of its signals to each client of this socket, with all properties of each unit that changes. An
    emulated processor parses them for seconds, so this class parses only replies and the ends of jobs.
    """

    def __init__(self):
        self.results = {}
        self.serial = 0
        self.buffer = bytearray()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(JOB_SECONDS)
        self.socket.connect(SOCKET)
        self.socket.sendall(b'\0AUTH EXTERNAL ' + str(os.getuid()).encode().hex().encode() + b'\r\nBEGIN\r\n')
        while b'\r\n' not in self.buffer:
            self.receive()
        answer, _, self.buffer = self.buffer.partition(b'\r\n')
        if not answer.startswith(b'OK '):
            raise AssertionError(f'systemd: {answer.decode()}')

    def receive(self):
        chunk = self.socket.recv(CHUNK)
        if not chunk:
            raise AssertionError('systemd has closed the connection')
        self.buffer += chunk

    def frame(self):
        """Returns the next message as bytes."""
        while len(self.buffer) < HEADER.size:
            self.receive()
        *_, body, _serial, fields = HEADER.unpack_from(self.buffer)
        size = HEADER.size + fields + -fields % 8 + body
        while len(self.buffer) < size:
            self.receive()
        frame = bytes(self.buffer[:size])
        del self.buffer[:size]
        return frame

    def next_reply(self):
        """Handles one message; returns a reply, or None for a signal."""
        frame = self.frame()
        if frame[1] == SIGNAL and b'JobRemoved' not in frame:
            return None
        message = Gio.DBusMessage.new_from_blob(frame, NO_FLAGS)
        if message.get_message_type() != Gio.DBusMessageType.SIGNAL:
            return message
        _number, path, _unit, result = message.get_body().unpack()
        self.results[path] = result
        return None

    def call(self, path, interface, method, parameters):
        self.serial += 1
        message = Gio.DBusMessage.new_method_call(None, path, interface, method)
        message.set_serial(self.serial)
        message.set_body(parameters)
        self.socket.sendall(message.to_blob(NO_FLAGS))
        while (reply := self.next_reply()) is None or reply.get_reply_serial() != self.serial:
            pass
        reply.to_gerror()
        body = reply.get_body()
        return body.unpack() if body else ()

    def ask(self, method, signature='()', *arguments):
        return self.call(PATH, f'{NAME}.Manager', method, GLib.Variant(signature, arguments))

    def result(self, job):
        while job not in self.results:
            self.next_reply()
        return self.results.pop(job)

    def run(self, method, units):
        """Queues jobs for all of these units at once, as systemctl does; returns the names of the jobs."""
        return [self.ask(method, '(ss)', unit, 'replace')[0] for unit in units]

    def wait(self, jobs):
        for job in jobs:
            result = self.result(job)
            if result != 'done':
                raise AssertionError(f'{job}: {result}')

    def get(self, unit, key):
        path, = self.ask('LoadUnit', '(s)', unit)
        kind = 'Unit' if key in OF_UNIT else 'Service'
        value, = self.call(path, 'org.freedesktop.DBus.Properties', 'Get',
                           GLib.Variant('(ss)', (f'{NAME}.{kind}', key)))
        return value


CONNECTIONS = threading.local()


def manager():
    """Returns the connection of this thread."""
    if not hasattr(CONNECTIONS, 'manager'):
        CONNECTIONS.manager = Manager()
    return CONNECTIONS.manager


def start(*units):
    """Starts units; on return they have started. Raises the reason of a failure, like the functions below."""
    manager().wait(manager().run('StartUnit', units))


def stop(*units):
    manager().wait(manager().run('StopUnit', units))


def restart(*units):
    manager().wait(manager().run('RestartUnit', units))


def begin_stop(unit):
    manager().run('StopUnit', [unit])


def begin_restart(unit):
    manager().run('RestartUnit', [unit])


def reload(unit):
    manager().wait(manager().run('ReloadUnit', [unit]))


def reload_units():
    """Makes systemd reload all units."""
    manager().ask('Reload')


def reset_failed():
    manager().ask('ResetFailed')


def kill(unit, whom, signal):
    manager().ask('KillUnit', '(ssi)', unit, whom, int(signal))


def show(unit, key):
    return manager().get(unit, key)


def is_active(unit):
    return show(unit, 'ActiveState') == 'active'
