# SPDX-License-Identifier: LGPL-2.1-or-later
"""VFIO nodes of the fake kernel: those of groups and of devices."""

VFIO_MAJOR = 243


def group_path(group):
    return f'/sys/devices/virtual/vfio/{group}'


def add_group(kernel, group):
    """Adds the node of an IOMMU group whose devices a VFIO driver has bound."""
    kernel.sysfs.add_device(group_path(group), 'vfio', {'dev': f'{VFIO_MAJOR}:{group}\n'},
                            {'MAJOR': VFIO_MAJOR, 'MINOR': group, 'DEVNAME': f'vfio/{group}'}, is_class=True)
    kernel.sysfs.add_node(f'/dev/vfio/{group}', VFIO_MAJOR, group)
    kernel.event('add', group_path(group))


def remove_group(kernel, group):
    kernel.event('remove', group_path(group))
    kernel.sysfs.remove_device(group_path(group))
    kernel.sysfs.remove_node(f'/dev/vfio/{group}')


def device_path(path, number):
    return f'{path}/vfio-dev/vfio{number}'


def add_device(kernel, path, number, attributes=None):
    """Adds the VFIO device of a device that a VFIO driver has bound."""
    kernel.sysfs.add_device(device_path(path, number), 'vfio-dev', attributes or {}, {}, is_class=True)
    kernel.event('add', device_path(path, number))


def remove_device(kernel, path, number):
    kernel.event('remove', device_path(path, number))
    kernel.sysfs.remove_device(device_path(path, number))
