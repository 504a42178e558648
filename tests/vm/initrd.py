# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the initial ramdisk of a test machine: busybox, a few modules and the job's files.

The archive is written here (format "newc"), so that neither cpio nor initramfs-tools is needed.
"""

import lzma
import pathlib
import shutil
import stat
import subprocess

# Required before the root file system is mounted.
MODULES = ('virtio_pci', '9p', '9pnet_virtio', 'overlay')
# If it is on a disk.
DISK_MODULES = ('virtio_blk', 'ext4')
APPLETS = ('sh', 'insmod', 'mkdir', 'mount', 'cp', 'cat', 'ln', 'switch_root', 'poweroff')


class NoModule(Exception):
    """A module required for booting is not installed."""


class Archive:
    """A cpio archive in memory."""

    def __init__(self):
        self.parts = []
        self.inode = 0

    def add(self, name, mode, data=b''):
        """Adds one entry; its directory must already exist in the archive."""
        self.inode += 1
        path = name.encode() + b'\0'
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        head = b'070701' + b''.join(b'%08X' % field for field in fields) + path
        self.parts += [head, b'\0' * (-len(head) % 4), data, b'\0' * (-len(data) % 4)]

    def directory(self, name):
        self.add(name, stat.S_IFDIR | 0o755)

    def file(self, name, data, mode=0o755):
        self.add(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self.add(name, stat.S_IFLNK | 0o777, target.encode())

    def write(self, path):
        self.add('TRAILER!!!', 0)
        pathlib.Path(path).write_bytes(b''.join(self.parts))


def module_files(release, names):
    """Returns the files of modules and their dependencies, in the order of loading."""
    files = []
    for name in names:
        result = subprocess.run(['modprobe', '-S', release, '--show-depends', name],
                                check=False, capture_output=True, text=True)
        if result.returncode != 0:
            raise NoModule(f"module '{name}' of kernel {release}: {result.stderr.strip()}")
        for line in result.stdout.splitlines():
            kind, _, rest = line.partition(' ')
            path = rest.split(' ')[0]
            if kind == 'insmod' and path not in files:
                files.append(path)
    return files


def module_data(path):
    """Returns the contents of a module, unpacked, because busybox does not support all compression formats of kmod."""
    data = pathlib.Path(path).read_bytes()
    return lzma.decompress(data) if path.endswith('.xz') else data


def build(path, release, init, job, modules=MODULES):
    """Writes a ramdisk to path. init: file run as process 1. job: name -> content below /job.
    modules: loaded before process 1."""
    busybox = shutil.which('busybox')
    if busybox is None:
        raise NoModule("no busybox: install busybox-static")

    archive = Archive()
    for name in ('bin', 'dev', 'proc', 'sys', 'mnt', 'job', 'modules'):
        archive.directory(name)
    archive.file('bin/busybox', pathlib.Path(busybox).read_bytes())
    for applet in APPLETS:
        archive.link(f'bin/{applet}', 'busybox')

    order = []
    for file in module_files(release, modules):
        name = pathlib.Path(file).name.split('.ko')[0] + '.ko'
        archive.file(f'modules/{name}', module_data(file), 0o644)
        order.append(name)
    archive.file('modules/order', ''.join(f'{name}\n' for name in order).encode(), 0o644)

    for name, data in job.items():
        archive.file(f'job/{name}', data)
    archive.file('init', pathlib.Path(init).read_bytes())
    archive.write(path)
