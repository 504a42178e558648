# SPDX-License-Identifier: LGPL-2.1-or-later
"""The virtual machine with systemd as process 1, and the daemon as a systemd service.

The units of the build directory are unchanged; a test changes settings in the units' environment file or in a drop-in.
"""

import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import host
import systemd_manager as systemd
from daemon import Daemon
from vm_host import VmHost

SERVICE = 'mediated.service'
SOCKETS = ('mediated.socket', 'mediated-ro.socket', 'mediated-admin.socket')
USERS_SOCKET = 'mediated-vfio-users.socket'
UNITS = (SERVICE, *SOCKETS, USERS_SOCKET)
UDEV_SOCKETS = ('systemd-udevd-control.socket', 'systemd-udevd-kernel.socket')
UDEV_SERVICE = 'systemd-udevd.service'
TEMPLATES = ('mediated-vfio-users@.service',)
MAKE_ROOT = pathlib.Path(__file__).resolve().parents[2] / 'src/units/make-root'
DROP_IN = f'{SERVICE}.d/test.conf'
# Settings that systemd implements for a service.
SOCKET_MODES = {'rw_mode': SOCKETS[0], 'ro_mode': SOCKETS[1]}
STOCK_CONFIG = pathlib.Path('/etc/libvirt/virtnodedevd.conf')
SYSTEM = pathlib.Path('/etc/systemd/system')
DEFINITIONS = pathlib.Path('/etc/mdevctl.d')
# Directories that the mdevctl package installs; mdevctl fails without them.
PACKAGED = pathlib.Path('/run/mediated-mdevctl.d')
# Levels of priorities in the journal.
LEVELS = {'3': 'ERROR', '4': 'WARNING', '5': 'Message', '6': 'INFO', '7': 'DEBUG'}


def write_units(units):
    """Writes units and drop-ins, from a dict of names to texts; None removes one. Reloads systemd only if something
    has changed, because a reload is slow."""
    changed = False
    for name, text in units.items():
        path = SYSTEM / name
        if text != (path.read_text(encoding='utf-8') if path.exists() else None):
            changed = True
            path.parent.mkdir(exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding='utf-8')
    if changed:
        systemd.reload_units()


def setting(unit, key):
    """Returns the first value of a key in a unit file."""
    return re.search(rf'^{key}=-?(\S+)', (SYSTEM / unit).read_text(encoding='utf-8'), re.MULTILINE).group(1)


@functools.cache
def install(program):
    """Installs programs and units; returns the environment file for arguments."""
    build = pathlib.Path(program).parent
    for name in (*UNITS, *TEMPLATES):
        shutil.copy(build / 'units' / name, SYSTEM / name)
    for source, unit in ((program, SERVICE), (build / 'mediated-vfio-users', TEMPLATES[0])):
        path = pathlib.Path(setting(unit, 'ExecStart'))
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, path)
    subprocess.run([MAKE_ROOT, setting(SERVICE, 'RootDirectory')], check=True)
    shutil.copytree(DEFINITIONS, PACKAGED)
    systemd.reload_units()
    path = pathlib.Path(setting(SERVICE, 'EnvironmentFile'))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


class MainProcess:
    """The subset of Popen that tests use on the main process."""

    returncode = None

    @property
    def pid(self):
        return systemd.show(SERVICE, 'MainPID')

    @staticmethod
    def kill():
        systemd.kill(SERVICE, 'all', signal.SIGKILL)


def show_entry(line):
    """Formats a journal entry like a line of the log on stderr."""
    entry = json.loads(line)
    if entry.get('_COMM') != 'mediated':
        return f'{entry["MESSAGE"]}\n'
    seconds, micros = divmod(int(entry['__REALTIME_TIMESTAMP']), 1000000)
    now = time.strftime('%H:%M:%S', time.localtime(seconds))
    return f'mediated-{LEVELS[entry["PRIORITY"]]}: {now}.{micros // 1000:03}: {entry["MESSAGE"]}\n'


