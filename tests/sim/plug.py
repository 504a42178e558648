# SPDX-License-Identifier: LGPL-2.1-or-later
"""Removes devices with their descendants from a fake machine and adds them again.

The order is the kernel's: descendants are removed first and added last; when the event is sent, a removed device has
lost its links and its `uevent`, and an added device is complete. An added device has a new directory, like every new
kernel object.
"""

import dataclasses
import os
import pathlib
import shutil
import tempfile


@dataclasses.dataclass
class Piece:
    """One removed device."""

    path: str
    properties: dict
    links: list   # its links on the bus or in the class
    copy: pathlib.Path

    def subsystem(self):
        return self.properties['SUBSYSTEM']


class Unplugged:
    """A tree of removed devices, in the order of their removal."""

    def __init__(self, kernel, path, tells=True):
        self.kernel, self.sysfs = kernel, kernel.sysfs
        self.store = pathlib.Path(tempfile.mkdtemp(prefix='pulled-', dir=self.sysfs.root))
        self.pieces = [self.pull(device, tells) for device in self.list_devices(path)]

    def list_devices(self, path):
        """Returns the devices at a path and below, children first."""
        top = self.sysfs.real(path)
        return [f'/{pathlib.Path(directory).relative_to(self.sysfs.root)}'
                for directory, _, files in os.walk(top, topdown=False) if 'uevent' in files]

    def pull(self, path, tells):
        subsystem = self.sysfs.target(f'{path}/subsystem')
        name = os.path.basename(path)
        links = [link for link in (f'/sys/class/{subsystem}/{name}', f'/sys/bus/{subsystem}/devices/{name}')
                 if self.sysfs.exists(link)]
        piece = Piece(path, {'SUBSYSTEM': subsystem or 'unknown', **self.sysfs.uevent(path)}, links,
                      self.store / path.replace('/', '!'))
        shutil.copytree(self.sysfs.real(path), piece.copy, symlinks=True)
        for link in links:
            self.sysfs.unlink(link)
        self.sysfs.unlink(f'{path}/uevent')
        if tells:
            self.emit(piece, 'remove')
        self.sysfs.rmdir(path)
        return piece

    def emit(self, piece, action):
        """Sends an event of a device, present or removed."""
        self.kernel.event(action, piece.path, **piece.properties)

    def emit_all(self, action):
        """Sends the events of all devices of the tree, in the kernel's order."""
        for piece in self.pieces if action == 'remove' else reversed(self.pieces):
            self.emit(piece, action)

    def put_back(self):
        for piece in reversed(self.pieces):
            shutil.copytree(piece.copy, self.sysfs.real(piece.path), symlinks=True, dirs_exist_ok=True)
            for link in piece.links:
                self.sysfs.link(link, piece.path)
            self.emit(piece, 'add')
        shutil.rmtree(self.store)
