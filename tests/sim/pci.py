# SPDX-License-Identifier: LGPL-2.1-or-later
"""PCI functions of the fake machines, with their attributes and configuration space."""

import dataclasses
import os
import struct

ENDPOINT = 0x0
ROOT_PORT = 0x4
UPSTREAM = 0x5
DOWNSTREAM = 0x6
TO_PCI_BRIDGE = 0x7
RC_ENDPOINT = 0x9
RC_EVENT_COLLECTOR = 0xa

CONFIG_SIZE = 256
EXTENDED_SIZE = 4096
EXPRESS = 0x78       # offset of the PCI Express capability in our functions
STATUS_CAPABILITIES = 0x0010
HEADER_BRIDGE = 1
HEADER_CARDBUS = 2
HEADER_MULTI = 0x80   # the slot has several functions


@dataclasses.dataclass(frozen=True)
class Function:
    """One function; `express` is the port type or None, speed and width are the link's maximum.

    `now` is (speed, width) of a link below its maximum, `header` the type of the configuration space if it does not
    follow from the class, `vpd` the card's vital product data, if any.
    """

    address: str
    vendor: int
    device: int
    class_code: int
    driver: str | None = None
    group: int | None = None
    numa_node: int = -1
    express: int | None = None
    speed: int = 3
    width: int = 16
    subsystem: tuple[int, int] = (0, 0)
    port: int = 0
    now: tuple[int, int] | None = None
    header: int | None = None
    config_size: int = CONFIG_SIZE
    vpd: bytes | None = None

    @property
    def is_bridge(self):
        return self.class_code >> 8 == 0x0604


def config_space(function):
    """Returns the configuration space of a function."""
    config = bytearray(function.config_size)
    struct.pack_into('<HH', config, 0x00, function.vendor, function.device)
    struct.pack_into('<B', config, 0x09, function.class_code & 0xff)
    struct.pack_into('<H', config, 0x0a, function.class_code >> 8)
    config[0x0e] = function.header if function.header is not None else (
        HEADER_BRIDGE if function.is_bridge else 0)
    if function.express is not None:
        struct.pack_into('<H', config, 0x06, STATUS_CAPABILITIES)
        config[0x34] = EXPRESS
        link = function.width << 4 | function.speed
        speed, width = function.now or (function.speed, function.width)
        struct.pack_into('<BBH', config, EXPRESS, 0x10, 0, function.express << 4 | 2)
        struct.pack_into('<I', config, EXPRESS + 0x0c, function.port << 24 | link)
        struct.pack_into('<H', config, EXPRESS + 0x12, width << 4 | speed)
    return bytes(config)


SPEEDS = ('Unknown', '2.5 GT/s PCIe', '5.0 GT/s PCIe', '8.0 GT/s PCIe', '16.0 GT/s PCIe', '32.0 GT/s PCIe',
          '64.0 GT/s PCIe')
NO_LINK = (RC_ENDPOINT, RC_EVENT_COLLECTOR)
UNKNOWN_WIDTH = 255


def link_attributes(function):
    """Returns the attributes that the kernel reads from the registers of a PCI Express function."""
    if function.express is None:
        return {}
    most, now = (function.speed, function.width), function.now or (function.speed, function.width)
    if function.express in NO_LINK:
        most, now = (0, UNKNOWN_WIDTH), (0, 0)
    texts = {}
    for word, (speed, width) in (('max', most), ('current', now)):
        texts[f'{word}_link_speed'] = f'{SPEEDS[speed] if speed < len(SPEEDS) else SPEEDS[0]}\n'
        texts[f'{word}_link_width'] = f'{width}\n'
    return texts


def uevent(function):
    vendor, device = function.vendor, function.device
    code = function.class_code
    return {
        'PCI_CLASS': f'{code:X}',
        'PCI_ID': f'{vendor:04X}:{device:04X}',
        'PCI_SUBSYS_ID': f'{function.subsystem[0]:04X}:{function.subsystem[1]:04X}',
        'PCI_SLOT_NAME': function.address,
        'MODALIAS': f'pci:v{vendor:08X}d{device:08X}sv{function.subsystem[0]:08X}'
                    f'sd{function.subsystem[1]:08X}bc{code >> 16:02X}sc{code >> 8 & 0xff:02X}'
                    f'i{code & 0xff:02X}',
    }


def add(sysfs, above, function):
    """Adds a function below a bridge or a root bus; returns its path."""
    path = f'{above}/{function.address}'
    sysfs.add_device(path, 'pci', {
        'class': f'{function.class_code:#08x}\n',
        'vendor': f'{function.vendor:#06x}\n',
        'device': f'{function.device:#06x}\n',
        'subsystem_vendor': f'{function.subsystem[0]:#06x}\n',
        'subsystem_device': f'{function.subsystem[1]:#06x}\n',
        'revision': '0xa1\n',
        'config': config_space(function),
        'numa_node': f'{function.numa_node}\n',
        'enable': '1\n',
        'power/runtime_status': 'active\n',
        **link_attributes(function),
    }, uevent(function))
    if function.vpd is not None:
        sysfs.write(f'{path}/vpd', function.vpd)
    if function.driver is not None:
        sysfs.bind(path, function.driver)
    if function.group is not None:
        sysfs.set_iommu_group(path, function.group)
    return path


def add_virtual_functions(sysfs, physical, functions, total):
    """Makes a function the physical function of `functions`; returns their paths."""
    above = os.path.dirname(physical)
    sysfs.write(f'{physical}/sriov_totalvfs', f'{total}\n')
    sysfs.write(f'{physical}/sriov_numvfs', f'{len(functions)}\n')
    paths = [add(sysfs, above, function) for function in functions]
    for index, path in enumerate(paths):
        sysfs.link(f'{physical}/virtfn{index}', path)
        sysfs.link(f'{path}/physfn', physical)
    return paths
