# SPDX-License-Identifier: LGPL-2.1-or-later
"""One user does his worst, and others are served in their turn.

What is asserted are counts: how much of one user's work runs while another's is begun, and how much of it is done.
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
from mediated_test import only_on
from polkit import OtherUser
from several_users import ALICE, BOB, OPEN_TO_ALL, SeveralUsersTest
from syscalls import Trace

REFUSAL = libvirt.VIR_ERR_RESOURCE_BUSY, libvirt.VIR_FROM_NODEDEV

# What the daemon does at once for one reader: jobs on one device, scripts, calls; jobs for one writer, and how many
# of those may wait.
JOBS, SCRIPTS, CALLS, WRITERS_JOBS, WAITING = 8, 4, 256, 12, 256
REQUESTS = 5   # calls of one client under way


class SharesTest(SeveralUsersTest):
    def crowd(self, uid, number, path=None):
        return [self.come(uid, path) for _ in range(number)]

    def queue(self, what):
        """{uid: (running, waiting)} as the daemon tells its operator."""
        begin = 'State of the daemon:'
        before = self.daemon.log().count(begin)
        self.daemon.signal(signal.SIGUSR1)
        self.wait_until(lambda: self.daemon.log().count(begin) > before, 'counts in the log')
        # Nobody is answered in the middle of it.
        self.raw().disconnect()
        state = self.daemon.log().rpartition(begin)[2]
        found = re.search(rf'Queue of {what}: [^;\n]*(.*)$', state, re.M)
        return {int(uid): (int(running), int(waiting)) for uid, running, waiting in
                re.findall(r'the user (\d+): (\d+), (\d+)', found[1] if found else '')}

    def ask_for_dumps(self, clients, *names):
        """Each client asks for as many documents as it may at once; returns (client, serial) of all."""
        calls = []
        for client in clients:
            for number in range(REQUESTS):
                name = names[(len(calls) + number) % len(names)]
                calls.append((client, client.send('GET_XML_DESC', rpc.string(name) + rpc.u32(0))))
        return calls

    @staticmethod
    def count_replies(clients):
        """How many have an answer that they have not read."""
        return len(select.select([client.socket for client in clients], [], [], 0)[0])


class Turns(SharesTest):
    """One user's clients all have something to say that is answered from memory."""

    config = {'sockets': OPEN_TO_ALL}
    # More than are handed out to one client in its turn.
    messages = 20

    @contextlib.contextmanager
    def all_at_once(self):
        """What is sent within is there when the daemon goes on."""
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
        """Times that frames were sent before the one with the answer."""
        sent = [call.arguments for call in trace.calls if call.sends_frames()]
        self.assertEqual(sum(answer in arguments for arguments in sent), 1)
        return next(number for number, arguments in enumerate(sent) if answer in arguments)

    def check_look_up(self, crowd, client):
        """The last to come is among the first to be served, whatever the number of the others."""
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            with self.all_at_once():
                self.fill(crowd)
                serial = client.send('LOOKUP_BY_NAME', rpc.string(self.parent.name))
            client.wait_reply(serial).decoder()
        self.assertLess(self.count_before(trace, self.parent.name), 25)

    def test_look_up(self):
        self.check_look_up(self.crowd(ALICE, 300), self.come(BOB))

    def test_root_acting_for_users(self):
        """Turns are those of the user who is acted for."""
        crowd = self.crowd(0, 300, self.daemon.rw_path)
        for client in crowd:
            client.set_identity(rpc.param('unix-user-id', 'Q', ALICE))
        self.check_look_up(crowd, self.raw())

    def test_deadlines(self):
        """What has come in time counts, even if its turn comes later."""
        crowd, bob = self.crowd(ALICE, 300), self.come(BOB)
        frame = bob.frame(rpc.PROCEDURES['LOOKUP_BY_NAME'], rpc.string(self.parent.name))
        with self.settings(limits={'frame_timeout': '1'}):
            bob.send_raw(frame[:10])
            # Its half frame has been read.
            self.assert_served(self.come(BOB))
            passed = time.monotonic() + 1
            with self.all_at_once():
                self.fill(crowd)
                bob.send_raw(frame[10:])
                self.wait_until(lambda: time.monotonic() > passed, 'the end of the deadline')
            self.assertEqual(bob.wait_reply(1).decoder().string(), self.parent.name)

    @only_on('sim', 'a creation is held in the kernel')
    def test_create(self):
        """The kernel has made the device, and all of Alice's clients have come by then."""
        crowd, bob, uuid = self.crowd(ALICE, 300), self.come(BOB, self.daemon.rw_path), self.new_uuid()
        self.host.set_knob(self.parent, 'block_create', True)
        document = self.document(uuid=uuid)
        serial = bob.send('CREATE_XML', rpc.string(document) + rpc.u32(0))
        self.wait_until(lambda: uuid in self.host.fake(self.parent).children, 'the device')
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            with self.all_at_once():
                self.fill(crowd)
                self.host.set_knob(self.parent, 'block_create', False)
            name = bob.wait_reply(serial).decoder().string()
        # The worker and the main loop look at the device meanwhile.
        self.assertLess(self.count_before(trace, name), len(crowd) * self.messages // 8)


@only_on('sim', 'what a driver is asked is counted')
class Drivers(SharesTest):
    """All readers of one user ask for the document of a device whose driver hangs."""

    config = {'sockets': OPEN_TO_ALL}

    def setUp(self):
        super().setUp()
        self.driver = self.host.fake(self.parent)
        self.host.set_knob(self.parent, 'block_available', True)
        # A document of a parent asks for the room of each of its types.
        self.questions = len(self.driver.types)

    def wait_stuck(self, number):
        """So many documents are being made."""
        with self.host.kernel.state:
            self.assertTrue(self.host.kernel.state.wait_for(
                lambda: self.driver.asked_in_vain >= number, self.deadline))
            self.assertEqual(self.driver.asked_in_vain, number)

    def go_on(self):
        self.host.set_knob(self.parent, 'block_available', False)

    def test_others_are_next_and_equal_documents_are_one(self):
        calls = self.ask_for_dumps(self.crowd(ALICE, 50), self.parent.name)
        self.wait_stuck(JOBS)
        self.wait_until(lambda: self.queue('calls')[ALICE] == (50 * REQUESTS, 0), 'all calls')
        # A client of root's who acts for somebody uses that one's share.
        bob = self.raw(path=self.daemon.ro_path)
        bob.set_identity(rpc.param('unix-user-id', 'Q', BOB))
        others = [(bob, bob.send('GET_XML_DESC', rpc.string(self.parent.name) + rpc.u32(0)))]
        self.wait_stuck(JOBS + 1)
        root = self.raw()
        others.append((root, root.send('GET_XML_DESC', rpc.string(self.parent.name) + rpc.u32(0))))
        self.wait_stuck(JOBS + 2)
        # Creation and definition wait for none of them.
        self.create().destroy()
        uuid = self.new_uuid()
        self.define(uuid=uuid, type_id=self.short_type())
        self.assertEqual(self.read_definition(uuid)['mdev_type'], self.type_id)
        self.go_on()
        for client, serial in others + calls:
            self.assertIn(self.parent.name, client.wait_reply(serial).decoder().string())
        # Those that ran, one for all of Alice's that waited, and one for each of the others.
        self.assertEqual(self.driver.asked, (JOBS + 3) * self.questions)

    def test_users_without_a_uid(self):
        """Users of the network, of whom virtproxyd only tells the names, have shares of their own, too."""
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
        """What only the parent can make a type of."""
        return self.type_id.rpartition('-')[2]

    def test_no_worker_is_no_reason_to_guess(self):
        """A definition whose type nobody can look up is refused."""
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
        # One of those that wait is the document of those that have asked for it together.
        self.assertEqual(len(errors), len(calls) - (WAITING - 1))
        types = {self.read_definition(path.name)['mdev_type']
                 for path in (self.daemon.definitions / self.parent.address).iterdir()}
        self.assertEqual(types, {self.type_id})

    def test_clients_that_go(self):
        """What has not begun for them is not done."""
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
        """More calls than one user may have wait, those of others do not."""
        crowd = self.crowd(ALICE, 60)
        calls = self.ask_for_dumps(crowd, self.parent.name)
        self.wait_until(lambda: self.queue('calls').get(ALICE) == (CALLS, len(calls) - CALLS),
                        'those that run and those that wait')
        self.assertIn(self.host.parents()[1].name, self.come(BOB).get_xml(
            self.host.parents()[1].name))
        self.assertEqual(self.come(ALICE).look_up('computer'), 'computer')
        self.go_on()
        for client, serial in calls:
            self.assertIn(self.parent.name, client.wait_reply(serial).decoder().string())
        self.assertEqual(self.queue('calls'), {})


class Scripts(SharesTest):
    """All readers of one user ask for attributes that a script tells, and it hangs."""

    def setUp(self):
        super().setUp()
        self.record = self.daemon.directory / 'record'
        self.record.touch()
        self.gate = self.daemon.directory / 'gate'
        self.devices = [self.create().name() for _ in range(6)]
        os.mkfifo(self.gate)
        # Open, so that those who read from it wait.
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
        """Those that wait end, and no other waits any more."""
        if self.held is not None:
            self.gate.unlink()
            self.gate.touch()
            os.close(self.held)
        self.held = None

    def begun(self, action='attributes'):
        """Processes of the scripts that have begun."""
        lines = [line.split() for line in self.record.read_text(encoding='ascii').splitlines()]
        return [int(pid) for what, pid in lines if what == action]

    def wait_begun(self, number):
        self.wait_until(lambda: len(self.begun()) >= number, 'scripts')
        self.assertEqual(len(self.begun()), number)

    def test_others_are_next(self):
        calls = self.ask_for_dumps(self.crowd(ALICE, 40), *self.devices)
        self.wait_begun(SCRIPTS)
        self.wait_until(lambda: self.queue('calls')[ALICE] == (40 * REQUESTS, 0), 'all calls')
        # Root's scripts around a creation, and another reader's, wait for none of them.
        self.create().destroy()
        self.assertEqual(len(self.begun('start')), 2)
        bob = self.come(BOB)
        serial = bob.send('GET_XML_DESC', rpc.string(self.devices[0]) + rpc.u32(0))
        self.wait_begun(SCRIPTS + 1)
        self.go_on()
        for client, number in [(bob, serial), *calls]:
            self.assertIn('<device>', client.wait_reply(number).decoder().string())
        # Those that ran, and one more for each device that all others have joined.
        self.assertLessEqual(len(self.begun()), SCRIPTS + 1 + len(self.devices))

    def test_clients_that_go(self):
        """Their scripts are killed, and those that wait are not run."""
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
        # Clients go one after the other: some may have begun for the next one.
        begun = self.begun()
        self.assertLessEqual(len(begun), SCRIPTS + len(self.devices))
        self.assertFalse(any(pathlib.Path(f'/proc/{pid}').exists() for pid in begun))

    def test_one_of_them_stays(self):
        """Somebody still waits for what they have asked for together."""
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


class Questions(AccessTest):
    """One user has polkit asked about each of his calls."""

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

    def test_others_are_next(self):
        nobody, other = self.user('nobody'), self.user('daemon')
        crowd = [self.acting(nobody) for _ in range(100)]
        victim = self.acting(other)
        self.polkit.pause()
        for client in crowd:
            client.send('LOOKUP_BY_NAME', rpc.string('computer'))
        # Whatever comes after this has been handed to the daemon after all of theirs.
        self.assertEqual(self.raw().look_up('computer'), 'computer')
        serial = victim.send('LOOKUP_BY_NAME', rpc.string('computer'))
        self.assertEqual(self.raw().look_up('computer'), 'computer')
        self.polkit.authority.send_signal(signal.SIGCONT)
        victim.wait_reply(serial).decoder()
        served = SharesTest.count_replies(crowd)
        self.assertLess(served, len(crowd) // 2)
        for client in crowd:
            client.wait_reply(client.serial)
