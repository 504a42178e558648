# SPDX-License-Identifier: LGPL-2.1-or-later
"""A session daemon of an ordinary user: started by the client, read-only, exits when idle."""

import os
import stat
import subprocess

import libvirt

from client_events import Events
from mediated_test import MediatedTest, seldom_on
from user import User

SOCKET = 'virtnodedevd-sock'
ADMIN_SOCKET = 'virtnodedevd-admin-sock'


class SessionTest(MediatedTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.host.make_sysfs_readable()
        self.daemon.directory.chmod(0o755)
        self.user = User(self.daemon)
        self.addCleanup(self.user.close)
        self.socket = self.user.runtime / 'libvirt' / SOCKET


@seldom_on('vm', 'clients start the daemon in the same way on any kernel')
class StartedByClient(SessionTest):
    """virsh starts the session daemon if none runs."""

    def assert_lists(self, result):
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        names = result.stdout.split()
        self.assertIn('computer', names)
        self.assertIn(self.parent.name, names)

    def wait_ended(self):
        self.wait_until(lambda: self.user.daemon_pid() is None, 'the end of an idle daemon')

    def test_first_client(self):
        self.user.make_virtnodedevd()
        self.assert_lists(self.user.virsh('nodedev-list'))
        pid = self.user.daemon_pid()
        self.assertIsNotNone(pid)
        self.assert_lists(self.user.virsh('-r', 'nodedev-list'))
        self.assertIn('mdev_types', self.user.virsh('nodedev-dumpxml', self.parent.name).stdout)
        self.assertEqual(self.user.daemon_pids(), [pid])

        directory = os.stat(self.socket.parent)
        self.assertEqual(stat.S_IMODE(directory.st_mode), 0o700)
        self.wait_until(lambda: sorted(os.listdir(self.socket.parent)) == [ADMIN_SOCKET, SOCKET], 'both sockets')
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o700)
        self.assertEqual(os.stat(self.socket).st_uid, self.user.ids[0])

    def test_idle_end(self):
        self.user.make_virtnodedevd('--timeout=2')
        for _ in range(2):
            self.assert_lists(self.user.virsh('nodedev-list'))
            self.wait_ended()
            self.assertFalse(self.socket.exists())
        self.assertEqual(len(self.user.daemon_pids()), 2)

    def test_uri_without_mode(self):
        """A user can configure the mode instead of giving it in each URI."""
        self.user.make_virtnodedevd()
        config = self.user.home / 'config'
        (config / 'libvirt').mkdir(parents=True)
        (config / 'libvirt/libvirt.conf').write_text('remote_mode = "direct"\n')
        self.assert_lists(self.user.virsh('nodedev-list', uri='nodedev:///session',
                                          XDG_CONFIG_HOME=str(config)))

    def test_no_runtime_directory(self):
        self.user.make_virtnodedevd()
        self.assert_lists(self.user.virsh('nodedev-list', drop=('XDG_RUNTIME_DIR',)))
        self.assertTrue((self.user.home / '.cache/libvirt' / SOCKET).exists())
        self.assertFalse(self.socket.exists())

    def test_two_clients_at_once(self):
        self.user.make_virtnodedevd()
        clients = [self.user.popen('virsh', '-c', 'nodedev:///session?mode=direct', 'nodedev-list',
                                   VIRTD_PATH=str(self.user.programs)) for _ in range(2)]
        for client in clients:
            out, err = client.communicate(timeout=self.deadline)
            self.assert_lists(subprocess.CompletedProcess(client.args, client.returncode, out, err))


