# SPDX-License-Identifier: LGPL-2.1-or-later
"""The cost of a call in system calls, hand-overs to a thread and turns of the main loop: exact upper bounds,
independent of the machine.

One client waits for each answer. The calls of the test bed are not counted, nor those that libraries make in their own
way: memory, locks, and libudev's receives. `fstat` is a different system call in other versions of the C library, and
is not counted either. Documents are in costs.py.
"""

import collections
import re
import time

from mediated_test import MediatedTest, only_on
from syscalls import Trace

SIMULATED = 'what the test bed adds to the system calls is known of a simulated host'
# Several, so that rare calls do not count for each call.
CALLS = 10
LOOKING = {'openat', 'newfstatat', 'readlinkat', 'getdents64', 'read'}
KEEPING = {'write', 'fsync', 'fchmod', 'renameat', 'unlinkat', 'mkdir', 'mkdirat'}
WAKE_UP, CHANGES = '[eventfd]', ':inotify>'
# A stat of an open file.
NOT_COUNTED = ', "",'
LOG = re.compile(r'^2<')
# A write to sysfs, as sent to the simulated kernel.
WRITES_SYSFS = re.compile(r'^\d+<[^>]*>, "w\\0')
# The main loop polls many descriptors; libudev polls only its socket.
TURN = re.compile(r'\{fd=.*\{fd=')
# Counted: files examined, files changed, writes to sysfs, frames sent, lines logged, and wake-ups of the main loop, one
# per hand-over to a thread.
COUNTED = ('looks', 'writes', 'sysfs', 'sent', 'logged', 'wake_ups')


def classify(call):
    """Returns the kind of a system call; None: not counted."""
    if call.name in ('poll', 'ppoll'):
        return 'turns' if TURN.search(call.arguments) else None
    if call.sends_frames():
        return 'sent'
    if call.name == 'sendto':
        return 'sysfs' if WRITES_SYSFS.match(call.arguments) else None
    if call.name == 'recvmsg':
        return 'events'
    if call.name == 'recvmmsg':
        return 'kernel'
    if call.name == 'newfstatat' and NOT_COUNTED in call.arguments:
        return None
    if call.name == 'read':
        return 'events' if CHANGES in call.arguments else None if WAKE_UP in call.arguments else 'looks'
    if call.name == 'write' and LOG.match(call.arguments):
        return 'logged'
    if call.name == 'write' and WAKE_UP in call.arguments:
        return 'wake_ups'
    return 'looks' if call.name in LOOKING else 'writes' if call.name in KEEPING else None


class Counted(MediatedTest):
    def check(self, functions, **bounds):
        """Checks that one call of each function costs at most this much on average; returns the results.

        A turn of the main loop serves the call, a thread that wakes it, or an event of udev or of a directory. Events
        may share a turn or not. A turn begun before the trace may end in it. Between two polls of kernel uevents there
        is one turn for a timer; KernelEvents checks the frequency of polls.
        """
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            results = [function() for function in functions]
        counts = collections.Counter(classify(call) for call in trace.calls)
        for name in COUNTED:
            self.assertLessEqual(counts[name], bounds.get(name, 0) * len(functions), (name, counts))
        self.assertLessEqual(counts['turns'], len(functions) + counts['wake_ups'] + counts['events'] +
                             2 * counts['kernel'] + 2, counts)
        return results


@only_on('sim', SIMULATED)
class Changes(Counted):
    def create_and_destroy(self, sent):
        """The first device is created beforehand, because more is read for the first of a kind."""
        self.create().destroy()
        devices = self.check([self.create] * CALLS, looks=12, sysfs=1, sent=sent, logged=1, wake_ups=1)
        self.check([device.destroy for device in devices], looks=10, sysfs=1, sent=sent, logged=1, wake_ups=1)

    def test_create_and_destroy(self):
        self.create_and_destroy(sent=1)

    def test_with_a_subscriber(self):
        """The subscriber receives the event of the device, and the update of its parent."""
        self.listen()
        self.create_and_destroy(sent=3)

    def test_definitions(self):
        """A definition is read back once, although the directory's watch reports it too."""
        first = self.define()
        first.setAutostart(1)
        first.undefine()
        devices = self.check([self.define] * CALLS, looks=13, writes=7, sent=1, logged=1, wake_ups=3)
        self.check([lambda device=device: device.setAutostart(1) for device in devices],
                   looks=10, writes=7, sent=1, logged=1, wake_ups=2)
        self.check([device.create for device in devices], looks=17, sysfs=1, sent=1, logged=1, wake_ups=1)
        self.check([device.destroy for device in devices], looks=15, sysfs=1, sent=1, logged=1, wake_ups=1)
        self.check([device.undefine for device in devices], looks=5, writes=2, sent=1, logged=1, wake_ups=2)


@only_on('sim', SIMULATED)
class Answers(Counted):
    """An answer costs one poll, one recv and one send."""

    def test_from_memory(self):
        device = self.conn.nodeDeviceLookupByName('computer')
        for call in (self.conn.getLibVersion, self.conn.listAllDevices, device.isActive, device.numOfCaps,
                     lambda: self.conn.nodeDeviceLookupByName('computer')):
            self.check([call] * CALLS, sent=1)


@only_on('sim', SIMULATED)
class KernelEvents(Counted):
    """Observing whether udevd works costs two polls a second, each for at least eight events."""

    AT_ONCE, REST = 8, 1.0

    def test_looks(self):
        netlink = self.host.kernel.netlink
        self.create().destroy()
        before, begun = self.host.kernel.seqnum, time.monotonic()
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            for _ in range(CALLS):
                self.create().destroy()
            self.wait_until(lambda: netlink.unread() == 0, 'looks')
        rests = (time.monotonic() - begun) / self.REST + 1
        looks = trace.count('recvmmsg')
        self.assertGreater(looks, 0)
        self.assertLessEqual(looks, (self.host.kernel.seqnum - before) / self.AT_ONCE + 2 * rests)
        self.assertLessEqual(trace.count('epoll_ctl'), 2 * rests)
