# SPDX-License-Identifier: LGPL-2.1-or-later
"""Before the list of devices is complete: signals, clients that connect and disconnect, failure."""

import contextlib
import os
import resource
import signal

import hosts
import pci
import rpc
from mediated_test import MediatedTest, only_on

DETAILS = '<attribute name='
# The list takes dozens of turns of the main loop.
FUNCTIONS = 256
# Descriptors that the daemon has open at all times.
FILES = 6


@only_on('sim', 'a real kernel does not hold the daemon in its start')
class Start(MediatedTest):
    """The daemon listens, and is blocked before it scans devices."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        # Warnings are expected here.
        self.daemon.environment.pop('G_DEBUG', None)
        root = hosts.add_root(self.host.kernel, 'pci0001:00')
        for number in range(FUNCTIONS):
            pci.add(self.host.kernel.sysfs, root, pci.Function(
                f'0001:00:{number // 8:02x}.{number % 8}', 0x8086, 0x10ed, 0x020000))
        self.hold = contextlib.ExitStack()
        self.addCleanup(self.hold.close)

    def start_held(self, *arguments):
        self.hold.enter_context(self.host.hold_start())
        self.daemon.start(self.config, *arguments)
        self.wait_until(lambda: self.host.kernel.held_by_seqnum, 'the daemon that is held')

    def release(self):
        self.hold.close()

    def ask(self):
        """Sends two calls for all devices; returns the client and their serials."""
        client = self.raw(opened=False)
        return (client,
                client.send('OPEN', rpc.optional('nodedev:///system') + rpc.u32(0)),
                client.send('LIST_ALL', rpc.i32(1) + rpc.u32(0)))

    def assert_ended_well(self, *others):
        """Checks that the daemon has ended in an orderly way and can be started again."""
        self.assertIn(self.daemon.wait(), (0, *others))
        self.assertEqual(os.listdir(self.daemon.socket_dir), [])
        self.daemon.start(self.config)
        self.assertIn('computer', self.names())

    def test_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                self.start_held()
                self.daemon.signal(number)
                self.release()
                self.assert_ended_well()
                self.first_connection.close()
                self.first_connection = None
                self.daemon.stop()
        self.daemon.start(self.config)

    def test_end_at_once(self):
        """A second signal ends the daemon without waiting for clients."""
        self.start_held()
        client, opened, _ = self.ask()
        self.release()
        client.wait_reply(opened)
        self.daemon.signal(signal.SIGTERM)
        self.daemon.signal(signal.SIGINT)
        client.wait_closed()
        # The daemon may exit before the second signal.
        self.assert_ended_well(-signal.SIGINT)

    def test_end_while_a_client_waits(self):
        """A waiting client gets the complete list before the daemon exits."""
        self.start_held()
        client, opened, listed = self.ask()
        self.release()
        client.wait_reply(opened)
        self.daemon.signal(signal.SIGTERM)
        names = client.wait_reply(listed).decoder().strings()
        client.wait_closed()
        self.assert_ended_well()
        self.assertEqual(sorted(names), self.names())

    def test_disconnected_client(self):
        self.start_held('--timeout=2')
        gone, _, _ = self.ask()
        client, _, listed = self.ask()
        gone.disconnect()
        self.release()
        self.assertIn('computer', client.wait_reply(listed).decoder().strings())
        client.disconnect()
        # Clients that have disconnected do not count.
        self.assert_ended_well()

    def test_reload(self):
        """Reloads during the start are not lost."""
        self.start_held()
        client, opened, _ = self.ask()
        self.daemon.write_config({**self.config, 'xml': {'details': 'false'}})
        for _ in range(10):
            self.daemon.signal(signal.SIGHUP)
        self.release()
        client.wait_reply(opened)
        self.wait_until(lambda: 'Configuration reloaded' in self.daemon.log(), 'the reload')
        self.assertNotIn(DETAILS, client.get_xml(self.parent.name))

    def test_reload_and_end(self):
        self.start_held()
        self.daemon.signal(signal.SIGHUP)
        self.daemon.signal(signal.SIGTERM)
        self.release()
        self.assert_ended_well()

    def test_failure(self):
        """If no file can be opened, the daemon reports it and exits, and the waiting client is disconnected."""
        self.start_held()
        client, _, _ = self.ask()
        pid = self.daemon.process.pid
        # Lower than all descriptors that the daemon closes, whose numbers it could reuse.
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (FILES, FILES))
        self.release()
        client.wait_closed()
        self.assertEqual(self.daemon.wait(), 1)
        self.assertIn('Unable to watch directories', self.daemon.log())
        self.assertEqual(os.listdir(self.daemon.socket_dir), [])
        self.daemon.start(self.config)
