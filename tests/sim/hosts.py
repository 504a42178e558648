# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake machines: the sysfs of hosts with certain hardware.

Each function builds one machine with a given kernel and returns its mdev parents, unregistered. Type names, texts and
capacities are from captures of such hosts, where available.
"""

import ast
import pathlib
import re

import laptop_hosts
import net_hosts
import pci
import s390_hosts
import scsi_hosts
import storage_hosts
import vgpu_hosts
from mdev import Parent, Pool, Type

NVIDIA = 0x10de
INTEL = 0x8086
PLX = 0x10b5
VGA = 0x030000
GPU_3D = 0x030200
BRIDGE = 0x060400
ETHERNET = 0x020000

DMI = {
    'sys_vendor': 'Example Systems',
    'product_name': 'Compute Node 2',
    'product_version': 'R1',
    'product_serial': 'EX-0042',
    'product_uuid': '6c5d1a4e-0f0e-4f0c-9a51-1f6ff5a1c7f2',
    'bios_vendor': 'Example Firmware',
    'bios_version': '2.4.1',
    'bios_date': '01/15/2024',
}


def add_dmi(kernel):
    path = '/sys/devices/virtual/dmi/id'
    texts = {name: f'{text}\n' for name, text in DMI.items()}
    kernel.sysfs.add_device(path, 'dmi', texts, {'MODALIAS': 'dmi:'}, is_class=True)


def add_root(kernel, name):
    path = f'/sys/devices/{name}'
    kernel.sysfs.add_device(path, None, {})
    return path


def add_plain_network_card(kernel):
    """Adds a PCI device that is not a parent."""
    root = add_root(kernel, 'pci0000:00')
    return pci.add(kernel.sysfs, root, pci.Function(
        '0000:00:1f.6', INTEL, 0x15b7, ETHERNET, 'e1000e', group=9, subsystem=(0x17aa, 0x2245)))


def read_m60_types():
    """Reads the types of the tests' kernel module, so that a case meets the same types on each host."""
    text = (pathlib.Path(__file__).parent.parent / 'kmod/m60-types.h').read_text(encoding='utf-8')
    return [m60_type(*ast.literal_eval(arguments)) for arguments in re.findall(r'^M60(\(.*\)),$', text, re.MULTILINE)]


# pylint: disable-next=too-many-arguments
def m60_type(suffix, model, heads, limit, mib, resolution, most):
    return Type(suffix, f'GRID M60-{model}', mib, most,
                f'num_heads={heads}, frl_config={limit}, framebuffer={mib}M, '
                f'max_resolution={resolution}, max_instance={most}')


M60_TYPES = read_m60_types()
M60_MIB = 8192


def m60(kernel):
    """One Tesla M60 board: two GPUs behind a PCI Express switch."""
    sysfs = kernel.sysfs
    root = add_root(kernel, 'pci0000:80')
    port = pci.add(sysfs, root, pci.Function(
        '0000:80:02.0', INTEL, 0x2f04, BRIDGE, 'pcieport', 20, 1, pci.ROOT_PORT))
    switch = pci.add(sysfs, port, pci.Function(
        '0000:84:00.0', PLX, 0x8747, BRIDGE, 'pcieport', 21, 1, pci.UPSTREAM))
    parents = []
    for slot, bus in (('08', '86'), ('10', '87')):
        below = pci.add(sysfs, switch, pci.Function(
            f'0000:85:{slot}.0', PLX, 0x8747, BRIDGE, 'pcieport', 22, 1, pci.DOWNSTREAM))
        path = pci.add(sysfs, below, pci.Function(
            f'0000:{bus}:00.0', NVIDIA, 0x13f2, VGA, 'nvidia', int(bus), 1, pci.ENDPOINT,
            subsystem=(NVIDIA, 0x115e)))
        parents.append(Parent(kernel, path, 'nvidia', M60_TYPES, Pool(M60_MIB),
                              'nvidia-vgpu-vfio'))
    return parents


