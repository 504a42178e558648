# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mediated devices of the fake kernel: parents, their types, children, and a driver with knobs.

The order of steps is the kernel's. Create: directory and add event; the driver's probe with IOMMU group, VFIO nodes and
bind event; then type link and `remove`; then the write returns. Remove: `remove`, VFIO nodes, unbind, remove event,
directory; the room of the parent changes without an event.
"""

import dataclasses
import errno
import re
import threading

import vfio
from fake_kernel import KernelError

UUID = re.compile(rb'[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}')
TEXT_SIZE = 256


@dataclasses.dataclass(frozen=True)
class Type:
    """A type offered by a driver; each device takes `cost` from the parent's pool."""

    suffix: str
    name: str | None
    cost: int
    max_instance: int
    description: str | None = None
    device_api: str = 'vfio-pci'


class Pool:
    """A limited resource of devices, such as video memory or ports. Parents may share a pool."""

    def __init__(self, total):
        self.total = total
        self.used = 0


@dataclasses.dataclass
class Knobs:
    """Behavior of one parent's driver, set by tests; errors are errno numbers."""

    fail_create: int = 0         # before any other step
    fail_create_late: int = 0    # in the probe, after the add event
    fail_remove: int = 0
    fail_available: int = 0
    block_create: bool = False   # in the probe, after the add event
    block_remove: bool = False   # after `remove` is gone, before all other steps
    block_available: bool = False
    vanish: int = 0              # 1: the room is used up after the next read; 2: it is used up
    strict_params: bool = False  # vgpu_params requires a newline


class Child:
    """One mediated device."""

    def __init__(self, parent, type_id, uuid):
        self.parent = parent
        self.type_id = type_id
        self.uuid = uuid
        self.path = f'{parent.path}/{uuid}'
        self.group = None
        self.vfio = None
        self.complete = False
        self.removing = False
        self.texts = {}
        self.journal = ''


