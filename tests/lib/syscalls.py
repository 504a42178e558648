# SPDX-License-Identifier: LGPL-2.1-or-later
"""Traces the system calls of a process with strace, to count and inspect them.

    with Trace(pid, deadline) as trace:
        device.XMLDesc()
    trace.count('openat')
    trace.opened()

Counts do not depend on the speed of the machine. Calls that depend on timing are omitted unless requested by name:
calls that only wait or wake up waiting threads (`WAITING`).
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

# The number of waits and wake-ups depends on which thread is faster.
WAITING = ('futex', 'poll', 'ppoll', 'restart_syscall')
OPENING = ('open', 'openat')
# 1234  openat(11</sys/devices/x>, "config", O_RDONLY <unfinished ...>
LINE = re.compile(r'(?P<thread>\d+) +(?P<name>\w+)\((?P<arguments>.*)')
PATH = re.compile(r'^(?:\w+|-?\d+)(?:<(?P<directory>[^>]*)>)?, "(?P<path>[^"]*)"')
# One or more protocol frames sent to a client.
FRAMES = {'sendto': re.compile(r'^\d+<[^>]*>, "\\0'), 'sendmsg': re.compile(r'^\d+<[^>]*>, \{.*?iov_base="\\0')}
LOOK_SECONDS = 0.005


@dataclasses.dataclass(frozen=True)
class Call:
    """One system call; `arguments` is strace's text, including the result unless the call was interrupted."""

    thread: int
    name: str
    arguments: str

    def sends_frames(self):
        return self.name in FRAMES and FRAMES[self.name].match(self.arguments) is not None

    @property
    def path(self):
        """Returns the path that the call opens, reads as a link or stats, if the call names one."""
        found = PATH.match(self.arguments)
        if found is None:
            return None
        return os.path.join(found['directory'] or '/', found['path'])


def parse(text):
    """Parses each call once, at its start."""
    lines = (LINE.match(line) for line in text.splitlines())
    return [Call(int(line['thread']), line['name'], line['arguments']) for line in lines if line]


def tracers(pid):
    """Returns the tracer of each thread of a process; 0: none."""
    found = []
    for status in pathlib.Path(f'/proc/{pid}/task').glob('*/status'):
        words = re.search(r'^TracerPid:\s+(\d+)', status.read_text(encoding='ascii'), re.MULTILINE)
        found.append(int(words[1]))
    return found


class Trace:
    """The system calls of all threads of a process while the context is active."""

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
        """Counts the calls with these names, or all calls but WAITING."""
        return sum(n for name, n in collections.Counter(call.name for call in self.calls).items()
                   if (name in names if names else name not in WAITING))

    def opened(self):
        """Returns the paths of all opens, failed ones included."""
        return [call.path for call in self.calls if call.name in OPENING]

    def names_opened(self):
        return [os.path.basename(path) for path in self.opened()]
