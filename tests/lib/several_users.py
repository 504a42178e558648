# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cases in which several users are connected to one daemon."""

import os

import rpc
from mediated_test import MediatedTest
from user import acting_as

# No other process runs as these users.
ALICE, BOB = 65534, 65533
OPEN_TO_ALL = {'rw_mode': '0777', 'ro_mode': '0777'}


class SeveralUsersTest(MediatedTest):
    def setUp(self):
        super().setUp()
        os.chmod(self.daemon.directory, 0o755)

    def connect_as(self, uid, path=None, opened=True):
        """Connects a raw client of a user, disconnected at the end; read-only unless a path is given."""
        with acting_as(uid):
            client = rpc.Connection(path or self.daemon.ro_path, self.deadline)
        self.addCleanup(client.disconnect)
        if opened:
            client.open()
        return client

    def assert_served(self, *clients):
        for client in clients:
            self.assertEqual(client.look_up('computer'), 'computer')
