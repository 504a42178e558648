# SPDX-License-Identifier: LGPL-2.1-or-later
"""Watches what a daemon does outside itself, call by call, and kills it before one of the calls.

The work is done by tests/faults/kill-at.c.
"""

import dataclasses
import pathlib
import subprocess
import tempfile

import host

TOOL = 'tests/faults/kill-at'
# How a write to the simulated sysfs begins, which goes over a socket.
WRITE_TO_FAKE_KERNEL = b'w\0/sys/'


@dataclasses.dataclass(frozen=True)
class Call:
    """A system call that has returned."""

    number: int
    name: str
    result: int      # a negative errno if it has failed
    path: str        # or that of the descriptor
    second_path: str
    data: bytes


class KillAt:
    """One watch over a daemon; `number` 0: nothing is killed."""

    def __init__(self, daemon, number):
        self.daemon = daemon
        self.number = number
        # Its program lies in a build directory.
        self.tool = str(pathlib.Path(daemon.program).parent.parent / TOOL)
        with tempfile.NamedTemporaryFile(dir=daemon.directory, prefix='calls-',
                                         delete=False) as report:
            self.report = pathlib.Path(report.name)
        self.process = None

    def command(self, *what):
        return [self.tool, str(self.report), str(self.number), *what]

    def spawn(self, arguments):
        """Starts the daemon, watched from its beginning; it may be killed before it listens."""
        environment = self.daemon.environment
        # The leak sanitizer cannot look at a process that is traced.
        options = environment.get('ASAN_OPTIONS', '')
        self.daemon.wrapper = self.command()
        self.daemon.environment = {**environment, 'ASAN_OPTIONS': f'{options}:detect_leaks=0'}
        try:
            self.daemon.process = self.daemon.spawn(arguments)
        finally:
            self.daemon.wrapper = []
            self.daemon.environment = environment

    def attach(self):
        """On return all that the running daemon does is watched."""
        with open(self.daemon.log_path, 'ab') as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(self.command(str(self.daemon.process.pid)),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        host.wait_until(lambda: 'ready' in self.lines() or self.process.poll() is not None,
                        'a watch over the daemon', self.daemon.deadline)
        return self

    def end(self):
        """Leaves the daemon in peace, if it lives."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def lines(self):
        """Whole ones only."""
        text = self.report.read_text(encoding='utf-8', errors='replace')
        return text.split('\n')[:-1]

    def calls(self):
        """Those that have returned, in that order."""
        found = []
        for line in self.lines():
            if line[0].isdigit():
                number, name, result, path, second, data = line.split('\t')
                data = bytes.fromhex(data)
                if data.startswith(WRITE_TO_FAKE_KERNEL):
                    name, (_, path, data) = 'write', data.split(b'\0', 2)
                    path = path.decode()
                found.append(Call(int(number), name, int(result), path, second, data))
        return found

    def killed(self):
        """The number, name and path of the call that was not made any more, as a text; None: there was none."""
        last = [line for line in self.lines() if line.startswith('killed')]
        return last[0].replace('\t', ' ') if last else None
