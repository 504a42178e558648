# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices with autostart are started whenever their parent appears."""

import errno
import os
import pathlib
import libvirt

import shutil
import signal
import subprocess

from mediated_test import MediatedTest, only_on, seldom_on
from with_vgpus import WithVgpus

MDEV, ACTIVE = 1 << 14, 1 << 31


@seldom_on('vm', 'what the daemon remembers and logs does not depend on the kernel',
           keeps=('test_at_start', 'test_there_already', 'test_parent_gets_its_types_later',
                  'test_parent_gets_its_driver_again', 'test_capacity_becomes_free'))
class Autostart(MediatedTest):
    """The tests start the daemon, with definitions on disk."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.uuids = [self.new_uuid() for _ in range(3)]
        self.places = list(dict.fromkeys(map(self.place, range(3))))
        *self.auto, self.manual = [self.child_name(self.place(number), uuid) for number, uuid in enumerate(self.uuids)]

    def write_all(self):
        for number, uuid in enumerate(self.uuids[:2]):
            self.write_definition(uuid, self.place(number).address, start='auto', attrs=[{self.attr: 'x'}])
        self.write_definition(self.uuids[2], self.place(2).address)

    def at_places(self, func, *args):
        for parent in self.places:
            func(parent, *args)

    def wait_started(self, names=None):
        for name in names or self.auto:
            self.wait_until(lambda n=name: self.state(n) == (True, True, True), f'{name} active')

    def log_has(self, *words):
        return any(all(word in line for word in words)
                   for line in self.daemon.log().splitlines())

    def test_at_start(self):
        self.write_all()
        self.daemon.start(self.config)
        self.wait_started()
        self.assertEqual(self.state(self.manual), (False, True, False))
        self.assertEqual(self.journal(self.uuids[0]), [f'{self.attr}=x'])
        self.assertEqual(self.children(), sorted(self.uuids[:2]))

    def test_there_already(self):
        self.write_all()
        self.host.create_by_others(self.parent, self.type_id, self.uuids[0])
        self.daemon.start(self.config)
        self.wait_started()
        self.assertFalse(self.log_has('Failed to autostart'))

    def test_failure_in_the_log(self):
        """A failed autostart is one line of the log, even if the quoted attribute value contains newlines."""
        forged = 'mediated-CRITICAL: 00:00:00.000: forged'
        self.write_definition(self.uuids[0], start='auto',
                              attrs=[{'stubborn': f'1\n{forged}' + 'x' * 10000}])
        self.daemon.start(self.config)
        self.wait_until(lambda: self.log_has('Failed to autostart', self.auto[0]), 'a message')
        lines = self.daemon.log().splitlines()
        self.assertEqual([line for line in lines if line.startswith(forged)], [])
        self.assertLess(max(len(line) for line in lines if forged in line), 700)

    def test_there_already_with_another_type(self):
        self.write_all()
        other = self.host.type_ids(self.parent)[1]
        self.host.create_by_others(self.parent, other, self.uuids[0])
        self.daemon.start(self.config)
        self.wait_until(lambda: self.log_has('Failed to autostart', self.auto[0], 'type'), 'a message')

    def test_parent_gets_its_types_later(self):
        types = self.host.type_ids(self.parent)
        self.write_all()
        self.at_places(self.host.unregister)
        self.daemon.start(self.config)
        self.assertEqual(self.state(self.auto[0]), (False, True, True))
        events = self.listen()
        self.at_places(self.host.register)
        self.wait_started()
        events.wait(*[('created', name) for name in self.auto])
        self.assertEqual([events.count(('created', name)) for name in self.auto], [1, 1])
        self.assertEqual(self.host.type_ids(self.parent), types)

    def test_parent_gets_its_driver_again(self):
        self.write_all()
        self.daemon.start(self.config)
        self.wait_started()
        events = self.listen()
        for times in (1, 2):
            self.at_places(self.host.unbind)
            self.wait_until(lambda n=times: events.count(('deleted', self.auto[0])) == n,
                            'deleted')
            self.wait_until(lambda: not self.state(self.auto[1])[0], 'inactive')
            self.at_places(self.host.bind)
            self.wait_started()
            self.barrier(events)
            self.assertEqual(events.count(('created', self.auto[0])), times)

    def test_once_only(self):
        """A device destroyed by a client is not started again by other changes of its parent."""
        self.write_all()
        self.daemon.start(self.config)
        self.wait_started()
        device = self.conn.nodeDeviceLookupByName(self.auto[0])
        device.destroy()
        other = self.create()
        other.destroy()
        self.conn.nodeDeviceLookupByName(self.manual).create(0)
        self.assertEqual(self.state(self.auto[0]), (False, True, True))
        self.assertEqual(self.children(), sorted(self.uuids[1:]))

    def test_switching_it_on_starts_nothing(self):
        self.daemon.start(self.config)
        device = self.define()
        device.setAutostart(1)
        self.create().destroy()
        self.assertEqual(self.state(device.name()), (False, True, True))
        self.host.unregister(self.parent)
        self.wait_until(lambda: device.parent() and
                        self.parent.name not in self.names(1 << 13), 'no types')
        self.host.register(self.parent)
        self.wait_started([device.name()])

    def test_retry(self):
        self.write_all()
        self.at_places(self.host.set_knob, 'fail_create', errno.EIO)
        self.daemon.start(self.config)
        for name in self.auto:
            self.wait_until(lambda n=name: self.log_has('Failed to autostart', n, 'Input/output error'),
                            f'{name} in the log')
        self.assertEqual(self.state(self.auto[0]), (False, True, True))
        self.at_places(self.host.set_knob, 'fail_create', 0)
        # A change of the parent.
        self.create(parent=self.place(3).name)
        self.wait_started()

    def test_parent_changes_meanwhile(self):
        """A start that fails because the parent changed meanwhile is repeated."""
        begun, go_on = self.daemon.directory / 'begun', self.daemon.directory / 'go-on'
        script = self.daemon.scripts / 'callouts' / 'first-time.sh'
        script.parent.mkdir(parents=True)
        os.mkfifo(go_on)
        pipe = os.open(go_on, os.O_RDWR)
        self.addCleanup(os.close, pipe)
        script.write_text('#!/bin/sh\n'
                          '[ "$4-$6" = pre-start ] || exit 0\n'
                          f'[ -e {begun} ] && exit 0\n'
                          f'touch {begun}; read -r _ < {go_on}; exit 1\n', encoding='utf-8')
        script.chmod(0o755)
        self.write_definition(self.uuids[0], start='auto')
        self.daemon.start(self.config)
        self.wait_until(begun.exists, 'the script')
        self.create()
        os.write(pipe, b'\n')
        self.wait_started([self.auto[0]])

    def test_capacity_becomes_free(self):
        types = self.host.types(self.parent)
        full = min(types, key=lambda type_id: types[type_id].available)
        taken = [self.new_uuid() for _ in range(types[full].available)]
        for uuid in taken:
            self.host.create_by_others(self.parent, full, uuid)
        uuid = self.new_uuid()
        self.write_definition(uuid, start='auto', mdev_type=full)
        self.daemon.start(self.config)
        name = self.child_name(self.parent, uuid)
        self.wait_until(lambda: self.log_has('Failed to autostart', name), 'a message')
        self.host.remove_by_others(taken[0])
        self.wait_started([name])

    def test_one_blocks_nobody(self):
        """A hung driver of one parent delays neither other parents' devices nor clients."""
        first, second = self.host.parents()[:2]
        self.write_definition(self.uuids[0], start='auto')
        self.write_definition(self.uuids[1], parent=second.address, start='auto')
        self.host.set_knob(first, 'block_create', 1)
        self.daemon.start(self.config)
        self.wait_started([self.child_name(second, self.uuids[1])])
        self.assertEqual(self.state(self.auto[0])[0], False)
        self.host.set_knob(first, 'block_create', 0)
        self.wait_started([self.auto[0]])

    def test_stopped_in_the_middle(self):
        """At the end, the daemon completes the device being started, and starts no other."""
        self.write_definition(self.uuids[0], start='auto', attrs=[{self.attr: 'x'}])
        self.host.set_knob(self.parent, 'block_create', 1)
        self.daemon.start(self.config)
        self.host.wait_create_stuck(self.parent)
        self.daemon.signal(signal.SIGTERM)
        self.wait_until(self.daemon.is_leaving, 'no more clients')
        self.assertTrue(self.daemon.is_running())
        self.host.set_knob(self.parent, 'block_create', 0)
        self.assertEqual(self.daemon.wait(), 0)
        self.assertEqual(self.journal(self.uuids[0]), [f'{self.attr}=x'])
        self.daemon.process = None

    def test_idle_in_the_middle(self):
        """An idle daemon does not exit before all devices are started."""
        uuids = [self.new_uuid() for _ in range(10)]
        for number, uuid in enumerate(uuids):
            self.write_definition(uuid, self.place(number).address, start='auto')
        self.host.set_knob(self.parent, 'block_create', 1)
        self.daemon.start(self.config, '--timeout=1')
        self.host.wait_create_stuck(self.parent)
        self.wait_until(lambda: self.log_has('staying until autostart has finished') or
                        self.daemon.has_ended(), 'idle')
        self.host.set_knob(self.parent, 'block_create', 0)
        self.assertEqual(self.daemon.wait(), 0)
        self.assertEqual(self.count_children(), len(uuids))
        self.daemon.process = None

    def test_far_too_many(self):
        """Far more devices than there is room for delay neither each other nor clients."""
        types = self.host.types(self.parent)
        self.uuids = [self.new_uuid() for _ in range(1500)]
        for uuid in self.uuids:
            self.write_definition(uuid, start='auto')
        self.daemon.start(self.config)
        self.wait_until(lambda: len(self.names(MDEV | ACTIVE)) == types[self.type_id].available,
                        'as many as there is room for')
        self.conn.listAllDevices(MDEV | ACTIVE)[0].destroy()
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, lambda: self.create(type_id='no-such'), says='no-such')
        self.assertFalse(self.log_has('operations wait'))

    def test_unknown_type_and_parent(self):
        self.write_definition(self.uuids[0], start='auto', mdev_type='no-such')
        self.write_definition(self.uuids[1], start='auto', parent='0000:99:00.0')
        self.write_definition(self.uuids[2], self.place(2).address, start='auto')
        self.daemon.start(self.config)
        self.wait_started([self.manual])
        self.wait_until(lambda: self.log_has('Failed to autostart', self.auto[0], 'no-such'), 'a message')
        self.assertEqual(self.state(self.auto[0]), (False, True, True))


