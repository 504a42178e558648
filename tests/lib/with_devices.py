# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mix-in of MediatedTest: devices, their documents and states."""

import uuid as uuids

import documents
import host as hosts


class WithDevices:
    """Calls of a client for devices of self.host, over self.conn unless another connection is given.

    What differs between mdevs and vGPUs is here for mdevs; WithVgpus replaces it.
    """

    attr = 'scratch'   # the name of an attribute that every device has

    @property
    def parent(self):
        return self.host.parents()[0]

    @property
    def type_id(self):
        return self.host.type_ids(self.parent)[0]

    @staticmethod
    def new_uuid():
        return str(uuids.uuid4())

    @staticmethod
    def child_name(parent, uuid):
        return hosts.make_name('mdev', uuid, parent.address)

    def place(self, _number):
        """Returns the parent for a device, if a case has several at the same time: they are numbered from 0."""
        return self.parent

    def children(self):
        """Returns the UUIDs of all devices in the kernel."""
        return self.host.children()

    def count_children(self):
        return len(self.host.children())

    def type_of(self, parent, uuid):
        """Returns the id of the type of a device in the kernel."""
        return self.host.link(f'{parent.path}/{uuid}/mdev_type')

    def group(self, parent, uuid):
        """Returns the IOMMU group of a device, as a text."""
        return self.host.link(f'{parent.path}/{uuid}/iommu_group')

    def attribute(self, uuid):
        """Returns the value of `attr` of a device of self.parent."""
        return self.host.attribute(uuid, self.attr)

    def journal(self, uuid):
        """Returns all writes to attributes of a device of self.parent, in order: 'name=value'."""
        return self.host.journal(uuid)

    @staticmethod
    def is_sibling(_name):
        """Returns whether a device is updated because of what happens on another parent."""
        return False

    def told(self, events):
        """Returns the events of a case with devices on self.parent."""
        return [event for event in events.all() if not self.is_sibling(event[1])]

    def document(self, **fields):
        """Returns a create document, by default for the first type of the first parent."""
        fields.setdefault('parent', self.parent.name)
        if 'type_id' not in fields and 'type_name' not in fields:
            fields['type_id'] = self.type_id
        return documents.create(**fields)

    def create(self, connection=None, flags=0, **fields):
        """Creates a device and returns it; the UUID is new unless given."""
        fields.setdefault('uuid', self.new_uuid())
        return (connection or self.conn).nodeDeviceCreateXML(self.document(**fields), flags)

    def define(self, connection=None, flags=0, **fields):
        """Defines a device and returns it; the UUID is new unless given."""
        fields.setdefault('uuid', self.new_uuid())
        return (connection or self.conn).nodeDeviceDefineXML(self.document(**fields), flags)

    def state(self, name):
        """Returns (active, persistent, autostart) of a device."""
        device = self.conn.nodeDeviceLookupByName(name)
        return (bool(device.isActive()), bool(device.isPersistent()), bool(device.autostart()))

    def dump(self, name, connection=None):
        return (connection or self.conn).nodeDeviceLookupByName(name).XMLDesc(0)

    def names(self, flags=0, connection=None):
        return sorted(device.name() for device in (connection or self.conn).listAllDevices(flags))
