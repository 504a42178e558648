# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mix-in of MediatedTest: expectations of the daemon, and waits."""

import contextlib
import threading
import time

import libvirt

import host as hosts
import rpc


class WithAssertions:
    """Conditions on self.daemon and self.host; waits end after self.deadline."""

    def wait_until(self, condition, what):
        return hosts.wait_until(condition, what, self.deadline)

    def wait_equal(self, one, other):
        """Waits until both functions return the same value once. A second comparison could see later changes."""
        looks = []

        def is_equal():
            looks[:] = one(), other()
            return looks[0] == looks[1]
        with contextlib.suppress(AssertionError):
            self.wait_until(is_equal, 'agreement')
        self.assertEqual(*looks)

    @contextlib.contextmanager
    def within(self, seconds, what):
        start = time.monotonic()
        yield
        self.assertLess(time.monotonic() - start, seconds, what)

    def in_background(self, func, *args):
        return hosts.Background(func, *args)

    def assert_refused(self, code, func, *args, says=(), domain=libvirt.VIR_FROM_NODEDEV):
        """Checks that the call fails with this code of this domain, and that the message contains all of `says`;
        returns the message."""
        try:
            result = func(*args)
        except (libvirt.libvirtError, rpc.RpcError) as error:
            return self.check_error(error, code, says, domain)
        return self.fail(f'the call was not refused: {result!r}')

    def assert_error(self, reply, code, says=(), domain=libvirt.VIR_FROM_NODEDEV):
        """The same for a reply received by a raw client."""
        error = reply.error()
        self.assertIsNotNone(error, 'the call was not refused')
        return self.check_error(error, code, says, domain)

    def check_error(self, error, code, says, domain):
        if isinstance(error, libvirt.libvirtError):
            found, message = (error.get_error_domain(), error.get_error_code()), str(error)
        else:
            found, message = (error.domain, error.code), error.message
        self.assertEqual(found, (domain, code), message)
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, message)
        return message

    @contextlib.contextmanager
    def nothing_changes(self):
        """A context around a refused call: devices, available instances, events and the connection must not change."""
        events = self.listen()
        before = self.snapshot()
        yield
        self.assertEqual(self.snapshot(), before)
        self.barrier(events)
        self.assertEqual(self.told(events), [])

    def snapshot(self):
        """Returns the devices that the daemon lists and those in sysfs."""
        room = {parent.name: {type_id: self.host.available(parent, type_id)
                              for type_id in self.host.type_ids(parent)}
                for parent in self.host.parents()}
        return self.names(), self.children(), room

    def barrier(self, events):
        """On return, all events that the daemon sent earlier have been delivered.

        Replies and events of a connection arrive in one stream, but libvirt runs event callbacks from its loop, so
        events before our reply may still be queued there.
        """
        events.connection.getLibVersion()
        turned = threading.Event()
        timer = libvirt.virEventAddTimeout(0, lambda _timer, _opaque: turned.set(), None)
        # Two iterations: the first one may have begun before this call.
        for _ in range(2):
            turned.clear()
            if not turned.wait(self.deadline):
                raise AssertionError("libvirt's event loop does not run")
        libvirt.virEventRemoveTimeout(timer)

    def check_hangs_alone(self, attribute, name, other, shows):
        """Checks that a hung driver delays only calls for its device; returns the document at the end.

        On a simulated host. Meanwhile, the document of another device also contains answers of a driver.
        """
        asked, goes_on = threading.Event(), threading.Event()
        self.addCleanup(goes_on.set)

        def hang():
            asked.set()
            goes_on.wait(self.deadline)
        self.host.kernel.add_show(attribute, hang)
        document = self.in_background(self.dump, name)
        self.assertTrue(asked.wait(self.deadline))
        client = self.connect()
        self.assertIn(shows, self.dump(other, client))
        self.assertIn(name, self.names(connection=client))
        self.assertFalse(document.is_done())
        goes_on.set()
        return document.result(self.deadline)
