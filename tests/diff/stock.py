# SPDX-License-Identifier: LGPL-2.1-or-later
"""The stock daemon, isolated from this machine: libvirtd with only its node-device driver."""

from libvirtd import Libvirtd, NODEDEV, stock_module


class Stock(Libvirtd):
    """libvirtd with libvirt's own module."""

    def __init__(self, deadline, environment=None):
        super().__init__(deadline, stock_module(NODEDEV), environment)
