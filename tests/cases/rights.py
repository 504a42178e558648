# SPDX-License-Identifier: LGPL-2.1-or-later
"""A user with permissions on a "new device" has none on the existing devices that a document names or describes;
checked with a real polkitd."""

import os
import pathlib
import re

import libvirt

import documents
import rpc
from access import NOBODY, PolkitTest, MEMBER, REFUSED, allow_all, rule
from mediated_test import only_on
from vhba import NO_FIBRE, document as vhba_document

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

CONFIG, LIVE = 2, 1
INVALID = libvirt.VIR_ERR_OPERATION_INVALID
MANUAL = pathlib.Path(__file__).resolve().parents[2] / 'docs/mediated.8.rst'

DEVICE_ACTIONS = "action.id.indexOf('org.libvirt.api.node-device.') == 0"
CHANGES = ('write', 'start', 'stop', 'delete', 'save')


def for_device(name, *permissions):
    """Returns a rule for these permissions on one device."""
    ids = ', '.join(f"'org.libvirt.api.node-device.{permission}'" for permission in permissions)
    return rule(f"[{ids}].indexOf(action.id) >= 0 && action.lookup('node_device_name') == '{name}'")


ONLY_NEW = for_device('new device', *CHANGES)


class RightsTest(PolkitTest):
    rules = ONLY_NEW

    def forms(self, uuid, **fields):
        """Returns documents of one device, in all forms."""
        for text in (uuid, uuid.upper(), uuid.replace('-', ''), f' {uuid[:4]}-{uuid[4:]}'):
            for parent in (self.parent.name, self.parent.address):
                yield self.document(uuid=text, parent=parent, **fields)
        address = f'<parent_addr>{self.parent.address}</parent_addr>'
        yield self.document(uuid=uuid, parent=None, extra=address, **fields)

    def assert_all_denied(self, client, uuid, **fields):
        other = self.host.type_ids(self.parent)[1]
        with self.nothing_changes():
            for document in self.forms(uuid, type_id=other, **fields):
                with self.subTest(document):
                    self.assert_denied(client.create_xml, document)
                    self.assert_denied(client.define_xml, document)


class NewDevice(RightsTest):
    def test_new_ones(self):
        client = self.opened(NOBODY)
        for call in (client.create_xml, client.define_xml):
            self.assertIn(call(self.document(uuid=self.new_uuid())), self.names())

    def test_defined(self):
        uuid = self.new_uuid()
        name = self.define(uuid=uuid, attrs=[('scratch', 'kept')]).name()
        before = self.definition_path(uuid).read_bytes()
        client = self.opened(NOBODY)
        self.assert_denied(client.undefine, name)
        self.assert_denied(client.create, name)
        self.assert_all_denied(client, uuid)
        self.assertEqual(self.definition_path(uuid).read_bytes(), before)
        self.assertEqual(self.host.children(self.parent), [])

    def test_active(self):
        uuid = self.new_uuid()
        name = self.create(uuid=uuid).name()
        self.assert_all_denied(self.opened(NOBODY), uuid)
        self.assertFalse(self.definition_path(uuid).exists())
        self.assertTrue(self.raw().is_active(name))

    def test_absent_parent(self):
        uuid, address = self.new_uuid(), '0000:0e:1f.7'
        parent = 'pci_0000_0e_1f_7'
        root = self.raw()
        name = root.define_xml(self.document(uuid=uuid, parent=parent))
        before = self.definition_path(uuid, address).read_bytes()
        client = self.opened(NOBODY)
        shown = root.get_xml(name).replace(self.type_id, self.host.type_ids(self.parent)[1])
        for document in (self.document(uuid=uuid, parent=parent, attrs=[('scratch', 'x')]), shown):
            self.assert_denied(client.define_xml, document)
        self.assertEqual(self.definition_path(uuid, address).read_bytes(), before)

    def test_permissions(self):
        """A document that describes an existing device requires the permissions to change and start the device;
        replacing a definition also requires the permission to remove it."""
        uuid = self.new_uuid()
        name = self.define(uuid=uuid).name()
        document = self.document(uuid=uuid, attrs=[('scratch', 'x')])
        for needed, verb in ((('write', 'start'), 'create_xml'), (('write', 'delete'), 'define_xml')):
            for missing in needed:
                with self.subTest(verb=verb, missing=missing):
                    others = set(CHANGES) - {missing}
                    self.polkit.use(ONLY_NEW + for_device(name, *others))
                    self.assert_denied(getattr(self.opened(NOBODY), verb), document)
            self.polkit.use(ONLY_NEW + for_device(name, *needed))
            self.assertEqual(getattr(self.opened(NOBODY), verb)(document), name)
        self.assertEqual(self.read_definition(uuid)['attrs'], [{'scratch': 'x'}])

    def test_persistent_copy(self):
        """Defining an active device replaces nothing."""
        uuid = self.new_uuid()
        name = self.create(uuid=uuid).name()
        self.polkit.use(ONLY_NEW + for_device(name, 'write'))
        self.assertEqual(self.opened(NOBODY).define_xml(self.document(uuid=uuid)), name)
        self.assertTrue(self.definition_path(uuid).exists())


