# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cards of the fake kernel whose SR-IOV functions carry a vGPU each, without mdev: the files `nvidia/*` of a function.

The texts of the files follow the state of the card at each read, without an event: what a function can take depends on
what its siblings have taken. Errors and order of steps are the driver's; knobs select the variants of its versions.
"""

import collections
import contextlib
import dataclasses
import errno

import pci
import vfio
from fake_kernel import KernelError

DRIVER = 'nvidia'
STUB = 'pci-pf-stub'
FILES = 'nvidia'
CREATABLE, CURRENT, PARAMS = 'creatable_vgpu_types', 'current_vgpu_type', 'vgpu_params'
INSTANCE, PLACEMENT, WARM = 'gpu_instance_id', 'placement_id', 'warm_update'
HEADER = 'ID    : vGPU Name\n'
PAGE = 4096
PARAMS_SIZE = 1024
NUMBER_MASK = 0xffffffff   # the driver cuts numbers without a check
SLOT_MIB = 1024            # unit of the placement
# Why a card cannot make a vGPU of a type, and the errors of later drivers; others only know EIO.
UNKNOWN, OTHER_SIZE, FULL = 'unknown', 'other size', 'full'
DISTINCT_ERRORS = {UNKNOWN: errno.ENODEV, OTHER_SIZE: errno.EINVAL, FULL: errno.ENOSPC}

# Directory of the fake kernel with a file per card, to which our sriov-manage writes its option.
MANAGE = '/sriov-manage'
# Stands for the vendor's script of this name.
MANAGE_SCRIPT = '''#!/usr/bin/python3
import socket
import struct
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as kernel:
    kernel.connect('{socket}')
    kernel.send(f'w\\0{directory}/{{sys.argv[2]}}\\0{{sys.argv[1]}}'.encode())
    answer, = struct.unpack('=i', kernel.recv(4))
if answer < 0:
    sys.exit('Cannot obtain unbindLock')
'''

# What the daemon asked: kind is 'read' or 'write', text that of a write.
Request = collections.namedtuple('Request', 'kind address file text')


@dataclasses.dataclass
class Knobs:
    """Behavior of the driver for one function, set by tests; errors are errno numbers."""

    header: str = 'always'         # or 'idle': only while the card has no vGPU; or 'never'
    list_text: bytes | None = None   # instead of the list
    ends_line: bool = True         # the last line of the list
    fail_list: int = 0
    fail_current: int = 0          # reads
    block_read: str = ''           # name of a file
    read_seconds: float = 0.0      # of each read
    fail_assign: int = 0
    resets: bool = False           # a failed write leaves no type
    reads_back: int | None = None  # the type that a successful write really sets
    block_assign: bool = False     # after all checks
    fail_release: int = 0
    busy: int = 0                  # number of releases that fail with EBUSY
    block_release: bool = False    # as long as a plug-in process holds the vGPU
    fail_params: int = 0
    distinct: bool = False         # errors tell causes apart, and 0 without a type is a success


@dataclasses.dataclass
class GpuInstance:
    """A part of a card in MIG mode; all its vGPUs have the same size."""

    number: int
    profile: int


class Function:  # pylint: disable=too-many-instance-attributes
    """A virtual function."""

    def __init__(self, card, description):
        self.card = card
        self.kernel = card.kernel
        self.sysfs = card.kernel.sysfs
        self.description = description
        self.address = description.address
        self.path = f'{card.above}/{description.address}'
        self.group = description.group
        self.knobs = Knobs()
        self.cdev = None          # (major, minor) of the VFIO device, if it has a node
        self.vfio = None          # number of the VFIO device, if there is one
        self.has_files = False
        self.shown = {}           # texts of the files, for programs that read them directly
        self.forget()
        self.before_write = None  # called once, before the driver looks at the next write of a type
        self.after_read = {}      # by name of a file: called once, after the next read

    def forget(self):
        """Drops the vGPU."""
        self.number = 0
        self.instance = self.placement = None
        self.params = ''
        self.is_broken = False    # a release has failed half-way: the next one would do harm

    # The files

    def file(self, name):
        return f'{self.path}/{FILES}/{name}'

    def add_files(self):
        """Adds the files; no event tells it."""
        with self.kernel.state:
            self.has_files = True
            self.shown.clear()
            stores = {CURRENT: self.store_current, PARAMS: self.store_params}
            for name in self.card.files:
                if name in stores:
                    self.kernel.add_store(self.file(name), lambda data, name=name: self.serve_write(name, data))
                self.kernel.add_show(self.file(name), lambda name=name: self.serve_read(name))
            self.card.update()

    def remove_files(self):
        """Removes the files, and the vGPU."""
        with self.kernel.state:
            self.has_files = False
            self.shown.clear()
            self.forget()
            self.kernel.forget_below(f'{self.path}/{FILES}')
            if self.sysfs.exists(f'{self.path}/{FILES}'):
                self.sysfs.rmdir(f'{self.path}/{FILES}')
            self.card.update()
            self.kernel.state.notify_all()

    def update(self):
        """Updates the files for programs that read them directly."""
        for name in self.card.files:
            try:
                text = self.text(name)
            except KernelError:
                text = b''
            if self.shown.get(name) != text:
                self.sysfs.write(self.file(name), text)
                self.shown[name] = text

    def text(self, name):
        """Returns the text of a file. Raises KernelError."""
        if name == CREATABLE:
            return self.list_text()
        if name == CURRENT:
            if self.knobs.fail_current:
                raise KernelError(self.knobs.fail_current)
            return f'{self.number}\n'.encode()
        if name == PARAMS:
            return f'{self.params}\n'.encode()
        if name == WARM:
            return b'0\n'
        value = self.placement if name == PLACEMENT else self.instance and self.instance.number
        if self.number == 0 or value is None:
            raise KernelError(errno.ENXIO)
        return f'{value}\n'.encode()

    def list_text(self):
        if self.knobs.fail_list:
            raise KernelError(self.knobs.fail_list)
        if self.knobs.list_text is not None:
            return self.knobs.list_text
        kinds = [] if self.number else self.card.creatable
        shows_header = {'always': True, 'never': False, 'idle': not self.card.taken()}[self.knobs.header]
        text = (HEADER if shows_header else '') + ''.join(f'{kind.number:<5} : {kind.name}\n' for kind in kinds)
        return (text if self.knobs.ends_line else text.removesuffix('\n')).encode()[:PAGE]

    def serve_read(self, name):
        with self.kernel.state:
            self.card.requests.append(Request('read', self.address, name, None))
            self.kernel.state.notify_all()
            self.kernel.block_while(lambda: self.knobs.block_read == name)
            if self.knobs.read_seconds:
                self.kernel.state.wait_for(lambda: self.kernel.dying, self.knobs.read_seconds)
            if not self.has_files:
                raise KernelError(errno.ENODEV)
            text = self.text(name)
            hook = self.after_read.pop(name, None)
            if hook is not None:
                hook()
            return text

    def serve_write(self, name, data):
        with self.kernel.state:
            self.card.requests.append(Request('write', self.address, name, data.decode(errors='replace')))
            self.kernel.state.notify_all()
            if name == CURRENT:
                self.store_current(data)
            else:
                self.store_params(data)

    # The type

    def store_current(self, data):
        hook, self.before_write = self.before_write, None
        if hook is not None:
            hook()
        try:
            number = int(data, 10) & NUMBER_MASK
        except ValueError:
            raise KernelError(errno.EINVAL) from None
        if number:
            self.assign(number)
        else:
            self.release()

    def assign(self, number):
        """Sets a type, as a write does. Raises KernelError."""
        with self.kernel.state:
            if self.knobs.fail_assign:
                if self.knobs.resets:
                    self.vacate()
                raise KernelError(self.knobs.fail_assign)
            if self.vfio is None:
                raise KernelError(errno.EINVAL)
            if self.number:
                raise KernelError(errno.EBUSY if self.knobs.distinct else errno.EPERM)
            self.block('block_assign')
            kind = self.card.types.get(number)
            reason = self.card.refuses(kind)
            if reason is not None:
                raise KernelError(DISTINCT_ERRORS[reason] if self.knobs.distinct else errno.EIO)
            self.occupy(kind)

    def block(self, knob):
        """Waits while a knob is set; the driver may be unbound meanwhile."""
        self.kernel.block_while(lambda: getattr(self.knobs, knob) and self.has_files)
        if not self.has_files:
            raise KernelError(errno.ENODEV)

    def occupy(self, kind):
        self.instance, self.placement = self.card.place(kind)
        self.number = kind.number if self.knobs.reads_back is None else self.knobs.reads_back
        self.card.update()
        self.kernel.state.notify_all()

    def release(self):
        """Takes the type away, as a write of 0 does. Raises KernelError."""
        with self.kernel.state:
            if self.is_broken:
                self.card.traps.append(self.address)
            if self.is_in_use():
                raise KernelError(errno.EBUSY if self.knobs.distinct else errno.EPERM)
            if self.number == 0:
                if self.knobs.distinct:
                    return
                raise KernelError(errno.EPERM)
            self.block('block_release')
            if self.knobs.busy:
                self.knobs.busy -= 1
                raise KernelError(errno.EBUSY)
            if self.knobs.fail_release:
                self.is_broken = self.knobs.fail_release == errno.EIO
                raise KernelError(self.knobs.fail_release)
            self.vacate()

    def vacate(self):
        """Takes the type away, as the driver may do by itself."""
        with self.kernel.state:
            self.forget()
            self.card.update()
            self.kernel.state.notify_all()

    def is_in_use(self):
        return self.group in self.kernel.held_groups

    @contextlib.contextmanager
    def hold_open(self):
        """A context during which a process has the VFIO device open."""
        with self.kernel.state:
            self.kernel.held_groups.add(self.group)
        try:
            yield
        finally:
            with self.kernel.state:
                self.kernel.held_groups.discard(self.group)
                self.kernel.state.notify_all()

    def store_params(self, data):
        if self.knobs.fail_params:
            raise KernelError(self.knobs.fail_params)
        if self.number == 0:
            raise KernelError(errno.ENXIO)
        if self.is_in_use():
            raise KernelError(errno.EPERM)
        if len(data) > PARAMS_SIZE:
            raise KernelError(errno.E2BIG)
        self.params = data[:-1].decode(errors='replace').strip()
        self.card.update()

    def set_knob(self, name, value):
        with self.kernel.state:
            setattr(self.knobs, name, value)
            if self.has_files:
                self.update()
            self.kernel.state.notify_all()

    def relax(self):
        with self.kernel.state:
            self.knobs = Knobs()
            if self.has_files:
                self.update()
            self.kernel.state.notify_all()

    # The driver

    def register(self):
        """The driver's VFIO device, and then its files."""
        self.add_vfio()
        self.add_files()

    def add_vfio(self):
        with self.kernel.state:
            self.vfio = self.kernel.new_vfio()
            vfio.add_group(self.kernel, self.group)
            attributes = {} if self.cdev is None else {'dev': '{}:{}\n'.format(*self.cdev)}
            vfio.add_device(self.kernel, self.path, self.vfio, attributes)

    def unregister(self):
        """Waits until all users have closed the VFIO device. Then, it goes first."""
        self.remove_vfio()
        self.remove_files()

    def remove_vfio(self):
        with self.kernel.state:
            self.kernel.block_while(self.is_in_use)
            if self.vfio is None:
                return
            vfio.remove_device(self.kernel, self.path, self.vfio)
            vfio.remove_group(self.kernel, self.group)
            self.vfio = None
            self.forget()
            if self.has_files:
                self.update()

    def bind(self, registers=True):
        """Binds the driver. Later drivers register the function some time after that: `registers` false, and then
        register()."""
        self.sysfs.bind(self.path, DRIVER)
        if registers and self.card.is_bound():
            self.register()
        self.kernel.event('bind', self.path)

    def unbind(self):
        self.unregister()
        self.sysfs.bind(self.path, None)
        self.kernel.event('unbind', self.path, DRIVER=DRIVER)

    # The function itself

    def add(self, tells=True):
        """Adds the function, without a driver."""
        with self.kernel.state:
            pci.add(self.sysfs, self.card.above, dataclasses.replace(self.description, driver=None))
            self.sysfs.link(f'{self.path}/physfn', self.card.path)
            self.sysfs.link(f'{self.card.path}/virtfn{self.card.all_functions.index(self)}', self.path)
            if tells:
                self.kernel.event('add', self.path)

    def remove(self):
        with self.kernel.state:
            if self.sysfs.exists(f'{self.path}/driver'):
                self.unbind()
            gone = self.sysfs.uevent(self.path)
            self.sysfs.unlink(f'{self.path}/uevent')
            self.sysfs.unlink(f'{self.card.path}/virtfn{self.card.all_functions.index(self)}')
            self.sysfs.leave_iommu_group(self.path)
            self.kernel.event('remove', self.path, **gone)
            self.sysfs.remove_device(self.path)


