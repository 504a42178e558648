# SPDX-License-Identifier: LGPL-2.1-or-later
"""The host on which the cases run, with its operations.

There are two implementations: the simulated host (tests/sim) and a virtual machine with a real kernel (vm_host.py).
Facts that both read from sysfs are read here.
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
URI = 'nodedev:///system?socket={}'

# Every knob is an integer; 0 is the normal behavior.
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
    """The attributes of a type in sysfs; None if missing."""

    device_api: str
    available: int
    name: str | None
    description: str | None


def make_name(*parts):
    """Returns the name that libvirt gives to a node device."""
    return '_'.join(''.join(c if c.isalnum() else '_' for c in part) for part in parts)


def wait_until(condition, what, seconds):
    """Polls for conditions that no event announces; returns the value of the condition."""
    limit = time.monotonic() + seconds
    pause = threading.Event()
    while not (result := condition()):
        if time.monotonic() > limit:
            raise AssertionError(f'{what}: not within {seconds} s')
        pause.wait(POLL_SECONDS)
    return result


def can_connect(path):
    """Returns whether a server like udevd has room for one more pending connection."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.setblocking(False)
        try:
            client.connect(str(path))
        except BlockingIOError:
            return False
    return True


class Background(threading.Thread):
    """Runs a function on a thread; result() waits for the end and returns its value or raises its exception."""

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
    """Runs mdevctl; an error contains the output of mdevctl."""
    try:
        subprocess.run(['mdevctl', *words], check=True, capture_output=True, text=True, env=environment)
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise


class Host(abc.ABC):  # pylint: disable=too-many-public-methods
    """One machine with one daemon."""

    kind = None
    deadline = None   # seconds after which an operation counts as hung
    daemon = None

    # Each implementation defines these.

    @abc.abstractmethod
    def close(self):
        """Undoes all changes, and stops the daemon."""

    @abc.abstractmethod
    def parents(self):
        """Returns all mdev parents of this machine."""

    @abc.abstractmethod
    def real(self, path):
        """Returns the path in this process's file system of a path in the daemon's sysfs."""

    @abc.abstractmethod
    def plain_pci(self):
        """Returns the name of a PCI device without types."""

    @abc.abstractmethod
    def create_by_others(self, parent, type_id, uuid):
        """Creates a device as another program does; raises OSError if refused."""

    @abc.abstractmethod
    def remove_by_others(self, uuid):
        """Removes a device as another program does."""

    @abc.abstractmethod
    def set_knob(self, parent, knob, value):
        """Sets a knob of the parent's driver; see KNOBS."""

    @abc.abstractmethod
    def hide(self, parent, attribute):
        """Registers the parent again, with types that lack `name` or `description`."""

    @abc.abstractmethod
    def unregister(self, parent):
        """Removes all types and children of the parent."""

    @abc.abstractmethod
    def register(self, parent):
        """Registers the types of the parent."""

    @abc.abstractmethod
    def unbind(self, parent):
        """Unbinds the driver from the parent."""

    @abc.abstractmethod
    def bind(self, parent):
        """Binds the driver to the parent."""

    @abc.abstractmethod
    def unblock(self, parent, knob):
        """Unblocks a driver that is being unbound; the kernel module in the VM unblocks by itself."""

    @abc.abstractmethod
    def unload_module(self):
        """Unbinds the driver from all parents at once."""

    @abc.abstractmethod
    def load_module(self):
        """Binds the driver to all parents that lack it."""

    @abc.abstractmethod
    def mdevctl(self, *words):
        """Runs mdevctl on this machine; raises subprocess.CalledProcessError if it fails."""

    @abc.abstractmethod
    def announce_change(self, path):
        """Makes udev send a change event for a device, as `udevadm trigger` does."""

    @abc.abstractmethod
    def silence_udev(self):
        """A context during which udev delivers no events; they are delivered at its end."""

    @abc.abstractmethod
    def stop_udev(self):
        """Ends udevd in an orderly way."""

    @abc.abstractmethod
    def kill_udev(self):
        """Kills udevd."""

    @abc.abstractmethod
    def start_udev(self):
        """Starts udevd unless it runs."""

    @abc.abstractmethod
    def udev_has_room(self):
        """Returns whether a client of udevd can connect at once."""

    @abc.abstractmethod
    def hang_udev(self):
        """Makes udevd hang without reporting itself busy."""

    @abc.abstractmethod
    def wake_udev(self):
        """Resumes a hung udevd; returns when it has sent all pending events."""

    @abc.abstractmethod
    def hold_open(self, uuid):
        """A context during which a process uses the device; yields the pid, or None if there is no process."""

    def make_sysfs_readable(self):
        """Makes this machine's sysfs readable for all users, as it always is on a real host."""

    def client_path(self, path):
        """Returns the socket to which libvirt's clients connect to reach this socket of the daemon."""
        return path

    def client_uri(self, path):
        """Returns the URI by which libvirt's clients reach this socket of the daemon."""
        return URI.format(self.client_path(path))

    def wait_idle(self):
        """Waits until the kernel has finished the requests of a killed daemon; a real process does not end before."""

    # The rest is the same for all hosts.

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
        """Returns the last component of a link's target; None if there is no such link."""
        try:
            return os.path.basename(os.readlink(self.real(path)))
        except OSError:
            return None

    def type_path(self, parent, type_id):
        return f'{parent.path}/mdev_supported_types/{type_id}'

    def type_ids(self, parent):
        return self.listdir(f'{parent.path}/mdev_supported_types')

    def types(self, parent):
        """Returns the current types of a parent in sysfs."""
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
        """Returns the UUIDs of all devices in sysfs, of one parent or of all."""
        parents = self.parents() if parent is None else [parent]
        return sorted(uuid for each in parents for uuid in self.listdir(each.path)
                      if len(uuid) == 36 and uuid.count('-') == 4)

    def device_path(self, uuid):
        """Returns the directory of a device, or None."""
        for parent in self.parents():
            if self.exists(f'{parent.path}/{uuid}'):
                return f'{parent.path}/{uuid}'
        return None

    def attribute(self, uuid, name):
        return self.read(f'{self.device_path(uuid)}/{name}')

    def journal(self, uuid):
        """Returns all writes to attributes of a device, in order: 'name=value'."""
        return self.attribute(uuid, 'journal').splitlines()

    @contextlib.contextmanager
    def knob(self, parent, name, value):
        """A context during which a knob is set."""
        self.set_knob(parent, name, value)
        try:
            yield
        finally:
            self.set_knob(parent, name, 0)

    def relax(self):
        """Resets all knobs, so that no driver blocks any more."""
        for parent in self.parents():
            for knob in KNOBS:
                self.set_knob(parent, knob, 0)

    def wait_create_stuck(self, parent, creation=None):
        """Waits until a driver that blocks creations blocks one, and returns its UUID. Raises the error of
        `creation` if it fails."""
        def stuck():
            if creation is not None and creation.is_done():
                creation.result(self.deadline)
            return next((uuid for uuid in self.children(parent)
                         if not self.exists(f'{parent.path}/{uuid}/mdev_type')), None)
        return wait_until(stuck, 'a creation in the driver', self.deadline)

    def wait_remove_stuck(self, uuid):
        """Waits until a driver that blocks removals blocks this one."""
        wait_until(lambda: not self.exists(f'{self.device_path(uuid)}/remove'),
                   'a removal in the driver', self.deadline)