def a40_types():
    """Returns the types with ids 555 to 576. The names and the first description are from a capture."""
    sizes = (1, 2, 3, 4, 6, 8, 12, 16, 24, 48)
    models = [(1, 'B'), (2, 'B')] + [(size, kind) for kind in 'QA' for size in sizes]
    heads = {'B': 4, 'Q': 4, 'A': 1}
    limits = {'B': 45, 'Q': 60, 'A': 60}
    resolutions = {'B': '5120x2880', 'Q': '7680x4320', 'A': '1280x1024'}
    types = []
    for number, (size, kind) in enumerate(models, 555):
        most = min(48 // size, 32)
        types.append(Type(str(number), f'NVIDIA A40-{size}{kind}', 1, 1,
                          f'num_heads={heads[kind]}, frl_config={limits[kind]}, '
                          f'framebuffer={size * 1024}M, max_resolution={resolutions[kind]}, '
                          f'max_instance={most}'))
    return types


def a40(kernel):
    """An A40 whose virtual functions are the parents; each has room for one device of any type."""
    sysfs = kernel.sysfs
    root = add_root(kernel, 'pci0000:e0')
    port = pci.add(sysfs, root, pci.Function(
        '0000:e0:03.1', 0x1022, 0x1483, BRIDGE, 'pcieport', 60, 0, pci.ROOT_PORT, 4))
    physical = pci.add(sysfs, port, pci.Function(
        '0000:e8:00.0', NVIDIA, 0x2235, GPU_3D, 'nvidia', 61, 0, pci.ENDPOINT, 4,
        subsystem=(NVIDIA, 0x145a)))
    virtual = [pci.Function(f'0000:e8:00.{number}', NVIDIA, 0x2235, GPU_3D, 'nvidia', 58 + number,
                            0, pci.ENDPOINT, 4, subsystem=(NVIDIA, 0x0000))
               for number in (4, 5, 6, 7)]
    paths = pci.add_virtual_functions(sysfs, physical, virtual, 32)
    return [Parent(kernel, path, 'nvidia', a40_types(), Pool(1), 'nvidia-vgpu-vfio')
            for path in paths]


def gvtg_type(suffix, low, high, resolution, weight):
    return Type(suffix, None, low, 8,
                f'low_gm_size: {low}MB\nhigh_gm_size: {high}MB\nfence: 4\n'
                f'resolution: {resolution}\nweight: {weight}')


def gvtg(kernel):
    """A processor with Intel GVT-g, on a kernel whose types have no names."""
    root = add_root(kernel, 'pci0000:00')
    path = pci.add(kernel.sysfs, root, pci.Function(
        '0000:00:02.0', INTEL, 0x5917, VGA, 'i915', 1, -1, pci.RC_ENDPOINT,
        subsystem=(0x17aa, 0x2258)))
    types = [gvtg_type('GVTg_V5_4', 128, 512, '1920x1200', 4),
             gvtg_type('GVTg_V5_8', 64, 384, '1024x768', 2)]
    return [Parent(kernel, path, 'i915', types, Pool(256), 'vfio_mdev', ('vgpu_id',))]


def virtual(kernel):
    """The kernel's sample drivers: parents below /sys/devices/virtual, without driver links."""
    serial = [Type('1', 'Single port serial', 1, 24), Type('2', 'Dual port serial', 2, 12)]
    display = [Type(name, name, 1, 4, f'virtual display, {size} framebuffer') for name, size in
               (('vga', '640x480'), ('xga', '1024x768'), ('hd', '1920x1080'))]
    memory = [Type(name, name, size, 256 // size, f'virtual display, {size} MB video memory')
              for name, size in (('small', 4), ('medium', 16), ('large', 64))]
    parents = []
    for name, types, total in (('mtty', serial, 24), ('mdpy', display, 4), ('mbochs', memory, 256)):
        path = f'/sys/devices/virtual/{name}/{name}'
        kernel.sysfs.add_device(path, name, {}, {}, is_class=True)
        parents.append(Parent(kernel, path, name, types, Pool(total), name))
    return parents


def twins(kernel):
    """A fictitious GPU with two types that have the same name and the same suffix of their ids."""
    root = add_root(kernel, 'pci0000:00')
    path = pci.add(kernel.sysfs, root, pci.Function(
        '0000:00:03.0', NVIDIA, 0x13f2, VGA, 'twin', 2, -1, pci.RC_ENDPOINT))
    types = [Type(suffix, 'Twin', 1, 2) for suffix in ('a-11', 'b-11')]
    return [Parent(kernel, path, 'twin', types, Pool(4))]


def mixed(kernel):
    """A Tesla M60, whose parents are those of mdev, and an L40S with four functions."""
    parents = m60(kernel)
    vgpu_hosts.add_l40s(kernel, count=4)
    return parents


MACHINES = {
    'm60': m60,
    'a40': a40,
    'gvtg': gvtg,
    'virtual': virtual,
    'twins': twins,
    'mixed': mixed,
    'l40s': vgpu_hosts.l40s,
    'rtxpro': vgpu_hosts.rtxpro,
    **net_hosts.MACHINES,
    **s390_hosts.MACHINES,
    **scsi_hosts.MACHINES,
    **laptop_hosts.MACHINES,
    **storage_hosts.MACHINES,
}
