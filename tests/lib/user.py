# SPDX-License-Identifier: LGPL-2.1-or-later
"""A home for an ordinary user, and what such a one runs: clients, and daemons that serve no other."""

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
    """What is connected within is a connection of that user."""
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)


class User:
    """The user, with a directory of their own and a copy of the daemon they may read."""

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
        # The user's own configuration: nothing of this machine's own counts.
        self.definitions = daemon.definitions
        config = self.home / '.config/mediated/mediated.conf'
        config.parent.mkdir(parents=True)
        config.write_text(key_file({'definitions': {'directory': self.definitions},
                                    'callouts': {'directory': daemon.scripts,
                                                 'deprecated_directory': daemon.scripts}}))
        for path in (self.home, *self.home.rglob('*')):
            os.chown(path, *self.ids)

    def copy(self, path):
        """The user need not be able to reach the place where it was built."""
        return shutil.copy(path, self.home)

    def close(self):
        pid = self.daemon_pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.home, ignore_errors=True)

    def make_virtnodedevd(self, *arguments):
        """What libvirt's clients start: a program of that name in the directory VIRTD_PATH."""
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
        """A daemon in the foreground."""
        return self.popen(self.program, *arguments, **self.daemon_environment)

    def run(self, *command, drop=(), **extra):
        environment = {key: value for key, value in self.environment(**extra).items()
                       if key not in drop}
        return subprocess.run(self.command(*command), env=environment, text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, cwd=self.home,
                              timeout=self.deadline)

    def virsh(self, *arguments, uri='nodedev:///session?mode=direct', **extra):
        """libvirt's own client, which starts the daemon if there is none."""
        return self.run('virsh', '-c', uri, *arguments, VIRTD_PATH=str(self.programs), **extra)

    def daemon_pids(self):
        """All that clients have started, the ended ones too."""
        if not self.pid_path.exists():
            return []
        return [int(line) for line in self.pid_path.read_text().split()]

    def daemon_pid(self):
        """The daemon that a client has started, None if it has ended."""
        return next((pid for pid in self.daemon_pids() if self.is_ours(pid)), None)

    def is_ours(self, pid):
        """Numbers of processes are used again."""
        try:
            return os.readlink(f'/proc/{pid}/exe') == self.program
        except FileNotFoundError:
            return False
