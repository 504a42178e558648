# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents of devices: libvirt's part as printed by the stock daemon, and mediated's elements.

The golden documents are the output of libvirtd 9.0.0 on the same simulated hosts, with types and group members sorted;
those of mdpy and mbochs, which libvirtd does not know, follow its mtty. Those of vGPUs on functions follow those of
mediated devices.
"""

import pathlib
import re

import libvirt

import documents
from mediated_test import MediatedTest, only_on, seldom_on

GOLDEN = pathlib.Path(__file__).parent / 'golden'
UUID = '0695d332-7831-493f-9e71-1c85c8911a08'
# Names of vendors and products depend on the hardware database of the machine that runs the test.
HWDB_NAME = re.compile(r"<(product|vendor) id='(0x[0-9a-f]{4})'>[^<]*</\1>")
# libvirt's schema does not support parents like mtty.
NO_SCHEMA = ('mtty_mtty', 'mdpy_mdpy', 'mbochs_mbochs')


class Golden(MediatedTest):
    """Compares all golden documents of a machine; subclasses name the machines."""

    config = {'xml': {'details': 'false'}}

    def compare(self):
        self.host.create_by_others(self.parent, self.type_id, UUID)
        child = self.child_name(self.parent, UUID)
        self.wait_until(lambda: child in self.names(), child)
        self.compare_documents()

    def compare_documents(self):
        for path in sorted((GOLDEN / self.machine).glob('*.xml')):
            with self.subTest(path.stem):
                document = self.dump(path.stem)
                self.assertEqual(HWDB_NAME.sub(r"<\1 id='\2'/>", document), path.read_text())
                if path.stem not in NO_SCHEMA:
                    self.assertIsNone(documents.validate(document))


@only_on('sim', 'golden documents are of simulated hosts')
class GoldenM60(Golden):
    def test_documents(self):
        self.compare()

    def test_vendor_and_product_have_names(self):
        root = documents.parse(self.dump(self.parent.name))
        self.assertIn('NVIDIA', root.find('capability/vendor').text)
        self.assertIn('M60', root.find('capability/product').text)


@only_on('sim', 'golden documents are of simulated hosts')
class GoldenA40(Golden):
    machine = 'a40'

    def test_documents(self):
        self.compare()


@only_on('sim', 'golden documents are of simulated hosts')
class GoldenL40s(Golden):
    """A card, one of its functions with a vGPU and one without, and this vGPU. libvirtd shows neither types of functions
    nor vGPUs; the rest is its output."""

    machine = 'l40s'

    def test_documents(self):
        self.host.create_by_others(self.parent, 'nvidia-1155', UUID)
        self.compare_documents()


@only_on('sim', 'golden documents are of simulated hosts')
class GoldenGvtg(Golden):
    machine = 'gvtg'

    def test_documents(self):
        self.compare()


@only_on('sim', 'golden documents are of simulated hosts')
class GoldenCcw(Golden):
    machine = 'ccw'

    def test_documents(self):
        self.compare()


@only_on('sim', 'golden documents are of simulated hosts')
class GoldenAp(Golden):
    machine = 'ap'

    def test_documents(self):
        self.compare()


@only_on('sim', 'golden documents are of simulated hosts')
class GoldenVirtual(Golden):
    machine = 'virtual'

    def test_documents(self):
        self.compare()


@seldom_on('vm', 'SchemaVirtual checks the documents of the same kernel')
class Schema(MediatedTest):
    """On every machine, documents with mediated's elements conform to mediated's schema."""

    def check(self):
        self.host.create_by_others(self.parent, self.type_id, UUID)
        child = self.child_name(self.parent, UUID)
        self.wait_until(lambda: child in self.names(), child)
        for name in ('computer', self.host.plain_pci(), child,
                     *[parent.name for parent in self.host.parents()]):
            with self.subTest(name):
                document = self.dump(name)
                self.assertIsNone(documents.validate(document, self.schema), document)

    def test_documents(self):
        self.check()


class SchemaVirtual(Schema):
    machine = 'virtual'


@only_on('sim', 'the VM has no such hardware')
class SchemaA40(Schema):
    machine = 'a40'


@only_on('sim', 'the VM has no such hardware')
class SchemaGvtg(Schema):
    machine = 'gvtg'


@only_on('sim', 'the VM has no such hardware')
class SchemaCcw(Schema):
    machine = 'ccw'


@only_on('sim', 'the VM has no such hardware')
class SchemaAp(Schema):
    machine = 'ap'


@seldom_on('vm', 'the elements of documents come from few attributes',
           keeps=('test_details', 'test_available_instances_at_every_dump', 'test_without_descriptions'))
class Parents(MediatedTest):
    def test_block_of_libvirt(self):
        for parent in self.host.parents():
            shown = documents.mdev_types(documents.parse(self.dump(parent.name)))
            expected = {
                type_id: {'name': facts.name, 'deviceAPI': facts.device_api,
                          'availableInstances': str(facts.available)}
                for type_id, facts in self.host.types(parent).items()}
            self.assertEqual(shown, expected)

    def test_identity(self):
        root = documents.parse(self.dump(self.parent.name))
        self.assertEqual(root.findtext('name'), self.parent.name)
        self.assertEqual(root.findtext('path'), self.parent.path)
        self.assertEqual(root.findtext('driver/name'), 'nvidia')
        cap = root.find("capability[@type='pci']")
        domain, bus, slot, function = re.split('[:.]', self.parent.address)
        for element, text in (('domain', domain), ('bus', bus), ('slot', slot),
                              ('function', function)):
            self.assertEqual(int(cap.findtext(element)), int(text, 16), element)
        for element in ('product', 'vendor'):
            self.assertEqual(cap.find(element).get('id'), self.host.read(
                f"{self.parent.path}/{'device' if element == 'product' else 'vendor'}"))

    def test_details(self):
        """The properties of each type are shown beside libvirt's block."""
        root = documents.parse(self.dump(self.parent.name))
        block = documents.find_capability(root, 'pci', 'mdev')
        self.assertIsNotNone(block)
        shown = {element.get('id'): documents.type_details(element)
                 for element in block.findall('type')}
        facts = self.host.types(self.parent)
        self.assertEqual(sorted(shown), sorted(facts))
        for type_id, (name, attributes, description) in shown.items():
            self.assertEqual(name, facts[type_id].name)
            self.assertIsNone(description)
            self.check_m60(attributes, facts[type_id].description)

    def check_m60(self, attributes, description):
        pairs = dict(pair.split('=') for pair in description.split(', '))
        width, height = pairs.pop('max_resolution').split('x')
        mib = int(pairs.pop('framebuffer').removesuffix('M'))
        expected = {key: (value, None) for key, value in pairs.items()}
        expected.update(hres=(width, None), vres=(height, None),
                        framebuffer=(str(mib * 1024), 'KiB'))
        self.assertEqual(attributes, expected)

    def test_details_of_the_seed(self):
        root = documents.parse(self.dump(self.parent.name))
        type_11 = next(element for element in
                       documents.find_capability(root, 'pci', 'mdev').findall('type')
                       if element.get('id') == 'nvidia-11')
        name, attributes, _ = documents.type_details(type_11)
        self.assertEqual(name, 'GRID M60-0B')
        self.assertEqual({key: text for key, (text, _unit) in attributes.items()},
                         {'num_heads': '2', 'frl_config': '45', 'framebuffer': '524288',
                          'hres': '2560', 'vres': '1600', 'max_instance': '16'})

    def test_details_of_a_child(self):
        device = self.create()
        root = documents.parse(device.XMLDesc(0))
        cap = documents.find_capability(root, 'mdev')
        name, attributes, _ = documents.type_details(cap.find('type'))
        facts = self.host.types(self.parent)[self.type_id]
        self.assertEqual((cap.find('type').get('id'), name), (self.type_id, facts.name))
        self.check_m60(attributes, facts.description)

    def test_available_instances_at_every_dump(self):
        """Available instances are read for each document, because no event announces a change."""
        self.host.types(self.parent)
        for _ in range(2):
            self.host.create_by_others(self.parent, self.type_id, self.new_uuid())
            self.test_block_of_libvirt()
        for uuid in self.host.children(self.parent):
            self.host.remove_by_others(uuid)
            self.test_block_of_libvirt()

    def test_without_names(self):
        self.host.hide(self.parent, 'name')
        root = self.wait_for_types(lambda types: all('name' not in t for t in types.values()))
        for element in documents.find_capability(root, 'pci', 'mdev').findall('type'):
            name, attributes, _ = documents.type_details(element)
            self.assertIsNone(name)
            self.assertIn('framebuffer', attributes)

    def test_without_descriptions(self):
        self.host.hide(self.parent, 'description')
        root = self.wait_for_types(lambda types: len(types) == 8)
        for element in documents.find_capability(root, 'pci', 'mdev').findall('type'):
            name, attributes, description = documents.type_details(element)
            self.assertEqual(name, self.host.types(self.parent)[element.get('id')].name)
            self.assertEqual((attributes, description), ({}, None))

    def wait_for_types(self, condition):
        def types():
            root = documents.parse(self.dump(self.parent.name))
            shown = documents.mdev_types(root)
            return root if shown and condition(shown) else None
        return self.wait_until(types, 'the types')

    def test_unknown_flags(self):
        device = self.conn.nodeDeviceLookupByName(self.parent.name)
        self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, device.XMLDesc, 2, says='unsupported flags')

    def test_computer(self):
        root = documents.parse(self.dump('computer'))
        self.assertEqual(documents.outline(root), [('name', None), ('capability', 'system')])
        self.assertIsNone(documents.validate(self.dump('computer')))