def routing_id(address):
    """Returns bus, device and function as one number."""
    _, bus, rest = address.split(':')
    device, function = rest.split('.')
    return int(bus, 16) << 8 | int(device, 16) << 3 | int(function)


class Card:  # pylint: disable=too-many-instance-attributes
    """A physical function and its virtual ones; all functions are enabled unless `enabled` is false."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, kernel, path, functions, types, mib, has_optional=True, enabled=True):
        self.kernel = kernel
        self.sysfs = kernel.sysfs
        self.path = path
        self.above, _, self.address = path.rpartition('/')
        self.types = {kind.number: kind for kind in types}
        self.mib = mib
        # Early drivers have the first two only.
        self.files = (CREATABLE, CURRENT, *((INSTANCE, PLACEMENT, PARAMS, WARM) if has_optional else ()))
        self.creatable = []        # types that can be made now
        self.is_enabling = False
        self.instances = None      # of MIG; None: MIG is off
        self.is_mixed = False      # vGPUs may have different sizes
        self.accepts_numvfs = False
        self.lock_errors = 0       # number of runs of sriov-manage that fail because of another client
        self.requests = []
        self.traps = []            # addresses of functions with a second release after a broken one
        self.managed = []          # arguments of sriov-manage
        self.all_functions = [Function(self, function) for function in functions]
        self.functions = []        # enabled ones
        first = routing_id(functions[0].address) - routing_id(self.address)
        for name, value in (('totalvfs', len(functions)), ('offset', first), ('stride', 1)):
            self.sysfs.write(f'{path}/sriov_{name}', f'{value}\n')
        kernel.add_store(f'{path}/sriov_numvfs', self.store_numvfs, '0\n')
        kernel.stores[f'{MANAGE}/{self.address}'] = self.serve_manage
        kernel.vgpu_cards.append(self)
        if enabled:
            self.enable()

    def is_bound(self):
        return self.sysfs.target(f'{self.path}/driver') == DRIVER

    # What it can make

    def taken(self):
        """Returns the types of all vGPUs; None for an unknown one."""
        return [self.types.get(function.number) for function in self.functions if function.number]

    def refuses(self, kind):
        """Returns why the card cannot make a vGPU of this type; None if it can."""
        if kind is None or (kind.profile != 0) != (self.instances is not None):
            return UNKNOWN
        if self.instances is not None:
            return FULL if self.find_instance(kind) is None else None
        taken = [other for other in self.taken() if other is not None]
        if not self.is_mixed and any(other.mib != kind.mib for other in taken):
            return OTHER_SIZE
        same = sum(other.mib == kind.mib for other in taken)
        return FULL if same >= kind.most or self.find_slot(kind) is None else None

    def find_instance(self, kind):
        for instance in self.instances:
            taken = [self.types[function.number] for function in self.functions
                     if function.instance is instance and function.number in self.types]
            if instance.profile == kind.profile and len(taken) < kind.most \
                    and all(other.mib == kind.mib for other in taken):
                return instance
        return None

    def find_slot(self, kind):
        """Returns the first free place in the frame buffer, in slots; a place is aligned to its size."""
        size = kind.mib // SLOT_MIB
        used = [(function.placement, self.types[function.number].mib // SLOT_MIB) for function in self.functions
                if function.number in self.types and function.placement is not None]
        for place in range(0, self.mib // SLOT_MIB - size + 1, size):
            if all(place >= start + length or start >= place + size for start, length in used):
                return place
        return None

    def place(self, kind):
        """Returns the GPU instance and the placement of a new vGPU."""
        if self.instances is not None:
            instance = self.find_instance(kind)
            return instance, sum(function.instance is instance for function in self.functions)
        return None, self.find_slot(kind)

    def update(self):
        """To be called after each change."""
        if self.is_enabling:
            return
        self.creatable = [kind for kind in self.types.values()
                          if kind.name is not None and self.refuses(kind) is None]
        for function in self.functions:
            if function.has_files:
                function.update()

    def set_instances(self, *profiles):
        """Switches MIG on, with GPU instances of these profiles."""
        with self.kernel.state:
            self.instances = [GpuInstance(number, profile) for number, profile in enumerate(profiles, 1)]
            self.update()

    def set_mixed(self):
        with self.kernel.state:
            self.is_mixed = True
            self.update()

    def set_knob(self, name, value):
        for function in self.all_functions:
            function.set_knob(name, value)

    def relax(self):
        for function in self.all_functions:
            function.relax()

    # What was asked

    def asked(self, kind, address=None, file=CURRENT):
        """Returns the requests for one file: of all functions, or of one."""
        with self.kernel.state:
            return [request for request in self.requests
                    if request.kind == kind and request.file == file and address in (None, request.address)]

    def writes(self, address):
        """Returns all writes to files of a function, in order."""
        with self.kernel.state:
            return [request for request in self.requests if request.kind == 'write' and request.address == address]

    def written(self, address):
        """Returns all writes of types to a function, in order."""
        return [request.text.strip() for request in self.asked('write', address)]

    def wait_asked(self, kind, address, file, seconds):
        """Waits until the daemon has asked once."""
        with self.kernel.state:
            if not self.kernel.state.wait_for(lambda: self.asked(kind, address, file), seconds):
                raise AssertionError(f'nobody asks {address} for {file}')

    # Functions on and off

    def enable(self):
        """Adds all functions, and binds the driver to them."""
        with self.enabling():
            for function in self.all_functions:
                if function not in self.functions:
                    function.add()
                    self.functions.append(function)
                    function.bind()
        self.show_numvfs()

    @contextlib.contextmanager
    def enabling(self):
        """A context during which functions come: the time of the test does not grow with the square of their number."""
        with self.kernel.state:
            self.is_enabling = True
            yield
            self.is_enabling = False
            self.update()

    def disable(self):
        for function in self.functions[::-1]:
            self.functions.remove(function)
            function.remove()
        self.show_numvfs()

    def show_numvfs(self):
        self.sysfs.write(f'{self.path}/sriov_numvfs', f'{len(self.functions)}\n')
        self.kernel.event('change', self.path)

    def store_numvfs(self, data):
        """Open drivers serve the file; the proprietary one does not."""
        if not self.accepts_numvfs:
            raise KernelError(errno.ENOENT)
        if int(data):
            self.enable()
        else:
            self.disable()

    def unbind(self):
        """Unbinds the driver from the card: the functions keep theirs, but are no longer registered."""
        for function in self.functions:
            function.unregister()
        self.sysfs.bind(self.path, None)
        self.kernel.event('unbind', self.path, DRIVER=DRIVER)

    def bind(self):
        """Binds the driver to the card, which also registers the functions again."""
        self.sysfs.bind(self.path, DRIVER)
        with self.enabling():
            for function in self.functions:
                if self.sysfs.target(f'{function.path}/driver') == DRIVER and function.vfio is None:
                    function.register()
        self.kernel.event('bind', self.path)

    def serve_manage(self, data):
        with self.kernel.state:
            self.managed.append(data.decode())
            if self.lock_errors:
                self.lock_errors -= 1
                raise KernelError(errno.EAGAIN)
        self.manage(data.decode())

    def manage(self, option):
        """Does what `sriov-manage` does: the driver is bound to the card again, and all vGPUs are lost."""
        self.disable()
        self.unbind()
        self.instances, self.is_mixed = None, False
        if option == '-e':
            self.sysfs.bind(self.path, STUB)
            self.kernel.event('bind', self.path)
            for function in self.all_functions:
                function.add()
                self.functions.append(function)
            self.show_numvfs()
            self.sysfs.bind(self.path, None)
            self.kernel.event('unbind', self.path, DRIVER=STUB)
        self.bind()
        with self.enabling():
            for function in self.functions:
                function.bind()


def write_manage_script(kernel, path):
    """Writes a program that does for the cards of this kernel what the vendor's sriov-manage does."""
    path.write_text(MANAGE_SCRIPT.format(socket=kernel.socket_path, directory=MANAGE), encoding='utf-8')
    path.chmod(0o755)
