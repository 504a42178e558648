# SPDX-License-Identifier: LGPL-2.1-or-later
"""The wire protocol: which messages are answered, and which end a connection."""

import socket
import struct

import libvirt

import rpc
from mediated_test import MediatedTest, not_on

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

UNSUPPORTED = libvirt.VIR_ERR_NO_SUPPORT
RPC_ERROR, FROM_RPC = libvirt.VIR_ERR_RPC, libvirt.VIR_FROM_RPC
LOOK_UP_NETWORK = 46    # of the program with the procedures of all drivers


class Frames(MediatedTest):
    """A malformed frame ends its client's connection, and no other."""

    def check_ended(self, data):
        bystander = self.raw()
        client = self.raw()
        client.send_raw(data)
        client.wait_closed()
        self.assertEqual(bystander.look_up('computer'), 'computer')

    def test_length(self):
        body = b'\0' * 64
        for length in (0, 1, 3, 4, 27, 33554433, 2**31 - 1, 2**31, 2**32 - 1):
            with self.subTest(length):
                self.check_ended(struct.pack('>I', length) + body)

    def test_garbage(self):
        for data in (b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', b'\xff' * 100):
            with self.subTest(data[:10]):
                self.check_ended(data)

    def test_before_open(self):
        client = self.raw(opened=False)
        client.send_raw(struct.pack('>I', 2**31))
        client.wait_closed()

    def test_byte_by_byte(self):
        client = self.raw()
        payload = rpc.string('computer')
        for byte in client.frame(rpc.PROCEDURES['LOOKUP_BY_NAME'], payload, serial=77):
            client.send_raw(bytes([byte]))
        self.assertEqual(client.wait_reply(77).decoder().string(), 'computer')

    def test_many_in_one_go(self):
        client = self.raw()
        number = rpc.PROCEDURES['LOOKUP_BY_NAME']
        serials = range(1000, 1200)
        client.send_raw(b''.join(client.frame(number, rpc.string('computer'), serial=serial)
                                 for serial in serials))
        for serial in serials:
            self.assertEqual(client.wait_reply(serial).decoder().string(), 'computer')

    def test_client_sends_no_more(self):
        """A client that closes its sending side gets all replies, and then the end."""
        client = self.raw()
        serials = [client.send('GET_XML_DESC', rpc.string(self.parent.name) + rpc.u32(0)) for _ in range(100)]
        client.socket.shutdown(socket.SHUT_WR)
        for serial in serials:
            self.assertIn(self.parent.name, client.wait_reply(serial).decoder().string())
        client.wait_closed()

    def test_client_vanishes_at_any_byte(self):
        frame = rpc.Connection.frame(rpc.PROCEDURES['LOOKUP_BY_NAME'], rpc.string('computer'))
        for length in range(len(frame)):
            client = self.raw()
            client.send_raw(frame[:length])
            client.disconnect()
        self.assertEqual(self.raw().look_up('computer'), 'computer')

    def test_client_vanishes_before_its_replies(self):
        for _ in range(20):
            client = self.raw()
            for _ in range(20):
                client.send('LIST_ALL', rpc.i32(1) + rpc.u32(0))
            client.disconnect()
        self.assertEqual(self.raw().look_up('computer'), 'computer')


class Headers(MediatedTest):
    """A well-formed frame is answered, whatever its header says."""

    def refuse(self, procedure, payload=b'', **header):
        client = self.raw()
        frame = client.wait_reply(client.send(procedure, payload, **header))
        self.assertTrue(self.assert_error(frame, RPC_ERROR, domain=FROM_RPC))
        self.assertEqual(frame.error().level, 2)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_unknown_program(self):
        for program in (0, 0x20008087, 0x20008088, rpc.ADMIN, 2**32 - 1):
            with self.subTest(hex(program)):
                self.refuse('LOOKUP_BY_NAME', rpc.string('computer'), program=program)

    def test_unknown_version(self):
        for version in (0, 2, 2**32 - 1):
            with self.subTest(version):
                self.refuse('LOOKUP_BY_NAME', rpc.string('computer'), version=version)

    def test_unknown_procedure(self):
        for procedure in (0, -1, 10000, 2**31 - 1, -2**31):
            with self.subTest(procedure):
                self.refuse(procedure)

    def test_events_cannot_be_called(self):
        for procedure in ('EVENT_LIFECYCLE', 'EVENT_UPDATE', 'CONNECTION_CLOSED'):
            with self.subTest(procedure):
                self.refuse(procedure)

    def test_status(self):
        for status in (rpc.ERROR, rpc.CONTINUE, 77):
            with self.subTest(status):
                self.refuse('LOOKUP_BY_NAME', rpc.string('computer'), status=status)

    def test_type(self):
        """Replies, events and stream packets from a client are ignored."""
        client = self.raw()
        for kind in (rpc.REPLY, rpc.MESSAGE, rpc.STREAM, rpc.REPLY_WITH_FDS, 77, -1):
            client.send('LOOKUP_BY_NAME', rpc.string('computer'), kind=kind)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_serial_of_the_client(self):
        client = self.raw()
        for serial in (0, 1, 2**31, 2**32 - 1):
            client.send('LOOKUP_BY_NAME', rpc.string('computer'), serial=serial)
            reply = client.wait_reply(serial)
            self.assertEqual((reply.program, reply.version, reply.procedure, reply.status),
                             (rpc.REMOTE, 1, rpc.PROCEDURES['LOOKUP_BY_NAME'], rpc.OK))


class Payloads(MediatedTest):
    def refuse(self, procedure, payload):
        client = self.raw()
        self.assert_refused(RPC_ERROR, client.call, procedure, payload, domain=FROM_RPC)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_too_short(self):
        good = rpc.string('computer')
        for payload in (b'', good[:-1], good[:-4], good[:4], good[:3]):
            with self.subTest(payload):
                self.refuse('LOOKUP_BY_NAME', payload)

    def test_zero_byte_in_a_text(self):
        self.refuse('LOOKUP_BY_NAME', struct.pack('>I', 12) + b'computer\0bad')
        self.refuse('LOOKUP_BY_NAME', struct.pack('>I', 9) + b'computer\0\0\0\0')

    def test_bytes_behind_the_arguments(self):
        client = self.raw()
        good = rpc.string('computer')
        for more in (b'\0', b'\0\0\0\0', b'computer' * 100):
            with self.subTest(more):
                decoder = client.call('LOOKUP_BY_NAME', good + more)
                self.assertEqual(decoder.string(), 'computer')

    def test_nonzero_padding(self):
        client = self.raw()
        for padding in (b'\xff', b'\1'):
            with self.subTest(padding):
                decoder = client.call('NUM_OF_DEVICES', rpc.u32(1) + rpc.u32(3) + b'pci' + padding + rpc.u32(0))
                self.assertEqual(decoder.i32(), client.num_of_devices('pci'))

    def test_numbers_as_booleans(self):
        for flag in (b'\x01\0\0\0', b'\xff\xff\xff\xff', b'\0\0\0\x02'):
            with self.subTest(flag):
                client = self.raw()
                decoder = client.call('NUM_OF_DEVICES', flag + rpc.string('system') + rpc.u32(0))
                self.assertEqual(decoder.i32(), 1)

    def test_string_length(self):
        for length in (9, 4194304, 4194305, 2**31, 2**32 - 1):
            with self.subTest(length):
                self.refuse('LOOKUP_BY_NAME', struct.pack('>I', length) + b'computer')

    def test_superfluous_arguments(self):
        client = self.raw()
        for payload in (b'\0\0\0\0', b'\xff', rpc.string('computer')):
            with self.subTest(payload):
                self.assertEqual(client.call('GET_URI', payload).string(), 'nodedev:///system')

    def test_name_with_invalid_utf8(self):
        client = self.raw()
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, client.look_up, b'\xff\xfe')
        self.assertEqual(client.look_up('computer'), 'computer')


