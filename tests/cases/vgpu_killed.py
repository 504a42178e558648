# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kills the daemon before each system call with which a call about a vGPU changes something, and checks what the next
daemon finds."""

import contextlib
import signal

import rpc
from kill_at import KillAt
from vgpu_test import VgpuTest

ONLY_ON = ('sim', 'the cards are simulated')
PARAMS = 'frame_rate_limiter=0'
ATTRS = [('nvidia/vgpu_params', PARAMS)]
MDEV, ACTIVE = 1 << 14, 1 << 31
ENOUGH = 100   # maximum number of points of one call
GONE = (ConnectionError, rpc.Closed)


class Killed(VgpuTest):
    """After each kill, the vGPU is complete or not there, and has its UUID."""

    def setUp(self):
        super().setUp()
        self.uuid = None
        self.points = []

    def fresh_client(self):
        client = rpc.Connection(self.daemon.rw_path, self.deadline)
        client.open()
        return client

    @property
    def name(self):
        return self.vgpu(self.function, self.uuid)

    def described(self):
        return self.vgpu_document(uuid=self.uuid, attrs=ATTRS)

    # Calls

    def create(self, client):
        client.create_xml(self.described())

    def create_on_card(self, client):
        client.create_xml(self.vgpu_document(uuid=self.uuid, attrs=ATTRS, parent=self.node(self.card)))

    def define(self, client):
        client.define_xml(self.described())

    def start(self, client):
        client.create(self.name)

    def destroy(self, client):
        client.destroy(self.name)

    def undefine(self, client):
        client.undefine(self.name)

    # One run

    def is_whole(self):
        return self.function.number == self.number and self.function.params == PARAMS

    def is_clear(self):
        return self.function.number == 0

    def call_and_see(self, call, client):
        """Returns whether the call was answered."""
        with contextlib.suppress(*GONE):
            call(client)
            # A daemon that is killed right after the answer is killed before this one's.
            client.get_lib_version()
            return True
        return False

    def check_survivor(self, goal, answered):
        """Checks the state and the lists of the daemon started after the kill."""
        self.host.wait_idle()
        self.daemon.start(self.config)
        self.wait_until(goal if answered else lambda: self.is_whole() or self.is_clear(), 'all or nothing')
        with self.fresh_client() as client:
            names = list(client.list_all(MDEV | ACTIVE)[0])
        self.assertEqual(names, [] if self.is_clear() else [self.name])

    def clean(self):
        with self.fresh_client() as client:
            if not self.is_clear():
                self.destroy(client)
            if self.definition_path(self.uuid, self.function.address).exists():
                self.undefine(client)
        self.assertTrue(self.is_clear())

    def killed_at(self, call, goal, before, number):
        """Returns the point at which the daemon was killed; None if the call completed before."""
        self.uuid = self.new_uuid()
        with self.fresh_client() as client:
            for prepare in before:
                prepare(client)
        watch = KillAt(self.daemon, number)
        with self.fresh_client() as client:
            try:
                watch.attach()
                answered = self.call_and_see(call, client)
            finally:
                watch.end()
        point = watch.killed()
        if point is None:
            self.points = [each.name for each in watch.calls()]
            self.assertTrue(goal())
            return None
        try:
            self.assertEqual(self.daemon.wait(), -signal.SIGKILL)
            self.check_survivor(goal, answered)
        except AssertionError as error:
            error.add_note(point)
            raise
        return point

    def check(self, call, goal, *before):
        for number in range(1, ENOUGH):
            point = self.killed_at(call, goal, before, number)
            self.clean()
            if point is None:
                break
        self.assertLessEqual({'write', 'sendto'}, set(self.points))
        self.assertEqual(self.card.traps, [])

    def test_create(self):
        self.check(self.create, self.is_whole)

    def test_create_on_card(self):
        self.check(self.create_on_card, self.is_whole)

    def test_start(self):
        self.check(self.start, self.is_whole, self.define)

    def test_destroy(self):
        self.check(self.destroy, self.is_clear, self.create)

    def test_define(self):
        self.check(self.define, self.is_clear)
