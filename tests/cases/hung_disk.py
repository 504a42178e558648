# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hung disk below any path that the daemon uses at run time delays only the calls that need it, and these for a
bounded time."""

import fcntl
import functools
import signal

import libvirt
from mediated_test import MediatedTest, not_on, only_on

INACTIVE, VALIDATE = 1 << 30, 1 << 0
# A short timeout, because tests wait for it.
SOON = '0.5'


class HungDisk(MediatedTest):
    starts_daemon = False

    def set_disk(self, path):
        """Places all paths with this prefix on the disk that may hang."""
        self.lock = open(self.daemon.directory / 'lock', 'w', encoding='ascii')
        self.addCleanup(self.lock.close)
        self.daemon.environment.update(MD_FAKE_DISK=str(path), MD_FAKE_DISK_LOCK=self.lock.name)

    def hang(self):
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.addCleanup(self.release)

    def release(self):
        fcntl.flock(self.lock, fcntl.LOCK_UN)

    def look(self):
        """Checks that calls that need no disk work."""
        self.assertIn(self.parent.name, self.names(connection=self.connect()))

    def assert_timeout(self, func, *args, says):
        self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, func, *args, says=says,
                            domain=libvirt.VIR_FROM_NODEDEV)

    def wait_logged(self, words):
        self.wait_until(lambda: words in self.daemon.log(), f"'{words}' in the log")


@only_on('sim', 'no disk hangs on demand')
class Definitions(HungDisk):
    def setUp(self):
        super().setUp()
        self.set_disk(self.daemon.definitions)
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)
        self.write_definition(self.uuid, start='auto')

    def test_at_start(self):
        """The daemon starts; devices from definitions that are read late are announced and autostarted. Until the
        disk responds, a script that would refuse a device may exist."""
        self.hang()
        self.daemon.start({'mdev': {'driver_timeout': SOON}})
        self.look()
        self.assert_timeout(self.create, says=['search for scripts', str(self.daemon.definitions)])
        self.assertEqual(self.names(INACTIVE), [])
        events = self.listen()
        self.release()
        events.wait(('defined', self.name), ('created', self.name))
        self.wait_until(lambda: self.state(self.name) == (True, True, True), 'it to be started')

    def test_later(self):
        self.daemon.start(self.config)
        self.wait_until(lambda: self.state(self.name) == (True, True, True), 'it to be started')
        client = self.raw()
        other = self.new_uuid()
        with self.settings(mdev={'driver_timeout': SOON}):
            self.hang()
            self.write_definition(other)
            self.wait_logged('does not respond')
            for call, arguments in ((client.define_xml, [self.document(uuid=self.new_uuid())]),
                                    (client.set_autostart, [self.name, 0]),
                                    (client.undefine, [self.name])):
                self.assert_timeout(call, *arguments, says=str(self.daemon.definitions))
            self.assertEqual(self.state(self.name), (True, True, True))
        self.look()
        self.dump(self.parent.name)
        # The absence of scripts is cached.
        self.create().destroy()
        events = self.listen()
        self.release()
        events.wait(('defined', self.child_name(self.parent, other)))
        client.set_autostart(self.name, 0)
        self.assertEqual(self.state(self.name), (True, True, False))


@only_on('sim', 'no disk hangs on demand')
class Scripts(HungDisk):
    def setUp(self):
        super().setUp()
        self.set_disk(self.daemon.scripts)

    def install(self, text):
        path = self.daemon.scripts / 'callouts' / 'script'
        path.parent.mkdir(parents=True)
        path.write_text(f'#!/bin/sh\n{text}\n', encoding='utf-8')
        path.chmod(0o755)

    def test_search(self):
        """While the search for scripts hangs, changes are refused, because a script could refuse them, and documents
        lack attributes."""
        self.install('exit 0')
        self.daemon.start(self.config)
        device = self.create(attrs=[('scratch', 'given')])
        self.look()
        with self.settings(mdev={'driver_timeout': SOON}):
            self.hang()
            for call in (self.create, self.define, device.destroy):
                self.assert_timeout(call, says=['search for scripts', str(self.daemon.scripts)])
            self.look()
            self.assertIn('given', device.XMLDesc())
        self.release()
        self.wait_logged('A job ended after its deadline')
        device.destroy()

    def test_started(self):
        """A script hangs in exec, because the kernel reads the program from the disk."""
        self.install(f'cd {self.daemon.directory}\n'
                     '[ "$6" = capabilities ] || exit 0\n'
                     'touch asked\n'
                     'until [ -e go ]; do sleep 0.01; done')
        self.daemon.start(self.config)
        creation = self.in_background(lambda: self.assert_timeout(self.create, says='did not exit in time'))
        self.wait_until((self.daemon.directory / 'asked').exists, 'the script')
        with self.settings(callouts={'timeout': '1'}):
            self.hang()
            (self.daemon.directory / 'go').touch()
            self.wait_logged('pre start')
            self.look()
            creation.result(self.deadline)
        self.release()
        self.create().destroy()


@only_on('sim', 'no disk hangs on demand')
class HardwareDatabase(HungDisk):
    """The hardware database contains the names of PCI functions."""

    def setUp(self):
        super().setUp()
        self.set_disk('/hwdb.bin')

    def test_at_start(self):
        self.hang()
        self.daemon.start({'mdev': {'driver_timeout': SOON}})
        self.look()
        self.assertIn('computer', self.dump('computer'))
        self.assert_timeout(self.dump, self.parent.name, says='in time')
        self.release()
        self.wait_logged('A job ended after its deadline')
        self.change_config(self.config)
        self.assertIn('NVIDIA', self.dump(self.parent.name))


@only_on('sim', 'no disk hangs on demand')
class Schema(HungDisk):
    @not_on('libvirtd', 'libvirtd refuses changes beside two that hang')
    def test_first_document(self):
        """Only documents that need validation wait for the schema; others do not wait behind them."""
        self.set_disk('/usr/share/libvirt/schemas/nodedev.rng')
        self.daemon.start(self.config)
        self.hang()
        waiting = [self.in_background(functools.partial(
            self.assert_refused, libvirt.VIR_ERR_XML_INVALID_SCHEMA, define, domain=libvirt.VIR_FROM_XML))
                   for define in (functools.partial(self.define, flags=VALIDATE, connection=self.connect()),) * 3]
        self.define(attrs=[('scratch', 'x' * 5000)])
        self.look()
        self.assertFalse(any(definition.is_done() for definition in waiting))
        self.release()
        for definition in waiting:
            definition.result(self.deadline)


@only_on('sim', 'no disk hangs on demand')
class Settings(HungDisk):
    def setUp(self):
        super().setUp()
        # Warnings are expected here.
        self.daemon.environment.pop('G_DEBUG', None)
        self.set_disk(self.daemon.config_path)
        self.daemon.start({**self.config, 'mdev': {'driver_timeout': SOON}})

    def test_reload(self):
        self.hang()
        for _ in range(2):
            self.daemon.signal(signal.SIGHUP)
            self.look()
        self.wait_logged('Failed to reload configuration')
        self.look()
        self.release()
        self.change_config(self.config)
        self.create().destroy()
