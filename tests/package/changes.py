# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of a machine of run-vm --root that differ from an earlier moment.

The machine's root is an overlay, so that only the files in its upper layer can have changed.
"""

import hashlib
import os
import pathlib
import re
import stat

LAYERS = pathlib.Path('/run/vm-layers')
ROOT = pathlib.Path('/')
OPAQUE = 'trusted.overlay.opaque'
# Changes that are not mediated's, each with its reason.
IGNORED = re.compile('|'.join((
    r'(var/log|var/cache|var/tmp|tmp|var/backups)(/.*)?',    # logs and caches
    r'var/lib/(dpkg|apt)(/.*)?',                             # dpkg and apt: the session compares the lists of packages
    r'etc/ld\.so\.cache',                                    # ldconfig
    r'root/\.cache(/.*)?',                                   # of the clients
    r'var/lib/systemd/(random-seed|timers|timesync)(/.*)?',
    r'var/lib/libvirt/(qemu|images)(/.*)?',                  # guests, also those that have ended
    r'etc/apparmor\.d/libvirt(/.*)?',                        # libvirt's profiles of guests
)))
# The files in /run that belong to mediated and libvirt, without those of guests and of an idle libvirtd.
RUN = re.compile(r'(mediated|libvirt)(/(?!qemu/|.*\.pid$|.*driver\.pid).*)?')


def describe(path):
    """Returns kind, permissions, owner and contents of a file; None if there is none."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(found.st_mode):
        contents = os.readlink(path)
    elif stat.S_ISREG(found.st_mode):
        contents = hashlib.sha256(path.read_bytes()).hexdigest()
    else:
        contents = ''
    return oct(found.st_mode), found.st_uid, found.st_gid, contents


def is_opaque(path):
    try:
        return os.getxattr(path, OPAQUE) == b'y'
    except OSError:
        return False


def changed_paths():
    """Yields the names of all files in the upper layer, and of those that it hides in a replaced directory."""
    upper, lower = LAYERS / 'upper', LAYERS / 'lower'
    for directory, names, files in os.walk(upper):
        inner = pathlib.Path(directory).relative_to(upper)
        names[:] = [name for name in names if not IGNORED.fullmatch(str(inner / name))]
        hidden = os.listdir(lower / inner) if is_opaque(directory) and (lower / inner).is_dir() else []
        yield from (str(inner / name) for name in {*names, *files, *hidden})


def files_in_run():
    run = ROOT / 'run'
    found = [path.relative_to(run) for name in ('mediated', 'libvirt') for path in (run / name, *(run / name).rglob('*'))
             if os.path.lexists(path)]
    return {str(path) for path in found if RUN.fullmatch(str(path))}


class Changes:
    def __init__(self):
        self.recorded = {}
        self.run = set()

    def record(self):
        self.recorded = {name: describe(ROOT / name) for name in changed_paths() if not IGNORED.fullmatch(name)}
        self.run = files_in_run()

    def differences(self):
        """Returns one line for each file that differs from its recorded state."""
        found = []
        for name in sorted({*self.recorded, *changed_paths()}):
            if IGNORED.fullmatch(name):
                continue
            before = self.recorded[name] if name in self.recorded else describe(LAYERS / 'lower' / name)
            now = describe(ROOT / name)
            if before != now:
                found.append(f'{name}: {before} -> {now}')
        return found + [f'run/{name}' for name in sorted(self.run ^ files_in_run())]