@only_on('sim', 'the card is simulated')
class AutostartOfVgpus(WithVgpus, Autostart):
    # A vGPU of another program has a UUID of its own.
    test_there_already = test_there_already_with_another_type = test_capacity_becomes_free = None
    # Drivers check no parameter.
    test_failure_in_the_log = None
    # Only one vGPU of a card is created at a time.
    test_parent_changes_meanwhile = test_one_blocks_nobody = None


@only_on('vm', 'the fake kernel has no modules')
class Module(MediatedTest):
    """The driver of the parents is a module that is loaded and unloaded."""

    starts_daemon = False
    # The only directory of mdevctl, whose udev rule starts the devices in it.
    config = {'definitions': {'directory': '/etc/mdevctl.d'}}

    def setUp(self):
        super().setUp()
        self.daemon.definitions = pathlib.Path('/etc/mdevctl.d')
        self.addCleanup(self.host.load_module)
        self.addCleanup(shutil.rmtree, self.daemon.definitions / self.parent.address)
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)

    def prepare(self):
        self.write_definition(self.uuid, start='auto', attrs=[{self.attr: 'x'}])

    def wait_active(self, active):
        self.wait_until(lambda: self.state(self.name) == (active, True, True), 'active'
                        if active else 'inactive')

    def check_started(self, events, times):
        self.wait_active(True)
        self.assertEqual(self.journal(self.uuid), [f'{self.attr}=x'])
        if events is not None:
            events.wait(('created', self.name))
            self.barrier(events)
            self.assertEqual(events.count(('created', self.name)), times)

    def come_and_go(self):
        self.prepare()
        self.host.unload_module()
        self.daemon.start(self.config)
        self.assertEqual(self.state(self.name), (False, True, True))
        events = self.listen()
        for times in (1, 2):
            self.host.load_module()
            self.check_started(events, times)
            self.host.unload_module()
            self.wait_active(False)
        self.assertNotIn('Failed to autostart', self.daemon.log())

    def test_loaded_before_the_daemon(self):
        self.prepare()
        self.daemon.start(self.config)
        self.check_started(None, 1)

    def test_loaded_after_the_daemon_and_again(self):
        self.come_and_go()

    def test_with_the_udev_rule_of_mdevctl(self):
        """mdevctl's udev rule starts the same devices concurrently; either may be first, and each device is started
        once."""
        rule = pathlib.Path('/run/udev/rules.d/60-mdevctl.rules')
        rule.parent.mkdir(exist_ok=True)
        rule.write_text('ACTION=="change", ENV{MDEV_STATE}=="registered", '
                        f'TEST=="/etc/mdevctl.d/$kernel", RUN+="{shutil.which("mdevctl")} '
                        'start-parent-mdevs %k"\n', encoding='utf-8')
        self.addCleanup(self.reload_rules)
        self.addCleanup(rule.unlink)
        self.reload_rules()
        self.come_and_go()

    @staticmethod
    def reload_rules():
        subprocess.run(['udevadm', 'control', '--reload'], check=True)
