# SPDX-License-Identifier: LGPL-2.1-or-later
"""Watches the daemon's system calls with effects outside the process, and kills it before one of them.

Uses tests/faults/kill-at.c.
"""

import dataclasses
import pathlib
import subprocess
import tempfile

import host

TOOL = 'tests/faults/kill-at'
# The beginning of a request to the fake kernel that writes to the simulated sysfs.
WRITE_TO_FAKE_KERNEL = b'w\0/sys/'


@dataclasses.dataclass(frozen=True)
class Call:
    """A system call that has returned."""

    number: int
    name: str
    result: int      # negative errno on failure
    path: str        # the path argument, or the path of the descriptor
    second_path: str
    data: bytes


class KillAt:
    """One trace of a daemon; with `number` 0, nothing is killed."""

    def __init__(self, daemon, number):
        self.daemon = daemon
        self.number = number
        # The tool is in the build directory of the daemon.
        self.tool = str(pathlib.Path(daemon.program).parent.parent / TOOL)
        with tempfile.NamedTemporaryFile(dir=daemon.directory, prefix='calls-',
                                         delete=False) as report:
            self.report = pathlib.Path(report.name)
        self.process = None

    def command(self, *what):
        return [self.tool, str(self.report), str(self.number), *what]

    def spawn(self, arguments):
        """Starts the daemon under trace; the daemon may be killed before it listens."""
        environment = self.daemon.environment
        # The leak sanitizer does not work in a traced process.
        options = environment.get('ASAN_OPTIONS', '')
        self.daemon.wrapper = self.command()
        self.daemon.environment = {**environment, 'ASAN_OPTIONS': f'{options}:detect_leaks=0'}
        try:
            self.daemon.process = self.daemon.spawn(arguments)
        finally:
            self.daemon.wrapper = []
            self.daemon.environment = environment

    def attach(self):
        """Attaches to the running daemon; on return, all its calls are traced."""
        with open(self.daemon.log_path, 'ab') as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(self.command(str(self.daemon.process.pid)),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        host.wait_until(lambda: 'ready' in self.lines() or self.process.poll() is not None,
                        'a watch over the daemon', self.daemon.deadline)
        return self

    def end(self):
        """Detaches from the daemon, if it is alive."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def lines(self):
        """Returns all complete lines."""
        text = self.report.read_text(encoding='utf-8', errors='replace')
        return text.split('\n')[:-1]

    def calls(self):
        """Returns the calls that have returned, in that order."""
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
        """Returns number, name and path of the call before which the daemon was killed, as a text; None if it was
        not."""
        last = [line for line in self.lines() if line.startswith('killed')]
        return last[0].replace('\t', ' ') if last else None
