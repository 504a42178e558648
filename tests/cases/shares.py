# SPDX-License-Identifier: LGPL-2.1-or-later
"""One user who asks for all that he may keeps nobody else from being served."""

import fcntl
import json
import os
import shlex

import libvirt

import rpc
from callouts import SUPPORTED
from mediated_test import only_on
from several_users import ALICE, BOB, SeveralUsersTest

# What the daemon lets one reader run at a time (util/script.h).
SCRIPTS_PER_READER = 4

# Calls of one client under way ([limits] max_client_requests).
CALLS = 5


class SharesTest(SeveralUsersTest):
    def flood(self, uid, count, name):
        """Readers of a user who want as many documents of a device as they may."""
        clients = [self.come(uid) for _ in range(count)]
        return [(client, self.ask(client, name)) for client in clients for _ in range(CALLS)]

    @staticmethod
    def ask(client, name):
        return client.send('GET_XML_DESC', rpc.string(name) + rpc.u32(0))


class Scripts(SharesTest):
    """The scripts that know the attributes of a device wait until the test lets them go on."""

    def setUp(self):
        super().setUp()
        self.name = self.create().name()
        self.pids = self.daemon.directory / 'pids'
        self.pids.touch()
        lock = self.daemon.directory / 'lock'
        self.gate = open(lock, 'w', encoding='ascii')  # pylint: disable=consider-using-with
        self.addCleanup(self.gate.close)
        fcntl.flock(self.gate, fcntl.LOCK_EX)
        self.install(f'[ "$6" = attributes ] || exit 0\n'
                     f'echo $$ >> {shlex.quote(str(self.pids))}\n'
                     f'flock -s {shlex.quote(str(lock))} echo {shlex.quote(json.dumps([]))}\n')

    def install(self, body):
        path = self.daemon.scripts / 'callouts' / '10-gate.sh'
        path.parent.mkdir(parents=True)
        path.write_text('#!/bin/sh\n'
                        f"[ \"$6\" = capabilities ] && echo '{json.dumps(SUPPORTED)}' && exit 0\n"
                        f'{body}', encoding='ascii')
        path.chmod(0o755)

    def begun(self):
        return [int(pid) for pid in self.pids.read_text(encoding='ascii').split()]

    def running(self):
        return [pid for pid in self.begun() if os.path.exists(f'/proc/{pid}')]

    def wait_begun(self, count):
        self.wait_until(lambda: len(self.begun()) >= count, f'{count} scripts')
        self.assertEqual(len(self.begun()), count)

    def test_flood(self):
        self.flood(ALICE, 30, self.name)
        self.wait_begun(SCRIPTS_PER_READER)

        # The others need not wait for any of those hundreds.
        served = []
        for number, client in enumerate((self.raw(), self.come(BOB)), 1):
            served.append((client, self.ask(client, self.name)))
            self.wait_begun(SCRIPTS_PER_READER + number)
        created = self.create()
        self.assertEqual(created.isActive(), 1)

        fcntl.flock(self.gate, fcntl.LOCK_UN)
        for client, serial in served:
            self.assertIn(self.name, client.wait_reply(serial).decoder().string())

    def test_who_has_left(self):
        """Nothing goes on for those who are not there to hear of it, and nothing begins."""
        flood = self.flood(ALICE, 10, self.name)
        self.wait_begun(SCRIPTS_PER_READER)
        root = self.raw()
        serial = self.ask(root, self.name)
        self.wait_begun(SCRIPTS_PER_READER + 1)
        roots = self.begun()[-1:]
        for client in {client for client, _ in flood}:
            client.disconnect()
        self.wait_until(lambda: self.running() == roots, 'the end of their scripts')
        begun = self.begun()
        fcntl.flock(self.gate, fcntl.LOCK_UN)
        self.assertIn(self.name, root.wait_reply(serial).decoder().string())
        self.assertEqual(self.begun(), begun)


@only_on('sim', 'the driver of the virtual machine answers for its instances at once')
class Driver(SharesTest):
    def test_flood(self):
        """More questions to a driver than may wait: whoever asks too much is refused, nobody else."""
        self.host.set_knob(self.parent, 'block_available', True)
        flood = self.flood(ALICE, 250, self.parent.name)
        self.host.wait_available_stuck(self.parent)

        # A refusal is an answer, and each of these comes in the order of asking.
        refused = [client.wait_reply(serial).error() for client, serial in flood[-CALLS:]]
        self.assertEqual({error.code for error in refused}, {libvirt.VIR_ERR_RESOURCE_BUSY})

        root, bob = self.raw(), self.come(BOB)
        served = [(client, self.ask(client, self.parent.name)) for client in (root, bob)]
        uuid = self.new_uuid()
        short = self.type_id.rpartition('-')[2]
        self.define(uuid=uuid, type_id=short)
        self.assertEqual(self.read_definition(uuid)['mdev_type'], self.type_id)
        self.create()

        self.host.set_knob(self.parent, 'block_available', False)
        for client, serial in served:
            self.assertIn(self.parent.name, client.wait_reply(serial).decoder().string())
