# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines with network interfaces.

Requests for the features of an interface are answered by the kernel that runs the test, so no interface here has the
name of a real one.
"""

import pci

INTEL = 0x8086
MELLANOX = 0x15b3
VIRTIO = 0x1af4
ETHERNET = 0x020000
INFINIBAND = 0x020700
WLAN = 0x028000

# libvirt gives both the same name.
TWINS = ('mdtwin-0', 'mdtwin.0')

ARPHRD_ETHER = 1
ARPHRD_INFINIBAND = 32
MANY = 2000

# Far above the indices of real interfaces, because libudev would use its data of the real ones.
FIRST_INDEX = 900000


# pylint: disable-next=too-many-arguments
def add_interface(kernel, above, name, address, attributes=None, uevent=None, number=0):
    """Adds an interface below the `net` directory of its device, or below the virtual devices. Returns its path."""
    path = f'{above}/net/{name}'
    data = {'address': address, 'addr_len': 6, 'operstate': 'down', 'type': ARPHRD_ETHER, **(attributes or {})}
    index = FIRST_INDEX + (number or len(kernel.sysfs.listdir('/sys/class/net')) + 1)
    kernel.sysfs.add_device(path, 'net', {
        attribute: text + b'\n' if isinstance(text, bytes) else f'{text}\n'
        for attribute, text in data.items() if text is not None},
        {'INTERFACE': name, 'IFINDEX': str(index), **(uevent or {})}, is_class=True)
    if not above.startswith('/sys/devices/virtual'):
        kernel.sysfs.link(f'{path}/device', above)
    return path


def add_card(kernel, address, class_code, driver, vendor=INTEL):
    root = '/sys/devices/pci0000:00'
    if not kernel.sysfs.exists(root):
        kernel.sysfs.add_device(root, None, {})
    path = pci.add(kernel.sysfs, root, pci.Function(address, vendor, 0x1521, class_code, driver))
    kernel.sysfs.write(f'{path}/resource', f'0x00000000{address[5:7]}{address[8:10]}0000 0x0 0x0\n')
    return path


def add_vdpa(kernel, name, driver, chardev):
    """Adds a vDPA device on its own bus; bound to vhost_vdpa, it has a character device."""
    path = f'/sys/devices/{name}'
    kernel.sysfs.add_device(path, 'vdpa', {'driver_override': '(null)\n'})
    if driver is not None:
        kernel.sysfs.bind(path, driver)
    if chardev is not None:
        kernel.sysfs.add_device(f'{path}/{chardev}', 'vhost-vdpa', {}, {'DEVNAME': chardev}, is_class=True)
        kernel.sysfs.add_node(f'/dev/{chardev}', 511, int(chardev[-1]))
    return path


def net(kernel):
    """A machine with interfaces of every kind, and vDPA devices."""
    card = add_card(kernel, '0000:00:03.0', ETHERNET, 'igb')
    add_interface(kernel, card, 'mdeth0', '52:54:00:12:34:56', {'operstate': 'up', 'speed': 1000})
    add_interface(kernel, card, 'mdeth1', '52:54:00:12:34:57', {'operstate': 'down', 'speed': 65535})
    wlan = add_card(kernel, '0000:00:04.0', WLAN, 'iwlwifi')
    add_interface(kernel, wlan, 'mdwlan0', '94:e6:f7:01:02:03', {'operstate': 'dormant'}, {'DEVTYPE': 'wlan'})
    infiniband = add_card(kernel, '0000:00:05.0', INFINIBAND, 'mlx5_core', MELLANOX)
    add_interface(kernel, infiniband, 'mdib0', '00:00:10:86:fe:80:00:00:00:00:00:00:b8:59:9f:03:00:f7:e1:42', {
        'addr_len': 20, 'type': ARPHRD_INFINIBAND, 'operstate': 'up', 'speed': 100000})
    kernel.sysfs.add_device(f'{infiniband}/infiniband/mlx5_0', 'infiniband', {}, {}, is_class=True)
    kernel.sysfs.link(f'{infiniband}/infiniband/mlx5_0/device', infiniband)
    guest = add_card(kernel, '0000:00:06.0', ETHERNET, 'virtio-pci', VIRTIO)
    kernel.sysfs.mkdir(f'{guest}/virtio0')
    add_interface(kernel, f'{guest}/virtio0', 'mdvirt0', '52:54:00:aa:bb:cc', {'operstate': 'up', 'speed': -1})
    virtual = '/sys/devices/virtual'
    add_interface(kernel, virtual, 'lo', '00:00:00:00:00:00', {'operstate': 'unknown'})
    add_interface(kernel, virtual, 'mdveth0', 'aa:bb:cc:00:00:01', {'operstate': 'up', 'speed': 10000})
    add_interface(kernel, virtual, 'mddummy0', 'aa:bb:cc:00:00:02', {'operstate': 'unknown'})
    add_interface(kernel, virtual, 'mdtap0', 'aa:bb:cc:00:00:03', {'operstate': 'lowerlayerdown'})
    add_interface(kernel, virtual, 'mdtun0', '', {'addr_len': 0, 'operstate': 'unknown'})
    for devtype in ('bridge', 'vlan', 'bond', 'vxlan', 'wwan', 'macvlan'):
        add_interface(kernel, virtual, f'md{devtype}0', 'aa:bb:cc:00:00:10', {}, {'DEVTYPE': devtype})
    add_vdpa(kernel, 'vdpa0', 'vhost_vdpa', 'vhost-vdpa-0')
    add_vdpa(kernel, 'vdpa-dev_1', 'virtio_vdpa', None)
    return []


def odd_net(kernel):
    """A machine with interfaces that have missing or invalid attributes."""
    virtual = '/sys/devices/virtual'
    odd = {
        'mdnone0': {'address': None, 'addr_len': None, 'operstate': None},
        'mdlen0': {'addr_len': 'six'},
        'mdstate0': {'operstate': 'sleeping'},
        'mdstate1': {'operstate': ''},
        'mdspeed0': {'operstate': 'up', 'speed': 'fast'},
        'mdspeed1': {'operstate': 'up', 'speed': '99999999999999999999'},
        'mdspeed2': {'operstate': 'up', 'speed': ''},
        'mdspeed3': {'operstate': 'up', 'speed': '0'},
        'mdtext0': {'address': b'<\xff\x01\x1b&>'},
        'mdlong0': {'address': '11:' * 30000},
    }
    for name, attributes in odd.items():
        data = {'address': 'aa:bb:cc:00:00:20', **attributes}
        add_interface(kernel, virtual, name, data.pop('address'), data)
    for name in TWINS:
        add_interface(kernel, virtual, name, 'aa:bb:cc:00:00:22')
    kernel.sysfs.add_device(f'{virtual}/net/mdbare0', 'net', {'address': 'aa:bb:cc:00:00:21\n'}, {}, is_class=True)
    return []


# Types, besides `wlan`, that the kernel gives to hardware interfaces.
HARDWARE_TYPES = ('wwan', 'dsa', 'wpan', 'new_kind')


def typed_net(kernel):
    """A machine with interfaces of types that libvirt does not know, with and without hardware."""
    card = add_card(kernel, '0000:00:03.0', ETHERNET, 'igb')
    for number, devtype in enumerate(HARDWARE_TYPES):
        add_interface(kernel, card, f'md{devtype}0', f'52:54:00:12:35:0{number}', {'operstate': 'up', 'speed': 1000},
                      {'DEVTYPE': devtype})
        add_interface(kernel, '/sys/devices/virtual', f'md{devtype}1', f'52:54:00:12:35:1{number}', {},
                      {'DEVTYPE': devtype})
    return []


def many_nets(kernel):
    """A host of many containers."""
    for number in range(1, MANY + 1):
        address = f'aa:bb:cc:dd:{number >> 8:02x}:{number & 0xff:02x}'
        add_interface(kernel, '/sys/devices/virtual', f'mdveth{number}', address, number=number)
    return []


MACHINES = {
    'net': net,
    'typed-net': typed_net,
    'odd-net': odd_net,
    'many-nets': many_nets,
}
