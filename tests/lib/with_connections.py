# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mix-in of MediatedTest: its clients."""

import contextlib

import libvirt

import rpc
from client_events import Events


class WithConnections:
    """Connections to self.daemon, of libvirt and raw ones; the user of the mix-in closes those of libvirt."""

    def init_connections(self):
        self.connections = []
        self.first_connection = None

    def close_connections(self):
        for connection in self.connections:
            with contextlib.suppress(libvirt.libvirtError):
                connection.close()

    def connect(self, read_only=False, path=None):
        """Opens a libvirt connection, closed at the end."""
        uri = self.host.client_uri(path or self.daemon.rw_path)
        connection = libvirt.openReadOnly(uri) if read_only else libvirt.open(uri)
        self.connections.append(connection)
        return connection

    @property
    def conn(self):
        """The default connection of a test."""
        if self.first_connection is None:
            self.first_connection = self.connect()
        return self.first_connection

    def raw(self, opened=True, path=None, **options):
        """Connects a raw client, disconnected at the end."""
        client = rpc.Connection(path or self.daemon.rw_path, self.deadline, **options)
        self.addCleanup(client.disconnect)
        if opened:
            client.open()
        return client

    def listen(self, device=None):
        """Collects events from now on."""
        events = Events(self.connect(), self.deadline, device)
        self.addCleanup(events.stop)
        return events
