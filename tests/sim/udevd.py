# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake udevd: sends the fake kernel's events to all listeners, asynchronously and one at a time.

umockdev turns a udev monitor into a datagram socket `event<N>` in the test bed. umockdev's own sender supports neither
events of removed devices nor properties of a single event (MDEV_STATE), so the messages are built here, in libudev's
format.
"""

import collections
import glob
import socket
import struct
import threading

PREFIX = b'libudev\0'
MAGIC = 0xfeedcafe
HEADER = '>8sI'       # only the magic is in network byte order
HEADER_REST = '=IIIIIII'
SEND_SECONDS = 30.0   # for a stopped listener; the queue of such a socket is short


def message(properties):
    """Returns an event in udevd's format."""
    data = b''.join(f'{key}={value}'.encode() + b'\0' for key, value in properties.items())
    size = struct.calcsize(HEADER) + struct.calcsize(HEADER_REST)
    rest = struct.pack(HEADER_REST, size, size, len(data), 0, 0, 0, 0)
    return struct.pack(HEADER, PREFIX, MAGIC) + rest + data


class Udevd:
    """A thread with a queue of events. It may be stopped, or hang."""

    def __init__(self, root):
        self.control = root / 'udev-control'   # the socket for clients; the file remains when udevd ends
        self.busy_mark = root / 'udev-queue'   # exists while udevd is busy
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
        """Starts udevd unless it runs; it sends events from now on."""
        with self.changed:
            if self.listener is not None:
                return
            self.control.unlink(missing_ok=True)
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.listener.bind(str(self.control))
            # No protocol: clients only check that the socket listens. The real udevd uses the same backlog.
            self.listener.listen(0)

    def accept_client(self):
        """Accepts the waiting client, which makes room for another one."""
        self.listener.accept()[0].close()

    def stop(self):
        """Stops udevd and drops all unsent events; the file of its socket remains."""
        with self.changed:
            if self.listener is not None:
                self.listener.close()
            self.listener = None
            self.queue.clear()
            self.busy_mark.unlink(missing_ok=True)
            self.paused = False

    def remove(self):
        """Stops udevd and removes its files."""
        self.stop()
        self.control.unlink()

    def post(self, properties):
        with self.changed:
            if self.listener is not None:
                self.queue.append(dict(properties))
                self.changed.notify_all()

    def pause(self):
        """Keeps events queued and reports udevd as busy."""
        with self.changed:
            self.busy_mark.touch()
            self.paused = True

    def hang(self):
        """Keeps events queued without reporting udevd as busy."""
        with self.changed:
            self.paused = True

    def resume(self):
        with self.changed:
            self.busy_mark.unlink(missing_ok=True)
            self.paused = False
            self.changed.notify_all()

    def forget(self):
        """Drops all unsent events."""
        with self.changed:
            self.queue.clear()

    def settle(self, seconds):
        """Waits until all events are sent."""
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
        """Makes the next receive of each listener fail, as after a buffer overflow."""
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
                    pass  # the listener has gone
                except TimeoutError:
                    pass  # a listener that does not read loses the event, as with netlink
