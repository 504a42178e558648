# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures on this machine the daemon's processor time per device or call on hosts with increasing numbers of mediated
devices, on simulated parents. Fails if a figure grows faster than the number of devices.

usage: scale.py BUILD_DIR [DEVICES...]

Times are those of the daemon alone, by the scheduler's count in nanoseconds, including umockdev.
"""

import contextlib
import pathlib
import sys
import uuid

sys.dont_write_bytecode = True
TESTS = pathlib.Path(__file__).resolve().parent.parent
for room in ('sim', 'lib'):
    sys.path.insert(0, str(TESTS / room))

import libvirt  # noqa: E402  pylint: disable=wrong-import-position
import documents  # noqa: E402  pylint: disable=wrong-import-position
import hosts  # noqa: E402  pylint: disable=wrong-import-position
import mdev  # noqa: E402  pylint: disable=wrong-import-position
import pci  # noqa: E402  pylint: disable=wrong-import-position
from sim_host import SimHost  # noqa: E402  pylint: disable=wrong-import-position

DEVICES = (1000, 4000, 16000)
PARENTS = 2000
FUNCTIONS_PER_ROOT = 32 * 8
CALLS = 50
# Maximum cost per device, relative to the smallest host.
GROWTH_MAX = 2
TYPES = [mdev.Type('1', 'One', 1, 64)]
# Figures given per device; all others are per call.
OF_ALL = ('start', 'list')


def add_parents(kernel):
    parents = []
    for number in range(PARENTS):
        domain, place = divmod(number, FUNCTIONS_PER_ROOT)
        if place == 0:
            root = hosts.add_root(kernel, f'pci{domain + 1:04x}:00')
        address = f'{domain + 1:04x}:00:{place // 8:02x}.{place % 8}'
        path = pci.add(kernel.sysfs, root, pci.Function(address, hosts.NVIDIA, 0x13f2, hosts.VGA, 'nvidia',
                                                        1000 + number, 1, pci.ENDPOINT))
        parents.append(mdev.Parent(kernel, path, 'nvidia', TYPES, mdev.Pool(64), 'nvidia-vgpu-vfio'))
    return parents


def add_device(kernel, parent):
    """Adds a device as present when the daemon starts: without an event, and without the driver's state."""
    name = str(uuid.uuid4())
    path = f'{parent.path}/{name}'
    kernel.sysfs.add_device(path, 'mdev', {}, {})
    kernel.sysfs.bind(path, parent.child_driver)
    kernel.sysfs.link(f'{path}/mdev_type', parent.type_path('nvidia-1'))


def host_of(devices):
    def make(kernel):
        parents = add_parents(kernel)
        for number in range(devices):
            add_device(kernel, parents[number % PARENTS])
        return parents
    return make


def read_time(pid):
    """Returns the processor time of all threads of a process in seconds."""
    stats = pathlib.Path(f'/proc/{pid}/task').glob('*/schedstat')
    return sum(int(stat.read_text(encoding='ascii').split()[0]) for stat in stats) / 1e9


class Events:
    """Waits for one update of a device."""

    def __init__(self, connection):
        self.seen = 0
        connection.nodeDeviceEventRegisterAny(None, libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE, self.on_update, None)

    def on_update(self, *_):
        self.seen += 1

    def wait(self, count):
        while self.seen < count:
            libvirt.virEventRunDefaultImpl()


def measure(devices, program, preload):
    """Returns the microseconds of each figure."""
    hosts.MACHINES['scale'] = host_of(devices)
    with contextlib.closing(SimHost('scale', program, preload)) as host:
        host.daemon.start({})
        pid, times = host.daemon.process.pid, {}
        connection = libvirt.open(f'nodedev:///system?socket={host.daemon.rw_path}')
        count = len(connection.listAllDevices())
        parent = host.parents()[0].name
        events = Events(connection)

        def cost(name, function, rounds=CALLS):
            before = read_time(pid)
            for number in range(rounds):
                function(number)
            times[name] = (read_time(pid) - before) / rounds / (count if name in OF_ALL else 1) * 1e6

        def event(number):
            host.kernel.event('change', host.mdev_parents[number].path)
            events.wait(number + 1)

        def define(_):
            connection.nodeDeviceDefineXML(documents.create(parent, 'nvidia-1', uuid=str(uuid.uuid4())))

        times['start'] = read_time(pid) / count * 1e6
        cost('list', lambda _: connection.listAllDevices(), 5)
        cost('event', event)
        cost('define', define)
        connection.close()
        host.daemon.stop()
    return count, times


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    libvirt.virEventRegisterDefaultImpl()
    rows = []
    print('| devices | start, per device | list, per device | one event | one define |\n|---|---|---|---|---|')
    for devices in map(int, sys.argv[2:] or DEVICES):
        count, times = measure(devices, build / 'src/mediated', build / 'tests/sim/libfakekernel-preload.so')
        rows.append(times)
        print(f'| {count} | ' + ' | '.join(f'{times[name]:.2f} µs' for name in ('start', 'list', 'event', 'define')) +
              ' |', flush=True)
    faster = [name for name in rows[0] if rows[-1][name] > GROWTH_MAX * rows[0][name]]
    if faster:
        sys.exit(f'grows faster than the number of devices: {", ".join(faster)}')


if __name__ == '__main__':
    main()
