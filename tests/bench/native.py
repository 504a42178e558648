# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares the stock daemon and ours on this machine, without a virtual one: the same calls in turns, one table per
host.

usage: native.py BUILD_DIR HOST...

Hosts are 'here', a simulated host, or 'sim' for all simulated hosts. A simulated host has umockdev for both daemons,
but no fake kernel: attributes are plain files.
"""

import collections
import contextlib
import pathlib
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parent.parent
for room in ('sim', 'lib', 'diff'):
    sys.path.insert(0, str(TESTS / room))

import libvirt  # noqa: E402  pylint: disable=wrong-import-position
import pair  # noqa: E402  pylint: disable=wrong-import-position
from sim_host import UMOCKDEV  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = 2000
# Number of devices measured per kind; they share the rounds.
DEVICES_MAX = 5
CALLS = ('null', 'list')


def kind_of(device):
    """Returns the name of a device's row: its outer capability, and other properties that affect the cost of its
    document."""
    kinds = device.listCaps()
    if 'mdev_types' in kinds:
        return f'{kinds[0]}, parent of mdevs' if kinds[0] != 'mdev_types' else 'virtual parent of mdevs'
    return f'{kinds[0]} with {kinds[-1]}' if len(kinds) > 1 else kinds[0]


def find_devices(stock, ours):
    """Returns the names of the devices that both daemons list, by kind."""
    known = {device.name() for device in stock.listAllDevices()}
    found = collections.defaultdict(list)
    for device in ours.listAllDevices():
        if device.name() in known:
            found[kind_of(device)].append(device.name())
    return {kind: sorted(names)[:DEVICES_MAX] for kind, names in sorted(found.items())}


def measure(bench, uris, calls):
    """Returns the nanoseconds of stock and ours in each round, for all calls together."""
    run = subprocess.run([bench, 'compare', *uris, str(ROUNDS // len(calls))], check=False, text=True,
                         capture_output=True, input=''.join(f'{call}\n' for call in calls))
    if run.returncode != 0:
        sys.exit(run.stderr)
    return [tuple(map(int, line.split()[1:])) for line in run.stdout.splitlines()]


def show(name, devices, samples):
    stock, ours = (statistics.median(sample[side] for sample in samples) / 1000 for side in (0, 1))
    print(f'| {name} | {devices} | {stock:.0f} µs | {ours:.0f} µs | {stock / ours:.2f} × |', flush=True)


def compare(title, bench, stock, ours):
    with stock as stock_uri, ours as ours_uri:
        uris = (stock_uri, ours_uri)
        with contextlib.ExitStack() as stack:
            devices = find_devices(*(stack.enter_context(contextlib.closing(connection))
                                     for connection in map(libvirt.open, uris)))
        print(f'\n### {title}\n\n| | devices | libvirtd | mediated | libvirtd ÷ mediated |\n|---|---|---|---|---|')
        for call in CALLS:
            show(call, '', measure(bench, uris, [call]))
        for kind, names in devices.items():
            show(kind, len(names), measure(bench, uris, names))


def on_simulated_host(machine, build, bench, program):
    preload = build / 'tests'
    with pair.simulated_host(machine, program, preload) as (_, environment):
        environment['LD_PRELOAD'] = UMOCKDEV
        compare(machine, bench, pair.running_stock(pair.stock_environment(environment, preload)),
                pair.running_ours(program, None, environment))


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    bench, program = build / 'tests/bench/bench', build / 'src/mediated'
    unknown = set(sys.argv[2:]) - {'here', 'sim', *pair.MACHINES}
    if unknown:
        sys.exit(f'no such host: {", ".join(sorted(unknown))}')
    for name in sys.argv[2:]:
        if name == 'here':
            compare('this machine', bench, pair.running_stock(), pair.running_ours(program, None))
            continue
        for machine in pair.MACHINES if name == 'sim' else [name]:
            on_simulated_host(machine, build, bench, program)


if __name__ == '__main__':
    main()