class Parent:
    """A device that offers types while it is registered."""

    # pylint: disable-next=too-many-arguments
    def __init__(self, kernel, path, driver, types, pool, child_driver='vfio_mdev',
                 texts=('nvidia/vgpu_params', 'scratch')):
        self.kernel = kernel
        self.sysfs = kernel.sysfs
        self.path = path
        self.driver = driver
        self.child_driver = child_driver
        self.types = {f'{driver}-{kind.suffix}': kind for kind in types}
        self.pool = pool
        self.children = {}
        self.knobs = Knobs()
        self.hidden = set()
        self.registered = False
        self.counts = dict.fromkeys(self.types, 0)
        self.texts = texts
        self.asked_in_vain = 0
        self.asked = 0
        # The kernel's device lock: serializes binding and unbinding of the driver.
        self.lock = threading.RLock()
        kernel.mdev_parents.append(self)

    # The parent itself

    def bind(self):
        """Binds the driver to the device."""
        with self.lock:
            if self.registered:
                return
            self.sysfs.bind(self.path, self.driver)
            self.register()
            self.kernel.event('bind', self.path)

    def unbind(self):
        """Unbinds the driver from the device."""
        with self.lock:
            self.unregister()
            self.sysfs.bind(self.path, None)
            self.kernel.event('unbind', self.path)

    def register(self):
        """Adds the types of the parent."""
        with self.lock, self.kernel.state:
            if self.registered:
                return
            for type_id in self.types:
                self.add_type(type_id)
            name = self.path.rsplit('/', 1)[1]
            self.sysfs.link(f'/sys/class/mdev_bus/{name}', self.path)
            self.registered = True
            self.update_room()
            self.kernel.event('change', self.path, MDEV_STATE='registered')

    def unregister(self):
        with self.lock:
            with self.kernel.state:
                if not self.registered:
                    return
                self.registered = False
                self.sysfs.unlink('/sys/class/mdev_bus/' + self.path.rsplit('/', 1)[1])
                children = list(self.children.values())
            for child in children:
                self.tear_down(child)
            with self.kernel.state:
                self.kernel.forget_below(f'{self.path}/mdev_supported_types')
                self.sysfs.rmdir(f'{self.path}/mdev_supported_types')
                self.kernel.event('change', self.path, MDEV_STATE='unregistered')

    def type_path(self, type_id):
        return f'{self.path}/mdev_supported_types/{type_id}'

    def add_type(self, type_id):
        kind = self.types[type_id]
        path = self.type_path(type_id)
        self.sysfs.mkdir(f'{path}/devices')
        self.sysfs.write(f'{path}/device_api', f'{kind.device_api}\n')
        if kind.name is not None and 'name' not in self.hidden:
            self.sysfs.write(f'{path}/name', f'{kind.name}\n')
        if kind.description is not None and 'description' not in self.hidden:
            self.sysfs.write(f'{path}/description', f'{kind.description}\n')
        self.kernel.add_store(f'{path}/create', lambda data: self.store_create(type_id, data))
        self.kernel.add_show(f'{path}/available_instances', self.show_available)

    # Room

    def room(self, type_id):
        kind = self.types[type_id]
        left = (self.pool.total - self.pool.used) // kind.cost
        if self.knobs.vanish == 2:
            return 0
        return max(0, min(left, kind.max_instance - self.counts[type_id]))

    def update_room(self):
        """Updates the files for programs that read them directly; no event announces the change."""
        for parent in self.kernel.mdev_parents:
            if parent.registered and parent.pool is self.pool:
                for type_id in parent.types:
                    parent.sysfs.write(f'{parent.type_path(type_id)}/available_instances',
                                       f'{parent.room(type_id)}\n')

    def show_available(self):
        with self.kernel.state:
            self.asked += 1
            self.asked_in_vain += 1
            self.kernel.state.notify_all()
            self.kernel.block_while(lambda: self.knobs.block_available)
            self.asked_in_vain -= 1
            if self.knobs.fail_available:
                raise KernelError(self.knobs.fail_available)
            if self.knobs.vanish == 2:
                self.update_room()
            elif self.knobs.vanish == 1:
                # This read still returns the old text.
                self.knobs.vanish = 2

    def set_knob(self, name, value):
        with self.kernel.state:
            setattr(self.knobs, name, value)
            if self.registered:
                self.update_room()
            self.kernel.state.notify_all()

    def relax(self):
        with self.kernel.state:
            self.knobs = Knobs()
            if self.registered:
                self.update_room()
            self.kernel.state.notify_all()

    # Creation

    def store_create(self, type_id, data):
        text = data[:-1] if data.endswith(b'\n') else data
        if UUID.fullmatch(text) is None:
            raise KernelError(errno.EINVAL)
        self.create(type_id, text.decode().lower())

    def create(self, type_id, uuid):
        """Creates a device; on return, it is complete. Raises KernelError."""
        with self.kernel.state:
            child = self.admit(type_id, uuid)
            self.announce(child)
            self.kernel.block_while(lambda: self.knobs.block_create)
            try:
                self.probe(child)
            except KernelError:
                self.discard(child)
                raise
            self.complete(child)

    def admit(self, type_id, uuid):
        if not self.registered:
            raise KernelError(errno.ENODEV)
        if self.knobs.fail_create:
            raise KernelError(self.knobs.fail_create)
        if any(uuid in parent.children for parent in self.kernel.mdev_parents):
            raise KernelError(errno.EEXIST)
        if self.room(type_id) == 0:
            raise KernelError(errno.ENOSPC)
        child = Child(self, type_id, uuid)
        self.children[uuid] = child
        self.counts[type_id] += 1
        self.pool.used += self.types[type_id].cost
        return child

    def announce(self, child):
        self.sysfs.add_device(child.path, 'mdev', {}, {})
        self.add_core_attributes(child.path)
        self.kernel.event('add', child.path)

    def probe(self, child):
        """The driver's probe of a new device."""
        if self.knobs.fail_create_late:
            raise KernelError(self.knobs.fail_create_late)
        child.group = self.kernel.new_group()
        child.vfio = self.kernel.new_vfio()
        self.sysfs.bind(child.path, self.child_driver)
        self.sysfs.set_iommu_group(child.path, child.group)
        vfio.add_group(self.kernel, child.group)
        vfio.add_device(self.kernel, child.path, child.vfio)
        self.add_core_attributes(vfio.device_path(child.path, child.vfio))
        self.add_attributes(child)
        self.kernel.event('bind', child.path)

    def add_core_attributes(self, path):
        """Adds the attributes that the driver core adds to every device; they accept any text."""
        self.kernel.add_store(f'{path}/power/control', self.store_core, 'auto\n')
        self.kernel.stores[f'{path}/uevent'] = self.store_core

    @staticmethod
    def store_core(_data):
        """Ignores the write."""

    def complete(self, child):
        """Adds the last files, which no event announces."""
        self.sysfs.link(f'{self.type_path(child.type_id)}/devices/{child.uuid}', child.path)
        self.kernel.add_store(f'{child.path}/remove', lambda data: self.store_remove(child, data))
        self.sysfs.link(f'{child.path}/mdev_type', self.type_path(child.type_id))
        self.update_room()
        child.complete = True
        self.kernel.state.notify_all()

    # Attributes of a child; all of them accept and store text

    def add_attributes(self, child):
        for name in self.texts:
            child.texts[name] = ''
            self.kernel.add_store(f'{child.path}/{name}',
                                  lambda data, name=name: self.store_text(child, name, data), '\n')
        self.kernel.add_store(f'{child.path}/stubborn', self.store_never, 'no\n')
        self.sysfs.write(f'{child.path}/journal', '')

    @staticmethod
    def store_never(_data):
        raise KernelError(errno.EINVAL)

    def store_text(self, child, name, data):
        with self.kernel.state:
            ended = data.endswith(b'\n')
            if name == 'nvidia/vgpu_params' and self.knobs.strict_params and not ended:
                raise KernelError(errno.EINVAL)
            text = data[:-1].decode() if ended else data.decode()
            if len(text) >= TEXT_SIZE:
                raise KernelError(errno.E2BIG)
            child.texts[name] = text
            child.journal += f'{name}={text}\n'
            self.sysfs.write(f'{child.path}/{name}', f'{text}\n')
            self.sysfs.write(f'{child.path}/journal', child.journal)

    # Removal

    def store_remove(self, child, data):
        try:
            wanted = int(data, 0)
        except ValueError:
            raise KernelError(errno.EINVAL) from None
        if wanted:
            self.remove(child)

    def remove(self, child):
        """Removes a device completely. Raises KernelError."""
        with self.kernel.state:
            if self.knobs.fail_remove:
                raise KernelError(self.knobs.fail_remove)
        self.tear_down(child)

    def has(self, child):
        """Returns whether this device exists; another device may have its UUID."""
        return self.children.get(child.uuid) is child

    def tear_down(self, child):
        with self.kernel.state:
            self.kernel.block_while(lambda: not child.complete and self.has(child))
            if child.removing:
                # Another removal is in progress: this write waits for it, and then has nothing to do.
                self.kernel.block_while(lambda: self.has(child))
            if child.removing or not self.has(child):
                return
            child.removing = True
            self.kernel.stores.pop(f'{child.path}/remove', None)
            self.sysfs.unlink(f'{child.path}/remove')
            self.kernel.state.notify_all()
            self.kernel.block_while(lambda: self.knobs.block_remove or
                                    child.group in self.kernel.held_groups)
            if self.kernel.dying:
                return
            self.release(child)
            self.discard(child)

    def release(self, child):
        self.sysfs.unlink(f'{child.path}/mdev_type')
        self.sysfs.unlink(f'{self.type_path(child.type_id)}/devices/{child.uuid}')
        vfio.remove_device(self.kernel, child.path, child.vfio)
        vfio.remove_group(self.kernel, child.group)
        self.sysfs.leave_iommu_group(child.path)
        self.sysfs.bind(child.path, None)
        self.kernel.event('unbind', child.path)

    def discard(self, child):
        """Undoes announce() and admit()."""
        gone = self.sysfs.uevent(child.path)
        self.sysfs.unlink(f'{child.path}/uevent')
        self.kernel.event('remove', child.path, **gone)
        self.kernel.forget_below(child.path)
        self.sysfs.remove_device(child.path)
        del self.children[child.uuid]
        self.counts[child.type_id] -= 1
        self.pool.used -= self.types[child.type_id].cost
        if self.registered:
            self.update_room()
        self.kernel.state.notify_all()
