# SPDX-License-Identifier: LGPL-2.1-or-later
"""After a power loss at any moment of a change, the disk has the old or the new definition; the new one if any client
knows of the change."""

import shutil

import rpc
from kill_at import KillAt
from lossy_disk import Disk, restore
from mediated_test import MediatedTest, only_on

CONFIG = 2
MDEV, BOTH = 1 << 14, 3 << 30


@only_on('sim', 'what is lost depends on the order of system calls, not on hardware')
class PowerLoss(MediatedTest):
    """The system calls of each change are traced and replayed on a disk that may lose unsynced data."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        # The daemon creates the directory of definitions and its parent.
        self.root = self.daemon.directory / 'etc'
        self.root.mkdir()
        self.daemon.definitions = self.root / 'config/mdevctl.d'
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)
        self.place = f'/config/mdevctl.d/{self.parent.address}/{self.uuid}'

    def client(self):
        client = rpc.Connection(self.daemon.rw_path, self.deadline)
        client.open()
        self.addCleanup(client.disconnect)
        return client

    def kept(self, state):
        """Returns the definition in a state of the disk; None if there is none."""
        return dict(state).get(self.place)

    def run_on(self, disk, calls, old):
        """Returns all states in which the disk ever is; checks the definition in each."""
        path = self.definition_path(self.uuid)
        new = path.read_bytes() if path.exists() else None
        self.assertNotEqual(old, new)
        seen = set()
        is_written = is_announced = False
        for call in calls:
            # The disk must have the definition before any client learns of it.
            is_written = is_written or call.name in ('renameat', 'unlinkat')
            is_announced = is_announced or (is_written and call.name == 'sendto')
            disk.apply(call)
            states = disk.states()
            self.assertLessEqual({self.kept(state) for state in states},
                                 {new} if is_announced else {old, new}, call)
            seen.update(states)
        self.assertTrue(is_announced)
        return seen

    def check_starts(self, states, allowed):
        """Checks that a daemon that finds any of the states lists exactly the definition, without warnings."""
        for state in states:
            shutil.rmtree(self.root)
            restore(state, self.root)
            self.daemon.start(self.config)
            client = self.client()
            listed = self.name in client.list_all(MDEV | BOTH)[0]
            self.assertEqual(listed, self.kept(state) is not None)
            self.assertIn(self.kept(state), allowed)
            client.disconnect()
            self.daemon.stop()
            left = [path.name for path in self.daemon.definitions.rglob('.*')]
            self.assertEqual(left, [])
        self.assertNotIn('skipped', self.daemon.log())
        self.daemon.start(self.config)

    def check_change(self, change, before=()):
        """`change` and `before` are functions of a client."""
        self.daemon.start(self.config)
        client = self.client()
        # The directory of definitions exists when the list is complete.
        client.list_all(MDEV | BOTH)
        for func in before:
            func(client)
        path = self.definition_path(self.uuid)
        old = path.read_bytes() if path.exists() else None
        disk = Disk(self.root)
        watch = KillAt(self.daemon, 0).attach()
        change(client)
        # After this answer, the change has returned.
        client.get_lib_version()
        watch.end()
        self.daemon.stop()
        states = self.run_on(disk, watch.calls(), old)
        self.check_starts(states, {old, *map(self.kept, states)})

    # Changes

    def define(self, client):
        client.define_xml(self.document(uuid=self.uuid, attrs=[('scratch', 'one')]))

    def define_again(self, client):
        client.define_xml(self.document(uuid=self.uuid, attrs=[('scratch', 'two'), ('scratch', 'three')]))

    def set_autostart(self, client):
        client.set_autostart(self.name, 1)

    def update(self, client):
        client.update(self.name, self.document(uuid=self.uuid, attrs=[('scratch', 'four')]), CONFIG)

    def undefine(self, client):
        client.undefine(self.name)

    def test_define(self):
        self.check_change(self.define)

    def test_define_again(self):
        self.check_change(self.define_again, [self.define])

    def test_autostart(self):
        self.check_change(self.set_autostart, [self.define])

    def test_update(self):
        self.check_change(self.update, [self.define])

    def test_undefine(self):
        self.check_change(self.undefine, [self.define])

    def test_first_of_all(self):
        """The first definition is written into a directory created when the daemon started."""
        disk = Disk(self.root)
        watch = KillAt(self.daemon, 0)
        watch.spawn(self.daemon.arguments(self.config))
        self.wait_until(lambda: self.daemon.accepts(self.daemon.rw_path), 'the daemon')
        client = self.client()
        self.define(client)
        client.get_lib_version()
        self.daemon.stop()
        self.run_on(disk, watch.calls(), None)
        self.daemon.start(self.config)

    def test_new_directory(self):
        """The removed directory is created again for the definition."""
        self.check_change(self.define, [lambda _client: shutil.rmtree(self.root / 'config')])