class ServiceDaemon(Daemon):
    """The operations of Daemon, implemented with systemd."""

    # The service may write to this directory, and so may its scripts.
    room = '/run/mediated'

    def __init__(self, program, deadline):
        os.makedirs(self.room, mode=0o700, exist_ok=True)
        super().__init__(program, deadline)
        self.socket_dir = pathlib.Path('/run/libvirt')
        self.rw_path = self.socket_dir / 'virtnodedevd-sock'
        self.ro_path = self.socket_dir / 'virtnodedevd-sock-ro'
        self.admin_path = self.socket_dir / 'virtnodedevd-admin-sock'
        self.config_path = pathlib.Path('/etc/mediated-test.conf')
        # The service has a private /tmp, and may write to no other directory of definitions.
        self.definitions = DEFINITIONS
        self.scripts = pathlib.Path('/etc/mediated-test.d')
        self.configured = 0.0
        self.drop_in = ''
        self.restarts = False   # off, because a restart would hide a crash
        self.is_stopped = False
        self.arguments_path = install(self.program)

    def close(self):
        if not self.is_stopped:
            systemd.stop(*UNITS)
        systemd.reset_failed()
        for path in (self.definitions, self.scripts):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(PACKAGED, DEFINITIONS)
        self.arguments_path.unlink(missing_ok=True)
        STOCK_CONFIG.unlink(missing_ok=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def is_running(self):
        return self.process is not None and self.process.pid != 0

    def has_ended(self):
        return not self.is_running()

    def drop_ins(self, config):
        """Returns the drop-ins of the service and of its sockets; None if the units need no change."""
        lines = self.drop_in + ''.join(f'Environment={name}={value}\n' for name, value in self.environment.items()
                                       if os.environ.get(name) != value)
        if not self.restarts:
            lines += 'Restart=no\n'
        modes = (config or {}).get('sockets', {})
        return {DROP_IN: f'[Service]\n{lines}' if lines else None} | {
            f'{unit}.d/test.conf': f'[Socket]\nSocketMode={modes[key]}\n' if key in modes else None
            for key, unit in SOCKET_MODES.items()}

    def configure(self, config=None, *arguments):
        """Configures the next start."""
        write_units(self.drop_ins(config))
        words = ' '.join(['--verbose', '--config', str(self.config_path), *arguments])
        self.write_config(config)
        self.arguments_path.write_text(f'MEDIATED_ARGS="{words}"\n', encoding='utf-8')
        self.configured = time.time()

    def use_stock_config(self, text):
        STOCK_CONFIG.write_bytes(text)

    def start(self, config=None, *arguments):
        self.configure(config, *arguments)
        self.process = MainProcess()
        self.is_stopped = False
        systemd.start(SERVICE)

    def signal(self, number):
        systemd.kill(SERVICE, 'main', number)

    def wait(self):
        host.wait_until(lambda: systemd.show(SERVICE, 'ActiveState') in ('inactive', 'failed'),
                        'the end of the service', self.deadline)
        status = systemd.show(SERVICE, 'ExecMainStatus')
        return status if systemd.show(SERVICE, 'ExecMainCode') == os.CLD_EXITED else -status

    def is_leaving(self):
        """Returns whether the service is stopping. The sockets belong to systemd, and continue to accept."""
        return systemd.show(SERVICE, 'ActiveState') == 'deactivating'

    def stop(self):
        systemd.stop(*UNITS)
        self.is_stopped = True
        result = systemd.show(SERVICE, 'Result')
        if result != 'success':
            raise AssertionError(f'the service ended with {result}')
        left = [path for path in (self.rw_path, self.ro_path, self.admin_path) if path.exists()]
        if left:
            raise AssertionError(f'systemd left {left} behind')

    def kill(self):
        self.process.kill()
        self.wait()

    def log(self):
        """Returns the log in the format of a daemon that writes to stderr."""
        words = ['journalctl', '--quiet', '--no-pager', '--output=json', f'--unit={SERVICE}',
                 f'--since=@{self.configured:.6f}']
        entries = subprocess.run(words, text=True, check=True, capture_output=True).stdout
        return ''.join(map(show_entry, entries.splitlines()))


class ServiceHost(VmHost):
    """Real sysfs, real udev, real systemd."""

    kind = 'service'
    make_daemon = ServiceDaemon

    def __init__(self, machine, program, restarts):
        """`restarts`: systemd restarts the service after a crash, as configured in the unit."""
        super().__init__(machine, program)
        self.daemon.restarts = restarts

    def stop_udev(self):
        """Stops the sockets as well, because the next event would start udevd again."""
        systemd.stop(*UDEV_SOCKETS, UDEV_SERVICE)
        self.wait_no_udev()

    def kill_udev(self):
        """Stops the sockets first, because a pending event would start udevd again, and the service last, because
        systemd resumes a hung process to stop it."""
        write_units({f'{UDEV_SERVICE}.d/test.conf': '[Service]\nRestart=no\n'})
        systemd.stop(*UDEV_SOCKETS)
        self.signal_udev(signal.SIGKILL)
        systemd.stop(UDEV_SERVICE)
        self.wait_no_udev()

    def start_udev(self):
        if not self.udev_processes():
            write_units({f'{UDEV_SERVICE}.d/test.conf': None})
            systemd.start(*UDEV_SOCKETS, UDEV_SERVICE)
        self.settle()
