# SPDX-License-Identifier: LGPL-2.1-or-later
"""Slow drivers delay only the calls that need them."""

import signal

import libvirt

import rpc
from mediated_test import MediatedTest, only_on, seldom_on


@seldom_on('vm', 'a hung call delays its own client only',
           keeps=('test_create', 'test_destroy', 'test_client_vanishes_while_its_create_runs',
                  'test_stop_after_the_driver'))
class Blocked(MediatedTest):
    """One driver blocks; all other calls are answered."""

    def check_others_are_answered(self):
        other = self.host.parents()[1]
        connection = self.connect()
        with self.within(self.deadline / 2, 'the others'):
            self.assertIn('computer', self.names(connection=connection))
            self.assertIn(self.parent.name, self.dump(self.parent.name, connection))
            device = self.create(connection, parent=other.name)
            device.destroy()

    def test_create(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.host.set_knob(self.parent, 'block_create', 1)
        blocked = self.in_background(lambda: self.create(self.connect(), uuid=uuid))
        self.host.wait_create_stuck(self.parent)
        self.check_others_are_answered()
        self.assertNotIn(name, self.names())
        self.assertFalse(blocked.is_done())
        self.host.set_knob(self.parent, 'block_create', 0)
        self.assertEqual(blocked.result(self.deadline).name(), name)
        self.assertIn(name, self.names())

    def test_destroy(self):
        uuid = self.new_uuid()
        device = self.create(self.connect(), uuid=uuid)
        self.host.set_knob(self.parent, 'block_remove', 1)
        blocked = self.in_background(device.destroy)
        self.host.wait_remove_stuck(uuid)
        self.check_others_are_answered()
        self.assertFalse(blocked.is_done())
        self.host.set_knob(self.parent, 'block_remove', 0)
        blocked.result(self.deadline)
        self.assertNotIn(device.name(), self.names())

    def test_same_connection(self):
        """Replies on one connection are sent in the order of completion."""
        client = self.raw()
        self.host.set_knob(self.parent, 'block_create', 1)
        uuid = self.new_uuid()
        create = client.send('CREATE_XML', rpc.string(self.document(uuid=uuid)) + rpc.u32(0))
        self.host.wait_create_stuck(self.parent)
        self.assertEqual(client.look_up('computer'), 'computer')
        self.assertIn(self.parent.name, client.get_xml(self.parent.name))
        self.host.set_knob(self.parent, 'block_create', 0)
        self.assertEqual(client.wait_reply(create).decoder().string(),
                         self.child_name(self.parent, uuid))

    def test_client_vanishes_while_its_create_runs(self):
        events = self.listen()
        client = self.raw()
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.host.set_knob(self.parent, 'block_create', 1)
        client.send('CREATE_XML', rpc.string(self.document(uuid=uuid)) + rpc.u32(0))
        self.host.wait_create_stuck(self.parent)
        client.disconnect()
        self.assertIn('computer', self.names())
        self.host.set_knob(self.parent, 'block_create', 0)
        events.wait(('created', name))
        self.assertIn(name, self.names())

    def test_client_vanishes_while_its_destroy_runs(self):
        events = self.listen()
        client = self.raw()
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        self.host.set_knob(self.parent, 'block_remove', 1)
        client.send('DESTROY', rpc.string(device.name()))
        self.host.wait_remove_stuck(uuid)
        client.disconnect()
        self.host.set_knob(self.parent, 'block_remove', 0)
        events.wait(('deleted', device.name()))
        self.assertNotIn(device.name(), self.names())

    def test_stop_after_the_driver(self):
        """The running call is completed and answered before the daemon exits."""
        client = self.raw()
        uuid = self.new_uuid()
        self.host.set_knob(self.parent, 'block_create', 1)
        create = client.send('CREATE_XML', rpc.string(self.document(uuid=uuid)) + rpc.u32(0))
        self.host.wait_create_stuck(self.parent)
        self.daemon.signal(signal.SIGTERM)
        self.wait_until(self.daemon.is_leaving, 'no more clients')
        self.assertTrue(self.daemon.is_running())
        self.host.set_knob(self.parent, 'block_create', 0)
        reply = client.wait_reply(create)
        self.assertEqual(reply.decoder().string(), self.child_name(self.parent, uuid))
        self.assertEqual(self.daemon.wait(), 0)
        self.daemon.start(self.config)


class Deadline(MediatedTest):
    """A call has a timeout."""

    # event_timeout is unchanged, because a device that is incomplete for that long is listed as it is.
    SHORT = {'driver_timeout': '0.3'}

    def test_create(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.host.set_knob(self.parent, 'block_create', 1)
        with self.settings(mdev=self.SHORT):
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, self.conn.nodeDeviceCreateXML,
                                self.document(uuid=uuid), 0,
                                says='Unable to start mediated device')
        self.assertNotIn(name, self.names())
        self.host.set_knob(self.parent, 'block_create', 0)
        self.wait_until(lambda: name in self.names(), 'the device, in the end')

    def test_destroy(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        self.host.set_knob(self.parent, 'block_remove', 1)
        with self.settings(mdev=self.SHORT):
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, device.destroy, says=device.name())
        self.host.set_knob(self.parent, 'block_remove', 0)
        self.wait_until(lambda: device.name() not in self.names(), 'its end')


@only_on('sim', 'the knob is of the fake kernel')
class Capacity(MediatedTest):
    def test_available_instances_blocks(self):
        self.host.set_knob(self.parent, 'block_available', True)
        parent = self.connect().nodeDeviceLookupByName(self.parent.name)
        blocked = self.in_background(parent.XMLDesc, 0)
        self.host.wait_available_stuck(self.parent)
        with self.within(self.deadline / 2, 'the others'):
            other = self.host.parents()[1].name
            self.assertIn(other, self.dump(other))
            self.assertIn('computer', self.names())
        self.assertFalse(blocked.is_done())
        self.host.set_knob(self.parent, 'block_available', False)
        self.assertIn('availableInstances', blocked.result(self.deadline))

    def test_available_instances_fails(self):
        with self.host.knob(self.parent, 'fail_available', 5):
            document = self.dump(self.parent.name)
        self.assertIn("<type id='nvidia-11'>", document)
