# SPDX-License-Identifier: LGPL-2.1-or-later
"""Drivers, udevd and other programs that hang, race or reorder events."""

import contextlib
import subprocess
import threading

import libvirt

import rpc
from mediated_test import MediatedTest, only_on, seldom_on

MDEV, ACTIVE = 1 << 14, 1 << 31
TIMEOUT = libvirt.VIR_ERR_OPERATION_TIMEOUT
ROUNDS = 5
LIVE = 1


class Hostile(MediatedTest):
    """Invariants that hold after all operations have ended."""

    def events_of(self, events, name):
        """Returns the events of one device so far, in order."""
        self.barrier(events)
        return [kind for kind, of in events.all() if of == name]

    def wait_events(self, events, name, *kinds):
        """Waits until a device has had exactly these events."""
        with contextlib.suppress(AssertionError):
            self.wait_until(lambda: len(self.events_of(events, name)) >= len(kinds), 'events')
        self.assertEqual(self.events_of(events, name), list(kinds))

    def present(self):
        """Returns the names of all devices in sysfs."""
        return sorted(self.child_name(parent, uuid) for parent in self.host.parents()
                      for uuid in self.host.children(parent))

    def wait_agreement(self):
        """Waits until lists and sysfs agree."""
        self.wait_equal(lambda: self.names(MDEV | ACTIVE), self.present)

    def outcome(self, background):
        """Returns the error of a call, or None if it succeeded."""
        try:
            background.result(self.deadline)
        except Exception as error:  # pylint: disable=broad-exception-caught
            return error
        return None


class LateSuccess(Hostile):
    """The driver succeeds after its caller got a timeout error."""

    SHORT = {'driver_timeout': '0.3'}

    def setUp(self):
        super().setUp()
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)
        self.events = self.listen()

    def test_create(self):
        self.host.set_knob(self.parent, 'block_create', 1)
        with self.settings(mdev=self.SHORT):
            self.assert_refused(TIMEOUT, self.conn.nodeDeviceCreateXML,
                                self.document(uuid=self.uuid, attrs=[('scratch', 'x')]), 0,
                                says='the operation continues')
        self.assertEqual(self.events_of(self.events, self.name), [])
        self.host.set_knob(self.parent, 'block_create', 0)
        self.wait_events(self.events, self.name, 'created')
        self.wait_until(lambda: self.host.journal(self.uuid) == ['scratch=x'], 'its attribute')
        self.wait_until(lambda: not list(self.daemon.state.glob('*')), 'a device that is whole')
        self.wait_agreement()
        self.conn.nodeDeviceLookupByName(self.name).destroy()
        self.assertEqual(self.events_of(self.events, self.name), ['created', 'deleted'])

    @only_on('sim', 'the module of the virtual machine announces the device before it fails')
    def test_late_failure_of_create(self):
        self.host.set_knob(self.parent, 'block_create', 1)
        with self.settings(mdev=self.SHORT):
            self.assert_refused(TIMEOUT, self.conn.nodeDeviceCreateXML,
                                self.document(uuid=self.uuid), 0)
        self.host.set_knob(self.parent, 'fail_create_late', 5)
        self.host.set_knob(self.parent, 'block_create', 0)
        self.wait_until(lambda: not self.host.children(), 'its end')
        self.host.set_knob(self.parent, 'fail_create_late', 0)
        # The UUID can be used again, and the failed call has caused no event.
        self.create(uuid=self.uuid)
        self.assertEqual(self.events_of(self.events, self.name), ['created'])
        self.wait_agreement()

    @only_on('sim', 'the module of the virtual machine lets the device go before it hangs')
    def test_destroy(self):
        device = self.create(uuid=self.uuid)
        self.host.set_knob(self.parent, 'block_remove', 1)
        with self.settings(mdev=self.SHORT):
            self.assert_refused(TIMEOUT, device.destroy, says=self.name)
        self.assertEqual(self.events_of(self.events, self.name), ['created'])
        self.host.set_knob(self.parent, 'block_remove', 0)
        self.wait_events(self.events, self.name, 'created', 'deleted')
        self.wait_agreement()

    def test_other_clients_during_hung_removal(self):
        """During a hung removal, a second destroy is refused, and devices of other parents are not affected."""
        device = self.create(uuid=self.uuid)
        other = self.create(parent=self.host.parents()[1].name)
        self.host.set_knob(self.parent, 'block_remove', 1)
        first = self.in_background(device.destroy)
        self.host.wait_remove_stuck(self.uuid)
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, self.connect().nodeDeviceLookupByName(self.name).destroy,
                            says=self.name)
        other.destroy()
        self.create(parent=self.host.parents()[1].name).destroy()
        self.assertFalse(first.is_done())
        self.host.set_knob(self.parent, 'block_remove', 0)
        first.result(self.deadline)
        self.assertEqual(self.events_of(self.events, self.name), ['created', 'deleted'])
        self.wait_agreement()


