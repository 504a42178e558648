# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's modular daemons in front of the daemon: whose rights count, and that a restart is not noticed."""

import libvirt

import monolithic
from mediated_test import MediatedTest
from restart import RestartTest

ONLY_ON = ('modular', 'about virtqemud and virtproxyd')


class Authorized(monolithic.Authorized):
    """The daemon authorizes the client of virtqemud or virtproxyd, not these daemons."""

    def opened(self, name, path=None):
        client, _ = self.other(name, path)
        client.open(f'{self.host.libvirtd.scheme}:///system')
        return client


class Restart(RestartTest):
    def test_connections_stay(self):
        """The modular daemons never connect again for a client, so the daemon must keep their connections."""
        events = self.listen()
        before = self.create()
        self.restart()
        after = self.create()
        events.wait(('created', before.name()), ('created', after.name()))
        self.assertIn(before.name(), self.names())
        before.destroy()
        events.wait(('deleted', before.name()))

    def test_killed(self):
        """Without an orderly end, later connections of clients work."""
        self.assertIn('computer', self.names())
        self.daemon.kill()
        self.store.start(self.config)
        self.assertIn('computer', self.names(connection=self.connect()))


class Reader(MediatedTest):
    def test_read_only(self):
        connection = self.connect(read_only=True, path=self.daemon.ro_path)
        self.assertIn('computer', self.names(connection=connection))
        self.assert_refused(libvirt.VIR_ERR_OPERATION_DENIED, connection.nodeDeviceCreateXML, self.document())
