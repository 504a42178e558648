# SPDX-License-Identifier: LGPL-2.1-or-later
"""A script of mdevctl that waits before it decides about an operation."""

import os
import shlex

NAME = '10-waiting.sh'
REASON = 'no licence left'

TEXT = """#!/bin/sh
[ $4 = pre ] || exit 0
touch {begun}
read -r _ < {answer}
echo {reason} >&2
exit 1
"""


class WaitingScript:
    """Refuses the operation as soon as the test says so, and at the latest when the test ends."""

    def __init__(self, test):
        self.begun = test.daemon.directory / 'begun'
        answer = test.daemon.directory / 'answer'
        os.mkfifo(answer)
        self.pipe = os.open(answer, os.O_RDWR)
        test.addCleanup(os.close, self.pipe)
        self.path = test.daemon.scripts / 'callouts' / NAME
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(TEXT.format(begun=shlex.quote(str(self.begun)), answer=shlex.quote(str(answer)),
                                         reason=REASON), encoding='utf-8')
        self.path.chmod(0o755)

    def has_begun(self):
        return self.begun.exists()

    def refuse(self):
        os.write(self.pipe, b'\n')
