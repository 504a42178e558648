# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures mediated and the stock daemon in the virtual machine: time from start to the first full list, and memory.

usage: startup.py BUILD_DIR
"""

import pathlib
import statistics
import subprocess
import sys

import measure

# Numbers of mediated devices, and the number of starts measured with each.
STARTS = {0: 3, 4000: 1}


def resident(process):
    """Returns the resident memory of a process in KiB: private and total."""
    text = pathlib.Path(f'/proc/{process.pid}/smaps_rollup').read_text(encoding='ascii')
    sizes = {line.split(':')[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return sizes['Rss'], sizes['Private_Clean'] + sizes['Private_Dirty']


def measure_daemon(bench, daemon, devices):
    """Returns the milliseconds until the first list (median), the memory after it, and the number of listed devices."""
    times = [daemon.start(bench, devices) for _ in range(STARTS[devices])]
    daemon.run(devices)
    listed = subprocess.run(['virsh', '-q', '-c', daemon.uri, 'nodedev-list'], check=True,
                            capture_output=True, text=True)
    memory = resident(daemon.process)
    daemon.stop()
    return statistics.median(times) * 1000, memory, len(listed.stdout.split())


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    bench = measure.bencher(build)
    daemons = measure.prepare(build)
    storage = sorted(pathlib.Path('/sys/class/mdev_bus').iterdir())[0].resolve()
    results = {}

    print('| | devices | start to first list | resident | of it private |')
    print('|---|---|---|---|---|')
    for count in STARTS:
        if count > 0:
            measure.fill(storage, count)
        for daemon in daemons:
            time, (rss, private), listed = measure_daemon(bench, daemon, count)
            results[daemon.name, count] = time, private
            print(f'| {daemon.name}, {count} mdevs | {listed} | {time:.0f} ms | {rss} KiB | {private} KiB |',
                  flush=True)

    print('\n| libvirtd ÷ mediated | |')
    print('|---|---|')
    for count in STARTS:
        factor = results['libvirtd', count][0] / results['mediated', count][0]
        print(f'| start to first list, {count} mdevs | {factor:.1f} × |')
    most = max(STARTS)
    growth = {name: (results[name, most][1] - results[name, 0][1]) / most * 1024
              for name in ('mediated', 'libvirtd')}
    print(f'| memory per mdev: {growth["libvirtd"]:.0f} and {growth["mediated"]:.0f} bytes | '
          f'{growth["libvirtd"] / growth["mediated"]:.1f} × |')


if __name__ == '__main__':
    main()
