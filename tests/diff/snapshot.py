# SPDX-License-Identifier: LGPL-2.1-or-later
"""All answers of a daemon about its devices."""

import dataclasses
import os
import re
import subprocess

import libvirt

import canonical

# Names of capabilities, in the order of the bits of virConnectListAllNodeDevices.
KINDS = ('system', 'pci', 'usb_device', 'usb', 'net', 'scsi_host', 'scsi_target', 'scsi', 'storage',
         'fc_host', 'vports', 'scsi_generic', 'drm', 'mdev_types', 'mdev', 'ccw', 'css', 'vdpa',
         'ap_card', 'ap_queue', 'ap_matrix', 'vpd')
# Names that only the older API accepts.
OTHER_NAMES = ('vport_ops', '80203', '80211', 'ccwgroup', 'no_such_kind', '')
SEVERAL = (('pci', 'net'), ('usb_device', 'usb'), ('scsi_host', 'fc_host', 'vports'),
           ('storage', 'scsi', 'scsi_generic'), ('system', 'mdev_types', 'mdev', 'vpd'),
           ('ccw', 'css', 'vdpa', 'ap_card', 'ap_queue', 'ap_matrix'))
STATES = {'inactive': 1 << 30, 'active': 1 << 31}
TREE_LINE = re.compile(r'^(?P<indent>[ |]*?)(\+- )?(?P<name>[^ |+]\S*)$')
VIRSH_SECONDS = 300


@dataclasses.dataclass
class Device:
    """One device: the answers of its calls, and its document as lines if it can be parsed."""

    parent: str | None
    kinds: tuple[str, ...]
    states: tuple[int, int, int]   # active, persistent, autostart
    lines: list[str] | None

    def compared_with(self, other):
        lines = [f'parent() = {self.parent!r}', f'caps = {" ".join(self.kinds)}',
                 f'active, persistent, autostart = {self.states}']
        if self.lines is None:
            return [*lines, 'unreadable']
        return lines if other.lines is None else [*lines, *self.lines]


@dataclasses.dataclass
class Snapshot:
    """Devices by name, and answers by question; each answer is a set of names or pairs of names."""

    devices: dict[str, Device]
    answers: dict[str, frozenset[str]]


def attempt(func, *args):
    """Returns the answer, or the reason for its absence as text."""
    try:
        return func(*args)
    except libvirt.libvirtError as error:
        return f'error {error.get_error_code()}'
    except UnicodeDecodeError:
        return 'not UTF-8'


def read_device(device):
    return Device(attempt(device.parent), tuple(sorted(device.listCaps())),
                  tuple(attempt(ask) for ask in (device.isActive, device.isPersistent, device.autostart)),
                  canonical.lines_of(attempt(device.XMLDesc, 0)))


def flag(kind):
    return 1 << KINDS.index(kind)


def names(devices):
    return frozenset(device.name() for device in devices)


def edges(tree):
    """Returns the pairs 'parent > child' in the output of nodedev-list --tree."""
    above = []
    pairs = set()
    for line in tree.splitlines():
        match = TREE_LINE.match(line)
        if match is None:
            continue
        while above and above[-1][0] >= match.start('name'):
            above.pop()
        pairs.add(f'{above[-1][1] if above else ""} > {match["name"]}')
        above.append((match.start('name'), match['name']))
    return frozenset(pairs)


def odd_places(tree, devices):
    """Returns the contradictions between the tree and the parents, the only information that the tree adds."""
    expected = {f'{device.parent if device.parent in devices else ""} > {name}'
                for name, device in devices.items()}
    return frozenset(edges(tree) ^ expected)


def read_tree(uri, devices):
    result = subprocess.run(['virsh', '-q', '-c', uri, 'nodedev-list', '--tree'], text=True,
                            check=True, stdin=subprocess.DEVNULL, capture_output=True,
                            timeout=VIRSH_SECONDS, env={**os.environ, 'LC_ALL': 'C'})
    return odd_places(result.stdout, devices)


def by_wwn(connection, devices):
    """Returns the host found by each pair of names that an adapter has."""
    found = set()
    for name, device in devices.items():
        if 'fc_host' not in device.kinds or device.lines is None:
            continue
        wwns = {}
        for line in device.lines:
            match = re.search(r"/(wwnn|wwpn) = '(\w+)'$", line)
            if match:
                wwns[match[1]] = match[2]
        host = attempt(connection.nodeDeviceLookupSCSIHostByWWN, wwns['wwnn'], wwns['wwpn'], 0)
        found.add(f'{name} > {host if isinstance(host, str) else host.name()}')
    return frozenset(found)


def read_answers(connection, devices, uri):
    answers = {'tree': read_tree(uri, devices), 'by WWN': by_wwn(connection, devices)}
    for kind in KINDS:
        answers[f'list {kind}'] = names(connection.listAllDevices(flag(kind)))
    for state, bit in STATES.items():
        answers[f'list {state}'] = names(connection.listAllDevices(bit))
    for kinds in SEVERAL:
        answers[f'list {" ".join(kinds)}'] = names(
            connection.listAllDevices(sum(map(flag, kinds))))
    for kind in (*KINDS, *OTHER_NAMES, None):
        listed = connection.listDevices(kind, 0)
        answers[f'old list {kind}'] = frozenset(listed)
        number = connection.numOfDevices(kind, 0)
        answers[f'number of {kind}'] = frozenset(
            [] if number == len(listed) else [f'{number} for {len(listed)}'])
    return answers


def read(uri):
    """Reads all answers of the daemon at the URI."""
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    connection = libvirt.open(uri)
    try:
        devices = {device.name(): read_device(connection.nodeDeviceLookupByName(device.name()))
                   for device in connection.listAllDevices(0)}
        return Snapshot(devices, read_answers(connection, devices, uri))
    finally:
        connection.close()
