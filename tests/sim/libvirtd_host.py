# SPDX-License-Identifier: LGPL-2.1-or-later
"""The simulated host with one of libvirt's daemons in front of the daemon: a libvirtd with mediated's module, or a
modular daemon."""

from daemon import Daemon
from libvirtd import Modular, WithPlugin, stock_module
from sim_host import DEADLINE, SimHost


class DaemonBehind(Daemon):
    """The daemon with a daemon of libvirt in front of it, which starts last: libvirtd's module checks for the socket of
    this one."""

    libvirtd = None

    def start(self, config=None, *arguments):
        super().start(config, *arguments)
        if not self.libvirtd.is_running():
            self.libvirtd.start()


class HostBehind(SimHost):
    """libvirt's clients connect to libvirt's daemon; raw clients connect to ours, unless they use client_path()."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, machine, program, preload, shows_seqnum, make_libvirtd):
        super().__init__(machine, program, preload, shows_seqnum)
        self.libvirtd = make_libvirtd(self.daemon.rw_path)
        self.daemon.libvirtd = self.libvirtd

    @staticmethod
    def make_daemon(program, environment):
        return DaemonBehind(program, DEADLINE, environment)

    def close(self):
        try:
            self.libvirtd.close()
        finally:
            super().close()

    def client_path(self, path):
        return {self.daemon.rw_path: self.libvirtd.rw_path, self.daemon.ro_path: self.libvirtd.ro_path}.get(path, path)


class LibvirtdHost(HostBehind):
    """The monolithic libvirtd with mediated's module."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, machine, program, preload, shows_seqnum, plugin):
        super().__init__(machine, program, preload, shows_seqnum, lambda socket: WithPlugin(
            DEADLINE, plugin, socket, preload.with_name('liblibvirt-preload.so')))
        self.preload = preload

    def add_storage_driver(self):
        """Lets libvirtd load libvirt's storage driver, which sees the simulated host, at the next start."""
        environment = self.environment(self.preload)
        first = self.preload.parent.parent / 'diff/libstock-preload.so'
        self.libvirtd.add_module(stock_module('libvirt_driver_storage.so'))
        # "udevadm settle" would wait in vain for the simulated udevd.
        self.libvirtd.commands.append('mount --bind /bin/true "$(command -v udevadm)"')
        self.libvirtd.add_environment({**environment, 'LD_PRELOAD': f'{first} {environment["LD_PRELOAD"]}'})


class ModularHost(HostBehind):
    """virtqemud or virtproxyd, which forward the calls of clients of hypervisors. `modular`: the program."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, machine, program, preload, shows_seqnum, modular):
        super().__init__(machine, program, preload, shows_seqnum, lambda socket: Modular(DEADLINE, modular, socket))

    def client_uri(self, path):
        return self.libvirtd.uri(self.client_path(path))
