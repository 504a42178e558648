# SPDX-License-Identifier: LGPL-2.1-or-later
"""The vital product data of the fake cards, byte by byte in the format of the PCI specification."""

import struct

STRING = 0x82
READ_ONLY = 0x90
READ_WRITE = 0x91
END = b'\x78'


def resource(tag, data):
    """Returns a large resource."""
    return struct.pack('<BH', tag, len(data)) + data


def field(keyword, value):
    data = value if isinstance(value, bytes) else value.encode()
    return keyword.encode() + bytes([len(data)]) + data


def fields(pairs):
    return b''.join(field(keyword, value) for keyword, value in pairs)


def read_only(before, pairs, spare=1):
    """Returns the read-only part, which ends with the checksum over all bytes from the first one on."""
    data = fields(pairs)
    length = len(data) + 4 + spare
    head = before + struct.pack('<BH', READ_ONLY, length) + data + b'RV' + bytes([1 + spare])
    return head + bytes([-sum(head) & 0xff]) + bytes(spare)


def build(name, pairs, writable=None, spare=1):
    """Returns complete vital product data; with `writable` None, without a writable part."""
    data = read_only(resource(STRING, name.encode()), pairs, spare)
    if writable is not None:
        data += resource(READ_WRITE, fields(writable))
    return data + END
