#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nova's own class for hosts with libvirt: everything that nova-compute does with mediated devices. Some methods read and
write sysfs instead of calling libvirt; all of them do so in releases before 2023.2. usage: nova-driver.py URI
"""

import logging
import os
import sys
import time

import nova.conf
import nova.privsep
import libvirt
from nova.virt import fake
from nova.virt.libvirt import driver as nova_driver

PARENTS = ['pci_0000_86_00_0', 'pci_0000_87_00_0']
TYPE = 'nvidia-11'
INSTANCES = 16
SECONDS, POLL_SECONDS = 30, 0.05
CONF = nova.conf.CONF


class Steps:
    """Prints and counts steps."""

    def __init__(self):
        self.count = 0

    def check(self, what, is_right):
        assert is_right, what
        self.count += 1
        print(f'{self.count}. {what}')


def make_driver(uri):
    CONF([], project='nova', default_config_files=[])
    CONF.set_override('connection_uri', uri, 'libvirt')
    CONF.set_override('virt_type', 'qemu', 'libvirt')
    CONF.set_override('enabled_mdev_types', [TYPE], 'devices')
    # Without a second process for privileged functions.
    nova.privsep.sys_admin_pctxt.set_client_mode(False)
    return nova_driver.LibvirtDriver(fake.FakeVirtAPI(), False)


def read_parents(driver, steps):
    host = driver._host
    steps.check('supported types', driver.supported_vgpu_types == [TYPE])
    steps.check(f'devices with types: {PARENTS}', sorted(host.list_mdev_capable_devices()) == PARENTS)
    capable = sorted(driver._get_mdev_capable_devices(), key=lambda device: device['dev_id'])
    steps.check('types and vendor of each', all(
        device['types'][TYPE] == {'availableInstances': INSTANCES, 'name': 'GRID M60-0B', 'deviceAPI': 'vfio-pci'}
        and device['vendor_id'] == 0x10de for device in capable))
    steps.check('number of types', all(len(device['types']) == 8 for device in capable))
    steps.check('only one type', all(list(device['types']) == [TYPE] for device in driver._get_mdev_capable_devices([TYPE])))
    steps.check('free instances', driver._count_mdev_capable_devices([TYPE]) == dict.fromkeys(PARENTS, INSTANCES))
    steps.check('no device', not host.list_mediated_devices() and driver._get_mediated_devices() == [])


def create(driver, steps):
    host = driver._host
    uuid = driver._create_new_mediated_device(PARENTS[0])
    name = f'mdev_{uuid.replace("-", "_")}_0000_86_00_0'
    steps.check(f'created {uuid}', driver._is_existing_mdev(uuid))
    # The daemon learns from udev about a device that Nova created in sysfs.
    limit = time.monotonic() + SECONDS
    while not host.list_mediated_devices() and time.monotonic() < limit:
        time.sleep(POLL_SECONDS)
    steps.check('listed', host.list_mediated_devices() == [name])
    device = driver._get_mediated_device_information(f'mdev_{uuid.replace("-", "_")}')
    expected = {'dev_id': name, 'uuid': uuid, 'parent': PARENTS[0], 'type': TYPE}
    steps.check('found by its UUID alone', expected.items() <= device.items() and device['iommu_group'])
    steps.check('among all devices', driver._get_mediated_devices([TYPE]) == [device])
    steps.check('none of another type', driver._get_mediated_devices(['nvidia-12']) == [])
    count = driver._count_mediated_devices([TYPE])
    steps.check('counted', count[PARENTS[0]] == 1 and count[PARENTS[1]] == 0)
    inventory = {name: (each['total'], each['max_unit']) for name, each in driver._get_gpu_inventories().items()}
    steps.check('inventory', inventory == dict.fromkeys(PARENTS, (INSTANCES, INSTANCES)))
    try:
        driver._create_new_mediated_device(PARENTS[1], uuid=uuid)
    except (libvirt.libvirtError, OSError) as error:
        steps.check(f'the same UUID again is refused: {error}', True)
    else:
        raise AssertionError('the same UUID again is not refused')
    return host.device_lookup_by_name(name)


def restart(driver, steps, device):
    """What nova-compute does at its start, for devices with definitions."""
    steps.check('has a definition, with autostart', device.isPersistent() and device.autostart())
    device.destroy()
    steps.check('inactive', not device.isActive())
    driver._start_inactive_mediated_devices()
    steps.check('started again', device.isActive())


def main():
    logging.basicConfig(level=logging.ERROR)
    steps = Steps()
    driver = make_driver(sys.argv[1])
    steps.check('connected', driver._host.get_connection().getLibVersion() >= 9000000)
    read_parents(driver, steps)
    device = create(driver, steps)
    if sys.argv[1].startswith('qemu:'):
        uuid = device.name()[5:41].replace('_', '-')
        steps.check('assigned to no guest', driver._get_existing_mdevs_not_assigned(PARENTS[0]) == {uuid})
    is_persistent = hasattr(driver, '_start_inactive_mediated_devices')
    if is_persistent:
        restart(driver, steps, device)
    device.destroy()
    if is_persistent:
        device.undefine()
    print(steps.count, 'steps')
    sys.stdout.flush()
    # Without waiting for the threads of eventlet.
    os._exit(0)


if __name__ == '__main__':
    main()
