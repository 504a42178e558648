# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks that a daemon's answers agree with each other: lists, flags, capabilities, parents and documents of each
device, and that each device named in a document is listed."""

import collections

import documents
import host

KINDS = ('system', 'pci', 'usb_device', 'usb', 'net', 'scsi_host', 'scsi_target', 'scsi', 'storage', 'fc_host',
         'vports', 'scsi_generic', 'drm', 'mdev_types', 'mdev', 'ccw', 'css', 'vdpa', 'ap_card', 'ap_queue',
         'ap_matrix', 'vpd', 'ccwgroup', 'ccwgroup_member')
# In the order of virConnectListAllNodeDevicesFlags; bit 21 is not used here.
FLAGS = {kind: 1 << number for number, kind in enumerate(KINDS[:22])} | {'ccwgroup': 1 << 22, 'ccwgroup_member': 1 << 23}
# Nested capabilities that lists and flags also support, by their name in documents.
NESTED = {'mdev_types': 'mdev_types', 'fc_host': 'fc_host', 'vport_ops': 'vports', 'vpd': 'vpd',
          'ccwgroup_member': 'ccwgroup_member'}


def pci_name(address):
    """Returns the name of the function with the address in an <address> element."""
    domain, bus, slot, function = (int(address.get(part), 0) for part in ('domain', 'bus', 'slot', 'function'))
    return f'pci_{domain:04x}_{bus:02x}_{slot:02x}_{function:x}'


class World:
    """All answers of a daemon, read once, and the contradictions among them."""

    def __init__(self, connection):
        devices = connection.listAllDevices(0)
        self.roots = {device.name(): documents.parse(device.XMLDesc(0)) for device in devices}
        self.caps = {device.name(): sorted(device.listCaps()) for device in devices}
        self.parents = {device.name(): device.parent() for device in devices if device.name() != 'computer'}
        self.active = {device.name() for device in devices if device.isActive()}
        self.by_flag = {kind: sorted(device.name() for device in connection.listAllDevices(flag))
                        for kind, flag in FLAGS.items()}
        self.by_name = {kind: sorted(connection.listDevices(kind)) for kind in KINDS}
        self.numbers = {kind: connection.numOfDevices(kind) for kind in KINDS}
        self.wrong = []

    def want(self, equal, *what):
        if not equal:
            self.wrong.append(': '.join(map(str, what)))

    def check_lists(self):
        listed = collections.defaultdict(list)
        for name, kinds in sorted(self.caps.items()):
            for kind in kinds:
                listed[kind].append(name)
        for kind in KINDS:
            expected = listed[kind]
            for source, names in (('flag', self.by_flag[kind]), ('list', self.by_name[kind])):
                self.want(names == expected, kind, source, names, f'listCaps says {expected}')
            self.want(self.numbers[kind] == len(expected), kind, 'number', self.numbers[kind])

    def check_document(self, name, root):
        outer = root.find('capability')
        inner = {NESTED[node.get('type')] for node in outer.findall('capability') if node.get('type') in NESTED}
        kinds = sorted({outer.get('type'), *inner})
        self.want(self.caps[name] == kinds, name, f'the document shows {kinds}', f'listCaps says {self.caps[name]}')
        self.want(root.findtext('name') == name, name, 'its document has another name')
        self.want(root.findtext('parent') == self.parents.get(name), name, 'its document has another parent')
        self.want((root.find('path') is not None) == (name in self.active and name != 'computer'), name, 'path')

    @staticmethod
    def references(root):
        """Returns (relation, name) of each device that a document names."""
        cap = root.find('capability')
        yield from (('parent', node.text) for node in root.findall('parent'))
        yield from (('group', node.text) for node in cap.iter('group_device'))
        yield from (('member', node.text) for node in cap.iter('ccw_device'))
        for node in cap.findall("capability[@type='phys_function']/address"):
            yield 'physical function', pci_name(node)
        for node in cap.findall("capability[@type='virt_functions']/address"):
            yield 'virtual function', pci_name(node)
        if cap.get('type') == 'pci':
            yield from (('IOMMU group', pci_name(node)) for node in cap.findall('iommuGroup/address'))

    # Relations that the named device must confirm in its own document.
    BACK = {'group': 'member', 'member': 'group', 'physical function': 'virtual function', 'IOMMU group': 'IOMMU group'}

    def check_references(self):
        named = {(name, what, other) for name, root in self.roots.items() for what, other in self.references(root)}
        for name, what, other in sorted(named):
            self.want(other in self.roots, name, f'{what} {other} is not listed')
            if what in self.BACK:
                self.want((other, self.BACK[what], name) in named, name, f'{what} {other} does not name it')

    def check_mediated(self, name, root):
        """Checks that the type of an active device is a type of its parent."""
        kind = root.find("capability[@type='mdev']/type")
        if kind is None or name not in self.active:
            return
        parent = self.parents[name]
        self.want('mdev_types' in self.caps.get(parent, ()), name, f'{parent} is no parent')
        self.want(parent in self.roots and kind.get('id') in documents.mdev_types(self.roots[parent]), name,
                  f'{parent} does not offer {kind.get("id")}')
        address = root.findtext('capability/parent_addr')
        self.want(parent.endswith(host.make_name(address)), name, f'{address} is not {parent}')

    def check(self):
        self.check_lists()
        for name, root in self.roots.items():
            self.check_document(name, root)
            self.check_mediated(name, root)
        self.check_references()
        return self.wrong


def find(connection):
    """Returns the contradictions, one line each. Devices must not change meanwhile."""
    return World(connection).check()
