# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake /sys and /dev: a tree of plain files that umockdev presents to the daemon as the real ones.

Paths are those seen by the daemon ('/sys/devices/...'); this module has no side effects and sends no events.
"""

import os
import pathlib
import shutil
import tempfile


class Sysfs:
    """A test bed in the layout that libumockdev-preload expects below $UMOCKDEV_DIR."""

    def __init__(self):
        # The path must be short, because it is part of socket addresses. tmpfs, like sysfs, does not reuse the inode
        # number of a removed directory for a new one.
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='md-', dir='/dev/shm'))
        for path in ('/sys/devices/virtual', '/sys/bus', '/sys/class', '/sys/kernel', '/dev'):
            self.real(path).mkdir(parents=True)

    def close(self):
        shutil.rmtree(self.root, ignore_errors=True)

    def real(self, path):
        """Returns the path on this machine's disk of a path seen by the daemon."""
        assert path.startswith(('/sys', '/dev')), path
        return self.root / path[1:]

    def exists(self, path):
        return os.path.lexists(self.real(path))

    def mkdir(self, path):
        self.real(path).mkdir(parents=True, exist_ok=True)

    def rmdir(self, path):
        """Removes a directory tree; hides it first, so that readers never see a partial tree, as in the kernel."""
        gone = self.root / f'gone-{os.urandom(8).hex()}'
        os.rename(self.real(path), gone)
        shutil.rmtree(gone)

    def write(self, path, data):
        """Sets an attribute atomically: readers get the old text or the new one."""
        real = self.real(path)
        real.parent.mkdir(parents=True, exist_ok=True)
        staged = self.root / f'new-{os.urandom(8).hex()}'
        staged.write_bytes(data if isinstance(data, bytes) else data.encode())
        os.replace(staged, real)

    def read(self, path):
        return self.real(path).read_text(encoding='utf-8')

    def listdir(self, path):
        try:
            return sorted(os.listdir(self.real(path)))
        except FileNotFoundError:
            return []

    def unlink(self, path):
        self.real(path).unlink(missing_ok=True)

    def link(self, path, target):
        """Adds a relative link between two paths of the daemon, as the kernel does."""
        real = self.real(path)
        real.parent.mkdir(parents=True, exist_ok=True)
        os.symlink(os.path.relpath(self.real(target), real.parent), real)

    def target(self, path):
        """Returns the base name of a link's target; None if there is no such link."""
        try:
            return os.path.basename(os.readlink(self.real(path)))
        except FileNotFoundError:
            return None

    def add_device(self, path, subsystem, attributes, uevent=None, is_class=False):
        """Adds a device directory with its link on the bus or in the class."""
        name = os.path.basename(path)
        self.mkdir(path)
        for attribute, data in attributes.items():
            self.write(f'{path}/{attribute}', data)
        self.write_uevent(path, uevent or {})
        if subsystem is None:
            return
        if is_class:
            self.mkdir(f'/sys/class/{subsystem}')
            self.link(f'{path}/subsystem', f'/sys/class/{subsystem}')
            self.link(f'/sys/class/{subsystem}/{name}', path)
        else:
            self.mkdir(f'/sys/bus/{subsystem}/drivers')
            self.link(f'{path}/subsystem', f'/sys/bus/{subsystem}')
            self.link(f'/sys/bus/{subsystem}/devices/{name}', path)

    def remove_device(self, path):
        name = os.path.basename(path)
        subsystem = self.target(f'{path}/subsystem')
        if subsystem is not None:
            self.unlink(f'/sys/class/{subsystem}/{name}')
            self.unlink(f'/sys/bus/{subsystem}/devices/{name}')
        self.rmdir(path)

    def bind(self, path, driver):
        """Links a device to its driver; with `driver` None, removes the link."""
        subsystem = self.target(f'{path}/subsystem')
        properties = self.uevent(path)
        properties.pop('DRIVER', None)
        self.unlink(f'{path}/driver')
        if driver is not None:
            properties = {'DRIVER': driver, **properties}
            self.mkdir(f'/sys/bus/{subsystem}/drivers/{driver}')
            self.link(f'{path}/driver', f'/sys/bus/{subsystem}/drivers/{driver}')
        self.write_uevent(path, properties)

    def set_iommu_group(self, path, group):
        """Makes a device a member of an IOMMU group."""
        directory = f'/sys/kernel/iommu_groups/{group}'
        self.mkdir(f'{directory}/devices')
        self.link(f'{directory}/devices/{os.path.basename(path)}', path)
        self.link(f'{path}/iommu_group', directory)

    def leave_iommu_group(self, path):
        group = self.target(f'{path}/iommu_group')
        if group is None:
            return
        self.unlink(f'{path}/iommu_group')
        self.unlink(f'/sys/kernel/iommu_groups/{group}/devices/{os.path.basename(path)}')
        if not self.listdir(f'/sys/kernel/iommu_groups/{group}/devices'):
            self.rmdir(f'/sys/kernel/iommu_groups/{group}')

    def write_uevent(self, path, properties):
        self.write(f'{path}/uevent', ''.join(f'{k}={v}\n' for k, v in properties.items()))

    def uevent(self, path):
        """Returns the properties in a device's `uevent` file."""
        lines = self.read(f'{path}/uevent').splitlines()
        return dict(line.split('=', 1) for line in lines)

    def add_node(self, path, major, minor):
        """Adds a character device below /dev."""
        self.write(path, '')
        node = path.removeprefix('/dev/').replace('/', '_')
        directory = self.root / 'dev/.node'
        directory.mkdir(exist_ok=True)
        os.symlink(f'{major}:{minor}', directory / node)

    def remove_node(self, path):
        self.unlink(path)
        node = path.removeprefix('/dev/').replace('/', '_')
        (self.root / 'dev/.node' / node).unlink(missing_ok=True)
