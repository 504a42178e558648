# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base class of cases about vGPUs on SR-IOV functions, on a simulated card."""

import uuid as uuids

import documents
import host as hosts
from mediated_test import MediatedTest

MDEV_TYPES = 1 << 13
MDEV = 1 << 14


class VgpuTest(MediatedTest):
    """Two functions of the first card, and what the daemon says about them."""

    machine = 'l40s'
    number = 1155        # NVIDIA L40S-24Q: two of them fill the card
    small_number = 1147  # NVIDIA L40S-1Q

    def setUp(self):
        super().setUp()
        self.card = self.host.cards[0]
        self.function, self.other = self.card.functions[:2]

    def restart(self, end=None):
        """Ends the daemon in an orderly way or by a function, and starts the next one."""
        (end or self.daemon.stop)()
        self.close_connections()
        self.init_connections()
        self.daemon.start(self.config)

    @staticmethod
    def node(thing):
        """Returns the name of the node device of a function or card."""
        return hosts.make_name('pci', thing.address)

    @staticmethod
    def vgpu(function, uuid):
        """Returns the name of the vGPU of a function."""
        return hosts.make_name('mdev', uuid, function.address)

    @staticmethod
    def uuid_of_others(function):
        """Returns the UUID of a vGPU that another program has made; OpenNebula shows the same."""
        return str(uuids.uuid5(uuids.NAMESPACE_X500, function.address.replace('.', ':')))

    def vgpu_of_others(self, function):
        return self.vgpu(function, self.uuid_of_others(function))

    def vgpu_document(self, function=None, number=None, **fields):
        if 'parent' not in fields:
            fields['parent'] = self.node(function or self.function)
        if 'type_name' not in fields:
            fields.setdefault('type_id', f'nvidia-{number or self.number}')
        return documents.create(**fields)

    def create_vgpu(self, function=None, number=None, connection=None, **fields):
        """Creates a vGPU, by default of the first function; the UUID is new unless given."""
        fields.setdefault('uuid', self.new_uuid())
        return (connection or self.conn).nodeDeviceCreateXML(self.vgpu_document(function, number, **fields), 0)

    def refuse(self, code, function=None, number=None, says=(), **fields):
        """Checks that a create is refused and changes nothing; returns the message."""
        fields.setdefault('uuid', self.new_uuid())
        document = self.vgpu_document(function, number, **fields)
        with self.nothing_changes():
            return self.assert_refused(code, self.conn.nodeDeviceCreateXML, document, 0, says=says)

    def nothing_changes(self):
        # The list looks at all functions: siblings whose choice an earlier call has changed are told now.
        self.names()
        return super().nothing_changes()

    def snapshot(self):
        return super().snapshot(), [function.number for card in self.host.cards for function in card.functions]

    def types(self, function, connection=None):
        """Returns libvirt's block of types in the document of a function: {id: {element: text}}."""
        return documents.mdev_types(documents.parse(self.dump(self.node(function), connection)))

    def choice(self, function):
        """Returns the types that the document of a function offers now, sorted."""
        return sorted(int(type_id.rpartition('-')[2]) for type_id, facts in self.types(function).items()
                      if facts['availableInstances'] != '0')

    def vgpus(self, connection=None):
        """Returns the names of all active vGPUs."""
        return self.names(MDEV, connection)

    def updates(self, *functions):
        return [('update', self.node(function)) for function in functions]
