# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts the stock daemon and ours on one host, and prepares the host."""

import contextlib
import pathlib
import subprocess
import threading
import uuid as uuids

import hosts
from daemon import Daemon
from libvirtd import WithPlugin
from sim_host import SimHost
from stock import Stock

MDEV_BUS = pathlib.Path('/sys/class/mdev_bus')
DEADLINE = 120.0
# Timeout of an unresponsive daemon.
HANG_SECONDS = 600.0
# Hosts that the stock daemon cannot handle: it takes minutes to list thousands of devices, and loops forever in a
# circular list of PCI capabilities. tests/cases covers both.
TOO_MUCH = ('many-nets',)
TAKEN_AWAY = {'odd': '/sys/devices/pci0000:40/0000:40:05.0'}
MACHINES = tuple(machine for machine in hosts.MACHINES if machine not in TOO_MUCH)
URI = 'nodedev:///system?socket={}'


@contextlib.contextmanager
def running(daemon, *config):
    """Yields the daemon's URI while it runs."""
    with contextlib.closing(daemon):
        daemon.start(*config)
        timer = threading.Timer(HANG_SECONDS, daemon.kill)
        timer.start()
        try:
            yield URI.format(daemon.rw_path)
            daemon.stop()
        except BaseException:
            print(''.join(f'# | {line}\n' for line in daemon.log().splitlines()[-30:]), end='')
            raise
        finally:
            timer.cancel()


def running_stock(environment=None):
    return running(Stock(DEADLINE, environment))


@contextlib.contextmanager
def running_ours(program, config, environment=None, through=None):
    """`through`: mediated's module; the URI is that of a libvirtd with this module."""
    daemon = Daemon(program, DEADLINE, environment)
    with running(daemon, config) as uri:
        if through is None:
            yield uri
            return
        with running(WithPlugin(DEADLINE, through, daemon.rw_path)) as other:
            yield other


def uuid(number):
    return str(uuids.UUID(int=number))


def make_real_devices():
    """Creates one device per parent, of its first type."""
    for number, types in enumerate(sorted(MDEV_BUS.glob('*/mdev_supported_types')), 1):
        create = sorted(types.iterdir())[0] / 'create'
        create.write_text(uuid(number), encoding='ascii')
    subprocess.run(['udevadm', 'settle'], check=True)


def make_simulated_devices(host):
    for number, parent in enumerate(host.parents(), 1):
        type_id = sorted(host.type_ids(parent))[0]
        # The functions of a card share its room.
        if host.available(parent, type_id) > 0:
            host.create_by_others(parent, type_id, uuid(number))
    host.kernel.udevd.settle(DEADLINE)


@contextlib.contextmanager
def simulated_host(machine, program, preload):
    """Returns the host with a device per parent; `preload` is the tests directory of the build."""
    library = preload / 'sim/libfakekernel-preload.so'
    with contextlib.closing(SimHost(machine, program, library)) as host:
        if machine in TAKEN_AWAY:
            host.kernel.sysfs.remove_device(TAKEN_AWAY[machine])
        make_simulated_devices(host)
        yield host, host.environment(library)


def stock_environment(environment, preload):
    """Returns the stock daemon's environment in a umockdev test bed, based on that of other programs."""
    first = preload / 'diff/libstock-preload.so'
    return {**environment, 'LD_PRELOAD': f'{first} {environment["LD_PRELOAD"]}'}
