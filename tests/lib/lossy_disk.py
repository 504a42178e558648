# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file system that loses everything not synced: all states in which a disk may be after a power loss.

The input is the system calls of a process, in order. Only POSIX's guarantees apply: the bytes of a file are on the disk
if the file was synced after they were written; the creation or removal of a name is on the disk if the directory was
synced afterwards. Each change that was not synced is on the disk or not, independently of others; unsynced bytes may be
partial or wrong. A rename is atomic.
"""

import itertools
import os


class File:
    """The current bytes of a file, and those last synced."""

    def __init__(self, data=b'', synced=b''):
        self.data = data
        self.synced = synced

    def copies(self):
        """Returns all contents that the file may have on the disk."""
        if self.data == self.synced:
            return {self.data}
        return {self.data, self.synced, self.data[:len(self.data) // 2], b'\0' * len(self.data)}


class Directory:
    """The names last synced, and the changes since."""

    def __init__(self, entries=None):
        self.entries = dict(entries or {})
        self.changes = []    # (name, file or directory; None: removed)

    def now(self):
        return {**self.entries, **dict(self.changes)}

    def sync(self):
        self.entries = self.now()
        self.changes = []


def read_tree(path):
    """Returns the contents of the real disk; all of it counts as synced."""
    if not os.path.isdir(path):
        with open(path, 'rb') as file:
            data = file.read()
        return File(data, data)
    return Directory({name: read_tree(os.path.join(path, name)) for name in os.listdir(path)})


class Disk:
    """All files below one directory, which itself always exists."""

    def __init__(self, root):
        self.root = str(root)
        self.top = read_tree(root)

    def find(self, path):
        """Returns a file or directory by its path; None if it does not exist or is not on this disk."""
        if path != self.root and not path.startswith(f'{self.root}/'):
            return None
        node = self.top
        for name in path[len(self.root):].split('/'):
            if name:
                node = node.now().get(name) if isinstance(node, Directory) else None
        return node

    def change(self, path, node):
        above = self.find(os.path.dirname(path))
        if above is not None:
            above.changes.append((os.path.basename(path), node))

    def apply(self, call):
        """Applies a successful system call; ignores effects on other disks."""
        apply = getattr(self, f'apply_{call.name}', None)
        if apply is not None and call.result >= 0:
            apply(call)

    def apply_openat(self, call):
        above = self.find(os.path.dirname(call.path))
        if above is not None and self.find(call.path) is None:
            self.change(call.path, File())

    def apply_mkdirat(self, call):
        self.change(call.path, Directory())

    def apply_unlinkat(self, call):
        self.change(call.path, None)

    def apply_renameat(self, call):
        node = self.find(call.path)
        self.change(call.path, None)
        self.change(call.second_path, node)

    def apply_write(self, call):
        node = self.find(call.path)
        if node is not None:
            node.data += call.data

    def apply_fsync(self, call):
        node = self.find(call.path)
        if isinstance(node, Directory):
            node.sync()
        elif node is not None:
            node.synced = node.data

    apply_open, apply_mkdir, apply_unlink, apply_rename = apply_openat, apply_mkdirat, apply_unlinkat, apply_renameat

    def states(self):
        """Returns all possible states of the disk, as sets of (path below the root, bytes); bytes of a directory are
        None."""
        return [frozenset(state) for state in states_of(self.top, '')]


def states_of(node, path):
    if isinstance(node, File):
        return [[(path, data)] for data in sorted(node.copies())]
    found = []
    for kept in itertools.product((False, True), repeat=len(node.changes)):
        entries = dict(node.entries)
        entries.update(change for change, is_kept in zip(node.changes, kept) if is_kept)
        below = [states_of(entry, f'{path}/{name}') for name, entry in sorted(entries.items()) if entry is not None]
        for combination in itertools.product(*below):
            found.append([(path, None), *itertools.chain.from_iterable(combination)])
    return found


def restore(state, root):
    """Replaces the contents of a directory with a state."""
    for path, data in sorted(state):
        real = f'{root}{path}'
        if data is None:
            os.makedirs(real, exist_ok=True)
        else:
            with open(real, 'wb') as file:
                file.write(data)
