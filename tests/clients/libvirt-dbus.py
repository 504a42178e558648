#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt-dbus, started by the system bus: lists, documents, creation and destruction, and its signals.

usage: libvirt-dbus.py URI
"""

import contextlib
import pathlib
import subprocess
import sys

from gi.repository import Gio, GLib

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))

import documents  # noqa: E402  pylint: disable=wrong-import-position

PARENT = 'pci_0000_86_00_0'
UUID = '2c1f7a30-4b0e-4e8b-9a52-93a1f3c10007'
NAME = f'mdev_{UUID.replace("-", "_")}_0000_86_00_0'
DOCUMENT = documents.create(PARENT, 'nvidia-11', uuid=UUID)
SECONDS = 30
CREATED, DELETED = 0, 1
# libvirt-dbus has an object for each of these URIs, and for no others.
OBJECTS = {'qemu:///system': '/org/libvirt/QEMU'}


@contextlib.contextmanager
def system_bus():
    """A context during which the system bus runs."""
    with subprocess.Popen(['dbus-daemon', '--system', '--nofork', '--nopidfile', '--print-address'],
                          stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            yield Gio.bus_get_sync(Gio.BusType.SYSTEM)
        finally:
            process.terminate()


class Client:
    """Calls methods, and collects the signals about node devices."""

    def __init__(self, bus, connect):
        self.bus = bus
        self.connect = connect
        self.events = []
        bus.signal_subscribe('org.libvirt', 'org.libvirt.Connect', 'NodeDeviceEvent', connect, None,
                             Gio.DBusSignalFlags.NONE, lambda *args: self.events.append(args[5].unpack()))

    def call(self, path, interface, method, signature='()', *args):
        reply = self.bus.call_sync('org.libvirt', path, interface, method, GLib.Variant(signature, args), None,
                                   Gio.DBusCallFlags.NONE, SECONDS * 1000)
        return reply.unpack()[0] if reply.n_children() else None

    def connection(self, method, signature='()', *args):
        return self.call(self.connect, 'org.libvirt.Connect', method, signature, *args)

    def device(self, path, method, signature='()', *args):
        return self.call(path, 'org.libvirt.NodeDevice', method, signature, *args)

    def property(self, path, name):
        return self.call(path, 'org.freedesktop.DBus.Properties', 'Get', '(ss)', 'org.libvirt.NodeDevice', name)

    def wait(self, path, kind):
        end = []
        timer = GLib.timeout_add_seconds(SECONDS, lambda: end.append(True))
        while not (found := [event for event in self.events if event[:2] == (path, kind)]):
            assert not end, f'no event {kind} of {path}: {self.events}'
            GLib.MainContext.default().iteration(True)
        GLib.source_remove(timer)
        print('signal:', *found[0])


def live(client):
    names = {client.property(path, 'Name'): path for path in client.connection('ListNodeDevices', '(u)', 0)}
    print('devices:', len(names))
    assert PARENT in names, names
    parent = client.connection('NodeDeviceLookupByName', '(s)', PARENT)
    assert parent == names[PARENT]
    assert "<type id='nvidia-11'>" in client.device(parent, 'GetXMLDesc', '(u)', 0)
    print('capabilities:', *client.device(parent, 'ListCaps'), 'parent:', client.property(parent, 'Parent'))
    assert client.property(parent, 'Parent') == 'pci_0000_85_08_0'
    try:
        client.connection('NodeDeviceLookupByName', '(s)', 'no_such_device')
        raise AssertionError('the look-up is not refused')
    except GLib.Error as error:
        print('refused:', error.message)
        assert 'no_such_device' in error.message

    device = client.connection('NodeDeviceCreateXML', '(su)', DOCUMENT, 0)
    assert client.property(device, 'Name') == NAME
    client.wait(device, CREATED)
    assert UUID in client.device(device, 'GetXMLDesc', '(u)', 0)
    client.device(device, 'Destroy')
    client.wait(device, DELETED)


def main():
    with system_bus() as bus:
        uri = sys.argv[1]
        if uri not in OBJECTS:
            xml = Client(bus, '/org/libvirt').call('/org/libvirt', 'org.freedesktop.DBus.Introspectable', 'Introspect')
            objects = [node.path for node in Gio.DBusNodeInfo.new_for_xml(xml).nodes]
            assert 'QEMU' in objects and not [name for name in objects if name.upper().startswith('NODE')], objects
            sys.exit(f'no object for node devices: {" ".join(sorted(objects))}')
        live(Client(bus, OBJECTS[uri]))


if __name__ == '__main__':
    main()
