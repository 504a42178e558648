# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of all cases: a host and a running daemon. Clients, devices, definitions and assertions are mixed in.

A case states its needs in class attributes (machine, config) or in a decorator (only_on). There are no sleeps: every
wait has a condition and a deadline.
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
    """Restricts a class or a test to one kind of host, with a reason."""
    return declare_hosts('only_on', kind, reason)


def not_on(kind, reason):
    """Excludes a class or a test from one kind of host, with a reason."""
    return declare_hosts('not_on', kind, reason)


def seldom_on(kind, reason, keeps=()):
    """Leaves a class or a test to scripts/test --all on one kind of host, with a reason. `keeps` names tests of the
    class that always run."""
    def declare(thing):
        unknown = [name for name in keeps if not hasattr(thing, name)]
        if unknown:
            raise ValueError(f'{thing.__name__} has no {unknown}')
        return declare_hosts('seldom_on', kind, reason, keeps)(thing)
    return declare


def declare_hosts(word, kind, reason, *more):
    if not reason:
        raise ValueError(f'{word}() wants a reason')

    def declare(thing):
        setattr(thing, word, (kind, reason, *more))
        return thing
    return declare


class MediatedTest(WithConnections, WithDevices, WithDefinitions, WithAssertions, unittest.TestCase):
    """One test: a fresh host and a fresh daemon, both checked at the end."""

    machine = 'm60'
    config = {}
    starts_daemon = True
    make_host = None       # set by the runner: a function of (machine, case class)
    schema = None          # set by the runner: our own RELAX NG schema of documents
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
        """Checks that the daemon still works, and ends in an orderly way."""
        self.close_connections()
        if self.daemon.process is None:
            return
        self.host.relax()
        if not self.daemon.is_running():
            raise AssertionError(f'the daemon ended with {self.daemon.process.returncode}')
        self.daemon.stop()

    def show_log_of_failure(self):
        # During cleanups, unittest's success flag is that of the cleanup.
        if self._outcome.result.troubles:
            for line in self.daemon.log().splitlines()[-120:]:
                print(f'# | {line}', flush=True)

    def change_config(self, config):
        """Applies these settings; on return, the running daemon uses them."""
        before = self.daemon.log().count(READ_AGAIN)
        self.daemon.write_config(config)
        self.daemon.signal(signal.SIGHUP)
        self.wait_until(lambda: self.daemon.log().count(READ_AGAIN) > before, 'other settings')

    @contextlib.contextmanager
    def settings(self, **groups):
        """A context during which the running daemon also uses these settings, for limits that would be too short for
        a whole test."""
        self.change_config({**self.config, **{group: {**self.config.get(group, {}), **settings}
                                              for group, settings in groups.items()}})
        try:
            yield
        finally:
            self.change_config(self.config)
