# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a call costs in system calls, hand-overs to a thread and turns of the main loop: exact upper bounds, which no
machine changes.

Counted is one client that waits for each answer. What the test bed adds is left out, and so is what libraries do in
their own way: memory, locks, and how libudev receives a message. `fstat` is
another system call in other versions of the C library, and left out, too. Documents are in costs.py.
"""

import collections
import re
import time

from mediated_test import MediatedTest, only_on
from syscalls import Trace

SIMULATED = 'what the test bed adds to the system calls is known of a simulated host'
# So that what happens now and then is not taken for a part of each call.
CALLS = 10
LOOKING = {'openat', 'newfstatat', 'readlinkat', 'getdents64', 'read'}
KEEPING = {'write', 'fsync', 'fchmod', 'renameat', 'unlinkat', 'mkdir', 'mkdirat'}
WAKE_UP, CHANGES = '[eventfd]', ':inotify>'
# An open file that is looked at.
NOT_COUNTED = ', "",'
LOG = re.compile(r'^2<')
# A write to sysfs, as the simulated kernel is told of it.
WRITES_SYSFS = re.compile(r'^\d+<[^>]*>, "w\\0')
# The main loop waits for many descriptors, libudev for its socket only.
TURN = re.compile(r'\{fd=.*\{fd=')
# What is counted: files looked at, files changed, writes to sysfs, frames sent, lines logged, and how often a thread
# wakes up the main loop; each hand-over to a thread ends so.
COUNTED = ('looks', 'writes', 'sysfs', 'sent', 'logged', 'wake_ups')


def classify(call):
    """What a system call counts as; None: nothing."""
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
        """One call each of the functions costs at most so much on average; returns what they return.

        A turn of the main loop is for the call, for a thread that wakes it up, or for an event of udev or of a
        directory. These come when they come, together or each by itself. A turn that has begun before the trace
        has may end in it. Between two looks at the kernel's own events there is a turn for a timer; how often they
        are looked at, KernelEvents tells.
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
        """The first device is made before, as its kind has to be read more thoroughly."""
        self.create().destroy()
        devices = self.check([self.create] * CALLS, looks=12, sysfs=1, sent=sent, logged=1, wake_ups=1)
        self.check([device.destroy for device in devices], looks=10, sysfs=1, sent=sent, logged=1, wake_ups=1)

    def test_create_and_destroy(self):
        self.create_and_destroy(sent=1)

    def test_with_a_subscriber(self):
        """It is told of the device, and of its parent's update."""
        self.listen()
        self.create_and_destroy(sent=3)

    def test_definitions(self):
        """What is written is read back once, although the directory tells of it, too."""
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
    """One poll, one recv, one send."""

    def test_from_memory(self):
        device = self.conn.nodeDeviceLookupByName('computer')
        for call in (self.conn.getLibVersion, self.conn.listAllDevices, device.isActive, device.numOfCaps,
                     lambda: self.conn.nodeDeviceLookupByName('computer')):
            self.check([call] * CALLS, sent=1)


@only_on('sim', SIMULATED)
class KernelEvents(Counted):
    """What it costs to know whether udevd is at work: two looks a second, each at eight events or more at once."""

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
