# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a process asks of the kernel while something is done: a trace by strace, to count and to look at.

    with Trace(pid, deadline) as trace:
        device.XMLDesc()
    trace.count('openat')
    trace.opened()

Counts do not depend on how fast the machine is. What does depend on it is left out: calls that only
wait or wake up threads that wait (`WAITING`), unless they are asked for by name.
"""

import collections
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

# How often a thread waits, and is woken up, hangs on who is faster.
WAITING = ('futex', 'poll', 'ppoll', 'restart_syscall')
OPENING = ('open', 'openat')
# 1234  openat(11</sys/devices/x>, "config", O_RDONLY <unfinished ...>
LINE = re.compile(r'(?P<thread>\d+) +(?P<name>\w+)\((?P<arguments>.*)')
PATH = re.compile(r'^(?:\w+|-?\d+)(?:<(?P<directory>[^>]*)>)?, "(?P<path>[^"]*)"')
# A frame of the protocol to a client, or several.
FRAMES = {'sendto': re.compile(r'^\d+<[^>]*>, "\\0'), 'sendmsg': re.compile(r'^\d+<[^>]*>, \{.*?iov_base="\\0')}
LOOK_SECONDS = 0.005


@dataclasses.dataclass(frozen=True)
class Call:
    """One system call; `arguments` are in strace's words, with the result if it was not interrupted."""

    thread: int
    name: str
    arguments: str

    def sends_frames(self):
        return self.name in FRAMES and FRAMES[self.name].match(self.arguments) is not None

    @property
    def path(self):
        """What is opened, read as a link or looked at, if it is named."""
        found = PATH.match(self.arguments)
        if found is None:
            return None
        return os.path.join(found['directory'] or '/', found['path'])


def parse(text):
    """Each call once, where it begins."""
    lines = (LINE.match(line) for line in text.splitlines())
    return [Call(int(line['thread']), line['name'], line['arguments']) for line in lines if line]


def tracers(pid):
    """Who traces each thread of a process; 0: nobody."""
    found = []
    for status in pathlib.Path(f'/proc/{pid}/task').glob('*/status'):
        words = re.search(r'^TracerPid:\s+(\d+)', status.read_text(encoding='ascii'), re.MULTILINE)
        found.append(int(words[1]))
    return found


class Trace:
    """The calls of all threads of a process, from entering the context to leaving it."""

    def __init__(self, pid, deadline):
        self.pid = pid
        self.deadline = deadline
        self.calls = []
        self.strace = None
        self.output = None

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.output = tempfile.NamedTemporaryFile(mode='r', encoding='utf-8', errors='replace')
        self.strace = subprocess.Popen(
            ['strace', '-f', '-qq', '-y', '-s', '256', '-o', self.output.name, '-p', str(self.pid)],
            stdin=subprocess.DEVNULL)
        limit = time.monotonic() + self.deadline
        while self.strace.pid not in (found := tracers(self.pid)) or 0 in found:
            if self.strace.poll() is not None or time.monotonic() > limit:
                self.end()
                raise AssertionError('strace does not trace')
            time.sleep(LOOK_SECONDS)
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.strace.send_signal(signal.SIGINT)
        self.strace.wait(self.deadline)
        self.calls = parse(self.output.read())
        self.output.close()

    def counter(self):
        return collections.Counter(call.name for call in self.calls if call.name not in WAITING)

    def count(self, *names):
        """How many calls of these names, or of all that do not only wait."""
        return sum(n for name, n in collections.Counter(call.name for call in self.calls).items()
                   if (name in names if names else name not in WAITING))

    def opened(self):
        """The paths that were opened, or tried to."""
        return [call.path for call in self.calls if call.name in OPENING]

    def names_opened(self):
        return [os.path.basename(path) for path in self.opened()]
