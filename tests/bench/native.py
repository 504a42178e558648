# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs on this machine, without a virtual one: the stock daemon and ours beside each other, asked in
turn for the same things, as a table per host.

usage: native.py BUILD_DIR HOST...

Hosts are 'here', a simulated host, or 'sim' for all of those. A simulated host has umockdev before
its sysfs, for both daemons alike, but no fake kernel: attributes are plain files.
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
# So many devices of one kind are asked, and each gets its part of the rounds.
DEVICES_MAX = 5
CALLS = ('null', 'list')


def kind_of(device):
    """What its row is called: the outer capability, and what else makes a difference to its document."""
    kinds = device.listCaps()
    if 'mdev_types' in kinds:
        return f'{kinds[0]}, parent of mdevs' if kinds[0] != 'mdev_types' else 'virtual parent of mdevs'
    return f'{kinds[0]} with {kinds[-1]}' if len(kinds) > 1 else kinds[0]


def find_devices(stock, ours):
    """Names by kind, of what both daemons list."""
    known = {device.name() for device in stock.listAllDevices()}
    found = collections.defaultdict(list)
    for device in ours.listAllDevices():
        if device.name() in known:
            found[kind_of(device)].append(device.name())
    return {kind: sorted(names)[:DEVICES_MAX] for kind, names in sorted(found.items())}


def measure(bench, uris, calls):
    """Nanoseconds of stock and of ours in each round, of all calls together."""
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
