# SPDX-License-Identifier: LGPL-2.1-or-later
"""A service manager that keeps descriptors of a daemon over its restarts, see sd_notify(3)."""

import array
import os
import pathlib
import socket
import threading

PASS_FDS = pathlib.Path(__file__).resolve().parent / 'pass-fds'
FDS_MAX = 253
MESSAGE_MAX = 4096
LISTENING = 'socket'
CLIENT, STATE = 'client', 'state'


class DescriptorStore:
    """Listens to the notifications of a Daemon on a thread, and passes it descriptors when it starts."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.kept = []        # (name, fd), in the order of arrival
        self.limit = 1000     # FileDescriptorStoreMax=
        self.changed = threading.Condition()
        self.is_ready = False
        self.listening = [self.listen(path) for path in (daemon.rw_path, daemon.ro_path, daemon.admin_path)]
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.path = daemon.directory / 'notify'
        self.notified.bind(str(self.path))
        daemon.environment.update(NOTIFY_SOCKET=str(self.path), FDSTORE=str(self.limit))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def listen(path):
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(path))
        listening.listen(4096)
        return listening

    def remove_sockets(self):
        for path in (self.daemon.rw_path, self.daemon.ro_path, self.daemon.admin_path):
            path.unlink()

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b'', str(self.path))
        self.thread.join()
        self.notified.close()
        self.remove(CLIENT)
        self.remove(STATE)
        for listening in self.listening:
            listening.close()

    def run(self):
        while True:
            text, control, _, _ = self.notified.recvmsg(MESSAGE_MAX, socket.CMSG_SPACE(FDS_MAX * 4))
            fds = array.array('i')
            for level, kind, data in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds.frombytes(data)
            if not text:
                return
            with self.changed:
                self.handle(dict(line.split('=', 1) for line in text.decode().splitlines()), fds)
                self.changed.notify_all()

    def handle(self, message, fds):
        name = message.get('FDNAME')
        if 'FDSTORE' in message:
            room = max(0, self.limit - len(self.kept))
            self.kept += [(name, fd) for fd in fds[:room]]
            for fd in fds[room:]:
                os.close(fd)
            return
        if 'FDSTOREREMOVE' in message:
            self.remove(name)
        if 'READY' in message:
            self.is_ready = True
        # Closing the descriptor of a barrier makes sd_notify_barrier() return in the daemon.
        for fd in fds:
            os.close(fd)

    def remove(self, name):
        for fd in self.fds(name):
            os.close(fd)
        self.kept = [(kept, fd) for kept, fd in self.kept if kept != name]

    def fds(self, name):
        return [fd for kept, fd in self.kept if kept == name]

    def start(self, config=None):
        """Starts the daemon with all descriptors; on return, it is ready."""
        self.begin_start(config)
        with self.changed:
            if not self.changed.wait_for(lambda: self.is_ready, self.daemon.deadline):
                raise AssertionError('the daemon does not become ready')

    def begin_start(self, config=None):
        self.is_ready = False
        passed = [(LISTENING, listening.fileno()) for listening in self.listening] + self.kept
        self.daemon.pass_fds = [fd for _, fd in passed]
        self.daemon.wrapper = [PASS_FDS, *(f'{fd}:{name}' for name, fd in passed), '--']
        self.daemon.start(config)

    def state(self):
        """Returns the bytes of the state that the last daemon has handed over."""
        fd, = self.fds(STATE)
        return os.pread(fd, os.fstat(fd).st_size, 0)

    def replace_state(self, fd):
        """Takes ownership of the descriptor."""
        self.remove(STATE)
        self.kept.append((STATE, fd))


class WithDescriptorStore:
    """Part of a test whose daemon is started by `store`."""

    store = None

    def end_daemon(self):
        """Closes the store last, because the daemon may still store clients whose disconnection it has not noticed."""
        self.store.remove_sockets()
        try:
            super().end_daemon()
        finally:
            self.store.close()
