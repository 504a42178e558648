# SPDX-License-Identifier: LGPL-2.1-or-later
"""An ordinary user's home directory, clients and session daemons."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from daemon import key_file

USER = 'nobody'


@contextlib.contextmanager
def acting_as(uid):
    """A context during which connections are made as that user."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


class User:
    """The user, with their own directory and a readable copy of the daemon."""

    def __init__(self, daemon):
        account = pwd.getpwnam(USER)
        self.ids = account.pw_uid, account.pw_gid
        self.deadline = daemon.deadline
        self.home = pathlib.Path(tempfile.mkdtemp(prefix='mdu-'))
        self.runtime = self.home / 'run'
        self.programs = self.home / 'programs'
        self.log_path = self.home / 'log'
        self.pid_path = self.home / 'pid'
        for directory in (self.runtime, self.programs):
            directory.mkdir(0o700)
        self.program = self.copy(daemon.program)
        self.daemon_environment = {key: value for key, value in daemon.environment.items()
                                   if os.environ.get(key) != value}
        if 'LD_PRELOAD' in self.daemon_environment:
            self.daemon_environment['LD_PRELOAD'] = ' '.join(
                self.copy(library) if '/' in library else library
                for library in self.daemon_environment['LD_PRELOAD'].split())
        # The user's own configuration, independent of this machine's.
        self.definitions = daemon.definitions
        config = self.home / '.config/mediated/mediated.conf'
        config.parent.mkdir(parents=True)
        config.write_text(key_file({'definitions': {'directory': self.definitions},
                                    'callouts': {'directory': daemon.scripts,
                                                 'deprecated_directory': daemon.scripts}}))
        for path in (self.home, *self.home.rglob('*')):
            os.chown(path, *self.ids)

    def copy(self, path):
        """Copies a file, because the user may have no access to the build directory."""
        return shutil.copy(path, self.home)

    def close(self):
        pid = self.daemon_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)

    def make_virtnodedevd(self, *arguments):
        """Installs the program under the name and in the directory (VIRTD_PATH) from which libvirt's clients start
        it."""
        script = self.programs / 'virtnodedevd'
        exports = ''.join(f"export {key}='{value}'\n"
                          for key, value in self.daemon_environment.items())
        script.write_text(f'#!/bin/sh\necho $$ >>{self.pid_path}\n{exports}'
                          f'exec {self.program} "$@" {" ".join(arguments)} 2>>{self.log_path}\n')
        script.chmod(0o755)

    def environment(self, **extra):
        keep = {key: os.environ[key] for key in ('PATH', 'LANG', 'LC_ALL') if key in os.environ}
        return {**keep, 'HOME': str(self.home), 'XDG_RUNTIME_DIR': str(self.runtime), **extra}

    def command(self, *command):
        uid, gid = self.ids
        return ['setpriv', f'--reuid={uid}', f'--regid={gid}', '--clear-groups',
                '--pdeathsig=KILL', *command]

    def popen(self, *command, **extra):
        return subprocess.Popen(self.command(*command), env=self.environment(**extra), text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, cwd=self.home)

    def spawn(self, *arguments):
        """Starts a daemon in the foreground."""
        return self.popen(self.program, *arguments, **self.daemon_environment)

    def run(self, *command, drop=(), **extra):
        environment = {key: value for key, value in self.environment(**extra).items()
                       if key not in drop}
        return subprocess.run(self.command(*command), env=environment, text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, cwd=self.home,
                              timeout=self.deadline)

    def virsh(self, *arguments, uri='nodedev:///session?mode=direct', **extra):
        """Runs libvirt's client, which starts the daemon if there is none."""
        return self.run('virsh', '-c', uri, *arguments, VIRTD_PATH=str(self.programs), **extra)

    def daemon_pids(self):
        """Returns the pids of all daemons started by clients, including ended ones."""
        if not self.pid_path.exists():
            return []
        return [int(line) for line in self.pid_path.read_text().split()]

    def daemon_pid(self):
        """Returns the pid of the daemon started by a client; None if it has ended."""
        return next((pid for pid in self.daemon_pids() if self.is_ours(pid)), None)

    def is_ours(self, pid):
        """Checks for pid reuse."""
        try:
            return os.readlink(f'/proc/{pid}/exe') == self.program
        except FileNotFoundError:
            return False