class Opening(MediatedTest):
    def test_first_calls_of_virsh(self):
        client = self.raw(opened=False)
        self.assertEqual(client.open(), [0])
        self.assertEqual([client.supports_feature(feature) for feature in (10, 14, 15, 9999)],
                         [1, 1, 1, 0])
        client.call('REGISTER_CLOSE_CALLBACK').end()
        self.assertEqual(client.get_uri(), 'nodedev:///system')
        self.assertEqual(client.is_secure(), 1)
        # The first version with all calls that the daemon serves.
        self.assertGreaterEqual(client.get_lib_version(), 10001000)
        client.call('UNREGISTER_CLOSE_CALLBACK').end()
        client.close()
        client.wait_closed()

    def test_first_calls_of_go_client(self):
        """Such clients write the flag that a name follows in the byte order of the machine; older ones send a payload
        with AUTH_LIST."""
        client = self.raw(opened=False)
        decoder = client.call('AUTH_LIST', b'\0\0\0\0')
        self.assertEqual([decoder.i32() for _ in range(decoder.u32())], [0])
        client.call('OPEN', b'\x01\0\0\0' + rpc.string('nodedev:///system') + rpc.u32(0)).end()
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_keepalive_query_before_open(self):
        client = self.raw(opened=False)
        self.assertEqual(client.supports_feature(10), 1)
        client.open()
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_nothing_before_open(self):
        client = self.raw(opened=False)
        for call in (client.list_all, client.get_uri, lambda: client.look_up('computer'),
                     lambda: client.create_xml(self.document()), lambda: client.register(0)):
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, call, says='not open', domain=FROM_RPC)
        client.open()
        self.assertEqual(client.look_up('computer'), 'computer')
        self.assertEqual(self.host.children(), [])

    def test_uris(self):
        for uri in ('nodedev:///system', None, '', 'nodedev:///system?socket=/x'):
            with self.subTest(uri):
                client = self.raw(opened=False)
                client.open(uri)
                self.assertEqual(client.look_up('computer'), 'computer')

    def test_uris_of_others(self):
        no_driver, no_path = libvirt.VIR_ERR_NO_CONNECT, libvirt.VIR_ERR_INTERNAL_ERROR
        for code, uri in ((no_driver, 'qemu:///system'), (no_path, 'nodedev:///session'), (no_path, 'nodedev:///'),
                          (no_path, 'nodedev:///nonsense'), (no_driver, 'nonsense'), (no_driver, '\x01'),
                          (no_driver, 'nodedev://host/system')):
            with self.subTest(uri):
                client = self.raw(opened=False)
                self.assert_refused(code, client.open, uri, domain=libvirt.VIR_FROM_NONE)
                client.open()

    def test_foreign_path(self):
        client = self.raw(opened=False)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, client.open, 'nodedev:///nonsense', says='nonsense',
                            domain=libvirt.VIR_FROM_NONE)

    def test_unknown_flags(self):
        client = self.raw(opened=False)
        self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, client.open, 'nodedev:///system', 1 << 20,
                            domain=libvirt.VIR_FROM_NONE)

    def test_open_twice(self):
        client = self.raw()
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, client.open, says='already open', domain=FROM_RPC)
        self.assertEqual(client.look_up('computer'), 'computer')


