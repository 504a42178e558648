# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host that the cases run on, as verbs of their domain.

Two kinds implement them: the simulated one (tests/sim) and a virtual machine with a real kernel
(vm_host.py). What both can read from sysfs is read here.
"""

import abc
import contextlib
import dataclasses
import os
import socket
import subprocess
import threading
import time

POLL_SECONDS = 0.005

# Every knob is an integer, 0 is its rest.
KNOBS = ('fail_create', 'fail_create_late', 'fail_remove', 'block_create', 'block_remove',
         'vanish', 'strict_params')


@dataclasses.dataclass(frozen=True)
class Parent:
    """A device that offers types."""

    name: str      # pci_0000_86_00_0
    address: str   # 0000:86:00.0
    path: str      # /sys/devices/...


@dataclasses.dataclass(frozen=True)
class TypeFacts:
    """What sysfs says of a type; None where it says nothing."""

    device_api: str
    available: int
    name: str | None
    description: str | None


def make_name(*parts):
    """A node device's name as libvirt makes it."""
    return '_'.join(''.join(c if c.isalnum() else '_' for c in part) for part in parts)


def wait_until(condition, what, seconds):
    """For conditions that no event tells of; returns what the condition does."""
    limit = time.monotonic() + seconds
    pause = threading.Event()
    while not (result := condition()):
        if time.monotonic() > limit:
            raise AssertionError(f'{what}: not within {seconds} s')
        pause.wait(POLL_SECONDS)
    return result


