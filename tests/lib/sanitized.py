# SPDX-License-Identifier: LGPL-2.1-or-later
"""A module with the address and undefined behaviour sanitizers of gcc, loaded by a program without them. The library of
clang 14 does not work there: libvirtd hangs in a lock of libc."""

import functools
import re

LIBRARY = re.compile(rb'libasan\.so\.\d+')
ERRORS = ('ERROR: AddressSanitizer', 'runtime error: ')
# A report has one block per stack that allocated lost memory.
LEAK = re.compile(r'^(Direct|Indirect) leak of ', re.MULTILINE)
# GLib has no frame pointers, without which only the slow unwinder finds the module's function.
OPTIONS = {'ASAN_OPTIONS': 'fast_unwind_on_malloc=0:malloc_context_size=12',
           'UBSAN_OPTIONS': 'print_stacktrace=1',
           'G_SLICE': 'always-malloc'}


@functools.cache
def environment(module):
    """Returns the environment of the program; None: the module has no sanitizers."""
    match = LIBRARY.search(module.read_bytes())
    return {**OPTIONS, 'LD_PRELOAD': match[0].decode()} if match else None


def reports(module, log):
    """Returns all errors in the program's output as blocks of text, but only those leaks that the module has
    allocated."""
    def is_ours(block):
        return module.name in block or 'src/libvirtd/' in block
    return [block for block in log.split('\n\n')
            if any(word in block for word in ERRORS) or (LEAK.search(block) and is_ours(block))]
