# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents that are malformed, or describe a device that cannot be created."""

import itertools

import libvirt

import rpc
from mediated_test import MediatedTest

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

XML_FROM, RPC_FROM = libvirt.VIR_FROM_XML, libvirt.VIR_FROM_RPC
VALIDATE = 1
DOCUMENT_MAX = 1048576
STRING_MAX = 4194304

WWN = """<device><parent>scsi_host999</parent><capability type='scsi_host'>
<capability type='fc_host'><wwnn>2001001b32a9da5e</wwnn><wwpn>2101001b32a9da5e</wwpn>
</capability></capability></device>"""
BOMB = """<!DOCTYPE device [<!ENTITY a "aaaaaaaaaa">%s]>
<device><parent>&i;</parent><capability type='mdev'><type id='nvidia-11'/></capability></device>
""" % ''.join(f'<!ENTITY {name} "{("&" + below + ";") * 10}">'
              for below, name in zip('abcdefgh', 'bcdefghi'))
FILE = """<!DOCTYPE device [<!ENTITY file SYSTEM "file:///etc/hostname">]>
<device><parent>&file;</parent><capability type='mdev'><type id='nvidia-11'/></capability></device>
"""
NETWORK = FILE.replace('file:///etc/hostname', 'http://127.0.0.1:9/')


def mdev_document(content):
    return ("<device><name>x</name><parent>none</parent><capability type='mdev'>"
            f"<type id='none'/>{content}</capability></device>")


class Heavy(MediatedTest):
    """The slowest documents within the limits do not delay other clients."""

    def refuse_and_count(self, document, code, flags, domain=libvirt.VIR_FROM_NODEDEV):
        """Counts the calls of another client that are answered before this one is refused."""
        writer, other = self.raw(), self.raw()
        writer.send('DEFINE_XML', rpc.string(document) + rpc.u32(flags))
        count = 0
        while writer.receive(0.001) is None:
            other.get_type()
            count += 1
        self.assert_error(writer.frames[-1], code, domain=domain)
        return count

    def test_other_clients(self):
        """Other clients are answered while such a document is parsed, because parsing is not done on the main loop."""
        names = itertools.count()
        many_names = ''.join('<x ' + ' '.join(f"a{next(names):x}=''" for _ in range(64)) + '/>' for _ in range(780))
        features = "<feature name='rx'/>" * 8180
        speed = '1' * 4090
        pci = ("<device><name>x</name><capability type='pci'><domain>0</domain><bus>134</bus><slot>0</slot>"
               "<function>0</function><product id='0x13f2'/><vendor id='0x10de'/><pci-express>"
               f"<link validity='cap' speed='{speed}x' width='1'/></pci-express></capability></device>")
        net = ("<device><name>x</name><capability type='net'><interface>x</interface>"
               f"{features}</capability></device>")
        attrs = "<attr name='a' value='b'/>" * 8180
        unsupported = libvirt.VIR_ERR_CONFIG_UNSUPPORTED
        for document, *refusal in ((mdev_document(many_names), unsupported, 0), (net, unsupported, VALIDATE),
                                   (pci, libvirt.VIR_ERR_XML_INVALID_SCHEMA, VALIDATE, XML_FROM),
                                   (mdev_document(attrs), libvirt.VIR_ERR_XML_ERROR, VALIDATE, XML_FROM)):
            self.assertLess(len(document), DOCUMENT_MAX)
            with self.subTest(document[:150]):
                self.assertGreaterEqual(self.refuse_and_count(document, *refusal), 10)

    def test_many_at_once(self):
        """One user's documents occupy one thread; a short document of the same user does not wait for them."""
        long = mdev_document("<xxxxxxxxxxx a='b'/>" * 49000)
        writers = [self.raw() for _ in range(3)]
        for writer in writers:
            for _ in range(4):
                writer.send('CREATE_XML', rpc.string(long) + rpc.u32(0))
        device = self.create()
        self.assertFalse(all(len(writer.frames) == 4 for writer in writers))
        device.destroy()
        for writer in writers:
            for _ in range(4):
                writer.wait_for(lambda frame: frame.name == 'CREATE_XML')

    def test_disconnect(self):
        writer = self.raw()
        for _ in range(5):
            writer.send('DEFINE_XML', rpc.string(mdev_document("<x a='b'/>" * 49000)) + rpc.u32(0))
        writer.disconnect()
        before = self.snapshot()
        self.create().destroy()
        self.assertEqual(self.snapshot(), before)


