# SPDX-License-Identifier: LGPL-2.1-or-later
"""vGPUs with drivers, clients and administrators that do the wrong thing at the wrong time."""

import errno

import libvirt

import rpc
import vgpu_hosts
from vgpu_card import CURRENT
from vgpu_test import VgpuTest

ONLY_ON = ('sim', 'the cards are simulated')
INTERNAL = libvirt.VIR_ERR_INTERNAL_ERROR
CLIENTS = 32


class HostileTest(VgpuTest):
    """Calls of clients that do not wait for the reply."""

    def send_create(self, client, function, uuid, number=None):
        document = self.vgpu_document(function, number, uuid=uuid)
        return client.send('CREATE_XML', rpc.string(document) + rpc.u32(0))

    def begin_blocked(self, client, uuid):
        """Sends a create that blocks in the driver, and waits until it does."""
        self.function.set_knob('block_assign', True)
        serial = self.send_create(client, self.function, uuid)
        self.card.wait_asked('write', self.function.address, CURRENT, self.deadline)
        return serial


class SameUuid(HostileTest):
    """UUIDs are unique, even if two clients use one at once."""

    def check(self, other, number):
        uuid = self.new_uuid()
        first, second = self.raw(), self.raw()
        serial = self.begin_blocked(first, uuid)
        late = self.send_create(second, other, uuid, number)
        second.get_lib_version()
        self.function.set_knob('block_assign', False)
        self.assertIsNone(first.wait_reply(serial).error())
        self.assertIn(uuid, second.wait_reply(late).error().message)
        self.assertEqual(other.number, 0)
        self.assertEqual(self.vgpus(), [self.vgpu(self.function, uuid)])

    def test_one_card(self):
        self.check(self.other, self.number)

    def test_two_cards(self):
        vgpu_hosts.add_l40s(self.host.kernel, 1, 2)
        other = self.host.cards[1].functions[0]
        self.wait_until(lambda: self.node(other) in self.names() and self.types(other), 'a second card')
        self.check(other, self.number)

    def test_again_after_a_failure(self):
        """A failed create reserves nothing."""
        uuid = self.new_uuid()
        self.function.set_knob('fail_assign', errno.EIO)
        self.refuse(INTERNAL, uuid=uuid)
        self.function.relax()
        self.create_vgpu(uuid=uuid)


class NotWithdrawn(HostileTest):
    def test_second_attempt(self):
        """A type that the driver failed to take back after refused parameters: 0 is not written again."""
        self.function.set_knob('fail_params', errno.EINVAL)
        self.function.set_knob('fail_release', errno.EIO)
        uuid = self.new_uuid()
        document = self.vgpu_document(uuid=uuid, attrs=[('nvidia/vgpu_params', 'x=1')])
        self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR, self.conn.nodeDeviceCreateXML, document, 0)
        name = self.vgpu(self.function, uuid)
        self.assertEqual(self.vgpus(), [name])
        self.assert_refused(libvirt.VIR_ERR_OPERATION_INVALID, self.conn.nodeDeviceLookupByName(name).destroy)
        self.restart(self.daemon.kill)
        self.assertEqual(self.vgpus(), [name])
        self.assertEqual(self.card.written(self.function.address), ['1155', '0'])
        self.assertEqual(self.card.traps, [])


class Leaving(HostileTest):
    """Clients that disconnect while their calls run or wait."""

    def check_card(self):
        """The card has no operation left: it takes the next one, and what others assign is seen."""
        self.wait_until(lambda: self.function.number == self.number, 'the type')
        device = self.create_vgpu(self.other)
        device.destroy()
        self.other.assign(self.number)
        self.assertIn(self.vgpu_of_others(self.other), self.vgpus())

    def test_create(self):
        client = self.raw()
        self.begin_blocked(client, self.new_uuid())
        waiting = [self.raw() for _ in range(4)]
        for each in waiting:
            self.send_create(each, self.other, self.new_uuid())
            each.get_lib_version()
            each.close()
        client.close()
        self.function.set_knob('block_assign', False)
        self.check_card()

    def test_destroy_that_is_repeated(self):
        device = self.create_vgpu()
        client = self.raw()
        self.function.set_knob('busy', 1000)
        with self.settings(mdev={'driver_timeout': '600'}):
            client.send('DESTROY', rpc.string(device.name()))
            self.wait_until(lambda: self.card.written(self.function.address).count('0') > 1, 'a second attempt')
        client.close()
        self.in_background(lambda: self.create_vgpu(self.other).destroy()).result(self.deadline)

    def test_stop_during_a_destroy_that_is_repeated(self):
        name = self.create_vgpu().name()
        self.function.set_knob('busy', 1000)
        client = self.raw()
        with self.settings(mdev={'driver_timeout': '2'}):
            client.send('DESTROY', rpc.string(name))
            self.wait_until(lambda: self.card.written(self.function.address).count('0') > 1, 'a second attempt')
        self.restart()
        self.assertEqual(self.vgpus(), [name])


class Hung(HostileTest):
    """A driver that hangs in a read of one function."""

    def test_lists_and_calls(self):
        self.wait_until(lambda: all(map(self.types, self.card.functions)), 'parents')
        self.function.set_knob('block_read', CURRENT)
        for _ in range(3):
            self.assertIn(self.node(self.other), self.names())
        self.assertEqual(self.types(self.other, self.connect()), self.types(self.other, self.connect()))
        with self.settings(mdev={'driver_timeout': '0.5'}):
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, self.create_vgpu)
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, lambda: self.create_vgpu(self.other),
                                says='earlier request')
        self.function.set_knob('block_read', '')
        self.other.assign(self.number)
        self.wait_until(lambda: self.vgpu_of_others(self.other) in self.vgpus(), 'the vGPU of others')

    def test_crowd(self):
        """Many clients ask about a slow card while one creates and destroys."""
        self.function.set_knob('read_seconds', 0.02)
        clients = [self.raw() for _ in range(CLIENTS)]
        for client in clients:
            for _ in range(4):
                client.send('GET_XML_DESC', rpc.string(self.node(self.function)) + rpc.u32(0))
                client.send('LIST_ALL', rpc.i32(1) + rpc.u32(0))
        self.create_vgpu().destroy()
        for client in clients:
            client.get_lib_version()
        self.function.relax()
        self.create_vgpu(self.other)
        self.assertEqual((self.function.number, self.other.number), (0, self.number))
