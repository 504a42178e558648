# SPDX-License-Identifier: LGPL-2.1-or-later
"""Creates and inspects documents for the cases."""

import pathlib
import subprocess
import tempfile
from xml.etree import ElementTree
from xml.sax import saxutils

SCHEMA = '/usr/share/libvirt/schemas/nodedev.rng'


# pylint: disable-next=too-many-arguments
def create(parent=None, type_id=None, type_name=None, uuid=None, attrs=(), name=None,
           parent_addr=None, extra=''):
    """Returns a document for nodeDeviceCreateXML; elements that are None are omitted."""
    lines = ['<device>']
    if name is not None:
        lines.append(f'  <name>{saxutils.escape(name)}</name>')
    if parent is not None:
        lines.append(f'  <parent>{saxutils.escape(parent)}</parent>')
    lines.append("  <capability type='mdev'>")
    if type_id is not None:
        lines.append(f'    <type id={saxutils.quoteattr(type_id)}/>')
    elif type_name is not None:
        lines.append(f'    <type><name>{saxutils.escape(type_name)}</name></type>')
    if uuid is not None:
        lines.append(f'    <uuid>{uuid}</uuid>')
    if parent_addr is not None:
        lines.append(f'    <parent_addr>{parent_addr}</parent_addr>')
    for key, value in attrs:
        lines.append(f'    <attr name={saxutils.quoteattr(key)} '
                     f'value={saxutils.quoteattr(value)}/>')
    lines += [extra, '  </capability>', '</device>']
    return '\n'.join(line for line in lines if line) + '\n'


def parse(document):
    return ElementTree.fromstring(document)


def outline(element):
    """Returns names and types of an element's children, in order: [('name', None), ...]."""
    return [(child.tag, child.get('type')) for child in element]


def find_capability(root, *types):
    """Follows nested capabilities of these types; returns None if one is missing."""
    element = root
    for kind in types:
        if element is None:
            return None
        element = element.find(f"capability[@type='{kind}']")
    return element


def mdev_types(root):
    """Returns libvirt's block of types, as {id: {element: text}}."""
    block = root.find(".//capability[@type='mdev_types'][type]")
    if block is None:
        return {}
    return {element.get('id'): {child.tag: child.text for child in element}
            for element in block.findall('type')}


def type_details(element):
    """Returns the contents of our own <type>: (name, {attribute: (text, unit)}, description)."""
    attributes = {child.get('name'): (child.text, child.get('unit'))
                  for child in element.findall('attribute')}
    return element.findtext('name'), attributes, element.findtext('description')


def validate(document, schema=SCHEMA):
    """Returns None if the document conforms to the RELAX NG schema, else the output of xmllint."""
    with tempfile.TemporaryDirectory(prefix='md-xml-') as work:
        path = pathlib.Path(work, 'device.xml')
        path.write_text(document, encoding='utf-8')
        result = subprocess.run(['xmllint', '--noout', '--nonet', '--relaxng', str(schema),
                                 str(path)], text=True, capture_output=True, check=False)
    return None if result.returncode == 0 else result.stderr
