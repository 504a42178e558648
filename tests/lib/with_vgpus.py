# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mix-in that runs a class of cases with vGPUs on the functions of a card: class X(WithVgpus, module.X)."""

import documents
import host as hosts
import vgpu_card

MDEV, ACTIVE = 1 << 14, 1 << 31


class WithVgpus:
    """Replaces parts of WithDevices. Every function takes one vGPU."""

    machine = 'l40s'
    attr = f'{vgpu_card.FILES}/{vgpu_card.PARAMS}'

    @property
    def card(self):
        return self.host.cards[0]

    @property
    def parent(self):
        return self.place(0)

    def place(self, number):
        """Returns the function with this number, even if it is not enabled."""
        function = self.card.all_functions[number]
        return hosts.Parent(hosts.make_name('pci', function.address), function.address, function.path)

    def children(self):
        """The kernel knows no UUIDs: returns those of the daemon's vGPUs, which must be on the functions with a type."""
        found = {}
        for device in self.conn.listAllDevices(MDEV | ACTIVE):
            cap = documents.find_capability(documents.parse(device.XMLDesc(0)), 'mdev')
            found[cap.findtext('parent_addr')] = cap.findtext('uuid')
        taken = self.taken()
        if sorted(found) != sorted(taken):
            raise AssertionError(f'the daemon shows vGPUs on {sorted(found)}, but they are on {taken}')
        return sorted(found.values())

    def taken(self):
        """Returns the addresses of all functions with a type."""
        return [function.address for function in self.host.functions() if function.number]

    def count_children(self):
        return len(self.taken())

    def type_of(self, parent, _uuid):
        return f'{vgpu_card.DRIVER}-{self.host.fake(parent).number}'

    def group(self, parent, _uuid):
        return str(self.host.fake(parent).group)

    def attribute(self, uuid):
        return self.host.fake(self.parent).params

    def journal(self, uuid):
        lines = []
        for request in self.card.writes(self.parent.address):
            if request.file == vgpu_card.PARAMS:
                lines.append(f'{self.attr}={request.text[:-1]}')
            elif request.text.strip() != '0':
                lines.clear()
        return lines

    def is_sibling(self, name):
        """Functions are updated whenever their choice of types changes, also after the reply to the call."""
        return name != self.parent.name and name in {parent.name for parent in self.host.parents()}

    def nothing_changes(self):
        # The list looks at all functions: those whose choice an earlier call has changed are told now.
        self.names()
        return super().nothing_changes()
