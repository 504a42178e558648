# SPDX-License-Identifier: LGPL-2.1-or-later
"""The kernel side of the fake sysfs: writes have effects, and changes send uevents.

fakekernel-preload sends every write of the daemon here and returns the answer. Each write is served on its own thread,
so that a blocked one delays no others. Devices and drivers (mdev.py) register a function for each attribute that they
implement.
"""

import errno
import os
import socket
import struct
import threading

import netlink
import sysfs
import udevd

REQUEST_MAX = 65536
# Answers to reads.
GO_ON = 0
TEXT_FOLLOWS = 1
SEQNUM = '/sys/kernel/uevent_seqnum'


class KernelError(Exception):
    """The errno with which a write fails."""

    def __init__(self, number):
        super().__init__(os.strerror(number))
        self.number = number


class FakeKernel:
    """The kernel of one machine: its sysfs, its events, and the attributes with effects."""

    def __init__(self, shows_seqnum=True):
        self.sysfs = sysfs.Sysfs()
        self.udevd = udevd.Udevd(self.sysfs.root)
        self.netlink = netlink.Netlink(self.sysfs.root / 'uevents')
        self.shows_seqnum = shows_seqnum
        self.seqnum = 100
        # Protects all state of kernel and drivers; notified on every change.
        self.state = threading.Condition(threading.RLock())
        self.stores = {}
        self.shows = {}
        self.mdev_parents = []
        self.vgpu_cards = []
        self.scsi_hosts = []
        self.next_scsi_host = 0
        self.next_sg = 0
        self.held_groups = set()
        self.next_group = 40
        self.next_vfio = 0
        self.writes = []
        self.under_way = 0   # number of running requests
        self.dying = False
        self.holds_seqnum = False
        self.held_by_seqnum = 0   # number of blocked reads
        self.write_seqnum()
        self.add_show(SEQNUM, self.show_seqnum)
        self.socket_path = str(self.sysfs.root / 'kernel')
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.socket_path)
        self.listener.listen(64)
        self.acceptor = threading.Thread(target=self.accept, name='kernel', daemon=True)
        self.acceptor.start()

    def close(self):
        """Unblocks all requests, and removes the machine."""
        with self.state:
            self.dying = True
            self.state.notify_all()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        self.udevd.close()
        self.netlink.close()
        self.sysfs.close()

    # Requests

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.state:
                self.under_way += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def end_request(self):
        with self.state:
            self.under_way -= 1
            self.state.notify_all()

    def wait_idle(self, seconds):
        """Waits until no request of any program is running."""
        with self.state:
            if not self.state.wait_for(lambda: self.under_way == 0, seconds):
                raise TimeoutError(f'{self.under_way} requests are under way')

    def serve(self, connection):
        with connection:
            request = connection.recv(REQUEST_MAX)
            if not request:
                self.end_request()
                return
            kind, path, data = request.split(b'\0', 2)
            text = None
            try:
                answer, text = self.act(kind.decode(), path.decode(), data)
            except KernelError as error:
                answer = -error.number
            self.end_request()
            try:
                connection.send(struct.pack('=i', answer) + (text or b''))
            except BrokenPipeError:
                pass  # the daemon was killed

    def act(self, kind, path, data):
        """Returns the answer of a request, and the text of an attribute if it is not that of the file."""
        if kind == 'o':
            return self.open_group(path), None
        if kind == 'r':
            show = self.shows.get(path)
            text = show() if show is not None else None
            return (GO_ON, None) if text is None else (TEXT_FOLLOWS, text)
        with self.state:
            self.writes.append((path, data))
            self.state.notify_all()
            store = self.stores.get(path)
        if store is None:
            # The real kernel refuses this in open().
            raise KernelError(errno.EACCES)
        store(data)
        return len(data), None

    def open_group(self, path):
        with self.state:
            if not self.sysfs.exists(path):
                raise KernelError(errno.ENOENT)
            if os.path.basename(path) in {str(group) for group in self.held_groups}:
                raise KernelError(errno.EBUSY)
        return 0

    # For devices and drivers

    def add_store(self, path, func, text=''):
        """Registers a function for writes to an attribute: func(bytes)."""
        self.sysfs.write(path, text)
        self.stores[path] = func

    def add_show(self, path, func):
        """Registers a function called before each read of an attribute: func() may block or fail. It may return the
        text of the attribute as bytes; the reader otherwise gets that of the file when it opened the file."""
        self.shows[path] = func

    def forget_below(self, path):
        """Unregisters the attributes below a directory being removed."""
        for table in (self.stores, self.shows):
            for name in [name for name in table if name.startswith(path + '/')]:
                del table[name]

    def block_while(self, condition):
        """Waits while a test keeps the condition true; `state` must be held."""
        self.state.wait_for(lambda: self.dying or not condition())

    def hold_seqnum(self, held):
        """Blocks or unblocks reads of the number of the last uevent."""
        with self.state:
            self.holds_seqnum = held
            self.state.notify_all()

    def show_seqnum(self):
        with self.state:
            self.held_by_seqnum += 1
            self.block_while(lambda: self.holds_seqnum)
            self.held_by_seqnum -= 1

    def write_seqnum(self):
        if self.shows_seqnum:
            self.sysfs.write(SEQNUM, f'{self.seqnum}\n')

    def event(self, action, path, **extra):
        """Sends a uevent of a device, with the current contents of its uevent file."""
        with self.state:
            self.seqnum += 1
            self.write_seqnum()
            properties = {
                'ACTION': action,
                'DEVPATH': path.removeprefix('/sys'),
                'SUBSYSTEM': self.sysfs.target(f'{path}/subsystem') or 'unknown',
                'SEQNUM': str(self.seqnum),
                'USEC_INITIALIZED': '1000000',
            }
            if self.sysfs.exists(f'{path}/uevent'):
                properties.update(self.sysfs.uevent(path))
            properties.update(extra)
            self.netlink.post(properties)
            self.udevd.post(properties)

    def new_group(self):
        with self.state:
            self.next_group += 1
            return self.next_group

    def new_vfio(self):
        with self.state:
            self.next_vfio += 1
            return self.next_vfio