class BetweenWriteAndAnswer(Hostile):
    """Another program acts between the return of the write and udev's event."""

    def setUp(self):
        super().setUp()
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)
        self.events = self.listen()

    def start_create(self):
        """Starts a create whose device exists and whose udev event is pending."""
        create = self.in_background(lambda: self.create(self.connect(), uuid=self.uuid))
        self.wait_until(lambda: self.host.exists(f'{self.parent.path}/{self.uuid}/mdev_type'), 'it')
        return create

    def test_removed(self):
        with self.host.silence_udev():
            create = self.start_create()
            self.host.remove_by_others(self.uuid)
        self.assertIn('removed in the meantime', str(self.outcome(create)))
        self.wait_agreement()
        # No list has contained the device, so there are two events or none.
        self.assertIn(self.events_of(self.events, self.name), ([], ['created', 'deleted']))

    def test_replaced(self):
        """A device replaced by another with the same UUID has events for both, and the second remains."""
        with self.host.silence_udev():
            create = self.start_create()
            self.host.remove_by_others(self.uuid)
            self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.outcome(create)
        self.wait_agreement()
        seen = self.events_of(self.events, self.name)
        self.assertEqual(seen.count('created') - seen.count('deleted'), 1)
        self.assertEqual(seen, ['created', 'deleted', 'created'][:len(seen)])

    def test_destroyed_and_recreated(self):
        device = self.create(uuid=self.uuid)
        with self.host.silence_udev():
            destroy = self.in_background(device.destroy)
            self.wait_until(lambda: not self.host.children(), 'its end')
            self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.assertIsNone(self.outcome(destroy))
        self.wait_events(self.events, self.name, 'created', 'deleted', 'created')
        self.wait_agreement()


class Races(Hostile):
    """Another program writes to the same `create` at the same time."""

    def create_as_another(self, type_id, uuid):
        self.host.create_by_others(self.parent, type_id, uuid)

    def race(self, type_id, ours, theirs):
        """Returns the errors of our call and of the other program, None for the winner."""
        document = self.document(type_id=type_id, uuid=ours)
        connection = self.connect()
        gate = threading.Barrier(2)

        def run(func, *args):
            gate.wait()
            func(*args)
        first = self.in_background(run, connection.nodeDeviceCreateXML, document, 0)
        second = self.in_background(run, self.create_as_another, type_id, theirs)
        return self.outcome(first), self.outcome(second)

    def test_one_uuid(self):
        for _ in range(ROUNDS):
            events = self.listen()
            uuid = self.new_uuid()
            errors = self.race(self.type_id, uuid, uuid)
            self.assertEqual(errors.count(None), 1, errors)
            if errors[0] is not None:
                self.assertIn(uuid, str(errors[0]))
            self.wait_agreement()
            self.assertEqual(self.host.children(), [uuid])
            self.wait_events(events, self.child_name(self.parent, uuid), 'created')
            self.host.remove_by_others(uuid)
            self.wait_agreement()

    def test_last_instance(self):
        type_id = min(self.host.type_ids(self.parent),
                      key=lambda each: self.host.available(self.parent, each))
        while self.host.available(self.parent, type_id) > 1:
            self.create(type_id=type_id)
        before = self.host.children()
        for _ in range(ROUNDS):
            ours, theirs = self.new_uuid(), self.new_uuid()
            errors = self.race(type_id, ours, theirs)
            self.assertEqual(errors.count(None), 1, errors)
            if errors[0] is not None:
                self.assertIn('no available instances', str(errors[0]))
            winner = ours if errors[0] is None else theirs
            self.wait_agreement()
            self.assertEqual(self.host.children(), sorted([*before, winner]))
            self.host.remove_by_others(winner)
            self.wait_agreement()


