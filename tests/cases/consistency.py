# SPDX-License-Identifier: LGPL-2.1-or-later
"""On every machine, all answers about a device agree, and every device named in an answer exists."""

import libvirt

import contradictions
import documents
import hosts
import s390_hosts
from mediated_test import MediatedTest, only_on

MDEV_TYPES = 1 << 13
NO_PARENT = 'does not support mediated devices'


class ConsistencyTest(MediatedTest):
    def check(self):
        self.assertEqual(contradictions.find(self.conn), [])


class Answers(ConsistencyTest):
    """The machine that runs the test; classes for the simulated machines follow."""

    def test_agree(self):
        self.check()
        for parent in self.host.parents():
            type_id = self.host.type_ids(parent)[0]
            # The functions of a card share its room.
            if self.host.available(parent, type_id) > 0:
                self.create(parent=parent.name, type_id=type_id)
            self.define(parent=parent.name, type_id=type_id)
        self.check()


def on_machine(name):
    return only_on('sim', 'such a machine is simulated')(type(
        f'On{name.title().replace("-", "")}', (Answers,), {'machine': name, '__module__': __name__}))


globals().update({case.__name__: case for case in map(on_machine, hosts.MACHINES)})


@only_on('sim', 'types of a real driver are there or not')
class NoTypes(ConsistencyTest):
    """Parents without any type, as drivers leave them before their devices are set up."""

    def types(self, parent):
        return f'{parent.path}/mdev_supported_types'

    def empty(self, parent):
        """Removes all types; the directory remains, or is replaced by a new one."""
        self.host.unregister(parent)
        self.host.kernel.sysfs.mkdir(self.types(parent))
        self.announce(parent)

    def announce(self, parent):
        self.host.kernel.event('change', parent.path)
        self.host.kernel.udevd.settle(self.deadline)
        self.conn.getLibVersion()

    def check_parent(self, parent):
        """Checks that no answer treats the device as a parent until it has a type."""
        self.empty(parent)
        is_listed = self.wait_until(lambda: parent.name not in self.names(MDEV_TYPES) and [parent.name in self.names()],
                                    'no parent')[0]
        self.check()
        if is_listed:
            self.assertNotIn('mdev_types', self.conn.nodeDeviceLookupByName(parent.name).listCaps())
            self.assertNotIn('mdev_types', self.dump(parent.name))
            document = self.document(parent=parent.name, type_id='x-1')
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML, document, 0,
                                says=[parent.name, NO_PARENT], domain=libvirt.VIR_FROM_NODEDEV)
        self.host.register(parent)
        self.wait_until(lambda: parent.name in self.names(MDEV_TYPES), parent.name)
        self.assertTrue(documents.mdev_types(documents.parse(self.dump(parent.name))))
        self.check()

    def check_all(self):
        for parent in self.host.parents():
            with self.subTest(parent.name):
                self.check_parent(parent)

    def test_function(self):
        self.check_all()

    def test_autostart_with_a_type(self):
        """Devices with autostart are started when their parent gets its first type."""
        uuid = self.new_uuid()
        name = self.define(uuid=uuid).name()
        self.empty(self.parent)
        self.conn.nodeDeviceLookupByName(name).setAutostart(1)
        self.assertFalse(self.conn.nodeDeviceLookupByName(name).isActive())
        events = self.listen()
        self.host.register(self.parent)
        events.wait(('created', name))


class NoTypesOnChannels(NoTypes):
    machine = 'mainframe'


class NoTypesOfVirtualParents(NoTypes):
    machine = 'virtual'


@only_on('sim', 'the VM has no such hardware')
class Groups(ConsistencyTest):
    """Groups of channel-attached devices: member and group agree."""

    machine = 'mainframe'
    CHANNELS = [f'{s390_hosts.CSS}/0.0.002{number}/0.0.bd0{number}' for number in range(3)]

    def setUp(self):
        super().setUp()
        self.sysfs = self.host.kernel.sysfs
        self.events = self.listen()

    def ungroup(self):
        path = f'{s390_hosts.QETH}/0.0.bd00'
        for number, member in enumerate(self.CHANNELS):
            self.sysfs.unlink(f'{member}/group_device')
            self.sysfs.unlink(f'{path}/cdev{number}')
        self.sysfs.remove_device(path)
        self.host.kernel.event('remove', path, SUBSYSTEM='ccwgroup', DEVTYPE='qeth_generic')

    def test_ungrouped(self):
        """Ungrouping reports the removal of the group only."""
        self.ungroup()
        self.events.wait(('deleted', 'ccwgroup_0_0_bd00'))
        self.assertEqual(self.events.all(), [('deleted', 'ccwgroup_0_0_bd00')])
        self.check()

    def test_grouped(self):
        self.ungroup()
        self.events.wait(('deleted', 'ccwgroup_0_0_bd00'))
        self.host.kernel.event('add', s390_hosts.group_qeth(self.host.kernel, self.CHANNELS[:2]))
        self.events.wait(('created', 'ccwgroup_0_0_bd00'))
        self.assertEqual(sorted(self.conn.listDevices('ccwgroup_member')), ['ccw_0_0_bd00', 'ccw_0_0_bd01'])
        self.check()
