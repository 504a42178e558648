# SPDX-License-Identifier: LGPL-2.1-or-later
"""The log has one line for each change, whoever makes it, and none for a call that reads."""

import fcntl
import json
import os
import re
import signal
import subprocess

import libvirt

import rpc
import vhba
from mediated_test import MediatedTest, only_on, seldom_on

DONE = re.compile(r"mediated-Message: [0-9:.]+: (\w+) of '(\w+)' for client (\d+) "
                  r"\(uid 0, gid 0, pid (\d+)(?:, user 'root')?\): done in [0-9.]+ ms$")
FAILED = re.compile(r"mediated-Message: [0-9:.]+: (\w+) of '([\w ]+)' for client (\d+) "
                    r"\(uid 0, gid 0, pid (\d+)(?:, user 'root')?\): failed after [0-9.]+ ms: (.*)$")
OTHERS = re.compile(r"mediated-Message: [0-9:.]+: Device '(\w+)' (.*)$")


class LogTest(MediatedTest):
    # Low enough for any limit of open files, which would otherwise log a line.
    config = {'limits': {'max_clients': '100'}}

    def log(self):
        """A call is logged after its reply, and before the next call is read."""
        self.conn.getLibVersion()
        return self.daemon.log()

    def match(self, pattern):
        lines = [line[line.find('mediated-'):] for line in self.log().splitlines()]
        return [found.groups() for found in map(pattern.match, lines) if found]

    def messages(self):
        return [line for line in self.log().splitlines() if 'mediated-Message' in line]