@seldom_on('vm', 'mdevctl starts slowly, and Races has five rounds of each race',
           keeps=('test_mdevctl_has_begun', 'test_we_have_begun'))
class RacesWithMdevctl(Races):
    """mdevctl is slower than the daemon, so where mdevctl must be first, its create is blocked in the driver
    already."""

    def create_as_another(self, type_id, uuid):
        self.host.mdevctl('start', '--uuid', uuid, '--parent', self.parent.address, '--type', type_id)

    def block(self, first, uuid):
        """Blocks the device of `first` in the driver, until the returned function is called."""
        self.host.set_knob(self.parent, 'block_create', 1)
        running = self.in_background(first)
        self.assertEqual(self.host.wait_create_stuck(self.parent, running), uuid)

        def go_on():
            self.host.set_knob(self.parent, 'block_create', 0)
            running.result(self.deadline)
        return go_on

    def check_winner(self, events, uuid):
        self.wait_agreement()
        self.assertEqual(self.host.children(), [uuid])
        self.wait_events(events, self.child_name(self.parent, uuid), 'created')

    def test_mdevctl_has_begun(self):
        events, uuid = self.listen(), self.new_uuid()
        go_on = self.block(lambda: self.create_as_another(self.type_id, uuid), uuid)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, lambda: self.create(uuid=uuid), says=uuid)
        go_on()
        self.check_winner(events, uuid)

    def test_we_have_begun(self):
        events, uuid = self.listen(), self.new_uuid()
        go_on = self.block(lambda: self.create(self.connect(), uuid=uuid), uuid)
        with self.assertRaises(subprocess.CalledProcessError):
            self.create_as_another(self.type_id, uuid)
        go_on()
        self.check_winner(events, uuid)

    def test_stop(self):
        """One of the two removes the device; the other reports an error or finds the device gone."""
        for _ in range(ROUNDS):
            events, uuid = self.listen(), self.new_uuid()
            device = self.create(uuid=uuid)
            theirs = self.in_background(self.host.mdevctl, 'stop', '--uuid', uuid)
            ours = self.outcome(self.in_background(device.destroy))
            errors = ours, self.outcome(theirs)
            self.assertIn(None, errors)
            if ours is not None:
                self.assertIn(uuid.replace('-', '_'), str(ours))
            self.wait_agreement()
            self.assertEqual(self.host.children(), [])
            self.wait_events(events, device.name(), 'created', 'deleted')


@seldom_on('vm', 'definitions are files, and one document shows the same as five',
           keeps=('test_create', 'test_destroy', 'test_start', 'test_update', 'test_lists'))
