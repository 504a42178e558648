# SPDX-License-Identifier: LGPL-2.1-or-later
"""A simulated host from a file of umockdev-record, completed with data that such files lack."""

import os
import pathlib

import gi

gi.require_version('UMockdev', '1.0')

from gi.repository import UMockdev  # noqa: E402  pylint: disable=wrong-import-position

# A user other than root sees only the first 64 bytes.
PCI_CONFIG_SIZE = 256


class Recording:
    """The devices of a file, while this object exists."""

    def __init__(self, path):
        self.bed = UMockdev.Testbed.new()
        self.bed.add_from_file(path)
        self.root = pathlib.Path(self.bed.get_root_dir())
        for directory, _, _ in os.walk(self.root / 'sys/devices'):
            self.complete_link(pathlib.Path(directory, 'driver'))
            self.complete_config(pathlib.Path(directory, 'config'))

    @staticmethod
    def complete_link(link):
        """Adds the drivers, because only devices are recorded."""
        if link.is_symlink():
            (link.parent / os.readlink(link)).resolve().mkdir(parents=True, exist_ok=True)

    @staticmethod
    def complete_config(config):
        if config.exists() and (config.parent / 'vendor').exists():
            config.write_bytes(config.read_bytes().ljust(PCI_CONFIG_SIZE, b'\0'))

    @property
    def environment(self):
        # libudev otherwise rejects a sysfs that is not a mount.
        return {'UMOCKDEV_DIR': str(self.root), 'SYSTEMD_DEVICE_VERIFY_SYSFS': '0'}
