# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events: their kind, number, recipients, and order with replies."""

import errno

import libvirt

import rpc
from mediated_test import MediatedTest, not_on, seldom_on

LIFECYCLE, UPDATE = 0, 1
CREATED, DELETED = 0, 1


class Order(MediatedTest):
    """Events on one connection, in the order of the wire."""

    def setUp(self):
        super().setUp()
        self.client = self.raw(path=self.host.client_path(self.daemon.rw_path))
        self.client.register(LIFECYCLE)
        self.client.register(UPDATE)
        self.uuid = self.new_uuid()
        self.name = self.child_name(self.parent, self.uuid)

    def since(self, serial):
        """Returns all frames up to the reply to a call: events as tuples, the reply as 'reply'."""
        story = []
        reply = self.client.wait_reply(serial)
        self.assertIsNone(reply.error())
        for frame in self.client.frames:
            if frame.type == rpc.MESSAGE and frame.program == rpc.REMOTE:
                if not self.is_sibling(frame.event()[1]):
                    story.append(frame.event())
            elif frame is reply:
                story.append('reply')
        self.client.frames.clear()
        return story

    @not_on('modular', 'these daemons queue events, and may send a reply first')
    def test_create_and_destroy(self):
        self.client.frames.clear()
        serial = self.client.send('CREATE_XML', rpc.string(self.document(uuid=self.uuid)) +
                                  rpc.u32(0))
        self.assertEqual(self.since(serial), [
            ('EVENT_LIFECYCLE', self.name, CREATED), ('EVENT_UPDATE', self.parent.name, None),
            'reply'])
        serial = self.client.send('DESTROY', rpc.string(self.name))
        self.assertEqual(self.since(serial), [
            ('EVENT_LIFECYCLE', self.name, DELETED), ('EVENT_UPDATE', self.parent.name, None),
            'reply'])

    def test_no_late_events(self):
        self.client.create_xml(self.document(uuid=self.uuid))
        self.client.destroy(self.name)
        self.client.frames.clear()
        for _ in range(20):
            self.client.is_active('computer')
        late = [frame.event() for frame in self.client.frames if frame.type == rpc.MESSAGE]
        self.assertEqual([event for event in late if not self.is_sibling(event[1])], [])

    def test_capacity_at_the_parent_update(self):
        before = self.host.available(self.parent, self.type_id)
        self.client.send('CREATE_XML', rpc.string(self.document(uuid=self.uuid)) + rpc.u32(0))
        while self.client.wait_event()[0] != 'EVENT_UPDATE':
            pass
        self.assertEqual(self.host.available(self.parent, self.type_id), before - 1)


@seldom_on('vm', 'the order is that of Order, and 300 clients take ten seconds')
class OrderInACrowd(Order):
    """The caller receives events before its reply even if it is the last of many subscribers."""

    CROWD = 300

    def setUp(self):
        self.crowd = 0
        super().setUp()

    def raw(self, *arguments, **keywords):
        """Connects the first client after a crowd of subscribers."""
        while self.crowd < self.CROWD:
            self.crowd += 1
            other = super().raw()
            other.register(LIFECYCLE)
            other.register(UPDATE)
        return super().raw(*arguments, **keywords)


@seldom_on('vm', 'subscriptions do not depend on the kernel', keeps=('test_one_device',))
class Subscriptions(MediatedTest):
    def test_all_connections_hear(self):
        listeners = [self.listen() for _ in range(3)]
        device = self.create()
        for events in listeners:
            events.wait(('created', device.name()), ('update', self.parent.name))
        device.destroy()
        for events in listeners:
            events.wait(('deleted', device.name()))
            self.barrier(events)
            self.assertEqual(self.told(events), [
                ('created', device.name()), ('update', self.parent.name),
                ('deleted', device.name()), ('update', self.parent.name)])

    def test_read_only(self):
        client = self.raw(path=self.daemon.ro_path)
        client.register(LIFECYCLE)
        device = self.create()
        self.assertEqual(client.wait_event(), ('EVENT_LIFECYCLE', device.name(), CREATED))

    def test_one_device(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        client = self.raw()
        client.register(LIFECYCLE, device.name())
        other = self.create(parent=self.place(1).name)
        device.destroy()
        other.destroy()
        self.create(uuid=uuid)
        client.is_active('computer')
        heard = [frame.event() for frame in client.frames if frame.type == rpc.MESSAGE]
        self.assertEqual(heard, [('EVENT_LIFECYCLE', device.name(), DELETED),
                                 ('EVENT_LIFECYCLE', device.name(), CREATED)])

    def heard_of_a_create(self, client):
        client.frames.clear()
        self.create()
        client.is_active('computer')
        return [frame.event()[0] for frame in client.frames if frame.type == rpc.MESSAGE]

    def test_deregistered(self):
        client = self.raw()
        first, second = client.register(LIFECYCLE), client.register(UPDATE)
        self.assertNotEqual(first, second)
        self.assertEqual(self.heard_of_a_create(client), ['EVENT_LIFECYCLE', 'EVENT_UPDATE'])
        client.deregister(first)
        self.assertEqual(self.heard_of_a_create(client), ['EVENT_UPDATE'])
        client.deregister(second)
        self.assertEqual(self.heard_of_a_create(client), [])
        client.register(LIFECYCLE)
        self.assertEqual(self.heard_of_a_create(client), ['EVENT_LIFECYCLE'])

    def test_bad_registrations(self):
        client = self.raw()
        for event in (-1, 2, 1000000):
            with self.subTest(event):
                self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, client.register, event, domain=libvirt.VIR_FROM_RPC)
        for callback in (-1, 7777):
            with self.subTest(callback):
                self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, client.deregister, callback, domain=libvirt.VIR_FROM_RPC)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_callback_of_another_client(self):
        first, second = self.raw(), self.raw()
        callback = first.register(LIFECYCLE)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, second.deregister, callback + 1000,
                            domain=libvirt.VIR_FROM_RPC)
        self.create()
        self.assertEqual(first.wait_event()[0], 'EVENT_LIFECYCLE')

    def test_client_vanishes_with_subscriptions(self):
        client = self.raw()
        client.register(LIFECYCLE)
        client.register(UPDATE)
        client.disconnect()
        device = self.create()
        device.destroy()
        self.assertTrue(self.daemon.is_running())


class Refusals(MediatedTest):
    """A device that existed for a moment during a refused create causes no event."""

    def check(self, code, create):
        events = self.listen()
        self.assert_refused(code, create)
        self.barrier(events)
        self.assertEqual(events.all(), [])
        return events

    def test_attribute(self):
        self.check(libvirt.VIR_ERR_SYSTEM_ERROR, lambda: self.create(attrs=[('stubborn', '1')]))

    def test_driver(self):
        with self.host.knob(self.parent, 'fail_create_late', errno.EIO):
            self.check(libvirt.VIR_ERR_INTERNAL_ERROR, self.create)

    def test_udev_tells_of_it_later(self):
        with self.host.silence_udev():
            with self.host.knob(self.parent, 'fail_create_late', errno.EIO):
                events = self.check(libvirt.VIR_ERR_INTERNAL_ERROR, self.create)
            self.check(libvirt.VIR_ERR_SYSTEM_ERROR, lambda: self.create(attrs=[('stubborn', '1')]))
        # The last operation, after the late events.
        device = self.create()
        events.wait(('update', self.parent.name))
        self.barrier(events)
        self.assertEqual(events.all(), [('created', device.name()), ('update', self.parent.name)])
