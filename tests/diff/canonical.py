# SPDX-License-Identifier: LGPL-2.1-or-later
"""Converts documents to lines for comparison: one line per element with its path and attributes, and one with its text.

The order of elements is significant, except where RULES say otherwise.
"""

from xml.etree import ElementTree

# Path of the parent, tag of the children whose order is not significant, and the reason.
RULES = (
    ('/capability', 'type', 'the types of a parent come as the kernel happens to list a directory'),
    ('/iommuGroup', 'address', 'so do the members of a group'),
    ('/members', 'ccw_device', 'and those of a group of channel-attached ones'),
    ('/device', 'devlink', 'a set; udev keeps it in a hash table'),
)
KEYS = ('type', 'name', 'id')


def sort_children(element, path):
    """Sorts the children named in RULES among their own positions."""
    for suffix, tag, _reason in RULES:
        if not path.endswith(suffix):
            continue
        places = [index for index, child in enumerate(element) if child.tag == tag]
        wanted = sorted((element[index] for index in places), key=ElementTree.tostring)
        for index, child in zip(places, wanted):
            element[index] = child


def step(element):
    """Returns an element's step in a path: its tag, and what distinguishes it from its siblings."""
    for key in KEYS:
        if element.get(key) is not None:
            return f"{element.tag}[{key}='{element.get(key)}']"
    return element.tag


def walk(element, plain, shown, lines):
    plain = f'{plain}/{element.tag}'
    shown = f'{shown}/{step(element)}'
    words = ''.join(f' @{key}={value!r}' for key, value in sorted(element.attrib.items())
                    if f"[{key}='{value}']" not in step(element))
    text = (element.text or '') if not len(element) else (element.text or '').strip()
    lines.append(f'{shown}{words}')
    if text:
        lines.append(f'{shown} = {text!r}')
    sort_children(element, plain)
    for child in element:
        walk(child, plain, shown, lines)


def lines_of(document):
    """Returns the lines of a document; None if it is not well-formed."""
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError:
        return None
    lines = []
    walk(root, '', '', lines)
    return lines
