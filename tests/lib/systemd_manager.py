# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls systemd over the private socket of systemctl, without starting a process per call."""

import functools

from gi.repository import Gio, GLib

from host import wait_until

ADDRESS = 'unix:path=/run/systemd/private'
PATH = '/org/freedesktop/systemd1'
NAME = 'org.freedesktop.systemd1'
# Properties that all units have; other properties belong to the service interface.
OF_UNIT = ('ActiveState',)
JOB_SECONDS = 120.0


class Manager:
    """A connection to process 1, and the results of its jobs."""

    def __init__(self):
        self.results = {}
        # Signals of systemd are queued in this context.
        self.context = GLib.MainContext.new()
        self.context.push_thread_default()
        try:
            self.connection = Gio.DBusConnection.new_for_address_sync(
                ADDRESS, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None)
            self.connection.signal_subscribe(None, f'{NAME}.Manager', 'JobRemoved', PATH, None,
                                             Gio.DBusSignalFlags.NONE, self.job_removed)
        finally:
            self.context.pop_thread_default()

    def job_removed(self, _connection, _sender, _path, _interface, _signal, parameters):
        _number, path, _unit, result = parameters.unpack()
        self.results[path] = result

    def call(self, path, interface, method, parameters):
        reply = self.connection.call_sync(None, path, interface, method, parameters, None,
                                          Gio.DBusCallFlags.NONE, int(JOB_SECONDS * 1000), None)
        return reply.unpack()

    def ask(self, method, signature='()', *arguments):
        return self.call(PATH, f'{NAME}.Manager', method, GLib.Variant(signature, arguments))

    def result(self, job):
        while self.context.iteration(False):
            pass
        return self.results.pop(job, None)

    def run(self, method, units):
        """Queues jobs for all of these units at once, as systemctl does; returns the names of the jobs."""
        return [self.ask(method, '(ss)', unit, 'replace')[0] for unit in units]

    def wait(self, jobs):
        for job in jobs:
            result = wait_until(lambda job=job: self.result(job), f'the end of {job}', JOB_SECONDS)
            if result != 'done':
                raise AssertionError(f'{job}: {result}')

    def get(self, unit, key):
        path, = self.ask('LoadUnit', '(s)', unit)
        kind = 'Unit' if key in OF_UNIT else 'Service'
        value, = self.call(path, 'org.freedesktop.DBus.Properties', 'Get',
                           GLib.Variant('(ss)', (f'{NAME}.{kind}', key)))
        return value


@functools.cache
def manager():
    return Manager()


def start(*units):
    """Starts units; on return they have started. Raises the reason of a failure, like the functions below."""
    manager().wait(manager().run('StartUnit', units))


def stop(*units):
    manager().wait(manager().run('StopUnit', units))


def restart(*units):
    manager().wait(manager().run('RestartUnit', units))


def begin_stop(unit):
    manager().run('StopUnit', [unit])


def begin_restart(unit):
    manager().run('RestartUnit', [unit])


def reload(unit):
    manager().wait(manager().run('ReloadUnit', [unit]))


def reload_units():
    """Makes systemd reload all units."""
    manager().ask('Reload')


def reset_failed():
    manager().ask('ResetFailed')


def kill(unit, whom, signal):
    manager().ask('KillUnit', '(ssi)', unit, whom, int(signal))


def show(unit, key):
    return manager().get(unit, key)


def is_active(unit):
    return show(unit, 'ActiveState') == 'active'
