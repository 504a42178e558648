# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real polkitd with rules of its own on a real bus of its own, and clients of other users."""

import os
import pathlib
import pwd
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
POLKITD = '/usr/lib/polkit-1/polkitd'
NAME = 'org.freedesktop.PolicyKit1'
ACTION = 'org.libvirt.unix.monitor'
NOBODY_THERE = (Gio.DBusError.SERVICE_UNKNOWN, Gio.DBusError.NAME_HAS_NO_OWNER)

# The rules of this machine are out of sight of the daemon below.
LAUNCH = """set -e
mount --bind "$1" /etc/polkit-1/rules.d
mount -t tmpfs none /usr/share/polkit-1/rules.d
exec "$2" --no-debug
"""

# Connects as somebody else and hands the socket over. It stays, as polkit looks at it.
CONNECT = """
import socket, sys
client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
client.connect(sys.argv[1])
socket.send_fds(socket.socket(fileno=int(sys.argv[2])), [b'.'], [client.fileno()])
client.close()
sys.stdin.read()
"""


class Polkit:
    """Bus and authority; the rules are polkit's JavaScript."""

    def __init__(self, deadline):
        self.deadline = deadline
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix='mdp-'))
        self.directory.chmod(0o755)
        self.rules = self.directory / 'rules.d'
        self.rules.mkdir()
        self.bus_path = self.directory / 'bus'
        self.config = self.directory / 'bus.conf'
        self.config.write_text(BUS_CONFIG.format(path=self.bus_path), encoding='utf-8')
        self.bus = None
        self.authority = None

    @property
    def environment(self):
        return {'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={self.bus_path}'}

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def spawn(self, arguments):
        environment = {name: value for name, value in os.environ.items() if name != 'LD_PRELOAD'}
        return subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**environment, **self.environment},
            preexec_fn=die_with_parent)

    def start(self, rules=None):
        """On return polkit answers by these rules."""
        self.start_bus()
        self.start_authority(rules)

    def start_bus(self):
        self.bus = self.spawn(['dbus-daemon', f'--config-file={self.config}', '--nofork',
                               '--nopidfile'])
        wait_until(self.accepts, 'a bus', self.deadline)

    def start_authority(self, rules=None):
        if rules is not None:
            (self.rules / '00-test.rules').write_text(rules, encoding='utf-8')
        self.authority = self.spawn(['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
                                     LAUNCH, 'sh', str(self.rules), POLKITD])
        wait_until(self.answers, 'polkitd on its bus', self.deadline)

    def accepts(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            return client.connect_ex(str(self.bus_path)) == 0

    def answers(self):
        """Whether there is a polkitd; if so, it has answered all that it was asked before. Its first answer
        takes long, it reads all actions of the machine for it."""
        bus = Gio.DBusConnection.new_for_address_sync(
            f'unix:path={self.bus_path}',
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        subject = ('system-bus-name', {'name': GLib.Variant('s', bus.get_unique_name())})
        try:
            bus.call_sync(NAME, '/org/freedesktop/PolicyKit1/Authority',
                          'org.freedesktop.PolicyKit1.Authority', 'CheckAuthorization',
                          GLib.Variant('((sa{sv})sa{ss}us)', (subject, ACTION, {}, 0, '')), None,
                          Gio.DBusCallFlags.NO_AUTO_START, self.deadline * 1000, None)
        except GLib.Error as error:
            if any(error.matches(Gio.dbus_error_quark(), code) for code in NOBODY_THERE):
                return False
            raise
        finally:
            bus.close_sync(None)
        return True

    def stop(self):
        self.stop_authority()
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
        """polkit hangs."""
        self.authority.send_signal(signal.SIGSTOP)

    def resume(self):
        """On return it has caught up."""
        self.authority.send_signal(signal.SIGCONT)
        wait_until(self.answers, 'polkitd, awake again', self.deadline)


class OtherUser:
    """A process of another user, with a connection to the daemon that we use in its name."""

    def __init__(self, name, path):
        self.entry = pwd.getpwnam(name)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self.process = subprocess.Popen(
                ['/usr/bin/python3', '-c', CONNECT, str(path), str(theirs.fileno())],
                stdin=subprocess.PIPE, pass_fds=[theirs.fileno()], cwd='/', **as_user(name))
            theirs.close()
            fds = socket.recv_fds(ours, 1, 1)[1]
        if not fds:
            raise PermissionError(f'{name} cannot connect to {path}')
        self.socket = socket.socket(fileno=fds[0])

    @property
    def pid(self):
        return self.process.pid

    @property
    def uid(self):
        return self.entry.pw_uid

    def start_time(self):
        stat = pathlib.Path(f'/proc/{self.pid}/stat').read_text(encoding='ascii')
        return int(stat.rpartition(')')[2].split()[19])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def as_user(name):
    """Arguments of subprocess for a program of another user."""
    entry = pwd.getpwnam(name)
    environment = {key: value for key, value in os.environ.items() if key != 'LD_PRELOAD'}
    return {'user': entry.pw_uid, 'group': entry.pw_gid,
            'extra_groups': os.getgrouplist(name, entry.pw_gid),
            'env': {**environment, 'HOME': '/nonexistent', 'LC_ALL': 'C.UTF-8'}}