def can_connect(path):
    """Whether a server of the kind of udevd has room for one more client that it has not taken yet."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.setblocking(False)
        try:
            client.connect(str(path))
        except BlockingIOError:
            return False
    return True


class Background(threading.Thread):
    """Runs a function beside the test; result() waits for it and raises what it raised."""

    def __init__(self, func, *args):
        super().__init__(daemon=True)
        self.func, self.args = func, args
        self.value = self.error = None
        self.start()

    def run(self):
        try:
            self.value = self.func(*self.args)
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.error = error

    def is_done(self):
        return not self.is_alive()

    def result(self, seconds):
        self.join(seconds)
        if self.is_alive():
            raise AssertionError(f'{self.func} takes longer than {seconds} s')
        if self.error is not None:
            raise self.error
        return self.value


def run_mdevctl(words, environment=None):
    """An error carries what mdevctl says."""
    try:
        subprocess.run(['mdevctl', *words], check=True, capture_output=True, text=True, env=environment)
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise


class Host(abc.ABC):  # pylint: disable=too-many-public-methods
    """One machine with one daemon."""

    kind = None
    deadline = None   # seconds that anything may take before it counts as stuck
    daemon = None

    # Each kind has these.

    @abc.abstractmethod
    def close(self):
        """Undoes all that was done, daemon included."""

    @abc.abstractmethod
    def parents(self):
        """All mdev parents of this machine."""

    @abc.abstractmethod
    def real(self, path):
        """Where this process finds a path of the daemon's sysfs."""

    @abc.abstractmethod
    def plain_pci(self):
        """The name of a PCI device that offers no types."""

    @abc.abstractmethod
    def create_by_others(self, parent, type_id, uuid):
        """Another program creates a device; OSError if it may not."""

    @abc.abstractmethod
    def remove_by_others(self, uuid):
        """Another program removes a device."""

    @abc.abstractmethod
    def set_knob(self, parent, knob, value):
        """Makes the driver of a parent behave; see KNOBS."""

    @abc.abstractmethod
    def hide(self, parent, attribute):
        """Registers the parent again, with types that have no `name` or no `description`."""

    @abc.abstractmethod
    def unregister(self, parent):
        """The parent loses its types, and all its children."""

    @abc.abstractmethod
    def register(self, parent):
        """The parent gets its types."""

    @abc.abstractmethod
    def unbind(self, parent):
        """Takes the driver off a parent."""

    @abc.abstractmethod
    def bind(self, parent):
        """Gives the parent its driver back."""

    @abc.abstractmethod
    def let_go(self, parent, knob):
        """Ends what this knob blocks in a driver that is being taken off; the module of the VM does so by itself."""

    @abc.abstractmethod
    def unload_module(self):
        """Takes the driver off all parents at once."""

    @abc.abstractmethod
    def load_module(self):
        """Gives all parents the driver, if it is not there already."""

    @abc.abstractmethod
    def mdevctl(self, *words):
        """Runs mdevctl on this machine; subprocess.CalledProcessError if it fails."""

    @abc.abstractmethod
    def announce_change(self, path):
        """udev tells of a change of a device, as an administrator may have it do."""

    @abc.abstractmethod
    def silence_udev(self):
        """A context in which events happen but udev delivers none; it does afterwards."""

    @abc.abstractmethod
    def stop_udev(self):
        """udevd ends as it is meant to."""

    @abc.abstractmethod
    def kill_udev(self):
        """udevd ends without a word."""

    @abc.abstractmethod
    def start_udev(self):
        """There is a udevd again, if there is none."""

    @abc.abstractmethod
    def udev_has_room(self):
        """Whether a client of udevd can connect at once."""

    @abc.abstractmethod
    def hang_udev(self):
        """udevd does nothing any more, and does not say so."""

    @abc.abstractmethod
    def wake_udev(self):
        """A udevd that hung goes on; returns when it has told of all."""

    @abc.abstractmethod
    def hold_open(self, uuid):
        """A context in which a process uses the device; gives its pid, None if it has none."""

    def let_users_in(self):
        """Ordinary users may look at this machine's sysfs; on a real one they may anyway."""

    def wait_idle(self):
        """Until the kernel is through with what a daemon has asked for that was killed; here its process ends no sooner."""

    # The rest is the same for all.

    def read(self, path):
        with open(self.real(path), encoding='utf-8') as attribute:
            return attribute.read().removesuffix('\n')

    def read_optional(self, path):
        try:
            return self.read(path)
        except FileNotFoundError:
            return None

    def exists(self, path):
        return os.path.lexists(self.real(path))

    def listdir(self, path):
        try:
            return sorted(os.listdir(self.real(path)))
        except FileNotFoundError:
            return []

    def link(self, path):
        """The last part of what a link points at; None if there is no such link."""
        try:
            return os.path.basename(os.readlink(self.real(path)))
        except OSError:
            return None

    def type_path(self, parent, type_id):
        return f'{parent.path}/mdev_supported_types/{type_id}'

    def type_ids(self, parent):
        return self.listdir(f'{parent.path}/mdev_supported_types')

    def types(self, parent):
        """All types of a parent as sysfs has them now."""
        facts = {}
        for type_id in self.type_ids(parent):
            path = self.type_path(parent, type_id)
            facts[type_id] = TypeFacts(self.read(f'{path}/device_api'),
                                       self.available(parent, type_id),
                                       self.read_optional(f'{path}/name'),
                                       self.read_optional(f'{path}/description'))
        return facts

    def available(self, parent, type_id):
        return int(self.read(f'{self.type_path(parent, type_id)}/available_instances'))

    def children(self, parent=None):
        """UUIDs of the devices that sysfs holds, of one parent or of all."""
        parents = self.parents() if parent is None else [parent]
        return sorted(uuid for each in parents for uuid in self.listdir(each.path)
                      if len(uuid) == 36 and uuid.count('-') == 4)

    def device_path(self, uuid):
        """The directory of a device, or None."""
        for parent in self.parents():
            if self.exists(f'{parent.path}/{uuid}'):
                return f'{parent.path}/{uuid}'
        return None

    def attribute(self, uuid, name):
        return self.read(f'{self.device_path(uuid)}/{name}')

    def journal(self, uuid):
        """All writes to attributes of a device, in order: 'name=value'."""
        return self.attribute(uuid, 'journal').splitlines()

    @contextlib.contextmanager
    def knob(self, parent, name, value):
        """A knob that goes back to its rest."""
        self.set_knob(parent, name, value)
        try:
            yield
        finally:
            self.set_knob(parent, name, 0)

    def relax(self):
        """Brings all knobs back to their rest, so that nobody waits for a driver any more."""
        for parent in self.parents():
            for knob in KNOBS:
                self.set_knob(parent, knob, 0)

    def wait_create_stuck(self, parent, creation=None):
        """Until a driver that blocks creations has one; returns its UUID. Raises the error of a `creation` that fails."""
        def stuck():
            if creation is not None and creation.is_done():
                creation.result(self.deadline)
            return next((uuid for uuid in self.children(parent)
                         if not self.exists(f'{parent.path}/{uuid}/mdev_type')), None)
        return wait_until(stuck, 'a creation in the driver', self.deadline)

    def wait_remove_stuck(self, uuid):
        """Until a driver that blocks removals has this one."""
        wait_until(lambda: not self.exists(f'{self.device_path(uuid)}/remove'),
                   'a removal in the driver', self.deadline)
