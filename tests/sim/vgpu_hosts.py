# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines with cards whose SR-IOV functions carry vGPUs without mdev."""

import pci
import vgpu_types
from vgpu_card import DRIVER, Card

NVIDIA = 0x10de
INTEL = 0x8086
GPU_3D = 0x030200
BRIDGE = 0x060400
FIRST_FUNCTION = 4   # number of the first virtual function on the card's bus
L40S = 0x26b9
RTXPRO = 0x2bb5


def add_port(kernel, bus, group):
    """Adds a root bus with a port; `bus` is domain and number."""
    root = f'/sys/devices/pci{bus}'
    kernel.sysfs.add_device(root, None, {})
    return pci.add(kernel.sysfs, root, pci.Function(
        f'{bus}:00.0', INTEL, 0x352a, BRIDGE, 'pcieport', group, 0, pci.ROOT_PORT, 5))


# pylint: disable-next=too-many-arguments
def add_card(kernel, port, bus, device, subsystem, count, group, types, mib, **more):
    """Adds a card and its functions; `group` is the IOMMU group of the card, those of its functions follow."""
    path = pci.add(kernel.sysfs, port, pci.Function(
        f'{bus}:00.0', NVIDIA, device, GPU_3D, DRIVER, group, 0, pci.ENDPOINT, 5, subsystem=(NVIDIA, subsystem)))
    functions = [pci.Function(f'{bus}:{number >> 3:02x}.{number & 7}', NVIDIA, device, GPU_3D, DRIVER,
                              group + 1 + index, 0, pci.ENDPOINT, 5, subsystem=(NVIDIA, 0))
                 for index, number in enumerate(range(FIRST_FUNCTION, FIRST_FUNCTION + count))]
    return Card(kernel, path, functions, types, mib, **more)


def add_l40s(kernel, number=0, count=32, **more):
    """Adds the card number `number`; the first one is 0000:3d:00.0."""
    bus = 0x3a + 8 * number
    port = add_port(kernel, f'0000:{bus:02x}', 1000 + 100 * number)
    return add_card(kernel, port, f'0000:{bus + 3:02x}', L40S, 0x1851, count, 1001 + 100 * number, vgpu_types.L40S,
                    vgpu_types.L40S_MIB, **more)


def l40s(kernel):
    """One L40S."""
    add_l40s(kernel)
    return []


def rtxpro(kernel):
    """One RTX PRO 6000 Blackwell in another PCI domain."""
    port = add_port(kernel, '0001:c0', 2000)
    add_card(kernel, port, '0001:c8', RTXPRO, 0x204e, 48, 2001, vgpu_types.RTXPRO, vgpu_types.RTXPRO_MIB)
    return []


TABLE = vgpu_types.format_table([(L40S, 0, vgpu_types.L40S), (RTXPRO, 0x204e, vgpu_types.RTXPRO)])
