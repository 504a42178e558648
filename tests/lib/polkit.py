# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real polkitd with its own rules on its own real bus, and clients of other users."""

import atexit
import functools
import json
import os
import pathlib
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile

import gi
from gi.repository import Gio, GLib

from daemon import die_with_parent
from host import wait_until

gi.require_version('Gio', '2.0')

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""
RELOAD_SECONDS = 5.0
POLKITD = '/usr/lib/polkit-1/polkitd'
NAME = 'org.freedesktop.PolicyKit1'
ACTION = 'org.libvirt.unix.manage'
# Environment for the daemon under test only; other programs would print warnings.
OURS_ALONE = ('LD_PRELOAD', 'G_DEBUG')
NOBODY_THERE = (Gio.DBusError.SERVICE_UNKNOWN, Gio.DBusError.NAME_HAS_NO_OWNER)

# Hides the rules of this machine from the authority started below.
LAUNCH = """set -e
mount --bind "$1" /etc/polkit-1/rules.d
mount -t tmpfs none /usr/share/polkit-1/rules.d
exec "$2" --no-debug
"""

# Part of every set of rules, to detect whether the set is in force. Without a rule, this action requires an
# administrator.
PROBE = """polkit.addRule(function(action, subject) {{
    if (action.id == '{action}' && action.lookup('generation') == '{generation}')
        return polkit.Result.YES;
}});
"""

# A small server that forks a process of another user per request; the process connects and passes the socket back. It
# lives until its own socket is closed, because polkit checks the process.
SPAWNER = """
import ctypes, json, os, signal, socket, sys
PR_SET_DUMPABLE = 4

def become(user, group, groups):
    os.setgroups(groups)
    os.setgid(group)
    os.setuid(user)
    # As it is after exec(): what is in /proc belongs to the user.
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1)

def hand_over(ours, path):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.connect(path)
    except OSError:
        return
    socket.send_fds(ours, [str(os.getpid()).encode()], [client.fileno()])
    client.close()
    ours.recv(1)

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
requests = socket.socket(fileno=int(sys.argv[1]))
while True:
    request, fds, _, _ = socket.recv_fds(requests, 65536, 1)
    if not request:
        sys.exit()
    ours = socket.socket(fileno=fds[0])
    if os.fork() == 0:
        requests.close()
        path, *ids = json.loads(request)
        become(*ids)
        hand_over(ours, path)
        os._exit(0)
    ours.close()
"""


