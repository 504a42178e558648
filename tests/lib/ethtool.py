# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads and sets features of this machine's interfaces through the kernel, without ethtool."""

import array
import contextlib
import fcntl
import socket
import struct

SIOCETHTOOL = 0x8946
IFNAMSIZ = 16

# ETHTOOL_G... commands; the corresponding ETHTOOL_S... command is one higher.
GET = {'rx': 0x14, 'tx': 0x16, 'sg': 0x18, 'tso': 0x1e, 'gso': 0x23, 'gro': 0x2b}
SET_GRO = 0x2c
GET_FLAGS = 0x25
FLAGS = {'txvlan': 1 << 7, 'rxvlan': 1 << 8, 'lro': 1 << 15, 'ntuple': 1 << 27, 'rxhash': 1 << 28}


def ask(interface, command, value=0):
    """Returns the kernel's answer to a simple ethtool command; 0 if the interface does not support it."""
    request = array.array('B', struct.pack('=II', command, value))
    ifreq = struct.pack(f'{IFNAMSIZ}sP16x', interface.encode(), request.buffer_info()[0])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as control, contextlib.suppress(OSError):
        fcntl.ioctl(control, SIOCETHTOOL, ifreq)
        return struct.unpack('=II', request.tobytes())[1]
    return 0


def features(interface):
    """Returns the features with an ethtool command of their own, by libvirt's names."""
    found = {name for name, command in GET.items() if ask(interface, command)}
    flags = ask(interface, GET_FLAGS)
    return found | {name for name, bit in FLAGS.items() if flags & bit}


def set_gro(interface, on):
    ask(interface, SET_GRO, int(on))
