# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls that are running when the service restarts; the test acts as the service manager."""

import signal

import libvirt

import rpc
from access import FROM_POLKIT, FROM_RPC, MEMBER, NO_AGENT, NOBODY, POLKIT
from defaults import AsService
from descriptor_store import CLIENT
from restart import CREATED, DELETED, LIFECYCLE, RestartTest
from waiting_script import WaitingScript

ONLY_ON = ('sim', 'service.py restarts the real service')

ABORTED = libvirt.VIR_ERR_OPERATION_ABORTED
REQUESTS = 5    # of a client that the daemon handles at a time
UNKNOWN = ['the daemon was stopped or restarted during the call', 'the result is unknown']


class Hung(RestartTest):
    """The restart does not wait for calls that hang, and nobody is disconnected."""

    def setUp(self):
        super().setUp()
        self.clients = [self.subscribed(), self.subscribed(path=self.daemon.ro_path)]
        self.caller = self.clients[0][0]
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)

    def assert_all_hear(self, *wanted):
        """Checks that each client is served, and has received these lifecycle events."""
        for client, (lifecycle, _) in self.clients:
            heard = [event[1:] for event in self.events(client) if event[0] == lifecycle]
            self.assertEqual(heard, [('EVENT_LIFECYCLE', *event) for event in wanted])

    def assert_unknown(self, serial, device):
        self.assert_error(self.caller.wait_reply(serial), ABORTED, [*UNKNOWN, f"'{device}'"])

    def wait_listed(self, listed):
        client = self.raw()
        self.wait_until(lambda: (self.name in client.list_all()[0]) == listed, 'the end of the operation')

    def test_create(self):
        """The device that the driver creates afterwards is listed and reported."""
        self.host.set_knob(self.parent, 'block_create', 1)
        serial = self.caller.send('CREATE_XML', rpc.string(self.document(uuid=self.uuid)) + rpc.u32(0))
        self.host.wait_create_stuck(self.parent)
        self.restart()
        self.assert_unknown(serial, self.parent.name)
        self.assert_all_hear()
        self.host.set_knob(self.parent, 'block_create', 0)
        self.wait_listed(True)
        self.assert_all_hear((self.name, CREATED))
        self.caller.destroy(self.name)

    def test_destroy(self):
        self.create(self.connect(), uuid=self.uuid)
        self.assert_all_hear((self.name, CREATED))
        self.host.set_knob(self.parent, 'block_remove', 1)
        serial = self.caller.send('DESTROY', rpc.string(self.name))
        self.host.wait_remove_stuck(self.uuid)
        self.restart()
        self.assert_unknown(serial, self.name)
        self.host.set_knob(self.parent, 'block_remove', 0)
        self.wait_listed(False)
        self.assert_all_hear((self.name, DELETED))

    def test_half_created(self):
        """A device without its attributes does not remain."""
        self.host.set_knob(self.parent, 'block_create', 1)
        document = self.document(uuid=self.uuid, attrs=[('scratch', 'one')])
        serial = self.caller.send('CREATE_XML', rpc.string(document) + rpc.u32(0))
        self.host.wait_create_stuck(self.parent)
        self.restart()
        self.assert_unknown(serial, self.parent.name)
        self.host.set_knob(self.parent, 'block_create', 0)
        self.wait_until(lambda: not any(self.daemon.state.glob('*')), 'the removal')
        self.assertEqual(self.host.children(), [])
        self.wait_listed(False)

    def test_queries(self):
        """The next daemon queries the driver again, and answers these calls and those behind them."""
        self.host.set_knob(self.parent, 'block_available', True)
        serials = [self.caller.send('GET_XML_DESC', rpc.string(self.parent.name) + rpc.u32(0)) for _ in range(REQUESTS)]
        self.host.wait_available_stuck(self.parent)
        define = self.caller.send('DEFINE_XML', rpc.string(self.document(uuid=self.uuid)) + rpc.u32(0))
        self.restart()
        self.host.set_knob(self.parent, 'block_available', False)
        for serial in serials:
            self.assertIn('availableInstances', self.caller.wait_reply(serial).decoder().string())
        self.assertEqual(self.caller.wait_reply(define).decoder().string(), self.name)

    def test_script(self):
        """A definition that a script has not agreed to is not written."""
        script = WaitingScript(self)
        document = self.document(uuid=self.uuid)
        serial = self.caller.send('DEFINE_XML', rpc.string(document) + rpc.u32(0))
        self.wait_until(script.has_begun, 'the script')
        self.restart()
        self.assert_unknown(serial, self.parent.name)
        self.assertFalse(self.definition_path(self.uuid).exists())
        script.path.unlink()
        self.assertEqual(self.caller.define_xml(document), self.name)
        self.assertTrue(self.definition_path(self.uuid).exists())

    def test_autostart(self):
        """The restart does not wait for a start of a device either."""
        self.write_definition(self.uuid, start='auto')
        self.host.set_knob(self.parent, 'block_create', 1)
        self.restart()
        self.host.wait_create_stuck(self.parent)
        self.restart()
        self.host.set_knob(self.parent, 'block_create', 0)
        client = self.raw()
        self.wait_until(lambda: self.name in client.list_all()[0] and client.is_active(self.name), 'the device')


