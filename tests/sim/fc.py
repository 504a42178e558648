# SPDX-License-Identifier: LGPL-2.1-or-later
"""SCSI hosts of the fake kernel, including Fibre Channel hosts with virtual ports (NPIV).

The order of steps is the kernel's. Create: the port, the new host, its event, the classes of the host, and last the
names, which no event announces. Delete: the classes, the host, the port.
"""

import dataclasses
import errno
import re
import threading

from fake_kernel import KernelError

PORT = re.compile(rb'([0-9a-fA-F]{16}):([0-9a-fA-F]{16})\n?')
# Printed by the kernel for a name that no driver has set.
UNSET = 0xffffffffffffffff
SG_MAJOR = 21


@dataclasses.dataclass
class Knobs:
    """Settings of a host's driver; 0 is the normal behavior."""

    fail_create: int = 0      # errno
    fail_delete: int = 0      # errno
    block_create: int = 0     # 1: before the port exists, 2: after its event
    block_delete: int = 0
    late: int = 0             # milliseconds from the event to the names; -1: fill() sets them
    silent: int = 0           # the write succeeds without any effect
    fail_state: int = 0       # errno of reads of port_state
    block_state: int = 0


class Host:
    """One SCSI host; `fc` is a dict of the attributes of its fc_host without the names, or None."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, kernel, above, fc=None, wwnn=UNSET, wwpn=UNSET, most=None, unique_id=0):
        self.kernel = kernel
        self.sysfs = kernel.sysfs
        self.number = kernel.next_scsi_host
        kernel.next_scsi_host += 1
        self.name = f'host{self.number}'
        self.path = f'{above}/{self.name}'
        self.fc = fc
        self.wwnn, self.wwpn = wwnn, wwpn
        self.most = most
        self.unique_id = unique_id
        self.knobs = Knobs()
        self.ports = {}
        self.next_port = 0
        self.asked_in_vain = 0

    @property
    def fc_path(self):
        return f'{self.path}/fc_host/{self.name}'

    def announce(self):
        self.sysfs.add_device(self.path, 'scsi', {}, {'DEVTYPE': 'scsi_host'})
        self.kernel.event('add', self.path)

    def add_classes(self):
        self.add_class(f'{self.path}/scsi_host/{self.name}', 'scsi_host',
                       {'unique_id': f'{self.unique_id}\n', 'state': 'running\n'})
        self.kernel.add_store(f'{self.path}/scsi_host/{self.name}/scan', lambda _data: None)
        if self.fc is None:
            return
        texts = {'port_name': UNSET, 'node_name': UNSET, 'fabric_name': UNSET}
        # The kernel adds the attributes of a class after the event of its device.
        self.add_class(self.fc_path, 'fc_host', {})
        for key, text in {**{key: f'{value:#x}' for key, value in texts.items()},
                          'port_state': 'Online', 'port_type': 'NPort (fabric via point-to-point)',
                          **self.fc}.items():
            self.sysfs.write(f'{self.fc_path}/{key}', f'{text}\n')
        self.kernel.add_show(f'{self.fc_path}/port_state', self.show_state)
        if self.most is not None:
            self.kernel.add_store(f'{self.fc_path}/vport_create', self.store_create)
            self.kernel.add_store(f'{self.fc_path}/vport_delete', self.store_delete)
            self.update_room()

    def add_class(self, path, subsystem, texts):
        self.sysfs.add_device(path, subsystem, texts, {}, is_class=True)
        self.kernel.event('add', path)

    def fill(self):
        """Sets the names."""
        with self.kernel.state:
            if self.fc is not None and self.sysfs.exists(self.fc_path):
                self.sysfs.write(f'{self.fc_path}/node_name', f'{self.wwnn:#x}\n')
                self.sysfs.write(f'{self.fc_path}/port_name', f'{self.wwpn:#x}\n')

    def tear_down(self):
        paths = [f'{self.path}/scsi_host/{self.name}']
        if self.fc is not None:
            paths.append(self.fc_path)
        for path in reversed(paths):
            self.drop(path)
        self.drop(self.path)

    def drop(self, path):
        """Removes a device, its uevent file first, like the kernel."""
        gone = self.sysfs.uevent(path)
        self.sysfs.unlink(f'{path}/uevent')
        self.kernel.event('remove', path, **gone)
        self.kernel.forget_below(path)
        self.sysfs.remove_device(path)

    # Knobs

    def set_knob(self, name, value):
        with self.kernel.state:
            setattr(self.knobs, name, value)
            self.kernel.state.notify_all()

    def relax(self):
        with self.kernel.state:
            self.knobs = Knobs()
            self.kernel.state.notify_all()

    def set_text(self, name, text):
        """Changes an attribute of the fc_host; None removes it."""
        with self.kernel.state:
            if text is None:
                self.sysfs.unlink(f'{self.fc_path}/{name}')
            else:
                self.sysfs.write(f'{self.fc_path}/{name}', text)

    def show_state(self):
        with self.kernel.state:
            self.asked_in_vain += 1
            self.kernel.state.notify_all()
            self.kernel.block_while(lambda: self.knobs.block_state)
            self.asked_in_vain -= 1
            if self.knobs.fail_state:
                raise KernelError(self.knobs.fail_state)

    # Virtual ports

    def update_room(self):
        self.sysfs.write(f'{self.fc_path}/max_npiv_vports', f'{self.most}\n')
        self.sysfs.write(f'{self.fc_path}/npiv_vports_inuse', f'{len(self.ports)}\n')

    @staticmethod
    def parse_port(data):
        match = PORT.fullmatch(data)
        if match is None:
            raise KernelError(errno.EINVAL)
        return tuple(int(part, 16) for part in match.groups())

    def store_create(self, data):
        self.create(*self.parse_port(data))

    def create(self, wwpn, wwnn):
        """Creates a virtual port. Returns the new host, or None if the driver has created none; raises KernelError."""
        with self.kernel.state:
            self.kernel.block_while(lambda: self.knobs.block_create == 1)
            if self.knobs.fail_create:
                raise KernelError(self.knobs.fail_create)
            if len(self.ports) >= self.most:
                raise KernelError(errno.ENOSPC)
            if (wwpn, wwnn) in self.ports:
                raise KernelError(errno.EEXIST)
            if self.knobs.silent:
                return None
            return self.add_port(wwpn, wwnn)

    def add_port(self, wwpn, wwnn):
        path = f'{self.path}/vport-{self.number}:0-{self.next_port}'
        self.next_port += 1
        self.sysfs.add_device(path, None, {})
        self.add_class(f'{path}/fc_vports/{path.rsplit("/", 1)[1]}', 'fc_vports',
                       {'port_name': f'{wwpn:#x}\n', 'node_name': f'{wwnn:#x}\n'})
        host = Host(self.kernel, path, {'fabric_name': self.fc.get('fabric_name', f'{UNSET:#x}')},
                    wwnn, wwpn)
        self.ports[(wwpn, wwnn)] = host
        self.update_room()
        host.announce()
        self.kernel.state.notify_all()
        self.kernel.block_while(lambda: self.knobs.block_create == 2)
        host.add_classes()
        self.kernel.state.notify_all()
        if self.knobs.late == 0:
            host.fill()
        elif self.knobs.late > 0:
            timer = threading.Timer(self.knobs.late / 1000, host.fill)
            timer.daemon = True
            timer.start()
        return host

    def store_delete(self, data):
        self.delete(*self.parse_port(data))

    def delete(self, wwpn, wwnn):
        with self.kernel.state:
            if self.knobs.fail_delete:
                raise KernelError(self.knobs.fail_delete)
            host = self.ports.get((wwpn, wwnn))
            if host is None:
                raise KernelError(errno.ENODEV)
            self.kernel.block_while(lambda: self.knobs.block_delete)
            if self.knobs.silent:
                return
            self.tear_down_port(host)
            del self.ports[(wwpn, wwnn)]
            self.update_room()
            self.kernel.state.notify_all()

    def tear_down_port(self, host):
        path = host.path.rsplit('/', 1)[0]
        host.tear_down()
        self.drop(f'{path}/fc_vports/{path.rsplit("/", 1)[1]}')
        self.kernel.forget_below(path)
        self.sysfs.remove_device(path)

    def wait_port(self, seconds):
        """Waits until the driver has announced the host of a port, and returns the host."""
        with self.kernel.state:
            if not self.kernel.state.wait_for(lambda: self.ports, seconds):
                raise AssertionError('no port has come')
            return next(reversed(self.ports.values()))


def add_host(kernel, above, **facts):
    """Adds a host with its names before the daemon starts."""
    host = Host(kernel, above, **facts)
    host.announce()
    host.add_classes()
    host.fill()
    kernel.scsi_hosts.append(host)
    return host


def add_target(host, number, rport=None):
    """Adds a target; `rport` is the name of its remote port, which only Fibre Channel has."""
    sysfs, above = host.sysfs, host.path
    if rport is not None:
        above = f'{host.path}/rport-{host.number}:0-{number}'
        name = above.rsplit('/', 1)[1]
        sysfs.add_device(above, None, {})
        sysfs.add_device(f'{above}/fc_remote_ports/{name}', 'fc_remote_ports',
                         {'port_name': f'{rport:#x}\n', 'port_state': 'Online\n'}, {},
                         is_class=True)
    path = f'{above}/target{host.number}:0:{number}'
    sysfs.add_device(path, 'scsi', {}, {'DEVTYPE': 'scsi_target'})
    host.kernel.event('add', path)
    return path


def add_unit(host, target, lun, kind, driver=None):
    """Adds a logical unit of a SCSI device type, and its generic node."""
    sysfs, kernel = host.sysfs, host.kernel
    channel = target.rsplit('target', 1)[1]
    path = f'{target}/{channel}:{lun}'
    sysfs.add_device(path, 'scsi', {'type': f'{kind}\n', 'vendor': 'EXAMPLE \n'},
                     {'DEVTYPE': 'scsi_device', 'MODALIAS': f'scsi:t-0x{kind:02x}'})
    if driver is not None:
        sysfs.bind(path, driver)
    kernel.event('add', path)
    minor = kernel.next_sg
    kernel.next_sg += 1
    node = f'{path}/scsi_generic/sg{minor}'
    sysfs.add_device(node, 'scsi_generic', {'dev': f'{SG_MAJOR}:{minor}\n'},
                     {'MAJOR': SG_MAJOR, 'MINOR': minor, 'DEVNAME': f'sg{minor}'}, is_class=True)
    sysfs.add_node(f'/dev/sg{minor}', SG_MAJOR, minor)
    kernel.event('add', node)
    return path
