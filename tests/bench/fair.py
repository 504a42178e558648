# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures the delay of one user while another attacks.

usage: fair.py [--vm] BUILD_DIR [ATTACK...]

On this machine, the daemon serves the simulated host m60; with --vm, in a virtual machine, the parents of tests/kmod.
Attacks that leave no processor to the simulated kernel, which is slow and answers one request at a time, are measured in
the virtual machine only. Single documents are measured without a virtual machine only.

The host has DEFINITIONS definitions, because a list of many devices takes long. The attacks are those of attack.py,
each over as many connections as a user may have. The attacker has one processor and a lower priority; daemon,
simulated kernel or udevd, and victim may use all processors. The ratios therefore reflect the daemon, not the
scheduler. All attacks run ROUNDS times, each right after a measurement without one, and the median of the rounds
counts, because other programs use the machine too. Fails if a lookup takes more than LOOK_UP_MAX times its time
without attack, or a create with its destroy more than CHANGE_MAX times. A single document may delay a call of another
client by DELAY_MAX seconds, and its own client by WRITER_MAX.
"""

import argparse
import contextlib
import os
import pathlib
import statistics
import subprocess
import sys
import threading
import time
import uuid

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parent.parent
for room in ('sim', 'lib'):
    sys.path.insert(0, str(TESTS / room))

import attack  # noqa: E402  pylint: disable=wrong-import-position
import documents  # noqa: E402  pylint: disable=wrong-import-position
import rpc  # noqa: E402  pylint: disable=wrong-import-position
from daemon import Daemon  # noqa: E402  pylint: disable=wrong-import-position
from sim_host import SimHost  # noqa: E402  pylint: disable=wrong-import-position
from vm_host import VmHost  # noqa: E402  pylint: disable=wrong-import-position

HERE = pathlib.Path(__file__).resolve().parent
ATTACKER, VICTIM = 65534, 65533
# The limit of one user in the settings.
CONNECTIONS = 1000
CONFIG = {'sockets': {'rw_mode': '0777', 'ro_mode': '0777'}}
TYPE = 'nvidia-11'
DEFINITIONS = 4000
LOOK_UPS, CHANGES = 20000, 200
ROUNDS = 3
LOOK_UP_MAX, CHANGE_MAX = 10, 2
# Results of Bench.measure().
CALLS = (('look-up', LOOK_UP_MAX), ('create', CHANGE_MAX))
MEDIAN, LATE = 0, 1
DELAY_MAX, WRITER_MAX = 0.050, 2.0
DOCUMENTS = 10
# Maximum share of a processor of an idle daemon, and the duration of the measurement in seconds.
QUIET, QUIET_TIME = 0.01, 0.2
PRIORITY = -15
# Indexes into /proc/PID/stat, counted from the field after the name.
USER_TIME, SYSTEM_TIME = 11, 12


def read_time(pid):
    """Returns the processor time of all threads of a process in seconds, including ended ones."""
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text(encoding='ascii').rpartition(')')[2].split()
    return (int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])) / os.sysconf('SC_CLK_TCK')


class Bench:
    def __init__(self, program, host):
        self.program = program
        self.host = host
        self.uri = f'nodedev:///system?socket={host.daemon.rw_path}'
        self.parents = [parent.name for parent in host.parents()]
        with rpc.Connection(host.daemon.rw_path) as client:
            client.open()
            self.others = sorted(set(client.list_all()[0]) - set(self.parents))
            for _ in range(DEFINITIONS):
                document = documents.create(self.parents[0], TYPE, uuid=str(uuid.uuid4()))
                client.call('DEFINE_XML', rpc.string(document) + rpc.u32(0))

    def samples(self, *arguments):
        """Returns the duration of each of the victim's calls in milliseconds."""
        run = subprocess.run([self.program, *map(str, arguments)], check=False, text=True, capture_output=True,
                             user=VICTIM, group=VICTIM, extra_groups=[], env={'PATH': os.environ['PATH'], 'HOME': '/'})
        if run.returncode != 0:
            sys.exit(run.stderr)
        return [int(line) / 1000 for line in run.stdout.split()]

    def measure(self):
        """Returns (median, 95th percentile) of lookups and of changes. Changes are measured first, so that an attack
        has reached its full load."""
        changes = self.samples('change', self.uri, self.parents[0], TYPE, CHANGES)
        look_ups = self.samples('look-up', self.uri, 'computer', LOOK_UPS)
        return [(statistics.median(samples), statistics.quantiles(samples, n=20)[-1]) for samples in (look_ups, changes)]

    @contextlib.contextmanager
    def attacked(self, kind):
        """Yields the process of the attacker while it runs."""
        daemon = self.host.daemon
        command = [sys.executable, HERE / 'attack.py', kind, CONNECTIONS, ATTACKER, max(os.sched_getaffinity(0)),
                   daemon.rw_path, daemon.ro_path, ','.join(self.parents), ','.join(self.others)]
        self.host.set_knob(self.host.parents()[1], 'block_create', kind == 'creates')
        with subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True,
                              preexec_fn=lambda: os.setpriority(os.PRIO_PROCESS, 0, 0)) as process:
            try:
                if process.stdout.readline().strip() != kind:
                    sys.exit(f'{kind}: the attack has not begun')
                yield process
                if process.poll() is not None:
                    sys.exit(f'{kind}: the attack has ended by itself')
            finally:
                process.kill()
                self.host.set_knob(self.host.parents()[1], 'block_create', False)


def measure_attack(bench, kind):
    """Returns the results of Bench.measure(), and the load of daemon and attacker."""
    pid = bench.host.daemon.process.pid
    with bench.attacked(kind) as process:
        before = time.monotonic(), read_time(pid), read_time(process.pid)
        figures = bench.measure()
        took, *busy = (now - then for now, then in zip((time.monotonic(), read_time(pid), read_time(process.pid)),
                                                       before))
    return figures, [seconds / took for seconds in busy]