class BadDocuments(MediatedTest):
    def refuse(self, code, document, says=(), domain=libvirt.VIR_FROM_NODEDEV):
        with self.nothing_changes():
            return self.assert_refused(code, self.conn.nodeDeviceCreateXML, document, 0, says=says,
                                       domain=domain)

    def test_empty(self):
        for document in ('', ' ', '\n'):
            with self.subTest(document):
                self.refuse(libvirt.VIR_ERR_XML_DETAIL, document)

    def test_truncated(self):
        whole = self.document(uuid=self.new_uuid()).rstrip()
        for length in (1, 8, len(whole) // 2, len(whole) - 1):
            with self.subTest(length):
                self.refuse(libvirt.VIR_ERR_XML_DETAIL, whole[:length], '(node_device_definition)')

    def test_malformed(self):
        for document in ('nonsense', '<device', '<device><name></device>', '<device>&amp</device>',
                         '<device/><device/>', '\x01', '<device>\x02</device>'):
            with self.subTest(document):
                self.refuse(libvirt.VIR_ERR_XML_DETAIL, document)

    def test_not_utf8(self):
        client = self.raw()
        self.assert_refused(libvirt.VIR_ERR_XML_DETAIL, client.create_xml, b'<device>\xff\xfe</device>')
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_wrong_root(self):
        for document in ('<domain/>', '<devices/>', '<Device/>'):
            with self.subTest(document):
                self.refuse(libvirt.VIR_ERR_XML_ERROR, document, domain=XML_FROM)

    def test_no_capability(self):
        self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, f'<device><parent>{self.parent.name}</parent></device>')

    def test_capability_without_type(self):
        self.refuse(libvirt.VIR_ERR_XML_ERROR, '<device><capability/></device>', domain=XML_FROM)

    def test_capability_of_unknown_type(self):
        self.refuse(libvirt.VIR_ERR_XML_ERROR, "<device><capability type='nonsense'/></device>", 'nonsense',
                    domain=XML_FROM)

    def test_two_capabilities(self):
        document = self.document(uuid=self.new_uuid()).replace(
            '</device>', "<capability type='mdev'><type id='nvidia-12'/></capability></device>")
        self.refuse(libvirt.VIR_ERR_XML_ERROR, document, domain=XML_FROM)

    def test_host_bus_adapter(self):
        self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, WWN, 'Could not find parent device')

    def test_other_kinds_cannot_be_created(self):
        pci = """<device><parent>computer</parent><capability type='pci'><domain>0</domain>
            <bus>134</bus><slot>0</slot><function>0</function><product id='0x13f2'/>
            <vendor id='0x10de'/></capability></device>"""
        self.refuse(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, pci, 'Unsupported device type')
        self.refuse(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.dump(self.parent.name))

    def test_no_type(self):
        self.refuse(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.document(type_id=None, uuid=self.new_uuid()))
        for text in ('<type/>', "<type id=''/>", '<type><name/></type>'):
            with self.subTest(text):
                self.refuse(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.document(type_id=None, extra=text))

    def test_bad_uuid(self):
        good = self.new_uuid()
        for uuid in ('nonsense', good[:-1], good + '0', good.replace(good[0], 'g', 1),
                     '../' + good, good + '\n../x'):
            with self.subTest(uuid):
                self.refuse(libvirt.VIR_ERR_INTERNAL_ERROR, self.document(uuid=uuid))

    def test_entities(self):
        for document in (BOMB, FILE, NETWORK):
            with self.subTest(document[:60]), self.within(self.deadline, 'to refuse it'):
                self.refuse(libvirt.VIR_ERR_XML_ERROR, document, domain=XML_FROM)
        self.assertNotIn('root:', self.daemon.log())

    def test_depth(self):
        self.refuse(libvirt.VIR_ERR_XML_ERROR, '<device>' + '<a>' * 100000 + '</a>' * 100000 + '</device>', domain=XML_FROM)

    def test_longest_document(self):
        """A valid document of the maximum size is accepted."""
        document = self.padded(DOCUMENT_MAX)
        device = self.conn.nodeDeviceCreateXML(document, 0)
        self.assertIn(device.name(), self.names())

    def test_too_long_document(self):
        """The error for a longer document names the limit; a much longer message is not even stored."""
        for size in (DOCUMENT_MAX + 1, DOCUMENT_MAX + 60000):
            self.refuse(libvirt.VIR_ERR_XML_ERROR, self.padded(size), f'document is larger than {DOCUMENT_MAX} bytes',
                        domain=XML_FROM)
        for size in (DOCUMENT_MAX + 65536, STRING_MAX):
            self.refuse(libvirt.VIR_ERR_RPC, self.padded(size), 'too large, the limit of this connection is 1114112',
                        domain=RPC_FROM)

    def padded(self, size):
        document = self.document(uuid=self.new_uuid())
        padding = size - len(document) - len('<!---->')
        return document.replace('</device>', f"<!--{'x' * padding}--></device>")

    def test_limits(self):
        """Documents that would occupy the parser or the schema for minutes are refused."""
        attributes = ' '.join(f"a{i}=''" for i in range(100000))
        namespaces = ' '.join(f"xmlns:a{i}='u'" for i in range(50000))
        for extra, says in ((f'<x {attributes}/>', '64 attributes in one element'),
                            (f'<x {namespaces}/>', '8 namespaces in one element'),
                            ('<x>' * 100000, '16 nested elements'),
                            ('<x/>' * 100000, '50000 elements'),
                            ('<!---->' * 100000, '50000 elements')):
            with self.subTest(says):
                self.refuse(libvirt.VIR_ERR_XML_ERROR, self.document(uuid=self.new_uuid(), extra=extra),
                            f'document has more than {says}', domain=XML_FROM)

    def test_validation_limits(self):
        attr = "<attr name='scratch' value='{}'/>"
        for extra, says in ((attr.format('x') * 30000, '8192 elements'),
                            (attr.format('1' * 5000), '4096 bytes in one text')):
            document = self.document(uuid=self.new_uuid(), extra=extra)
            with self.subTest(says), self.nothing_changes():
                self.assert_refused(libvirt.VIR_ERR_XML_ERROR, self.conn.nodeDeviceCreateXML, document, VALIDATE,
                                    says=f'document has more than {says}', domain=XML_FROM)

    def test_many_attributes(self):
        attrs = [('scratch', 'x')] * 20000
        self.refuse(libvirt.VIR_ERR_XML_ERROR, self.document(uuid=self.new_uuid(), attrs=attrs), 'more than 1024 attributes',
                    domain=XML_FROM)