class Polkit:
    """Bus and authority; the rules are polkit's JavaScript."""

    def __init__(self, deadline):
        self.deadline = deadline
        # Not in /tmp, because a service has a private one.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='mdp-', dir='/run'))
        self.directory.chmod(0o755)
        self.rules = self.directory / 'rules.d'
        self.rules.mkdir()
        self.bus_path = self.directory / 'bus'
        self.config = self.directory / 'bus.conf'
        self.config.write_text(BUS_CONFIG.format(path=self.bus_path), encoding='utf-8')
        self.bus = None
        self.authority = None
        self.connection = None
        self.generation = 0

    @property
    def environment(self):
        return {'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={self.bus_path}'}

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def spawn(self, arguments):
        return spawn(arguments, self.environment)

    def start(self):
        """Starts both; on return, polkit answers by the last rules."""
        self.start_bus()
        self.start_authority()

    def start_bus(self):
        self.bus = self.spawn(['dbus-daemon', f'--config-file={self.config}', '--nofork',
                               '--nopidfile'])
        wait_until(self.accepts, 'a bus', self.deadline)
        self.connection = Gio.DBusConnection.new_for_address_sync(
            f'unix:path={self.bus_path}',
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)

    def start_authority(self):
        self.authority = self.spawn(['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
                                     LAUNCH, 'sh', str(self.rules), POLKITD])
        wait_until(self.answers, 'polkitd on its bus', self.deadline)

    def use(self, rules):
        """Sets the rules; on return, polkit runs and answers by them."""
        self.generation += 1
        new = self.directory / 'new'
        new.write_text(PROBE.format(action=ACTION, generation=self.generation) + rules,
                       encoding='utf-8')
        new.rename(self.rules / '00-test.rules')
        if not self.runs(self.bus):
            self.stop()
            self.start_bus()
        if not self.runs(self.authority):
            self.start_authority()
        try:
            wait_until(self.answers, 'other rules', RELOAD_SECONDS)
        except AssertionError:
            # On a busy machine, polkit sometimes misses the change of its rules.
            self.stop_authority()
            self.start_authority()

    @staticmethod
    def runs(process):
        return process is not None and process.poll() is None

    def accepts(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            return client.connect_ex(str(self.bus_path)) == 0

    def answers(self):
        """Returns whether polkitd answers by the rules of this generation, after all earlier requests. The first
        answer is slow, because polkitd reads all actions of the machine."""
        somebody = {'pid': GLib.Variant('u', os.getpid()), 'start-time': GLib.Variant('t', 0),
                    'uid': GLib.Variant('i', pwd.getpwnam('nobody').pw_uid)}
        question = GLib.Variant('((sa{sv})sa{ss}us)', (
            ('unix-process', somebody), ACTION, {'generation': str(self.generation)}, 0, ''))
        try:
            reply = self.connection.call_sync(
                NAME, '/org/freedesktop/PolicyKit1/Authority',
                'org.freedesktop.PolicyKit1.Authority', 'CheckAuthorization', question, None,
                Gio.DBusCallFlags.NO_AUTO_START, int(self.deadline * 1000), None)
        except GLib.Error as error:
            if any(error.matches(Gio.dbus_error_quark(), code) for code in NOBODY_THERE):
                return False
            raise
        (is_authorized, _, _), = reply.unpack()
        return is_authorized

    def stop(self):
        self.stop_authority()
        if self.connection is not None and not self.connection.is_closed():
            self.connection.close_sync(None)
        self.connection = None
        self.end(self.bus)
        self.bus = None

    def stop_authority(self):
        self.end(self.authority)
        self.authority = None

    @staticmethod
    def end(process):
        if process is not None:
            process.kill()
            process.wait()

    def pause(self):
        """Makes polkit hang."""
        self.authority.send_signal(signal.SIGSTOP)

    def resume(self):
        """Resumes polkit; on return, it has answered all pending requests."""
        self.authority.send_signal(signal.SIGCONT)
        wait_until(self.answers, 'polkitd, awake again', self.deadline)

    def reset(self):
        """Undoes all changes of a test."""
        if self.runs(self.authority) and self.runs(self.bus):
            self.resume()


@functools.cache
def polkit(deadline):
    """Returns the instance shared by all tests, because it is slow to start."""
    shared = Polkit(deadline)
    atexit.register(shared.close)
    return shared


class OtherUser:
    """A process of another user whose connection to the daemon we use."""

    def __init__(self, name, path):
        entry = pwd.getpwnam(name)
        self.uid = entry.pw_uid
        request = [str(path), entry.pw_uid, entry.pw_gid, os.getgrouplist(name, entry.pw_gid)]
        self.process, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(spawner(), [json.dumps(request).encode()], [theirs.fileno()])
        pid, fds, _, _ = socket.recv_fds(self.process, 32, 1)
        if not fds:
            self.process.close()
            raise PermissionError(f'{name} cannot connect to {path}')
        self.pid = int(pid)
        self.socket = socket.socket(fileno=fds[0])

    def start_time(self):
        stat = pathlib.Path(f'/proc/{self.pid}/stat').read_text(encoding='ascii')
        return int(stat.rpartition(')')[2].split()[19])

    def close(self):
        """Ends the process; on return, it has ended."""
        process = os.pidfd_open(self.pid)
        try:
            with self.process:
                self.process.shutdown(socket.SHUT_WR)
                self.process.recv(1)
            # A process that ends closes its sockets before it becomes a zombie.
            select.select([process], [], [])
        finally:
            os.close(process)


@functools.cache
def spawner():
    """Returns the socket of the server that creates processes of other users."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        spawn(['/usr/bin/python3', '-ISc', SPAWNER, str(theirs.fileno())],
              pass_fds=[theirs.fileno()])
    return ours


def spawn(arguments, environment=None, **options):
    """Starts a background process that ends with this one."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS_ALONE}
    return subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
        arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**inherited, **(environment or {})}, cwd='/',
        preexec_fn=die_with_parent, **options)


def as_user(name):
    """Returns arguments of subprocess that run a program as another user."""
    entry = pwd.getpwnam(name)
    environment = {key: value for key, value in os.environ.items() if key != 'LD_PRELOAD'}
    return {'user': entry.pw_uid, 'group': entry.pw_gid,
            'extra_groups': os.getgrouplist(name, entry.pw_gid),
            'env': {**environment, 'HOME': '/nonexistent', 'LC_ALL': 'C.UTF-8'}}
