# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host inside tests/vm with a card whose virtual functions carry vGPUs (tests/kmod/md_vf).

Needs root. The knobs are parameters of the module; see the head of md_vf.h.
"""

import contextlib
import os
import pathlib

import vgpu_types
from vm_host import VmHost, write

DRIVER = pathlib.Path('/sys/bus/pci/drivers/nvidia')
KNOBS = pathlib.Path('/sys/module/md_vf/parameters')
CURRENT = 'current_vgpu_type'
REDHAT = 0x1b36
NVME = 0x0010


class Function:
    """A virtual function, with the operations of the simulated host's."""

    def __init__(self, address):
        self.address = address

    @property
    def path(self):
        return os.path.realpath(f'/sys/bus/pci/devices/{self.address}')

    @property
    def group(self):
        return int(os.path.basename(os.readlink(f'{self.path}/iommu_group')))

    @property
    def number(self):
        return int(self.read(CURRENT))

    @property
    def params(self):
        return self.read('vgpu_params')

    def read(self, file):
        return pathlib.Path(self.path, 'nvidia', file).read_text(encoding='utf-8').removesuffix('\n')

    def has_files(self):
        return os.path.exists(f'{self.path}/nvidia/{CURRENT}')

    def assign(self, number):
        write(f'{self.path}/nvidia/{CURRENT}', str(number))

    def vacate(self):
        self.assign(0)

    def unbind(self):
        write(DRIVER / 'unbind', self.address)

    def bind(self):
        write(DRIVER / 'bind', self.address)


class Card:
    """The physical function."""

    def __init__(self, path):
        self.path = path
        self.address = os.path.basename(path)
        self.functions = []
        self.find_functions()

    def find_functions(self):
        links = pathlib.Path(self.path).glob('virtfn*')
        self.functions = [Function(address) for address in sorted(os.path.basename(os.readlink(link)) for link in links)]

    def taken(self):
        return [function.number for function in self.functions if function.number]

    def enable(self, count):
        write(f'{self.path}/sriov_numvfs', str(count))
        self.find_functions()

    def set_knob(self, name, value):
        write(KNOBS / name, str(value))

    @staticmethod
    def get_knob(name):
        return int((KNOBS / name).read_text(encoding='ascii'))


class VmCardHost(VmHost):
    """Real sysfs, real VFIO; no mediated devices."""

    machines = ('card',)
    defaults = {}    # of all knobs, as the module was loaded

    def __init__(self, machine, program):
        paths = [os.path.realpath(path.parent) for path in DRIVER.glob('*/sriov_totalvfs')]
        self.cards = [Card(path) for path in sorted(paths)]
        self.count = len(self.cards[0].functions)
        if not VmCardHost.defaults:
            VmCardHost.defaults = {path.name: path.read_text(encoding='ascii') for path in KNOBS.iterdir()}
        super().__init__(machine, program)
        table = vgpu_types.format_table([(NVME, 0, vgpu_types.L40S, REDHAT)])
        self.daemon.vgpu_types.write_text(table, encoding='utf-8')

    def find_parents(self):
        return []

    def reset(self):
        """Resets knobs, functions and types to their state after the module was loaded."""
        self.relax()
        for card in self.cards:
            if len(card.functions) != self.count:
                card.enable(0)
                card.enable(self.count)
            for function in card.functions:
                if not function.has_files():
                    with contextlib.suppress(OSError):
                        function.unbind()
                    function.bind()
                if function.number:
                    function.vacate()
        self.settle()

    def relax(self):
        for name, value in VmCardHost.defaults.items():
            write(KNOBS / name, value)


def make_host(machine, program):
    """Returns the host of the machine that a case needs."""
    return (VmCardHost if machine in VmCardHost.machines else VmHost)(machine, program)