@seldom_on('vm', 'the log does not depend on the kernel', keeps=('test_changes_by_others',))
class Mdevs(LogTest):
    def test_changes(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        device = self.create(uuid=uuid)
        self.define(uuid=uuid)
        device.setAutostart(True)
        device.destroy()
        device.create()
        device.undefine()
        device.destroy()
        done = self.match(DONE)
        self.assertEqual([call[:2] for call in done],
                         [(f'virNodeDevice{verb}', name) for verb in
                          ('CreateXML', 'DefineXML', 'SetAutostart', 'Destroy', 'Create',
                           'Undefine', 'Destroy')])
        self.assertEqual(len({call[2:] for call in done}), 1)
        self.assertEqual(len(self.messages()), len(done))

    def test_failed_calls(self):
        device = self.create()
        before = len(self.messages())
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, device.create)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, lambda: self.create(type_id='no\nsuch'))
        failed = self.match(FAILED)
        self.assertEqual([call[:2] for call in failed],
                         [('virNodeDeviceCreate', device.name()),
                          ('virNodeDeviceCreateXML', 'a new device')])
        self.assertIn('already active', failed[0][4])
        self.assertIn('no\\nsuch', failed[1][4])
        self.assertEqual(len(self.messages()), before + 2)

    def test_reads(self):
        device = self.create()
        before = self.log()
        for _ in range(3):
            self.names()
            self.dump(device.name())
            self.dump(self.parent.name)
            self.conn.nodeDeviceLookupByName(device.name()).listCaps()
            self.assertEqual(device.isActive(), 1)
        self.assertEqual(self.log(), before)

    def test_changes_by_others(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        # Devices found by the first scan are not changes.
        self.assertNotIn(name, self.names())
        self.host.create_by_others(self.parent, self.type_id, uuid)
        self.wait_until(lambda: name in self.names(), f'{name} listed')
        self.write_definition(uuid, at_once=True)
        self.wait_until(lambda: self.state(name)[1], f'{name} defined')
        self.host.remove_by_others(uuid)
        self.wait_until(lambda: not self.state(name)[0], f'{name} gone')
        self.definition_path(uuid).unlink()
        self.wait_until(lambda: name not in self.names(), f'{name} not listed')
        self.assertEqual(self.match(OTHERS),
                         [(name, 'appeared'), (name, 'was defined on disk'),
                          (name, 'disappeared'), (name, 'was undefined on disk')])
        self.assertEqual(len(self.messages()), 4)

    def test_autostart(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.daemon.stop()
        self.write_definition(uuid, start='auto')
        self.daemon.start(self.config)
        self.wait_until(lambda: self.state(name)[0], f'{name} active')
        self.assertEqual([line.split(': ', 2)[-1] for line in self.messages()],
                         [f"Autostarted device '{name}'"])


@seldom_on('vm', 'the log does not depend on the kernel')
class State(LogTest):
    def test_signal(self):
        """A signal logs the running calls, their users and durations."""
        self.create()
        self.host.set_knob(self.parent, 'block_create', 1)
        creation = self.in_background(self.create, self.conn)
        self.wait_until(self.shows_creation, 'the call')
        self.assertTrue(self.logs('State of the daemon'))
        self.assertTrue(self.logs('1 clients, ', ' since start, ', ' bytes in use'))
        self.assertTrue(self.logs('Client ', f'pid {os.getpid()}', 'read-write, 1 calls'))
        self.assertTrue(self.logs('1 calls running, '))
        self.wait_until(lambda: self.logs('Queue of operations on the device: 1 running, 0 waiting',
                                          '; user 0: 1, 0'), 'the queue')
        self.assertTrue(self.logs(f'{len(self.names(connection=self.connect()))} devices'))
        self.host.set_knob(self.parent, 'block_create', 0)
        creation.result(self.deadline)

    def test_acting_for_a_user(self):
        """A client that acts for a user is logged with both, because its resources count as the user's."""
        self.raw().set_identity(rpc.param('unix-user-id', 'Q', 1000), rpc.param('process-id', 'q', 1))
        self.daemon.signal(signal.SIGUSR1)
        self.wait_until(lambda: self.logs('State of the daemon'), 'the state')
        self.wait_until(lambda: self.logs('Client ', ': uid 1000, gid -1, pid 1; via uid 0, ',
                                          f'pid {os.getpid()}'), 'the client')

    def shows_creation(self):
        """Repeats the signal until the call has arrived."""
        self.daemon.signal(signal.SIGUSR1)
        return self.logs('virNodeDeviceCreateXML', 'running for')

    def logs(self, *words):
        return any(all(word in line for word in words) for line in self.messages())


@only_on('sim', vhba.NO_FIBRE)
class Adapters(LogTest):
    """The kernel chooses the name of an adapter, so only the world-wide names identify it."""

    machine = 'fibre'

    def test_changes(self):
        adapter = self.conn.nodeDeviceCreateXML(vhba.document(), 0)
        adapter.destroy()
        self.assertEqual([call[:2] for call in self.match(DONE)],
                         [('virNodeDeviceCreateXML', adapter.name()),
                          ('virNodeDeviceDestroy', adapter.name())])
        self.assertEqual(len(self.messages()), 2)


@only_on('sim', 'a service has the journal')
class NobodyReads(MediatedTest):
    """stderr is a full pipe."""

    starts_daemon = False
    PIPE = 4096

    def setUp(self):
        super().setUp()
        ours, theirs = os.pipe()
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, self.PIPE)
        self.addCleanup(os.close, ours)
        self.daemon.stderr = theirs
        self.daemon.start()
        os.close(theirs)
        self.daemon.stderr = None

    def test_calls(self):
        client = self.raw()
        for _ in range(self.PIPE // 64):
            client.destroy(client.create_xml(self.document()))
        self.assertIn(self.parent.name, client.list_all()[0])


@only_on('service', 'elsewhere stderr is no journal')
class Journal(MediatedTest):
    def entries(self, name):
        """Returns the journal entries of a device."""
        run = subprocess.run(['journalctl', '--quiet', '--no-pager', '--output=json', f'MEDIATED_DEVICE={name}'],
                             text=True, check=True, capture_output=True)
        return [json.loads(line) for line in run.stdout.splitlines()]

    def test_fields(self):
        device = self.create()
        name = device.name()
        device.destroy()
        self.wait_until(lambda: len(self.entries(name)) == 2, 'the entries')
        for entry, procedure in zip(self.entries(name), ('virNodeDeviceCreateXML', 'virNodeDeviceDestroy')):
            self.assertEqual(entry['MEDIATED_PROCEDURE'], procedure)
            self.assertEqual((entry['PRIORITY'], entry['MEDIATED_UID'], entry['_UID']), ('5', '0', '0'))
            self.assertEqual(entry['_SYSTEMD_UNIT'], 'mediated.service')
            self.assertRegex(entry['MESSAGE'], rf"^{procedure} of '{name}' for client \d+ .*: done in [0-9.]+ ms$")
