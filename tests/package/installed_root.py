# SPDX-License-Identifier: LGPL-2.1-or-later
"""A copy of this machine's root in which packages are installed: an overlay, in which a program in place of systemctl
records the requests to systemd."""

import contextlib
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

# Written by dpkg and its triggers for every package.
IGNORED = ('run', 'tmp', 'var/cache', 'var/lib/dpkg', 'var/log')
PACKAGES = pathlib.Path('/run/packages')
CALLS = 'run/systemd-calls'
ACTIVE = 'run/active-units'
KILL = 'run/kill-at'

# Simulates start and stop of units. The call named in the file KILL kills virtnodedevd-units, once.
SYSTEMCTL = f"""#!/bin/sh
words=
for word in "$@"; do
    case $word in
    -*) ;;
    *) words="$words $word" ;;
    esac
done
set -- $words
verb=$1
shift
case $verb in
is-active) exec test -e "/{ACTIVE}/$1" ;;
is-enabled | preset) SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl.real "$verb" "$@" ;;
esac
for unit in "$@" ''; do
    [ -n "$unit" ] || [ $# = 0 ] || continue
    echo "$verb${{unit:+ $unit}}" >>/{CALLS}
    if [ "$verb $unit" = "$(cat /{KILL} 2>/dev/null)" ]; then
        rm /{KILL}
        pid=$PPID
        until grep -q virtnodedevd-units "/proc/$pid/cmdline"; do
            pid=$(awk '/^PPid:/ {{ print $2 }}' "/proc/$pid/status")
        done
        kill -KILL "$pid"
    fi
    case $verb in
    start | restart) touch "/{ACTIVE}/$unit" ;;
    stop) rm -f "/{ACTIVE}/$unit" ;;
    esac
done
"""


class InstalledRoot:
    """Needs a mount namespace of its own."""

    def __init__(self, packages, has_systemd=True):
        self.stack = contextlib.ExitStack()
        base = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix='package-')))
        self.mount('-t', 'tmpfs', 'tmpfs', base)
        self.top, self.upper = base / 'root', base / 'upper'
        for path in (self.top, self.upper, base / 'work'):
            path.mkdir()
        self.mount('-t', 'overlay', '-o', f'lowerdir=/,upperdir={self.upper},workdir={base}/work', 'overlay', self.top)
        for name in ('run', 'tmp'):
            self.mount('-t', 'tmpfs', 'tmpfs', self.top / name)
        self.mount('--bind', '/dev', self.top / 'dev')
        self.mount('-t', 'proc', 'proc', self.top / 'proc')
        self.mount_packages(packages)
        self.remove('usr/sbin/policy-rc.d')
        # Prevents each installation from updating the index of manual pages.
        self.remove('var/lib/man-db/auto-update')
        if has_systemd:
            self.simulate_systemd()

    def close(self):
        self.stack.close()

    def mount(self, *words):
        subprocess.run(['mount', *words], check=True)
        self.stack.callback(subprocess.run, ['umount', words[-1]], check=True)

    def mount_packages(self, packages):
        inside = self.path(PACKAGES)
        inside.mkdir()
        self.mount('--bind', packages, inside)

    def simulate_systemd(self):
        for path in ('run/systemd/system', ACTIVE):
            self.path(path).mkdir(parents=True)
        program = self.path('usr/bin/systemctl')
        shutil.copy2(program, self.path('usr/bin/systemctl.real'))
        program.unlink()
        self.write('usr/bin/systemctl', SYSTEMCTL, 0o755)

    def path(self, name):
        return self.top / str(name).lstrip('/')

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
        path.chmod(mode)

    def remove(self, name):
        self.path(name).unlink(missing_ok=True)

    def run(self, *words, check=True):
        done = subprocess.run(['chroot', self.top, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False, env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8',
                                                'DEBIAN_FRONTEND': 'noninteractive'})
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}")
        return done

    def dpkg(self, *words, check=True):
        return self.run('dpkg', '--force-unsafe-io', *words, check=check)

    def install(self, name, check=True):
        return self.dpkg('--install', str(PACKAGES / name), check=check)

    def status(self, package):
        return self.run('dpkg-query', '-W', '-f', '${db:Status-Status} ${Version}', package, check=False).stdout

    def calls(self):
        """Returns the requests to systemd since the last call."""
        path = self.path(CALLS)
        lines = path.read_text(encoding='utf-8').splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def active_units(self):
        return set(os.listdir(self.path(ACTIVE)))

    def differences(self):
        """Returns {path: contents} of all files that differ from this machine's."""
        found = {}
        for directory, names, files in os.walk(self.upper):
            inner = pathlib.Path(directory).relative_to(self.upper)
            names[:] = [name for name in names if str(inner / name) not in IGNORED]
            for name in names + files:
                path = inner / name
                now = describe(self.top / path)
                if now != describe(pathlib.Path('/') / path):
                    found[str(path)] = now
        # Written by ldconfig, and by dpkg for the directories of packages.
        return {path: now for path, now in found.items() if path != 'etc/ld.so.cache'}


def describe(path):
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFLNK:
        return kind, str(path.readlink())
    contents = path.read_bytes() if kind == stat.S_IFREG else None
    return found.st_mode, found.st_uid, found.st_gid, contents
