# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the job inside the guest and forwards its output to the host.

A virtio port can be open only once, and a program that opens /dev/stdout opens the port again. The job therefore writes
to pipes, which this program copies to the ports.
"""

import json
import os
import pathlib
import selectors
import subprocess

PORTS = pathlib.Path('/dev/virtio-ports')
JOB = pathlib.Path('/run/vm/job.json')
CHUNK = 65536


def write_all(port, data):
    while data:
        data = data[os.write(port, data):]


def copy_available(pipe, port):
    """Copies the data available in the pipe. Returns False at its end."""
    try:
        data = os.read(pipe, CHUNK)
    except BlockingIOError:
        return True
    write_all(port, data)
    return bool(data)


def drain(pipe, port):
    """Copies the remaining data; background processes may hold the other end open."""
    while True:
        try:
            data = os.read(pipe, CHUNK)
        except BlockingIOError:
            return
        if not data:
            return
        write_all(port, data)


def start(job, outputs):
    """Starts the job; if it cannot be run, the exit status is a shell's."""
    try:
        return subprocess.Popen(job['argv'], cwd=job['cwd'], env={**os.environ, **job['env']},
                                stdin=subprocess.DEVNULL, stdout=outputs[0], stderr=outputs[1],
                                start_new_session=True), 0
    except OSError as error:
        os.write(outputs[1], f"vm: cannot run '{job['argv'][0]}': {error}\n".encode())
        return None, 127 if isinstance(error, FileNotFoundError) else 126


def run(job, ports):
    """Runs the job to its end and returns its exit status."""
    pipes = [os.pipe() for _ in ports]
    process, status = start(job, [pipe[1] for pipe in pipes])
    selector = selectors.DefaultSelector()
    for (pipe, other), port in zip(pipes, ports):
        os.close(other)
        os.set_blocking(pipe, False)
        selector.register(pipe, selectors.EVENT_READ, port)

    if process is not None:
        watch = os.pidfd_open(process.pid)
        selector.register(watch, selectors.EVENT_READ, None)
        while process.poll() is None:
            for key, _ in selector.select():
                if key.data is not None and not copy_available(key.fd, key.data):
                    selector.unregister(key.fd)
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode

    for (pipe, _), port in zip(pipes, ports):
        drain(pipe, port)
    return status


def main():
    control = os.open(PORTS / 'control', os.O_WRONLY)
    ports = [os.open(PORTS / name, os.O_WRONLY) for name in ('stdout', 'stderr')]
    write_all(control, b'ready\n')
    status = run(json.loads(JOB.read_text(encoding='utf-8')), ports)
    write_all(control, f'exit {status}\n'.encode())


if __name__ == '__main__':
    main()
