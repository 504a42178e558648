# SPDX-License-Identifier: LGPL-2.1-or-later
"""The simulated host with a libvirtd in front of the daemon: libvirt's clients reach the daemon through its module."""

from daemon import Daemon
from libvirtd import WithPlugin
from sim_host import DEADLINE, SimHost


class DaemonBehind(Daemon):
    """The daemon with a libvirtd in front of it. libvirtd starts last, because its module checks for the daemon's
    socket."""

    libvirtd = None

    def start(self, config=None, *arguments):
        super().start(config, *arguments)
        if not self.libvirtd.is_running():
            self.libvirtd.start()


class LibvirtdHost(SimHost):
    """libvirt's clients connect to libvirtd; raw clients connect to the daemon, unless they use client_path()."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, machine, program, preload, shows_seqnum, plugin):
        super().__init__(machine, program, preload, shows_seqnum)
        self.libvirtd = WithPlugin(DEADLINE, plugin, self.daemon.rw_path, preload.with_name('liblibvirt-preload.so'))
        self.daemon.libvirtd = self.libvirtd

    @staticmethod
    def make_daemon(program, environment):
        return DaemonBehind(program, DEADLINE, environment)

    def close(self):
        self.libvirtd.close()
        super().close()

    def client_path(self, path):
        return {self.daemon.rw_path: self.libvirtd.rw_path, self.daemon.ro_path: self.libvirtd.ro_path}.get(path, path)
