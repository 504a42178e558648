# SPDX-License-Identifier: LGPL-2.1-or-later
"""One user creates the maximum load, and other users are served in turns.

The assertions are counts: how much of one user's work runs when another user's begins, and how much of it is done.
"""

import contextlib
import os
import pathlib
import re
import select
import signal
import time

import libvirt

import rpc
from access import AccessTest, allow_all
from mediated_test import only_on, seldom_on
from polkit import OtherUser
from several_users import ALICE, BOB, OPEN_TO_ALL, SeveralUsersTest
from syscalls import Trace

REFUSAL = libvirt.VIR_ERR_RESOURCE_BUSY, libvirt.VIR_FROM_NODEDEV

# Concurrency limits of the daemon for one reader: jobs on one device, scripts, calls; jobs of one writer, and the
# length of the writer's queue.
JOBS, SCRIPTS, CALLS, WRITERS_JOBS, WAITING = 8, 4, 256, 12, 256
REQUESTS = 5   # concurrent calls of one client


class SharesTest(SeveralUsersTest):
    def crowd(self, uid, number, path=None):
        return [self.connect_as(uid, path) for _ in range(number)]

    def queue(self, what):
        """Returns {uid: (running, waiting)} from the log after a signal."""
        begin = 'State of the daemon:'
        before = self.daemon.log().count(begin)
        self.daemon.signal(signal.SIGUSR1)
        self.wait_until(lambda: self.daemon.log().count(begin) > before, 'counts in the log')
        # The log is complete when the next client is served.
        self.raw().disconnect()
        state = self.daemon.log().rpartition(begin)[2]
        found = re.search(rf'Queue of {what}: [^;\n]*(.*)$', state, re.M)
        return {int(uid): (int(running), int(waiting)) for uid, running, waiting in
                re.findall(r'; user (\d+): (\d+), (\d+)', found[1] if found else '')}

    def ask_for_dumps(self, clients, *names):
        """Each client requests the maximum number of documents; returns (client, serial) of all."""
        calls = []
        for client in clients:
            for number in range(REQUESTS):
                name = names[(len(calls) + number) % len(names)]
                calls.append((client, client.send('GET_XML_DESC', rpc.string(name) + rpc.u32(0))))
        return calls

    @staticmethod
    def count_replies(clients):
        """Returns how many clients have an unread reply."""
        return len(select.select([client.socket for client in clients], [], [], 0)[0])