class Login(AsService):
    """Clients that have logged in with polkit, or are about to."""

    def restart(self):
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(), 0)
        self.store.start(self.config)

    def asking(self, name):
        """Returns a client about which polkit has been asked, and the serial of its call."""
        client, _ = self.other(name)
        self.polkit.pause()
        serial = client.send('AUTH_POLKIT')
        self.assertIn('computer', self.raw().list_all()[0])
        return client, serial

    def test_logged_in(self):
        """polkit is not asked again."""
        client, _ = self.other(MEMBER)
        self.assertEqual(client.auth_polkit(), 1)
        client.open()
        client.register(LIFECYCLE)
        self.polkit.pause()
        self.restart()
        name = client.create_xml(self.document())
        self.assertEqual(client.wait_event()[1:], (name, CREATED))
        client.destroy(name)

    def test_not_logged_in(self):
        client, _ = self.other(MEMBER)
        self.assertEqual(client.auth_list(), POLKIT)
        self.restart()
        self.assert_refused(libvirt.VIR_ERR_RPC, client.open, says='authentication required', domain=FROM_RPC)
        self.assertEqual(client.auth_polkit(), 1)
        client.open()
        self.assertIn('computer', client.list_all()[0])

    def test_asking(self):
        """The restart does not wait for polkit. The next daemon asks polkit, then handles the calls sent behind."""
        client, first = self.asking(MEMBER)
        second = client.send('OPEN', rpc.optional(None) + rpc.u32(0))
        with self.within(self.deadline / 2, 'the restart'):
            self.restart()
        self.assertEqual(len(self.store.fds(CLIENT)), 0)
        self.polkit.resume()
        self.assertEqual(client.wait_reply(first).decoder().i32(), 1)
        client.wait_reply(second).decoder().end()
        self.assertEqual([frame.serial for frame in client.frames if frame.type == rpc.REPLY], [first, second])
        self.assertIn('computer', client.list_all()[0])

    def test_refused(self):
        """A client that polkit refuses is refused by the next daemon."""
        client, first = self.asking(NOBODY)
        second = client.send('OPEN', rpc.optional(None) + rpc.u32(0))
        self.restart()
        self.polkit.resume()
        self.assert_error(client.wait_reply(first), NO_AGENT, domain=FROM_POLKIT)
        self.assert_error(client.wait_reply(second), libvirt.VIR_ERR_RPC, 'authentication required', FROM_RPC)

    def test_says_good_bye(self):
        """A client that sends nothing more is answered, and then disconnected."""
        client, serial = self.asking(MEMBER)
        client.socket.shutdown(rpc.socket.SHUT_WR)
        self.restart()
        self.polkit.resume()
        self.assertEqual(client.wait_reply(serial).decoder().i32(), 1)
        client.wait_closed()
