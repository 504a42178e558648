#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3-libvirt: lists, documents, errors, both kinds of events, and the life of a device. usage: python.py URI"""

import pathlib
import sys

import libvirt

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'lib'))

import documents  # noqa: E402  pylint: disable=wrong-import-position
from client_events import EventLoop, Events  # noqa: E402  pylint: disable=wrong-import-position

PARENT = 'pci_0000_86_00_0'
UUID = '2c1f7a30-4b0e-4e8b-9a52-93a1f3c10002'
NAME = f'mdev_{UUID.replace("-", "_")}_0000_86_00_0'
DOCUMENT = documents.create(PARENT, 'nvidia-11', uuid=UUID)
SECONDS = 30


class Story(Events):
    """Events in order."""

    def expect(self, kind):
        """Waits for an event of the device, and forgets the events up to this one."""
        event = (kind, NAME)
        self.wait(event)
        with self.changed:
            del self.seen[:self.seen.index(event) + 1]
        print('event:', *event)


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
    events.expect('created')
    assert connection.listDevices('mdev') == [NAME]
    assert (device.isActive(), device.isPersistent()) == (1, 0)
    device.destroy()
    events.expect('deleted')

    device = connection.nodeDeviceDefineXML(DOCUMENT)
    events.expect('defined')
    assert (device.isActive(), device.isPersistent(), device.autostart()) == (0, 1, 0)
    device.setAutostart(1)
    assert device.autostart() == 1
    device.create()
    events.expect('created')
    assert device.isActive() == 1
    if hasattr(device, 'update'):
        changed = device.XMLDesc().replace('<uuid>', "<attr name='nvidia/vgpu_params' value='x=1'/><uuid>")
        device.update(changed, libvirt.VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG)
        events.expect('update')
    device.destroy()
    events.expect('deleted')
    device.undefine()
    events.expect('undefined')


def main():
    EventLoop.ensure()
    connection = libvirt.open(sys.argv[1])
    print('version:', libvirt.getVersion())
    read_devices(connection)
    events = Story(connection, SECONDS)
    live(connection, events)
    events.stop()
    connection.close()


if __name__ == '__main__':
    main()
