# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every case stands on: a host and a running daemon. Clients, devices, definitions and assertions are mixed in.

A case names what it needs as class attributes (machine, config) or in a decorator (only_on).
There are no sleeps: whatever is waited for has a condition and a deadline.
"""

import contextlib
import signal
import unittest

import host as hosts
from client_events import EventLoop
from with_assertions import WithAssertions
from with_connections import WithConnections
from with_definitions import WithDefinitions
from with_devices import WithDevices

READ_AGAIN = 'Configuration reloaded'


def only_on(kind, reason):
    """Declares that a class or a test exists on one kind of host only, and why."""
    return declare_hosts('only_on', kind, reason)


def not_on(kind, reason):
    """Declares that a class or a test exists on all kinds of host but one, and why."""
    return declare_hosts('not_on', kind, reason)


def declare_hosts(word, kind, reason):
    if not reason:
        raise ValueError(f'{word}() wants a reason')

    def declare(thing):
        setattr(thing, word, (kind, reason))
        return thing
    return declare


class MediatedTest(WithConnections, WithDevices, WithDefinitions, WithAssertions, unittest.TestCase):
    """One test: a fresh host and a fresh daemon, both looked after at the end."""

    machine = 'm60'
    config = {}
    starts_daemon = True
    make_host = None       # of the runner: a function of (machine, case class)
    schema = None          # of the runner: our own RELAX NG schema of documents
    maxDiff = None
    host: hosts.Host

    def setUp(self):
        EventLoop.ensure()
        self.host = type(self).make_host(self.machine, type(self))
        self.addCleanup(self.host.close)
        self.addCleanup(self.show_log_of_failure)
        self.daemon = self.host.daemon
        self.deadline = self.host.deadline
        self.addCleanup(self.end_daemon)
        self.init_connections()
        if self.starts_daemon:
            self.daemon.start(self.config)

    def end_daemon(self):
        """The daemon must still be well, and leave in peace."""
        self.close_connections()
        if self.daemon.process is None:
            return
        self.host.relax()
        if not self.daemon.is_running():
            raise AssertionError(f'the daemon ended with {self.daemon.process.returncode}')
        self.daemon.stop()

    def show_log_of_failure(self):
        # While cleanups run, unittest's own mark of success is that of the cleanup.
        if self._outcome.result.troubles:
            for line in self.daemon.log().splitlines()[-120:]:
                print(f'# | {line}', flush=True)

    def change_config(self, config):
        """On return the running daemon goes by these settings."""
        before = self.daemon.log().count(READ_AGAIN)
        self.daemon.write_config(config)
        self.daemon.signal(signal.SIGHUP)
        self.wait_until(lambda: self.daemon.log().count(READ_AGAIN) > before, 'other settings')

    @contextlib.contextmanager
    def settings(self, **groups):
        """For a while the running daemon goes by these, too: limits that are short only where they matter."""
        self.change_config({**self.config, **{group: {**self.config.get(group, {}), **settings}
                                              for group, settings in groups.items()}})
        try:
            yield
        finally:
            self.change_config(self.config)