@seldom_on('vm', 'the daemon of a user does not depend on the kernel', keeps=('test_events', 'test_writes'))
class Foreground(SessionTest):
    """A daemon started by the test, to inspect it from outside."""

    def setUp(self):
        super().setUp()
        self.process = self.start()
        self.wait_until(lambda: self.daemon.accepts(self.socket), 'a socket that accepts')
        self.connection = self.open_session()

    def start(self):
        process = self.user.spawn('--timeout=120', '--verbose')
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.stderr.closed:
            return
        if process.poll() is None:
            process.terminate()
        _, err = process.communicate(timeout=self.deadline)
        self.assertEqual(process.returncode, 0, err)

    def open_session(self):
        connection = libvirt.open(f'nodedev:///session?socket={self.socket}')
        self.connections.append(connection)
        return connection

    def test_writes(self):
        uuid = self.new_uuid()
        self.host.create_by_others(self.parent, self.type_id, uuid)
        name = self.child_name(self.parent, uuid)
        self.wait_until(lambda: name in self.names(connection=self.connection), 'the device')
        events = Events(self.open_session(), self.deadline)
        self.addCleanup(events.stop)

        before = self.names(connection=self.connection), self.host.children()
        message = self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR,
                                      self.connection.nodeDeviceCreateXML, self.document(), 0,
                                      says=(self.parent.name, 'Permission denied'))
        self.assertIn(self.type_id, message)
        device = self.connection.nodeDeviceLookupByName(name)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR,
                            device.destroy, says=(name, "attribute 'remove'", 'Permission denied'))
        self.assertEqual((self.names(connection=self.connection), self.host.children()), before)
        self.barrier(events)
        self.assertEqual(events.all(), [])

    def test_events(self):
        events = Events(self.open_session(), self.deadline)
        self.addCleanup(events.stop)
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.host.create_by_others(self.parent, self.type_id, uuid)
        events.wait(('created', name))
        self.host.remove_by_others(uuid)
        events.wait(('deleted', name))

    def test_nothing_starts_by_itself(self):
        """A definition with autostart is listed but not started."""
        uuid = self.new_uuid()
        self.write_definition(uuid, start='auto')
        self.connection.close()
        self.end(self.process)
        process = self.start()
        self.wait_until(lambda: self.daemon.accepts(self.socket), 'a socket that accepts')
        device = self.open_session().nodeDeviceLookupByName(self.child_name(self.parent, uuid))
        self.assertEqual((device.isActive(), device.isPersistent(), device.autostart()), (0, 1, 1))
        message = self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.create,
                                      says=(uuid, 'Permission denied'))
        self.assertIn(self.parent.name, message)
        self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR,
                            device.undefine, says='Permission denied')
        self.assertEqual(device.isPersistent(), 1)
        self.assertEqual(self.host.children(), [])

        process.terminate()
        _, err = process.communicate(timeout=self.deadline)
        self.assertEqual(process.returncode, 0, err)
        self.assertNotIn('autostart', err)

    def test_second_daemon(self):
        """A second daemon exits, and the user is served by the first."""
        second = self.start()
        _, err = second.communicate(timeout=self.deadline)
        self.assertEqual(second.returncode, 0)
        self.assertIn(f"another process listens on '{self.socket}'", err)
        self.assertIsNone(self.process.poll())
        self.assertIn('computer', self.names(connection=self.open_session()))

    def test_other_instances(self):
        for path in ('/system', '/other'):
            with self.assertRaises(libvirt.libvirtError) as raised:
                libvirt.open(f'nodedev://{path}?socket={self.socket}')
            self.assertIn('nodedev:///session', str(raised.exception))


@seldom_on('vm', 'the daemon of a user does not depend on the kernel')
class AtOnce(SessionTest):
    def test_two_daemons(self):
        processes = [self.user.spawn('--timeout=120', '--verbose') for _ in range(2)]
        ended = self.wait_until(lambda: [each for each in processes if each.poll() is not None],
                                'the end of one of two daemons')
        self.assertEqual(len(ended), 1)
        _, err = ended[0].communicate(timeout=self.deadline)
        self.assertEqual((ended[0].returncode, 'another process listens' in err), (0, True), err)
        with libvirt.open(f'nodedev:///session?socket={self.socket}') as connection:
            self.assertIn('computer', self.names(connection=connection))
        other = next(each for each in processes if each is not ended[0])
        other.terminate()
        _, err = other.communicate(timeout=self.deadline)
        self.assertEqual(other.returncode, 0, err)
        self.assertFalse(self.socket.exists())