class Rounds:
    """The cost of an attack in each round."""

    def __init__(self):
        self.figures = []
        self.quiet = []
        self.busy = []

    def add(self, figures, quiet, busy):
        self.figures.append(figures)
        self.quiet.append(quiet)
        self.busy.append(busy)

    def ratios(self, call, figure):
        return [attacked[call][figure] / quiet[call][figure] for attacked, quiet in zip(self.figures, self.quiet)]

    def ratio(self, call, figure):
        return statistics.median(self.ratios(call, figure))

    def show(self, name):
        cells = [name]
        for call in range(len(CALLS)):
            medians = self.ratios(call, MEDIAN)
            quiet, attacked = (statistics.median(sample[call][MEDIAN] for sample in samples)
                               for samples in (self.quiet, self.figures))
            cells += [f'{quiet:.3f} ms', f'{attacked:.3f} ms', f'{statistics.median(medians):.1f} ×',
                      f'{min(medians):.1f} to {max(medians):.1f}', f'{self.ratio(call, LATE):.1f} ×']
        shares = [f'{statistics.median(shares):.0%}' for shares in zip(*self.busy)]
        print(f'| {" | ".join(cells + shares)} |', flush=True)


def wait_quiet(bench):
    """Waits until the daemon has completed the attacker's calls. Removes the attacker's devices: a full parent
    refuses further creates, which would load the simulated kernel instead of the daemon."""
    host = bench.host
    for child in host.children(host.parents()[1]):
        host.remove_by_others(child)
    pid, busy = bench.host.daemon.process.pid, QUIET
    while busy >= QUIET:
        before = read_time(pid)
        time.sleep(QUIET_TIME)
        busy = (read_time(pid) - before) / QUIET_TIME


def measure_document(daemon, document, flags):
    """Returns (seconds until the document's client has a reply, longest delay of another client meanwhile)."""
    longest = []
    over = threading.Event()
    with rpc.Connection(daemon.rw_path, 60) as writer, rpc.Connection(daemon.rw_path, 60) as other:
        writer.open()
        other.open()

        def look_up():
            while not over.is_set():
                since = time.monotonic()
                other.look_up('computer')
                longest.append(time.monotonic() - since)
        thread = threading.Thread(target=look_up)
        thread.start()
        since = time.monotonic()
        writer.wait_reply(writer.send('DEFINE_XML', rpc.string(document) + rpc.u32(flags)))
        took = time.monotonic() - since
        over.set()
        thread.join()
    return took, max(longest)


def measure_documents(bench):
    """Prints a table; returns the violations."""
    misses = []
    print('\n| one document | bytes | its client waits | another client waits at most |\n|---|---|---|---|')
    for name, (document, flags) in attack.heavy_documents(bench.parents[1]).items():
        samples = [measure_document(bench.host.daemon, document, flags) for _ in range(DOCUMENTS)]
        writer, other = (statistics.median(sample[side] for sample in samples) for side in (0, 1))
        print(f'| {name} | {len(document)} | {writer * 1000:.1f} ms | {other * 1000:.2f} ms |', flush=True)
        if other > DELAY_MAX or writer > WRITER_MAX:
            misses.append(f'the document "{name}"')
    return misses


def measure_attacks(bench, kinds):
    """Prints a table; returns the violations."""
    rounds = {kind: Rounds() for kind in kinds}
    misses = []
    print(f"{CONNECTIONS} connections of one user, and another user's calls, {ROUNDS} rounds\n\n"
          '| attack | look-up, quiet | attacked | ÷ | rounds | 95th percentile ÷ | create and destroy, quiet | attacked '
          '| ÷ | rounds | 95th percentile ÷ | daemon busy | attacker busy |\n' + '|---' * 13 + '|')
    bench.measure()
    for _ in range(ROUNDS):
        for kind in kinds:
            quiet = bench.measure()
            figures, busy = measure_attack(bench, kind)
            rounds[kind].add(figures, quiet, busy)
            wait_quiet(bench)
    for kind in kinds:
        rounds[kind].show(kind)
        misses += [f'{what} under {kind}' for call, (what, most) in enumerate(CALLS)
                   if rounds[kind].ratio(call, MEDIAN) > most]
    return misses


def make_host(build, in_vm):
    program = build / 'src/mediated'
    return VmHost('m60', program) if in_vm else SimHost('m60', program, build / 'tests/sim/libfakekernel-preload.so')


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--vm', action='store_true')
    parser.add_argument('build', type=pathlib.Path)
    parser.add_argument('kinds', metavar='ATTACK', nargs='*')
    options = parser.parse_args()
    if not options.kinds:
        options.kinds = [name for name, kind in attack.KINDS.items() if kind.needs_kernel == options.vm]
    return options


def main():
    options = read_arguments()
    build = options.build.resolve()
    os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    with contextlib.closing(make_host(build, options.vm)) as host:
        if options.vm:
            for process in host.udev_processes():
                with contextlib.suppress(ProcessLookupError):
                    os.setpriority(os.PRIO_PROCESS, process, PRIORITY)
        host.daemon.directory.chmod(0o755)
        # Without --verbose, because debug messages are not part of a call.
        host.daemon.arguments = lambda config: Daemon.arguments(host.daemon, config)[:-1]
        host.daemon.start(CONFIG)
        bench = Bench(build / 'tests/bench/bench', host)
        misses = measure_attacks(bench, options.kinds)
        if not options.vm:
            misses += measure_documents(bench)
        host.daemon.stop()
    if misses:
        sys.exit(f'too slow: {", ".join(misses)}')


if __name__ == '__main__':
    main()