class Update(RightsTest):
    def test_document_of_another_device(self):
        """An update with another device's document would fail, but without permissions on that device, it is denied
        first."""
        mine, other = self.new_uuid(), self.new_uuid()
        name = self.create(uuid=mine).name()
        self.create(uuid=other)
        self.polkit.use(for_device(name, 'write'))
        client = self.opened(NOBODY)
        with self.nothing_changes():
            self.assert_denied(client.update, name, self.document(uuid=other), LIVE)
            self.polkit.use(allow_all('write'))
            self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.opened(NOBODY).update, name,
                                self.document(uuid=other), LIVE, says='uuid mismatch')


class Parents(RightsTest):
    """A parent that the user may not see cannot be used."""

    @property
    def hidden(self):
        return self.host.parents()[1]

    def test_hidden(self):
        for form in (self.hidden.name, self.hidden.address):
            self.polkit.use(rule(f"{DEVICE_ACTIONS} && action.lookup('node_device_name') == "
                                 f"'{self.hidden.name}'", 'NO') + ONLY_NEW)
            client = self.opened(NOBODY)
            document = self.document(uuid=self.new_uuid(), parent=form)
            with self.nothing_changes():
                self.assert_denied(client.create_xml, document)
                self.assert_denied(client.define_xml, document)
        self.assertIn(client.create_xml(self.document()), self.names())

    def test_not_there(self):
        """A missing parent is checked under the name in the document."""
        absent = '0000:0e:1f.7'
        self.polkit.use(rule(f"{DEVICE_ACTIONS} && action.lookup('node_device_name') == '{absent}'",
                             'NO') + ONLY_NEW)
        client = self.opened(NOBODY)
        address = f'<parent_addr>{absent}</parent_addr>'
        for fields in ({'parent': absent}, {'parent': None, 'extra': address},
                       {'parent': 'computer', 'extra': address}):
            self.assert_denied(client.define_xml, self.document(uuid=self.new_uuid(), **fields))


class Meanwhile(RightsTest):
    """A call is authorized by what its document means when the call is executed."""

    def test_defined_by_others(self):
        """The call is executed after an earlier call has defined the device."""
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        asked, go_on = (self.daemon.directory / file for file in ('asked', 'go-on'))
        for path in (asked, go_on):
            os.mkfifo(path)
        script = self.daemon.scripts / 'callouts/10-waits.sh'
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f'#!/bin/sh\n[ $4 = pre ] && {{ echo x > {asked}; cat {go_on}; }}\nexit 0\n',
                          encoding='utf-8')
        script.chmod(0o755)
        fields = {'uuid': uuid, 'attrs': [('scratch', 'of root')]}
        first = self.in_background(lambda: self.define(self.connect(), **fields))
        asked.read_text(encoding='ascii')
        client = self.opened(NOBODY)
        second = client.send('DEFINE_XML', rpc.string(self.document(uuid=uuid, attrs=[('scratch', 'x')])) + rpc.u32(0))
        for _ in range(5):
            client.look_up('computer')
        go_on.write_text('', encoding='ascii')
        self.assertEqual(first.result(self.deadline).name(), name)
        self.assert_error(client.wait_reply(second), INVALID, 'created or defined in the meantime')
        self.assertEqual(self.read_definition(uuid)['attrs'], [{'scratch': 'of root'}])