class ParentGoes(Hostile):
    """The parent's driver is unbound during a call: the call ends with success or an error, and the daemon works on."""

    def remove_parent(self):
        self.host.unbind(self.parent)

    def restore_parent(self):
        self.host.bind(self.parent)

    def setUp(self):
        super().setUp()
        self.events = self.listen()
        # Read now, because self.type_id needs the parent.
        self.kind = self.type_id
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)

    def check(self, call, stuck=None, goes_on=None):
        """Removes the parent while the driver blocks the call, or else right after the call has begun."""
        parent = self.parent
        running = self.in_background(call, self.connect())
        if stuck is not None:
            stuck()
        unbind = self.in_background(self.remove_parent)
        if goes_on is not None:
            self.wait_until(lambda: not self.host.exists(f'/sys/class/mdev_bus/{parent.address}') or
                            unbind.is_done(), 'a parent that goes')
            goes_on()
        unbind.result(self.deadline)
        error = self.outcome(running)
        if error is not None:
            self.assertIsInstance(error, (libvirt.libvirtError, rpc.RpcError))
            self.assertRegex(str(error), f'{self.uuid}|{self.name}|{parent.name}|{parent.path}')
        self.wait_until(lambda: not self.host.children(parent), 'no children')
        self.wait_agreement()
        self.wait_until(lambda: parent.name not in self.names(1 << 13), 'no types')
        seen = self.events_of(self.events, self.name)
        self.assertEqual(seen.count('created'), seen.count('deleted'))
        self.restore_parent()
        self.wait_until(lambda: parent.name in self.names(1 << 13), 'types')
        self.create(parent=parent.name).destroy()
        return error

    def release(self, knob):
        return lambda: self.host.unblock(self.parent, knob)

    def test_create(self):
        self.host.set_knob(self.parent, 'block_create', 1)
        self.check(lambda conn: self.create(conn, uuid=self.uuid, type_id=self.kind, attrs=[('scratch', 'x')]),
                   lambda: self.host.wait_create_stuck(self.parent), self.release('block_create'))

    def test_destroy(self):
        self.create(uuid=self.uuid)
        self.host.set_knob(self.parent, 'block_remove', 1)
        self.check(lambda conn: conn.nodeDeviceLookupByName(self.name).destroy(),
                   lambda: self.host.wait_remove_stuck(self.uuid), self.release('block_remove'))

    def test_define(self):
        """Whether or not the parent remains, a definition is on disk if and only if the call succeeded."""
        error = self.check(lambda conn: self.define(conn, uuid=self.uuid, type_id=self.kind))
        self.assertEqual(self.definition_path(self.uuid).exists(), error is None)

    def test_define_with_autostart(self):
        """Definition and autostart are both on disk, or the call was refused and neither is."""
        done = []

        def call(conn):
            device = self.define(conn, uuid=self.uuid, type_id=self.kind)
            done.append('manual')
            device.setAutostart(1)
            done.append('auto')
        self.check(call)
        self.assertEqual(self.definition_path(self.uuid).exists(), bool(done))
        if done:
            self.assertEqual(self.read_definition(self.uuid)['start'], done[-1])

    def test_start(self):
        """The definition persists, and can be started when the parent is back."""
        device = self.define(uuid=self.uuid, attrs=[('scratch', 'x')])
        self.host.set_knob(self.parent, 'block_create', 1)
        self.check(lambda conn: conn.nodeDeviceLookupByName(self.name).create(0),
                   lambda: self.host.wait_create_stuck(self.parent), self.release('block_create'))
        self.assertEqual(self.state(self.name), (False, True, False))
        device.create(0)
        self.assertEqual(self.host.journal(self.uuid), ['scratch=x'])

    def test_lists(self):
        """Each list is answered, and contains no name twice."""
        ends = threading.Event()
        self.addCleanup(ends.set)
        lists = []

        def call(conn):
            while not ends.is_set():
                lists.append(self.names(connection=conn))
        self.create(uuid=self.uuid)
        self.assertIsNone(self.check(call, lambda: self.wait_until(lambda: lists, 'a list'), ends.set))
        for names in lists:
            self.assertEqual(len(names), len(set(names)))

    def test_update(self):
        device = self.define(uuid=self.uuid, attrs=[('scratch', 'old')])
        device.create(0)
        client = self.raw()
        document = self.document(uuid=self.uuid, attrs=[('scratch', 'new')] * 200)
        self.check(lambda _conn: client.update(self.name, document, LIVE))
        self.assertEqual(self.read_definition(self.uuid)['attrs'], [{'scratch': 'old'}])

    def test_dump(self):
        for _ in range(ROUNDS):
            self.check(lambda conn: self.dump(self.parent.name, conn))

    @only_on('sim', 'the knob is of the fake kernel')
    def test_dump_waiting_for_the_driver(self):
        self.host.set_knob(self.parent, 'block_available', 1)
        self.check(lambda conn: self.dump(self.parent.name, conn),
                   lambda: self.host.wait_available_stuck(self.parent), self.release('block_available'))

    @only_on('sim', 'the knobs of the module go with its driver')
    def test_autostart(self):
        """The device is started when the parent is back."""
        self.write_definition(self.uuid, start='auto', attrs=[{'scratch': 'x'}])
        self.wait_until(lambda: self.name in self.names(), 'the definition')
        self.remove_parent()
        self.wait_until(lambda: self.parent.name not in self.names(1 << 13), 'no types')
        self.host.set_knob(self.parent, 'block_create', 1)
        self.restore_parent()
        self.host.wait_create_stuck(self.parent)
        unbind = self.in_background(self.remove_parent)
        self.wait_until(lambda: not self.host.exists(f'/sys/class/mdev_bus/{self.parent.address}'), 'no parent')
        self.host.unblock(self.parent, 'block_create')
        unbind.result(self.deadline)
        self.wait_until(lambda: self.parent.name not in self.names(1 << 13), 'no types')
        self.assertEqual(self.host.children(), [])
        self.restore_parent()
        self.wait_until(lambda: self.state(self.name) == (True, True, True), 'a start by itself')
        self.wait_until(lambda: self.host.journal(self.uuid) == ['scratch=x'], 'its attribute')


