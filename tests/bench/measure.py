# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the floor, mediated and the stock daemon in one run of the virtual machine, and prints tables.

usage: measure.py BUILD_DIR [SAMPLES [DEVICES...]]
"""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import uuid

COUNTS = (0, 100, 1000)
SAMPLES = 100
CLIENTS = (1, 8, 64)
SUBSCRIBERS = (1, 100)
TYPE = 'nvidia-11'
ROUNDS = 5
# A change may take at most this many times the time of kernel, udev and an empty call; its slowest calls at most this
# many times the slowest of kernel and udev.
MEDIAN_MAX = 1.25
SLOWEST_MAX = 2
LIBVIRT_RUN = pathlib.Path('/run/libvirt')


class Daemon:
    """A daemon under test: its command line and its socket."""

    def __init__(self, name, command, socket):
        self.name = name
        self.command = command
        self.socket = socket
        self.uri = f'nodedev:///system?socket={socket}'
        self.process = None

    def start(self, bench, devices):
        """Starts and stops the daemon; returns the seconds until its list was complete."""
        self.socket.unlink(missing_ok=True)
        return bench('start', self.uri, self.socket, devices, *self.command)[0]

    def run(self, devices):
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for_devices(self, devices)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def wait_for_devices(daemon, devices):
    """Waits for the list; spins only until the socket exists, because a client blocks in connect() or in the list."""
    while True:
        shown = subprocess.run(['virsh', '-q', '-c', daemon.uri, 'nodedev-list'],
                               capture_output=True, text=True, check=False)
        if shown.returncode == 0 and len(shown.stdout.split()) >= devices:
            return
        if daemon.process.poll() is not None:
            sys.exit(f'{daemon.name} ended: {shown.stderr}')


def bencher(build):
    def bench(*arguments):
        words = [str(build / 'tests/bench/bench')] + [str(word) for word in arguments]
        run = subprocess.run(words, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f'{" ".join(words)}: {run.stderr}')
        return [int(line) / 1e6 for line in run.stdout.split()]
    return bench


def measure_daemon(bench, daemon, parent, child, devices, samples):
    """Returns the samples of each figure, in seconds."""
    figures = {'start to first list': [daemon.start(bench, devices)]}
    daemon.run(devices)
    figures |= {
        'list': bench('list', daemon.uri, samples),
        'parent xml': bench('xml', daemon.uri, parent, samples),
        'child xml': bench('xml', daemon.uri, child, samples),
    }
    for clients in CLIENTS:
        figures[f'create, {clients} clients'] = bench('clients', daemon.uri, parent, TYPE, clients,
                                                      max(samples // clients, 1))
    for subscribers in SUBSCRIBERS:
        figures[f'create until {subscribers} notified'] = bench('events', daemon.uri, parent, TYPE, subscribers,
                                                                max(samples // subscribers, 2))
    daemon.stop()
    return figures


def measure_changes(bench, daemon, work, devices, samples):
    """Measures the floor, an empty call and the changes of a daemon in turns, because the speed of the machine may
    vary. Kernel and udev are measured without any daemon. The first change after a pause does not count, because
    udevd starts a process for it."""
    def take(*arguments):
        return bench(*arguments, samples // ROUNDS + 1)[1:]
    floor = {verb: [] for verb in ('create', 'destroy')}
    figures = {'null call': []} | {verb: [] for verb in floor}
    for _ in range(ROUNDS):
        for verb, values in floor.items():
            values += take(f'floor-{verb}', work, TYPE)
        daemon.run(devices)
        figures['null call'] += take('null', daemon.uri)
        for verb in floor:
            figures[verb] += take(verb, daemon.uri, node_name(work), TYPE)
        daemon.stop()
    return floor, figures


def check_limits(floor, figures):
    """Prints the cost of a change relative to the floor, and returns the operations above the limits."""
    null = statistics.median(figures['null call'])
    missed = []
    print('\n| | ÷ (floor + null call) | slowest ÷ slowest of the floor |\n|---|---|---|')
    for verb, values in floor.items():
        median = statistics.median(figures[verb]) / (statistics.median(values) + null)
        slowest = percentile(figures[verb]) / percentile(values)
        print(f'| {verb} | {median:.2f} × | {slowest:.2f} × |', flush=True)
        if median > MEDIAN_MAX or slowest > SLOWEST_MAX:
            missed.append(verb)
    return missed


def node_name(path):
    return 'pci_' + path.name.replace(':', '_').replace('.', '_')


def fill(parent, count):
    """Creates `count` devices below a parent; returns the name of the last one."""
    name = None
    for _ in range(count):
        name = str(uuid.uuid4())
        (parent / 'mdev_supported_types' / TYPE / 'create').write_text(name, encoding='ascii')
    subprocess.run(['udevadm', 'settle', '--timeout=300'], check=True)
    return f'mdev_{name.replace("-", "_")}_{node_name(parent)[4:]}'


def ratio(a, b):
    return f'{a / b:.1f} ×' if a is not None and b else '–'


def percentile(values):
    """Returns the 99th percentile; of few values, the maximum."""
    return sorted(values)[(len(values) * 99 + 99) // 100 - 1]


def row(name, floor, ours, stock):
    """Formats samples in seconds; the floor is optional."""
    cells, medians = [], []
    for values in (floor, ours, stock):
        medians.append(statistics.median(values) if values else None)
        cells += [f'{value * 1000:.2f} ms' if value is not None else '–'
                  for value in (medians[-1], percentile(values) if values else None)]
    return f'| {name} | {" | ".join(cells)} | {ratio(medians[1], medians[0])} | {ratio(medians[2], medians[1])} |'


def prepare(build):
    """Prepares the guest for both daemons, and returns ours and the stock one."""
    LIBVIRT_RUN.mkdir(exist_ok=True)
    ours_dir = pathlib.Path(tempfile.mkdtemp(dir='/run'))
    stock_conf = ours_dir / 'libvirtd.conf'
    stock_conf.write_text('auth_unix_rw = "none"\nauth_unix_ro = "none"\n', encoding='ascii')
    os.makedirs('/run/dbus', exist_ok=True)
    subprocess.run(['dbus-daemon', '--system', '--fork'], check=True)
    return (Daemon('mediated', [str(build / 'src/mediated'), '--socket-dir', str(ours_dir)],
                   ours_dir / 'virtnodedevd-sock'),
            Daemon('libvirtd', ['libvirtd', '--timeout', '0', '--config', str(stock_conf)],
                   LIBVIRT_RUN / 'libvirt-sock'))


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    samples = int(sys.argv[2]) if len(sys.argv) > 2 else SAMPLES
    counts = [int(word) for word in sys.argv[3:]] or COUNTS
    bench = bencher(build)
    daemons = prepare(build)

    work, storage = sorted(pathlib.Path('/sys/class/mdev_bus').iterdir())[:2]
    work, storage = work.resolve(), storage.resolve()
    child = fill(storage, 1)
    made = 1
    missed = []
    for count in counts:
        if count > made:
            fill(storage, count - made)
            made = count
        (floor, ours), (_, stock) = [measure_changes(bench, daemon, work, count, samples) for daemon in daemons]
        for figures, daemon in zip((ours, stock), daemons):
            figures |= measure_daemon(bench, daemon, node_name(work), child, count, samples)
        print(f'\n### {max(count, 1)} mediated devices\n')
        print('| | floor | 99 % | mediated | 99 % | libvirtd | 99 % | mediated ÷ floor | libvirtd ÷ mediated |')
        print('|---|---|---|---|---|---|---|---|---|')
        for name, values in ours.items():
            print(row(name, floor.get(name), values, stock[name]), flush=True)
        missed += check_limits(floor, ours)
    if missed:
        sys.exit(f'above the targets: {", ".join(missed)}')


if __name__ == '__main__':
    main()
