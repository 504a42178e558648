# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons of libvirt, isolated from this machine: the monolithic libvirtd with a chosen module, and modular ones."""

import pathlib
import shlex
import shutil
import signal

import sanitized
from daemon import Daemon

PROGRAM = '/usr/sbin/libvirtd'
# The usual path of the daemon's socket.
SOCKET = '/run/libvirt/virtnodedevd-sock'
NODEDEV = 'libvirt_driver_nodedev.so'
# Directories that a run must not share with other runs or daemons.
HIDDEN = ('/run/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/etc/libvirt/storage', '/etc/mdevctl.d')
# mdevctl fails without these directories.
SCRIPTS = ('/etc/mdevctl.d/scripts.d/callouts', '/etc/mdevctl.d/scripts.d/notifiers')


def stock_module(name):
    """Returns the path of one of libvirt's modules."""
    return next(pathlib.Path('/usr/lib').glob(f'*/libvirt/connection-driver/{name}'))


class LibvirtDaemon(Daemon):
    """One of libvirt's daemons. Started and stopped like ours, in its own mount namespace. `stem`: the beginning of the
    names of its sockets."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, deadline, program, stem, drivers, environment=None):
        super().__init__('unshare', deadline, environment)
        self.libvirt_program = program
        self.rw_path = self.socket_dir / f'{stem}-sock'
        self.ro_path = self.socket_dir / f'{stem}-sock-ro'
        self.admin_path = self.socket_dir / f'{stem}-admin-sock'
        self.commands = []   # shell commands, run in the namespace before the program
        self.inner = {**(environment or {}), 'LIBVIRT_DRIVER_DIR': str(drivers)}
        for key in self.inner:
            self.environment.pop(key, None)

    def write_config(self, config):
        settings = {'unix_sock_dir': str(self.socket_dir), 'auth_unix_rw': 'none', 'auth_unix_ro': 'none',
                    **(config or {})}
        text = ''.join(f'{key} = {value}\n' if isinstance(value, int) else f'{key} = "{value}"\n'
                       for key, value in settings.items())
        self.config_path.write_text(text, encoding='utf-8')

    def arguments(self, config=None):
        self.write_config(config)
        # Missing on a machine where no daemon of libvirt has run yet.
        script = f'mkdir -p {pathlib.PurePath(SOCKET).parent}\n'
        script += ''.join(f'[ ! -d {path} ] || mount -t tmpfs none {path} || exit\n' for path in HIDDEN)
        script += f'mkdir -p {" ".join(SCRIPTS)}\n'
        script += ''.join(f'{command}\n' for command in self.commands)
        settings = ' '.join(f'{key}={shlex.quote(value)}' for key, value in self.inner.items())
        script += (f'exec env {settings} {shlex.quote(str(self.libvirt_program))} --timeout 0 --config '
                   f'{self.config_path} --pid-file {self.directory}/pid\n')
        return ['--mount', 'sh', '-c', script]

    def add_environment(self, variables):
        """Sets variables of the program; libraries to preload are added to those before."""
        libraries = f"{self.inner.get('LD_PRELOAD', '')} {variables.get('LD_PRELOAD', '')}".strip()
        self.inner.update(variables, LD_PRELOAD=libraries)

    def stop(self):
        """Stops the daemon; its exit status does not matter."""
        self.kill()


class Libvirtd(LibvirtDaemon):
    """The monolithic daemon with one module, unless others are added."""

    def __init__(self, deadline, module, environment=None):
        super().__init__(deadline, PROGRAM, 'libvirt', None, environment)
        self.drivers = self.directory / 'drivers'
        self.drivers.mkdir()
        self.add_module(module)
        self.inner['LIBVIRT_DRIVER_DIR'] = str(self.drivers)

    def add_module(self, module):
        shutil.copy(module, self.drivers)


class InFront:
    """A mix-in of LibvirtDaemon: finds the daemon under test at the usual paths, and serves all users."""

    def put_before(self, socket):
        self.directory.chmod(0o755)
        self.link_to(socket)

    def link_to(self, socket):
        """Puts links to this socket and its read-only one at the paths of the daemon's sockets; None: no links."""
        self.commands = [] if socket is None else [f'ln -s {shlex.quote(f"{socket}{kind}")} {SOCKET}{kind} || exit'
                                                   for kind in ('', '-ro')]

    def write_config(self, config):
        super().write_config({'unix_sock_rw_perms': '0777', **(config or {})})


class WithPlugin(InFront, Libvirtd):
    """libvirtd with mediated's module, which may have sanitizers. `preload`: the library libvirt-preload.c, for
    pretend()."""

    def __init__(self, deadline, plugin, socket, preload=None):
        super().__init__(deadline, plugin)
        self.preload = preload
        self.put_before(socket)
        self.plugin = plugin
        self.sanitizers = sanitized.environment(plugin)
        if self.sanitizers is not None:
            self.add_environment(self.sanitizers)

    def stop(self):
        """Stops the daemon; its exit status does not matter. Raises an AssertionError if sanitizers have reported
        errors."""
        if self.sanitizers is None:
            super().stop()
            return
        if self.is_running():
            self.signal(signal.SIGTERM)
            self.wait()
        if reports := sanitized.reports(self.plugin, self.log()):
            raise AssertionError('\n\n'.join(reports))

    def close(self):
        try:
            if self.process is not None:
                self.stop()
        finally:
            super().close()

    def pretend(self, **settings):
        """Simulates another release of libvirt; see libvirt-preload.c."""
        self.add_environment({'LD_PRELOAD': str(self.preload), **{
            f'MD_TEST_LIBVIRT_{key.upper()}': str(value) for key, value in settings.items()}})


class Modular(InFront, LibvirtDaemon):
    """virtqemud or virtproxyd from a build directory of libvirt."""

    # The beginning of the names of the sockets, and the scheme of URIs whose node devices are forwarded.
    KINDS = {'virtqemud': ('virtqemud', 'qemu'), 'virtproxyd': ('libvirt', 'nodedev')}

    def __init__(self, deadline, program, socket):
        stem, self.scheme = self.KINDS[program.name]
        super().__init__(deadline, program, stem, program.parent)
        self.put_before(socket)

    def uri(self, path):
        return f'{self.scheme}:///system?socket={path}'
