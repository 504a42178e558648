# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run of the daemon under test, in its own directory."""

import ctypes
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from host import wait_until

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.01
SOCKET_RW = 'virtnodedevd-sock'
SOCKET_RO = 'virtnodedevd-sock-ro'
SOCKET_ADMIN = 'virtnodedevd-admin-sock'
# The kernel's flag of listening sockets in /proc/net/unix.
LISTENING = '00010000'


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def ends(process, seconds):
    """Returns whether a child process ends within this time; if so, its exit status is known."""
    if process.poll() is not None:
        return True
    fd = os.pidfd_open(process.pid)
    try:
        ready, _, _ = select.select([fd], [], [], seconds)
    finally:
        os.close(fd)
    if not ready:
        return False
    # The tracer of a traced process is notified of its end first.
    process.wait(seconds)
    return True


def is_listening(path):
    """Returns whether a process listens on a socket, without connecting to it."""
    # The table is long, and an emulated processor would read it all the time until the daemon has started.
    if not path.exists():
        return False
    name = f' {path}'
    table = pathlib.Path('/proc/net/unix').read_text(encoding='utf-8', errors='replace')
    return any(line.split()[3] == LISTENING for line in table.splitlines() if line.endswith(name))


def key_file(groups):
    """Returns the text of a configuration file, from a dict of dicts."""
    lines = []
    for group, settings in groups.items():
        lines.append(f'[{group}]')
        lines += [f'{key}={value}' for key, value in settings.items()]
    return ''.join(f'{line}\n' for line in lines)


class Daemon:
    """Starts, signals and stops the program. Keeps its log for the report of a failure."""

    # The parent of the daemon's directory; None: the default directory of temporary files.
    room = None

    def __init__(self, program, deadline, environment=None):
        self.program = str(program)
        self.deadline = deadline
        self.environment = {**os.environ, **(environment or {})}
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='mdd-', dir=self.room))
        self.socket_dir = self.directory / 'run'
        self.socket_dir.mkdir()
        # The daemon must not use the definitions and scripts of this machine.
        self.definitions = self.directory / 'mdevctl.d'
        self.scripts = self.directory / 'scripts.d'
        self.state = self.directory / 'state'
        # Nor the vendor's files for vGPUs.
        self.vgpu_types = self.directory / 'vgpuConfig.xml'
        self.sriov_manage = self.directory / 'sriov-manage'
        self.rw_path = self.socket_dir / SOCKET_RW
        self.ro_path = self.socket_dir / SOCKET_RO
        self.admin_path = self.socket_dir / SOCKET_ADMIN
        self.config_path = self.directory / 'mediated.conf'
        self.log_path = self.directory / 'log'
        self.log_path.touch()
        self.process = None
        self.mounts = []    # a command that executes the wrapper, in a mount namespace
        self.wrapper = []   # a command that executes the program
        self.pass_fds = ()  # descriptors that the wrapper inherits
        self.stderr = None  # a descriptor, instead of the log
        self.visits = 0     # connections made only to check that the daemon listens
        # Of a service, it is polkit by default.
        self.access = {'auth_unix_rw': 'none', 'auth_unix_ro': 'none'}

    def close(self):
        if self.is_running():
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def arguments(self, config=None):
        self.write_config(config)
        return ['--socket-dir', str(self.socket_dir), '--config', str(self.config_path),
                '--verbose']

    def write_config(self, config):
        """Replaces the file atomically, because the daemon may be reading it."""
        new = self.config_path.with_suffix('.new')
        groups = {'definitions': {'directory': self.definitions},
                  'mdev': {'state_directory': self.state},
                  'callouts': {'directory': self.scripts,
                               'deprecated_directory': self.definitions / 'scripts.d'},
                  'vgpu': {'types_file': self.vgpu_types, 'enable_command': self.sriov_manage},
                  'access': self.access}
        for group, settings in (config or {}).items():
            groups[group] = {**groups.get(group, {}), **settings}
        new.write_text(key_file(groups), encoding='utf-8')
        new.rename(self.config_path)

    def spawn(self, arguments):
        with open(self.log_path, 'ab') as log:
            # Ends the daemon if the test crashes.
            return subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
                [*self.mounts, *self.wrapper, self.program, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log if self.stderr is None else self.stderr, env=self.environment, pass_fds=self.pass_fds,
                preexec_fn=die_with_parent)

    def run(self, *arguments):
        """Runs the program until it exits, and returns its output."""
        return subprocess.run([*self.mounts, self.program, *arguments], env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=self.deadline)

    def use_stock_config(self, text, name='virtnodedevd.conf'):
        """Lets the daemon find this file of libvirt's configuration, bytes, from the next start on."""
        directory = self.directory / 'etc-libvirt'
        directory.mkdir(exist_ok=True)
        (directory / name).write_bytes(text)
        self.mounts = ['unshare', '--mount', 'sh', '-c', f'mount --bind {directory} /etc/libvirt && exec "$0" "$@"']

    def start(self, config=None, *arguments):
        """Starts the daemon; on return, all sockets accept connections."""
        self.process = self.spawn([*self.arguments(config), *arguments])
        limit = time.monotonic() + self.deadline
        while not (is_listening(self.admin_path) and all(map(self.accepts, (self.rw_path, self.ro_path)))):
            if self.has_ended():
                raise AssertionError(f'the daemon ended with {self.process.returncode} at start')
            if time.monotonic() > limit:
                raise AssertionError('the daemon does not listen')

    def has_ended(self):
        """Returns True at once if the daemon has ended, else waits a moment."""
        return ends(self.process, POLL_SECONDS)

    def accepts(self, path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            try:
                client.connect(str(path))
            except (FileNotFoundError, ConnectionRefusedError, PermissionError):
                return False
        self.visits += 1
        return True

    def is_leaving(self):
        """Returns whether the daemon has been asked to stop, and accepts no more clients."""
        return not self.accepts(self.rw_path)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end, and returns the exit status; negative for a signal."""
        if not ends(self.process, self.deadline):
            raise AssertionError(f'the daemon does not end within {self.deadline} s')
        return self.process.returncode

    def stop(self):
        """Ends the daemon as a service manager does, and checks that it leaves no files behind."""
        self.signal(signal.SIGTERM)
        status = self.wait()
        if status != 0:
            raise AssertionError(f'the daemon ended with {status} after SIGTERM')
        left = sorted(os.listdir(self.socket_dir))
        if left:
            raise AssertionError(f'the daemon left {left} behind')

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        """Stops the process with SIGSTOP; on return, it has stopped."""
        self.signal(signal.SIGSTOP)
        wait_until(self.has_stopped, 'its stop', self.deadline)

    def has_stopped(self):
        """Returns whether the process, which need not be our child, has stopped."""
        stat = pathlib.Path(f'/proc/{self.process.pid}/stat').read_text(encoding='utf-8', errors='replace')
        return stat.rpartition(')')[2].split()[0] == 'T'

    def resume(self):
        self.signal(signal.SIGCONT)

    def log(self):
        return self.log_path.read_text(encoding='utf-8', errors='replace')