@seldom_on('vm', 'turns do not depend on the kernel')
class Turns(SharesTest):
    """All clients of one user have calls that are answered from memory."""

    config = {'sockets': OPEN_TO_ALL}
    # Exceeds the number handled per turn of one client.
    messages = 20

    @contextlib.contextmanager
    def all_at_once(self):
        """A context whose calls are all available when the daemon continues."""
        self.daemon.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.daemon.signal(signal.SIGCONT)

    def fill(self, crowd):
        for client in crowd:
            for _ in range(self.messages):
                client.send('LOOKUP_BY_NAME', rpc.string('computer'))

    def count_before(self, trace, answer):
        """Counts the frames sent before the one with the answer."""
        sent = [call.arguments for call in trace.calls if call.sends_frames()]
        self.assertEqual(sum(answer in arguments for arguments in sent), 1)
        return next(number for number, arguments in enumerate(sent) if answer in arguments)

    def check_look_up(self, crowd, client):
        """Checks that the last client is served among the first, whatever the number of others."""
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            with self.all_at_once():
                self.fill(crowd)
                serial = client.send('LOOKUP_BY_NAME', rpc.string(self.parent.name))
            client.wait_reply(serial).decoder()
        self.assertLess(self.count_before(trace, self.parent.name), 25)

    def test_look_up(self):
        self.check_look_up(self.crowd(ALICE, 300), self.connect_as(BOB))

    def test_root_acting_for_users(self):
        """Turns belong to the user that root acts for."""
        crowd = self.crowd(0, 300, self.daemon.rw_path)
        for client in crowd:
            client.set_identity(rpc.param('unix-user-id', 'Q', ALICE))
        self.check_look_up(crowd, self.raw())

    def test_deadlines(self):
        """Calls that arrived in time are served, even if their turn comes after the timeout."""
        crowd, bob = self.crowd(ALICE, 300), self.connect_as(BOB)
        frame = bob.frame(rpc.PROCEDURES['LOOKUP_BY_NAME'], rpc.string(self.parent.name))
        with self.settings(limits={'frame_timeout': '1'}):
            bob.send_raw(frame[:10])
            # The daemon has read the half frame.
            self.assert_served(self.connect_as(BOB))
            passed = time.monotonic() + 1
            with self.all_at_once():
                self.fill(crowd)
                bob.send_raw(frame[10:])
                self.wait_until(lambda: time.monotonic() > passed, 'the end of the deadline')
            self.assertEqual(bob.wait_reply(1).decoder().string(), self.parent.name)

    @only_on('sim', 'a creation is held in the kernel')
    def test_create(self):
        """The call is completed in time, although all of Alice's clients connect after the kernel has created the
        device."""
        crowd, bob, uuid = self.crowd(ALICE, 300), self.connect_as(BOB, self.daemon.rw_path), self.new_uuid()
        self.host.set_knob(self.parent, 'block_create', True)
        document = self.document(uuid=uuid)
        serial = bob.send('CREATE_XML', rpc.string(document) + rpc.u32(0))
        self.wait_until(lambda: uuid in self.host.fake(self.parent).children, 'the device')
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            with self.all_at_once():
                self.fill(crowd)
                self.host.set_knob(self.parent, 'block_create', False)
            name = bob.wait_reply(serial).decoder().string()
        # Meanwhile, the worker and the main loop read the device.
        self.assertLess(self.count_before(trace, name), len(crowd) * self.messages // 8)


@only_on('sim', 'what a driver is asked is counted')
class Drivers(SharesTest):
    """All readers of one user request the document of a device with a hung driver."""

    config = {'sockets': OPEN_TO_ALL}

    def setUp(self):
        super().setUp()
        self.driver = self.host.fake(self.parent)
        self.host.set_knob(self.parent, 'block_available', True)
        # A document of a parent reads the room of each type.
        self.questions = len(self.driver.types)

    def wait_stuck(self, number):
        """Waits until this number of documents is being built."""
        with self.host.kernel.state:
            self.assertTrue(self.host.kernel.state.wait_for(
                lambda: self.driver.asked_in_vain >= number, self.deadline))
            self.assertEqual(self.driver.asked_in_vain, number)

    def go_on(self):
        self.host.set_knob(self.parent, 'block_available', False)

    def test_documents(self):
        calls = self.ask_for_dumps(self.crowd(ALICE, 50), self.parent.name)
        self.wait_stuck(JOBS)
        self.wait_until(lambda: self.queue('calls')[ALICE] == (50 * REQUESTS, 0), 'all calls')
        # A connection of root for a user uses the share of that user.
        bob = self.raw(path=self.daemon.ro_path)
        bob.set_identity(rpc.param('unix-user-id', 'Q', BOB))
        others = [(bob, bob.send('GET_XML_DESC', rpc.string(self.parent.name) + rpc.u32(0)))]
        self.wait_stuck(JOBS + 1)
        root = self.raw()
        others.append((root, root.send('GET_XML_DESC', rpc.string(self.parent.name) + rpc.u32(0))))
        self.wait_stuck(JOBS + 2)
        # Create and define do not wait for documents.
        self.create().destroy()
        uuid = self.new_uuid()
        self.define(uuid=uuid, type_id=self.short_type())
        self.assertEqual(self.read_definition(uuid)['mdev_type'], self.type_id)
        self.go_on()
        for client, serial in others + calls:
            self.assertIn(self.parent.name, client.wait_reply(serial).decoder().string())
        # The running documents, one shared by all waiting calls of Alice, and one for each other user.
        self.assertEqual(self.driver.asked, (JOBS + 3) * self.questions)

    def test_users_without_a_uid(self):
        """Users of virtproxyd over the network, who are known by name only, have shares of their own."""
        crowd = self.crowd(0, 22, self.daemon.ro_path)
        others = [(crowd.pop(), rpc.param(field, 's', 'jane'))
                  for field in ('sasl-user-name', 'x509-distinguished-name')]
        for client in crowd:
            client.set_identity(rpc.param('sasl-user-name', 's', 'fred'))
        calls = self.ask_for_dumps(crowd, self.parent.name)
        self.wait_stuck(JOBS)
        for number, (client, name) in enumerate(others, 1):
            client.set_identity(name)
            calls.append((client, client.send('GET_XML_DESC', rpc.string(self.parent.name) + rpc.u32(0))))
            self.wait_stuck(JOBS + number)
        self.go_on()
        for client, serial in calls:
            client.wait_reply(serial).decoder()

    def short_type(self):
        """Returns the suffix of a type, which only the parent can resolve."""
        return self.type_id.rpartition('-')[2]

    def test_no_worker(self):
        """A definition is refused if the lookup of its type cannot run."""
        self.ask_for_dumps(self.crowd(ALICE, 3, self.daemon.rw_path), self.parent.name)
        self.wait_stuck(WRITERS_JOBS)
        calls = []
        for client in self.crowd(ALICE, 60, self.daemon.rw_path):
            for _ in range(REQUESTS):
                document = self.document(uuid=self.new_uuid(), type_id=self.short_type())
                calls.append((client, client.send('DEFINE_XML', rpc.string(document) + rpc.u32(0))))
        self.wait_until(lambda: self.queue('calls').get(ALICE, (0, 0))[0] <= 3 * REQUESTS + WAITING - 1,
                        'refusals')
        self.go_on()
        errors = [error for client, serial in calls
                  if (error := client.wait_reply(serial).error()) is not None]
        self.assertEqual({(error.code, error.domain) for error in errors}, {REFUSAL})
        # All calls for the same document share one entry in the queue.
        self.assertEqual(len(errors), len(calls) - (WAITING - 1))
        types = {self.read_definition(path.name)['mdev_type']
                 for path in (self.daemon.definitions / self.parent.address).iterdir()}
        self.assertEqual(types, {self.type_id})

    def test_disconnect(self):
        """Waiting calls of clients that disconnect are dropped."""
        crowd = self.crowd(ALICE, 10)
        self.ask_for_dumps(crowd, self.parent.name)
        self.wait_stuck(JOBS)
        for client in crowd:
            client.disconnect()
        self.wait_until(lambda: self.queue('calls') == {}, 'no calls')
        self.go_on()
        self.assertIn(self.parent.name, self.raw().get_xml(self.parent.name))
        self.wait_until(lambda: self.queue('operations on the device') == {}, 'the end of all jobs')
        self.assertEqual(self.driver.asked, (JOBS + 1) * self.questions)

    def test_calls(self):
        """Calls of one user above the limit wait; calls of other users do not."""
        crowd = self.crowd(ALICE, 60)
        calls = self.ask_for_dumps(crowd, self.parent.name)
        self.wait_until(lambda: self.queue('calls').get(ALICE) == (CALLS, len(calls) - CALLS),
                        'those that run and those that wait')
        self.assertIn(self.host.parents()[1].name, self.connect_as(BOB).get_xml(
            self.host.parents()[1].name))
        self.assertEqual(self.connect_as(ALICE).look_up('computer'), 'computer')
        self.go_on()
        for client, serial in calls:
            self.assertIn(self.parent.name, client.wait_reply(serial).decoder().string())
        self.assertEqual(self.queue('calls'), {})


@seldom_on('vm', 'scripts are processes like any other', keeps=('test_one_client_keeps_waiting',))
class Scripts(SharesTest):
    """All readers of one user request attributes from a hung script."""

    def setUp(self):
        super().setUp()
        self.record = self.daemon.directory / 'record'
        self.record.touch()
        self.gate = self.daemon.directory / 'gate'
        self.devices = [self.create().name() for _ in range(6)]
        os.mkfifo(self.gate)
        # Open for writing, so that readers block.
        self.held = os.open(self.gate, os.O_RDWR)
        self.addCleanup(self.go_on)
        script = self.daemon.scripts / 'callouts/10-test.sh'
        script.parent.mkdir(parents=True, exist_ok=True)
        # Arguments: -t type -e event -a action -s state -u uuid -p parent
        script.write_text('#!/bin/sh\n'
                          '[ $6 = capabilities ] && exit 1\n'
                          f'echo "$6 $$" >>{self.record}\n'
                          f'[ $6 = attributes ] && cat {self.gate} && echo "[]"\n'
                          'exit 0\n', encoding='ascii')
        script.chmod(0o755)

    def go_on(self):
        """Ends the waiting scripts; later scripts do not wait."""
        if self.held is not None:
            self.gate.unlink()
            self.gate.touch()
            os.close(self.held)
        self.held = None

    def begun(self, action='attributes'):
        """Returns the pids of the started scripts."""
        lines = [line.split() for line in self.record.read_text(encoding='ascii').splitlines()]
        return [int(pid) for what, pid in lines if what == action]

    def wait_begun(self, number):
        self.wait_until(lambda: len(self.begun()) >= number, 'scripts')
        self.assertEqual(len(self.begun()), number)

    def test_other_users(self):
        calls = self.ask_for_dumps(self.crowd(ALICE, 40), *self.devices)
        self.wait_begun(SCRIPTS)
        self.wait_until(lambda: self.queue('calls')[ALICE] == (40 * REQUESTS, 0), 'all calls')
        # Root's scripts around a create, and those of another reader, do not wait.
        self.create().destroy()
        self.assertEqual(len(self.begun('start')), 2)
        bob = self.connect_as(BOB)
        serial = bob.send('GET_XML_DESC', rpc.string(self.devices[0]) + rpc.u32(0))
        self.wait_begun(SCRIPTS + 1)
        self.go_on()
        for client, number in [(bob, serial), *calls]:
            self.assertIn('<device>', client.wait_reply(number).decoder().string())
        # The running scripts, and one more for each device, shared by all waiting calls.
        self.assertLessEqual(len(self.begun()), SCRIPTS + 1 + len(self.devices))

    def test_disconnect(self):
        """Scripts of clients that disconnect are killed, and waiting ones are not started."""
        crowd = self.crowd(ALICE, 10)
        self.ask_for_dumps(crowd, *self.devices)
        self.wait_begun(SCRIPTS)
        pids = self.begun()
        for client in crowd:
            client.disconnect()
        self.wait_until(lambda: not any(pathlib.Path(f'/proc/{pid}').exists() for pid in pids),
                        'their end')
        self.wait_until(lambda: self.queue('scripts') == {}, 'the end of all others')
        self.create().destroy()
        # Clients disconnect one at a time: a slot may have passed to the next client.
        begun = self.begun()
        self.assertLessEqual(len(begun), SCRIPTS + len(self.devices))
        self.assertFalse(any(pathlib.Path(f'/proc/{pid}').exists() for pid in begun))

    def test_one_client_keeps_waiting(self):
        """A shared script continues while one client waits for it."""
        first, second, stays = self.crowd(ALICE, 3)
        calls = []
        for client in (first, second, stays):
            calls.append(client.send('GET_XML_DESC', rpc.string(self.devices[0]) + rpc.u32(0)))
            if client is first:
                self.wait_begun(1)
        self.wait_until(lambda: self.queue('calls')[ALICE][0] == 3, 'all calls')
        for client in (first, second):
            client.disconnect()
        self.wait_until(lambda: self.queue('calls')[ALICE][0] == 1, 'one call')
        self.go_on()
        self.assertIn('<device>', stays.wait_reply(calls[2]).decoder().string())


@seldom_on('vm', 'questions to polkit do not depend on the kernel')
class Questions(AccessTest):
    """Each call of one user requires a polkit check."""

    config = {'sockets': OPEN_TO_ALL,
              'access': {'access_drivers': 'polkit'}}
    rules = allow_all('getattr')

    def acting(self, user):
        client = self.raw()
        client.set_identity(rpc.param('unix-user-id', 'Q', user.uid),
                            rpc.param('process-id', 'q', user.pid),
                            rpc.param('process-time', 'Q', user.start_time()))
        return client

    def user(self, name):
        user = OtherUser(name, self.daemon.rw_path)
        self.addCleanup(user.close)
        return user

    def test_other_users(self):
        nobody, other = self.user('nobody'), self.user('daemon')
        crowd = [self.acting(nobody) for _ in range(100)]
        victim = self.acting(other)
        self.polkit.pause()
        for client in crowd:
            client.send('LOOKUP_BY_NAME', rpc.string('computer'))
        # The daemon receives this after all calls of the crowd.
        self.assertEqual(self.raw().look_up('computer'), 'computer')
        serial = victim.send('LOOKUP_BY_NAME', rpc.string('computer'))
        self.assertEqual(self.raw().look_up('computer'), 'computer')
        self.polkit.authority.send_signal(signal.SIGCONT)
        victim.wait_reply(serial).decoder()
        served = SharesTest.count_replies(crowd)
        self.assertLess(served, len(crowd) // 2)
        for client in crowd:
            client.wait_reply(client.serial)
