# SPDX-License-Identifier: LGPL-2.1-or-later
"""The summary of vGPUs in the document of a card."""

import documents
import host as hosts
import vgpu_types
from mediated_test import MediatedTest

ONLY_ON = ('sim', 'the cards are simulated')
FULL = 'the vGPUs of the card leave no room for another one'
SIZE = 'the card has vGPUs with a frame buffer of another size'
OTHERS = 'the driver offers other types only'


class SummaryTest(MediatedTest):
    def setUp(self):
        super().setUp()
        self.card = self.host.cards[0]

    def summary(self):
        """Returns the element, and {number of a type: how many more, or why none}."""
        root = documents.parse(self.dump(hosts.make_name('pci', self.card.address)))
        summary = root.find('capability/vgpus')
        available = {}
        for element in summary.findall('type'):
            number = int(element.get('id').removeprefix('nvidia-'))
            count, reason = int(element.find('available').text), element.find('reason')
            self.assertEqual(count == 0, reason is not None)
            available[number] = count or reason.text
        return summary, available

    def check_counts(self, summary, free):
        functions = len(self.card.functions)
        self.assertEqual((summary.get('functions'), summary.get('free')), (str(functions), str(free)))


class TimeSliced(SummaryTest):
    machine = 'l40s'

    def test_equal_sizes(self):
        """Numbers of types: 1155 and 1165 have half the memory of the card, 1156 and 1166 all of it."""
        summary, available = self.summary()
        self.check_counts(summary, 32)
        self.assertEqual(set(available), {kind.number for kind in vgpu_types.L40S})
        self.assertEqual([available[number] for number in (1155, 1165, 1156, 1147)], [2, 2, 1, 32])

        self.card.functions[0].assign(1155)
        summary, available = self.summary()
        self.check_counts(summary, 31)
        self.assertEqual([available[number] for number in (1155, 1165, 1156, 1147)], [1, 1, SIZE, SIZE])

        self.card.functions[1].assign(1165)
        summary, available = self.summary()
        self.check_counts(summary, 30)
        self.assertEqual(set(available.values()), {FULL})

    def test_kept(self):
        """libvirt's part of the document does not change, and is valid."""
        document = self.dump(hosts.make_name('pci', self.card.address))
        self.assertIsNone(documents.validate(document, self.schema), document)
        root = documents.parse(document)
        self.assertEqual(root.findall('.//mdev_types'), [])
        self.assertEqual([element.get('type') for element in root.findall('capability/capability')], ['virt_functions'])
        self.assertEqual(root.findall('.//vgpus//iommuGroup') + root.findall('.//vgpus//address'), [])


class WithoutDetails(SummaryTest):
    machine = 'l40s'
    config = {'xml': {'details': 'false'}}

    def test_document(self):
        document = self.dump(hosts.make_name('pci', self.card.address))
        self.assertNotIn('vgpus', document)


class Disabled(SummaryTest):
    machine = 'l40s'
    config = {'vgpu': {'enabled': 'false'}}

    def test_documents(self):
        self.assertNotIn('vgpus', self.dump(hosts.make_name('pci', self.card.address)))
        self.assertNotIn('mdev_types', self.dump(hosts.make_name('pci', self.card.functions[0].address)))


class Instances(SummaryTest):
    machine = 'rtxpro'

    def test_mig(self):
        """In MIG mode without instances, nothing can be created; with one, the types of its profile."""
        self.card.set_instances()
        _, available = self.summary()
        self.assertEqual(len(set(available.values())), 1)
        self.assertIn('MIG mode', set(available.values()).pop())

        self.card.set_instances(47, 47)
        summary, available = self.summary()
        self.check_counts(summary, 48)
        offered = {kind.number for kind in self.card.creatable}
        self.assertEqual({number for number, state in available.items() if isinstance(state, int)}, offered)
        self.assertEqual({state for number, state in available.items() if number not in offered}, {OTHERS})