@only_on('sim', 'the VM has no such hardware')
class FreeText(MediatedTest):
    machine = 'virtual'

    def test_description_without_properties(self):
        root = documents.parse(self.conn.nodeDeviceLookupByName('mdpy_mdpy').XMLDesc(0))
        block = documents.find_capability(root, 'mdev_types', 'mdev')
        texts = {element.get('id'): documents.type_details(element)
                 for element in block.findall('type')}
        self.assertEqual(texts['mdpy-vga'],
                         ('vga', {}, 'virtual display, 640x480 framebuffer'))


@only_on('sim', 'the VM has no such hardware')
class LinesOfIntel(MediatedTest):
    machine = 'gvtg'

    def test_properties(self):
        root = documents.parse(self.dump(self.parent.name))
        block = documents.find_capability(root, 'pci', 'mdev')
        name, attributes, description = documents.type_details(
            block.find("type[@id='i915-GVTg_V5_4']"))
        self.assertIsNone(name)
        self.assertIsNone(description)
        self.assertEqual(attributes['low_gm_size'], ('131072', 'KiB'))
        self.assertEqual(attributes['high_gm_size'], ('524288', 'KiB'))
        self.assertEqual(attributes['fence'], ('4', None))
        self.assertEqual(attributes['weight'], ('4', None))
