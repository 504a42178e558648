# SPDX-License-Identifier: LGPL-2.1-or-later
"""Read-only connections, by the -ro socket or by the flag of an open on the other socket."""

import libvirt

import rpc
from mediated_test import MediatedTest, seldom_on

DENIED = libvirt.VIR_ERR_OPERATION_DENIED
READ_ONLY = 1


@seldom_on('vm', 'refused before the kernel sees anything', keeps=('test_create_and_destroy',))
class ReadOnly(MediatedTest):
    def clients(self):
        """Returns one raw client of each kind."""
        flagged = self.raw(opened=False)
        flagged.open(flags=READ_ONLY)
        by_socket = self.raw(path=self.daemon.ro_path)
        both = self.raw(opened=False, path=self.daemon.ro_path)
        both.open(flags=READ_ONLY)
        return {'flag': flagged, 'socket': by_socket, 'both': both}

    def test_reading(self):
        device = self.create()
        for kind, client in self.clients().items():
            with self.subTest(kind):
                self.assertIn(device.name(), client.list_all()[0])
                self.assertIn(device.name(), client.get_xml(device.name()))
                self.assertEqual(client.get_parent(device.name()), self.parent.name)
                self.assertEqual(client.is_active(device.name()), 1)
                self.assertEqual(client.is_persistent(device.name()), 0)
                self.assertEqual(client.list_caps(device.name()), ['mdev'])

    def test_documents(self):
        """Read-only clients get the same documents as root, including attributes of mediated devices."""
        self.create(attrs=[('scratch', 'secret')])
        documents = {name: self.dump(name) for name in self.names()}
        self.assertIn("value='secret'", ''.join(documents.values()))
        for kind, client in self.clients().items():
            with self.subTest(kind):
                self.assertEqual({name: client.get_xml(name) for name in client.list_all()[0]}, documents)

    def test_create_and_destroy(self):
        device = self.create()
        for kind, client in self.clients().items():
            with self.subTest(kind), self.nothing_changes():
                self.assert_refused(DENIED, client.create_xml, self.document())
                self.assert_refused(DENIED, client.destroy, device.name())
                self.assertEqual(client.look_up(device.name()), device.name())

    def test_autostart(self):
        for kind, client in self.clients().items():
            with self.subTest(kind):
                self.assert_refused(DENIED, client.get_autostart, 'computer')

    def test_through_libvirt(self):
        for path in (self.daemon.rw_path, self.daemon.ro_path):
            connection = self.connect(read_only=True, path=path)
            self.assertIn('computer', self.names(connection=connection))
            with self.nothing_changes():
                self.assert_refused(DENIED, connection.nodeDeviceCreateXML, self.document(), 0)

    def test_open_twice(self):
        client = self.raw(opened=False)
        client.open(flags=READ_ONLY)
        try:
            client.open(flags=0)
        except rpc.RpcError:
            pass
        self.assert_refused(DENIED, client.create_xml, self.document())

    def test_garbage(self):
        """A call that changes devices is denied before its document is parsed."""
        client = self.raw(path=self.daemon.ro_path)
        self.assert_refused(DENIED, client.create_xml, 'no document at all')
        self.assert_refused(DENIED, client.destroy, 'no device at all')
