#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-glib, whose connections have no node devices: opens one, and lists the guests. usage: glib.py URI"""

import sys

import gi
gi.require_version('LibvirtGObject', '1.0')
from gi.repository import LibvirtGObject  # noqa: E402  pylint: disable=wrong-import-position

connection = LibvirtGObject.Connection.new(sys.argv[1])
connection.open(None)
assert connection.is_open()
print('connected to', connection.get_uri())
# A daemon of node devices has none.
connection.fetch_domains(None)
print('guests:', len(connection.get_domains()))