@seldom_on('vm', 'ParentGoes unbinds a driver, and autostart.Module unloads the module')
class ModuleGoes(ParentGoes):
    """The same with the whole module, and therefore with all parents at once."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.host.load_module)

    def remove_parent(self):
        self.host.unload_module()

    def restore_parent(self):
        self.host.load_module()


@only_on('sim', 'udevd is not that bad')
class OddEvents(Hostile):
    """Events that are duplicated, reordered, or about removed devices."""

    def setUp(self):
        super().setUp()
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)
        self.events = self.listen()
        self.udevd = self.host.kernel.udevd

    def replay(self, events):
        for event in events:
            self.udevd.post(event)
        self.udevd.settle(self.deadline)

    def live(self):
        """Returns the events of a device that was created and removed."""
        begin = len(self.udevd.sent)
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.wait_until(lambda: self.name in self.names(), 'the device')
        self.host.remove_by_others(self.uuid)
        self.wait_until(lambda: self.name not in self.names(), 'its end')
        self.udevd.settle(self.deadline)
        return list(self.udevd.sent)[begin:]

    def test_twice(self):
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.wait_events(self.events, self.name, 'created')
        self.replay(list(self.udevd.sent))
        self.assertEqual(self.events_of(self.events, self.name), ['created'])
        self.wait_agreement()

    def test_events_of_a_removed_device(self):
        passed = self.live()
        self.replay(passed)
        self.replay(reversed(passed))
        self.assertEqual(self.events_of(self.events, self.name), ['created', 'deleted'])
        self.wait_agreement()

    def test_recreated_device(self):
        """Events of a device are repeated after the device was removed and created again."""
        passed = self.live()
        self.host.create_by_others(self.parent, self.type_id, self.uuid)
        self.wait_events(self.events, self.name, 'created', 'deleted', 'created')
        self.replay(passed)
        self.replay(reversed(passed))
        self.assertEqual(self.events_of(self.events, self.name), ['created', 'deleted', 'created'])
        self.wait_agreement()
        self.conn.nodeDeviceLookupByName(self.name).destroy()
        self.wait_events(self.events, self.name, 'created', 'deleted', 'created', 'deleted')

    def test_of_a_short_life(self):
        """A device removed before its events are read is never listed, not even before udevd has sent the remove
        event."""
        with self.host.silence_udev():
            self.host.create_by_others(self.parent, self.type_id, self.uuid)
            self.host.remove_by_others(self.uuid)
            with self.udevd.changed:
                passed = list(self.udevd.queue)
                self.udevd.queue.clear()
        self.assertEqual(passed[-1]['ACTION'], 'remove')
        for event in passed[:-1]:
            self.replay([event])
            self.assertEqual(self.events_of(self.events, self.name), [])
            self.assertNotIn(self.name, self.names())
        self.replay(passed[-1:])
        self.wait_events(self.events, self.name, 'created', 'deleted')
        self.wait_agreement()

    def test_backwards(self):
        """All events arrive in reverse order."""
        with self.host.silence_udev():
            self.host.create_by_others(self.parent, self.type_id, self.uuid)
            self.host.remove_by_others(self.uuid)
            other = self.new_uuid()
            self.host.create_by_others(self.parent, self.type_id, other)
            with self.udevd.changed:
                self.udevd.queue.reverse()
        name = self.child_name(self.parent, other)
        self.wait_events(self.events, name, 'created')
        self.wait_agreement()
        seen = self.events_of(self.events, self.name)
        self.assertEqual(seen.count('created'), seen.count('deleted'))
