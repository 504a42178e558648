# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the creation and removal of vGPUs on virtual functions with the reads and writes that they need.

Runs in the virtual machine with a card of `run-vm --vgpus`. The floor reads the function's type and list, writes, and
reads the type back; for each round, both are measured one after the other.

usage: vgpus.py BUILD_DIR
"""

import pathlib
import statistics
import sys
import time
import uuid

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parent.parent
for room in ('sim', 'lib'):
    sys.path.insert(0, str(TESTS / room))

import libvirt  # noqa: E402  pylint: disable=wrong-import-position
from daemon import Daemon  # noqa: E402  pylint: disable=wrong-import-position
from vgpu_card import CREATABLE, CURRENT, FILES  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = 100
DEADLINE = 60
# A create or destroy may take as long as this number of floors, and a null call.
LIMIT = 2
DOCUMENT = '''<device><parent>{}</parent><capability type='mdev'><type id='nvidia-{}'/><uuid>{}</uuid></capability>
</device>'''


class Function:
    """A virtual function, used without a daemon."""

    def __init__(self, path):
        self.name = 'pci_' + path.name.translate(str.maketrans(':.', '__'))
        self.current = path / FILES / CURRENT
        self.creatable = path / FILES / CREATABLE
        self.number = int(self.creatable.read_text(encoding='ascii').splitlines()[1].split(':')[0])

    def assign(self):
        if int(self.current.read_text(encoding='ascii')) != 0:
            sys.exit(f'{self.name} has a type')
        self.creatable.read_text(encoding='ascii')
        self.current.write_text(f'{self.number}\n', encoding='ascii')
        self.current.read_text(encoding='ascii')

    def release(self):
        self.current.read_text(encoding='ascii')
        self.current.write_text('0\n', encoding='ascii')
        self.current.read_text(encoding='ascii')


def measure(times, name, func):
    begin = time.perf_counter_ns()
    result = func()
    times.setdefault(name, []).append((time.perf_counter_ns() - begin) / 1e6)
    return result


def run_round(times, connection, function):
    measure(times, 'floor of create', function.assign)
    measure(times, 'floor of destroy', function.release)
    # The list waits until the daemon has seen the changes.
    connection.listAllDevices()
    measure(times, 'null call', connection.getLibVersion)
    document = DOCUMENT.format(function.name, function.number, uuid.uuid4())
    device = measure(times, 'create', lambda: connection.nodeDeviceCreateXML(document))
    connection.listAllDevices()
    measure(times, 'document', device.XMLDesc)
    measure(times, 'destroy', device.destroy)
    measure(times, 'list', connection.listAllDevices)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    paths = sorted(path.parent.parent for path in pathlib.Path('/sys/bus/pci/devices').glob(f'*/{FILES}/{CURRENT}'))
    function = Function(paths[0])
    times = {}
    daemon = Daemon(build / 'src/mediated', DEADLINE)
    daemon.start()
    connection = libvirt.open(f'nodedev:///system?socket={daemon.rw_path}')
    for _ in range(ROUNDS):
        run_round(times, connection, function)
    connection.close()
    daemon.close()

    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f'| {len(paths)} functions | median |\n|---|---|')
    for name, value in medians.items():
        print(f'| {name} | {value:.2f} ms |')
    slow = [name for name in ('create', 'destroy')
            if medians[name] > LIMIT * (medians[f'floor of {name}'] + medians['null call'])]
    for name in ('create', 'destroy'):
        print(f'| {name} ÷ (floor + null call) | '
              f'{medians[name] / (medians[f"floor of {name}"] + medians["null call"]):.1f} × |')
    if slow:
        sys.exit(f'more than {LIMIT} x the floor and a null call: {", ".join(slow)}')


if __name__ == '__main__':
    main()
