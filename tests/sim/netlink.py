# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake kernel's uevents, for listeners to the kernel instead of udevd.

fakekernel-preload replaces a netlink socket by a connection to `uevents`, sets the sender of received messages to the
kernel's, and reports the word LOST as an overflow.
"""

import contextlib
import fcntl
import socket
import struct
import termios
import threading

UDEVS_OWN = ('ID_', 'DEVLINKS', 'TAGS', 'CURRENT_TAGS', 'USEC_INITIALIZED')
BUFFER = 1 << 24   # bytes that a listener may leave unread, if the test runs as root
SO_SNDBUFFORCE = 32
LOST = b'lost'
WELCOME = b'welcome'


def message(properties):
    """Returns an event in the kernel's format: without udevd's properties, with the number at the end."""
    own = {key: value for key, value in properties.items() if not key.startswith(UDEVS_OWN)}
    own['SEQNUM'] = own.pop('SEQNUM')
    lines = [f'{own["ACTION"]}@{own["DEVPATH"]}', *(f'{key}={value}' for key, value in own.items())]
    return b''.join(line.encode() + b'\0' for line in lines)


class Netlink:
    """Sends events to all listeners, immediately and in order."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.listeners = []
        self.late = set()   # listeners that have lost events
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(path))
        self.socket.listen()
        self.thread = threading.Thread(target=self.accept, name='netlink', daemon=True)
        self.thread.start()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
        for listener in self.listeners:
            listener.close()

    def accept(self):
        while True:
            try:
                listener, _ = self.socket.accept()
            except OSError:
                return
            listener.setblocking(False)
            with contextlib.suppress(PermissionError):
                listener.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, BUFFER)
            with self.lock:
                self.listeners.append(listener)
                listener.send(WELCOME)

    def unread(self):
        """Returns the number of bytes that listeners have not read yet."""
        with self.lock:
            return sum(struct.unpack('i', fcntl.ioctl(listener, termios.TIOCOUTQ, bytes(4)))[0]
                       for listener in self.listeners)

    def post(self, properties):
        self.send(message(properties))

    def lose(self):
        """Makes the next receive of each listener report an overflow."""
        self.send(LOST)

    def send(self, data):
        with self.lock:
            for listener in self.listeners.copy():
                try:
                    if listener in self.late:
                        listener.send(LOST)
                        self.late.discard(listener)
                    listener.send(data)
                except BlockingIOError:
                    self.late.add(listener)
                except (BrokenPipeError, ConnectionResetError):
                    self.listeners.remove(listener)
                    listener.close()