class Unserved(MediatedTest):
    """Procedures of other daemons are refused as in libvirt, without ending the connection."""

    def test_unserved_calls_of_the_driver(self):
        client = self.raw()
        name = rpc.string('computer')
        for procedure, payload in (('DETTACH', name), ('REATTACH', name), ('RESET', name),
                                   ('DETACH_FLAGS', name + rpc.optional(None) + rpc.u32(0))):
            with self.subTest(procedure):
                self.assert_refused(UNSUPPORTED, client.call, procedure, payload)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_calls_of_other_drivers(self):
        client = self.raw()
        for procedure in ('GET_HOSTNAME', 'GET_VERSION', 6, 7, 23, LOOK_UP_NETWORK, 51, 273):
            with self.subTest(procedure):
                domain = libvirt.VIR_FROM_NETWORK if procedure == LOOK_UP_NETWORK else libvirt.VIR_FROM_DOMAIN
                self.assert_refused(UNSUPPORTED, client.call, procedure,
                                    says='not supported by the connection driver', domain=domain)
        self.assertEqual(client.look_up('computer'), 'computer')

    @not_on('modular', 'these daemons serve such calls themselves')
    def test_through_libvirt(self):
        for domain, call in ((libvirt.VIR_FROM_DOMAIN, self.conn.getHostname),
                             (libvirt.VIR_FROM_DOMAIN, self.conn.getVersion),
                             (libvirt.VIR_FROM_DOMAIN, self.conn.listAllDomains),
                             (libvirt.VIR_FROM_NETWORK, self.conn.listAllNetworks),
                             (libvirt.VIR_FROM_DOMAIN, self.conn.getCapabilities),
                             (libvirt.VIR_FROM_NODEDEV, self.conn.nodeDeviceLookupByName('computer').reset)):
            with self.subTest(call.__name__):
                self.assert_refused(UNSUPPORTED, call, domain=domain)
        self.assertIn('computer', self.names())

    def test_no_polkit_check(self):
        client = self.raw(opened=False)
        self.assert_refused(libvirt.VIR_ERR_AUTH_FAILED, client.call, 'AUTH_POLKIT', domain=FROM_RPC)
        client.open()


class Fds(MediatedTest):
    def test_call_with_descriptors(self):
        """A call with descriptors is refused, because no procedure takes any; other clients are not affected."""
        bystander = self.raw()
        client = self.raw()
        client.send('LOOKUP_BY_NAME', rpc.string('computer'), kind=rpc.CALL_WITH_FDS)
        try:
            client.wait_reply(client.serial, self.deadline)
        except rpc.Closed:
            pass
        self.assertEqual(bystander.look_up('computer'), 'computer')
