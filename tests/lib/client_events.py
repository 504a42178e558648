# SPDX-License-Identifier: LGPL-2.1-or-later
"""Node device events as received by a libvirt client."""

import threading

import libvirt

LIFECYCLE = {libvirt.VIR_NODE_DEVICE_EVENT_CREATED: 'created',
             libvirt.VIR_NODE_DEVICE_EVENT_DELETED: 'deleted',
             libvirt.VIR_NODE_DEVICE_EVENT_DEFINED: 'defined',
             libvirt.VIR_NODE_DEVICE_EVENT_UNDEFINED: 'undefined'}


class EventLoop:
    """Runs libvirt's event loop on a thread. There is one per process, and it never ends."""

    started = False
    lock = threading.Lock()

    @classmethod
    def ensure(cls):
        with cls.lock:
            if cls.started:
                return
            cls.started = True
            libvirt.registerErrorHandler(lambda _context, _error: None, None)
            libvirt.virEventRegisterDefaultImpl()
            threading.Thread(target=cls.run, name='events', daemon=True).start()

    @staticmethod
    def run():
        while True:
            libvirt.virEventRunDefaultImpl()


class Events:
    """All node device events that a connection receives: ('created', name), ('update', name) ..."""

    def __init__(self, connection, deadline, device=None):
        self.connection = connection
        self.deadline = deadline
        self.seen = []
        self.changed = threading.Condition()
        self.ids = [
            connection.nodeDeviceEventRegisterAny(
                device, libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, self.on_lifecycle, None),
            connection.nodeDeviceEventRegisterAny(
                device, libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE, self.on_update, None)]

    def on_lifecycle(self, _connection, device, event, _detail, _opaque):
        self.add((LIFECYCLE[event], device.name()))

    def on_update(self, _connection, device, _opaque):
        self.add(('update', device.name()))

    def add(self, event):
        with self.changed:
            self.seen.append(event)
            self.changed.notify_all()

    def all(self):
        with self.changed:
            return list(self.seen)

    def count(self, event):
        return self.all().count(event)

    def wait(self, *wanted):
        """Waits until all of these events have arrived, in any order."""
        with self.changed:
            if not self.changed.wait_for(lambda: all(event in self.seen for event in wanted),
                                         self.deadline):
                raise AssertionError(f'of {wanted} received only:  {self.seen}')

    def stop(self):
        for callback in self.ids:
            self.connection.nodeDeviceEventDeregisterAny(callback)
        self.ids = []
