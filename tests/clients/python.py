#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3-libvirt: lists, documents, errors, both kinds of events, and the life of a device. usage: python.py URI"""

import sys
import threading

import libvirt

PARENT = 'pci_0000_86_00_0'
UUID = '2c1f7a30-4b0e-4e8b-9a52-93a1f3c10002'
NAME = f'mdev_{UUID.replace("-", "_")}_0000_86_00_0'
DOCUMENT = f"""
<device>
  <parent>{PARENT}</parent>
  <capability type='mdev'>
    <type id='nvidia-11'/>
    <uuid>{UUID}</uuid>
  </capability>
</device>
"""
KINDS = ('created', 'deleted', 'defined', 'undefined')
SECONDS = 30


class Events:
    """Received events, in order; wait() removes those up to the expected one."""

    def __init__(self):
        self.all = []
        self.changed = threading.Condition()

    def add(self, name, kind):
        with self.changed:
            self.all.append((name, kind))
            self.changed.notify_all()

    def wait(self, *event):
        with self.changed:
            assert self.changed.wait_for(lambda: event in self.all, SECONDS), f'{event} is not in {self.all}'
            del self.all[:self.all.index(event) + 1]
        print('event:', *event)


def run_loop():
    while True:
        libvirt.virEventRunDefaultImpl()


def refused(code, func, *args):
    try:
        func(*args)
    except libvirt.libvirtError as error:
        print('refused:', error)
        assert error.get_error_code() == code, error.get_error_code()
        return
    raise AssertionError(f'{func.__name__} is not refused')


def read_devices(connection):
    parents = sorted(device.name() for device in connection.listAllDevices(
        libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES))
    print('parents:', *parents)
    assert parents == [PARENT, 'pci_0000_87_00_0'], parents
    assert sorted(connection.listDevices('mdev_types')) == parents
    assert connection.numOfDevices(None) == len(connection.listDevices(None))
    device = connection.nodeDeviceLookupByName(PARENT)
    assert "<type id='nvidia-11'>" in device.XMLDesc()
    print('capabilities:', *device.listCaps(), 'parent:', device.parent())
    assert set(device.listCaps()) == {'pci', 'mdev_types'}
    assert device.parent() == 'pci_0000_85_08_0'
    refused(libvirt.VIR_ERR_NO_NODE_DEVICE, connection.nodeDeviceLookupByName, 'no_such_device')
    refused(libvirt.VIR_ERR_XML_DETAIL, connection.nodeDeviceCreateXML, '<device>')


def live(connection, events):
    device = connection.nodeDeviceCreateXML(DOCUMENT)
    assert device.name() == NAME and UUID in device.XMLDesc()
    events.wait(NAME, 'created')
    assert connection.listDevices('mdev') == [NAME]
    assert (device.isActive(), device.isPersistent()) == (1, 0)
    device.destroy()
    events.wait(NAME, 'deleted')

    device = connection.nodeDeviceDefineXML(DOCUMENT)
    events.wait(NAME, 'defined')
    assert (device.isActive(), device.isPersistent(), device.autostart()) == (0, 1, 0)
    device.setAutostart(1)
    assert device.autostart() == 1
    device.create()
    events.wait(NAME, 'created')
    assert device.isActive() == 1
    if hasattr(device, 'update'):
        changed = device.XMLDesc().replace('<uuid>', "<attr name='nvidia/vgpu_params' value='x=1'/><uuid>")
        device.update(changed, libvirt.VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG)
        events.wait(NAME, 'update')
    device.destroy()
    events.wait(NAME, 'deleted')
    device.undefine()
    events.wait(NAME, 'undefined')


def main():
    libvirt.registerErrorHandler(lambda *_: None, None)
    libvirt.virEventRegisterDefaultImpl()
    threading.Thread(target=run_loop, daemon=True).start()
    connection = libvirt.open(sys.argv[1])
    print('version:', libvirt.getVersion())
    read_devices(connection)
    events = Events()
    callbacks = {
        libvirt.VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE: lambda _, device, kind, *rest: events.add(device.name(), KINDS[kind]),
        libvirt.VIR_NODE_DEVICE_EVENT_ID_UPDATE: lambda _, device, *rest: events.add(device.name(), 'update')}
    identifiers = [connection.nodeDeviceEventRegisterAny(None, kind, callback, None)
                   for kind, callback in callbacks.items()]
    live(connection, events)
    for identifier in identifiers:
        connection.nodeDeviceEventDeregisterAny(identifier)
    connection.close()


if __name__ == '__main__':
    main()
