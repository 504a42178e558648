# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake udevd: brings the fake kernel's events to all who listen, one after the other, later.

umockdev turns a udev monitor into a datagram socket `event<N>` in the test bed. Its own sender
knows neither events of devices that have gone nor properties of one event alone (MDEV_STATE), so
the messages are made here, in libudev's format.
"""

import collections
import glob
import socket
import struct
import threading

PREFIX = b'libudev\0'
MAGIC = 0xfeedcafe
HEADER = '>8sI'       # the magic alone is in network order
HEADER_REST = '=IIIIIII'
SEND_SECONDS = 30.0   # for a listener that is stopped; the queue of such a socket is short


def message(properties):
    """One event as udevd broadcasts it."""
    data = b''.join(f'{key}={value}'.encode() + b'\0' for key, value in properties.items())
    size = struct.calcsize(HEADER) + struct.calcsize(HEADER_REST)
    rest = struct.pack(HEADER_REST, size, size, len(data), 0, 0, 0, 0)
    return struct.pack(HEADER, PREFIX, MAGIC) + rest + data


class Udevd:
    """A thread with a queue of events. It may be stopped, or be there and say nothing."""

    def __init__(self, root):
        self.control = root / 'udev-control'   # where its clients find it; stays when it goes
        self.busy_mark = root / 'udev-queue'   # there while it has something to do
        self.listener = None
        self.pattern = f'{root}/event[0-9]*'
        self.queue = collections.deque()
        self.changed = threading.Condition()
        self.paused = False
        self.busy = False
        self.closed = False
        self.sent = []
        self.thread = threading.Thread(target=self.run, name='udevd', daemon=True)
        self.thread.start()
        self.start()

    def close(self):
        self.stop()
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self.thread.join()

    def start(self):
        """It is there, if it was not, and tells of what happens from now on."""
        with self.changed:
            if self.listener is not None:
                return
            self.control.unlink(missing_ok=True)
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.listener.bind(str(self.control))
            # Nobody talks to it here: that there is a socket is all that clients find out. The real one listens like that.
            self.listener.listen(0)

    def take_client(self):
        """The one that waits: there is room for another one."""
        self.listener.accept()[0].close()

    def stop(self):
        """It ends, with all that it has not told yet; the file of its socket stays."""
        with self.changed:
            if self.listener is not None:
                self.listener.close()
            self.listener = None
            self.queue.clear()
            self.busy_mark.unlink(missing_ok=True)
            self.paused = False

    def remove(self):
        """It ends, and nothing is left."""
        self.stop()
        self.control.unlink()

    def post(self, properties):
        with self.changed:
            if self.listener is not None:
                self.queue.append(dict(properties))
                self.changed.notify_all()

    def pause(self):
        """From here on udev says that it is busy, and tells of nothing; what happens meanwhile is kept."""
        with self.changed:
            self.busy_mark.touch()
            self.paused = True

    def hang(self):
        """The same without a word."""
        with self.changed:
            self.paused = True

    def resume(self):
        with self.changed:
            self.busy_mark.unlink(missing_ok=True)
            self.paused = False
            self.changed.notify_all()

    def forget(self):
        """Loses all events that have not been sent."""
        with self.changed:
            self.queue.clear()

    def settle(self, seconds):
        """Waits until all events are out."""
        with self.changed:
            if not self.changed.wait_for(lambda: not self.queue and not self.busy, seconds):
                raise TimeoutError(f'udevd has {len(self.queue)} events left')

    def run(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.closed or (self.queue and not self.paused))
                if self.closed:
                    return
                properties = self.queue.popleft()
                self.busy = True
            self.broadcast(properties)
            with self.changed:
                self.sent.append(properties)
                self.busy = False
                self.changed.notify_all()

    def break_off(self):
        """What listeners get next is no message, as when their buffer has overflowed."""
        self.send(b'broken')

    def broadcast(self, properties):
        self.send(message(properties))

    def send(self, data):
        for path in glob.glob(self.pattern):
            with socket.socket(socket.AF_UNIX, socket.SOCK_RAW) as sender:
                sender.settimeout(SEND_SECONDS)
                try:
                    sender.connect(path)
                    sender.send(data)
                except (ConnectionRefusedError, FileNotFoundError, ConnectionResetError):
                    pass  # a listener that has gone
                except TimeoutError:
                    pass  # one that does not read loses the event, as with netlink
