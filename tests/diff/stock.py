# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stock daemon, isolated from this machine: libvirtd with only its node-device driver."""

import pathlib
import shlex
import shutil

from daemon import Daemon

PROGRAM = '/usr/sbin/libvirtd'
DRIVER = 'libvirt_driver_nodedev.so'
DRIVERS = '/usr/lib/*/libvirt/connection-driver/'
# Directories that a run must not share with other runs or daemons.
HIDDEN = ('/run/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/etc/mdevctl.d')
# mdevctl fails without these directories.
SCRIPTS = ('/etc/mdevctl.d/scripts.d/callouts', '/etc/mdevctl.d/scripts.d/notifiers')


class Stock(Daemon):
    """Started and stopped like our daemon, in its own mount namespace."""

    def __init__(self, deadline, environment=None):
        super().__init__('unshare', deadline, environment)
        self.rw_path = self.socket_dir / 'libvirt-sock'
        self.ro_path = self.socket_dir / 'libvirt-sock-ro'
        drivers = self.directory / 'drivers'
        drivers.mkdir()
        for path in pathlib.Path('/').glob(f'{DRIVERS[1:]}{DRIVER}'):
            shutil.copy(path, drivers)
        self.inner = {key: value for key, value in (environment or {}).items()}
        self.inner['LIBVIRT_DRIVER_DIR'] = str(drivers)
        for key in self.inner:
            self.environment.pop(key, None)

    def arguments(self, config=None):
        self.config_path.write_text(f'unix_sock_dir = "{self.socket_dir}"\n'
                                    'auth_unix_rw = "none"\nauth_unix_ro = "none"\n',
                                    encoding='utf-8')
        script = ''.join(f'[ ! -d {path} ] || mount -t tmpfs none {path} || exit\n'
                         for path in HIDDEN)
        script += f'mkdir -p {" ".join(SCRIPTS)}\n'
        settings = ' '.join(f'{key}={shlex.quote(value)}' for key, value in self.inner.items())
        script += (f'exec env {settings} {PROGRAM} --timeout 0 --config {self.config_path} '
                   f'--pid-file {self.directory}/pid\n')
        return ['--mount', 'sh', '-c', script]

    def stop(self):
        """Stops the daemon; its exit status does not matter."""
        self.kill()