@only_on('sim', NO_FIBRE)
class HostAdapters(RightsTest):
    machine = 'fibre'

    def test_present(self):
        """An adapter's names are in use; a user without permissions on the adapter only learns that the call is
        denied."""
        name = self.conn.nodeDeviceCreateXML(vhba_document(), 0).name()
        self.assert_denied(self.opened(NOBODY).create_xml, vhba_document())
        self.polkit.use(ONLY_NEW + for_device(name, 'write', 'start'))
        self.assert_refused(INVALID, self.opened(NOBODY).create_xml, vhba_document(), says=name)

    def test_parents(self):
        """A document without a parent may mean any adapter."""
        self.polkit.use(rule(f"{DEVICE_ACTIONS} && action.lookup('node_device_name') == 'scsi_host4'",
                             'NO') + ONLY_NEW)
        client = self.opened(NOBODY)
        for parent in ('<parent>scsi_host4</parent>', '', "<parent fabric_wwn='2001000dec9877c1'/>",
                       "<parent wwnn='20000000c9831b04' wwpn='10000000c9831b04'/>"):
            with self.subTest(parent):
                self.assert_denied(client.create_xml, vhba_document(parent))
        self.assertIn(client.create_xml(vhba_document()), self.names())


class Manual(PolkitTest):
    """The rule of the manual page that restricts a user, verbatim except for group and parent."""

    @property
    def rules(self):
        page = MANUAL.read_text(encoding='utf-8')
        (text,) = re.findall(r'devices of one parent, and nothing else::\n\n((?:    .*\n|\n)+)', page)
        for name, value in (('vgpu', MEMBER), ('0000_86_00_0', self.parent.name.removeprefix('pci_'))):
            self.assertIn(name, text)
            text = text.replace(name, value)
        return text

    def test_confined(self):
        other = self.host.parents()[1]
        theirs = self.create(parent=other.name).name()
        uuid = self.new_uuid()
        defined = self.define(parent=other.name, uuid=uuid).name()
        client = self.opened(MEMBER)
        with self.nothing_changes():
            for call in (client.destroy, client.undefine, client.create, client.get_xml):
                for name in (theirs, defined, other.name):
                    self.assert_denied(call, name)
            for document in (self.document(parent=other.name), self.document(parent='0000:0e:1f.7'),
                             self.document(parent=other.address, uuid=uuid)):
                self.assert_denied(client.create_xml, document)
                self.assert_denied(client.define_xml, document)
            for call in (client.destroy, client.undefine):
                self.assert_denied(call, self.parent.name)
            self.assert_denied(client.set_autostart, defined, 1)
        self.assertEqual(set(client.list_all()[0]) & set(self.names()), {self.parent.name})

    def test_at_home(self):
        uuid = self.new_uuid()
        client = self.opened(MEMBER)
        name = client.create_xml(self.document(uuid=uuid))
        self.assertEqual(client.define_xml(self.document(uuid=uuid)), name)
        self.assertEqual(client.define_xml(self.document(uuid=uuid, attrs=[('scratch', 'x')])), name)
        client.update(name, self.document(uuid=uuid, attrs=[('scratch', 'y')]), LIVE)
        self.assertIn(documents.parse(client.get_xml(name)).findtext('.//uuid'), uuid)
        client.set_autostart(name, 1)
        client.destroy(name)
        client.create(name)
        client.destroy(name)
        self.assertEqual(client.create_xml(self.document(uuid=uuid)), name)
        client.destroy(name)
        client.undefine(name)
        self.assertEqual(client.list_all()[0], [self.parent.name])

    def test_denied_create(self):
        client = self.opened(NOBODY)
        self.assertIn('computer', client.list_all()[0])
        with self.nothing_changes():
            self.assert_refused(REFUSED, client.create_xml, self.document(), domain=libvirt.VIR_FROM_ACCESS)
