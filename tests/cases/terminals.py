# SPDX-License-Identifier: LGPL-2.1-or-later
"""Texts of drivers, devices and clients that could harm a terminal are never printed."""

import subprocess
import unicodedata

import libvirt

import documents
from mediated_test import MediatedTest, only_on

# Starts a color, moves, deletes; reverses the text, isolates, hides.
HARM = '\x9b31m\x7f\x85\u202e\u202a\u2066\u2069\u200e\u200f\u061c\u200b\u2028\u2029\ufeff\u00ad'
EVIL = f'GRID {HARM}RED'
GOOD = 'GRID 31mRED'


def harmful(text):
    return [f'U+{ord(c):04X}' for c in text if unicodedata.category(c) in ('Cc', 'Cf', 'Zl', 'Zp') and c not in '\n\t\r']


@only_on('sim', 'drivers of the VM have honest names')
class Texts(MediatedTest):
    def setUp(self):
        super().setUp()
        self.sysfs = self.host.kernel.sysfs

    def all_documents(self):
        return ''.join(device.XMLDesc(0) for device in self.conn.listAllDevices(0))

    def test_types(self):
        path = f'{self.parent.path}/mdev_supported_types'
        self.sysfs.write(f'{path}/{self.type_id}/name', f'{EVIL}\n')
        self.sysfs.write(f'{path}/{self.type_id}/device_api', f'vfio{HARM}-pci\n')
        self.sysfs.write(f'{path}/{self.type_id}/description', f'num_heads=4, key={EVIL}\n')
        types = documents.mdev_types(documents.parse(self.dump(self.parent.name)))
        self.assertEqual(types[self.type_id]['name'], GOOD)
        self.create()
        self.assertEqual(harmful(self.all_documents()), [])

    def test_name_of_a_type(self):
        """The name of a type is a directory name, and part of an error."""
        path = f'{self.parent.path}/mdev_supported_types/evil{HARM}-1'
        self.sysfs.mkdir(f'{path}/devices')
        self.sysfs.write(f'{path}/device_api', 'vfio-pci\n')
        self.assertEqual(harmful(self.all_documents()), [])
        document = self.document(uuid=self.new_uuid(), type_id='none')
        message = self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.conn.nodeDeviceCreateXML, document, 0,
                                      says='evil31m-1', domain=libvirt.VIR_FROM_NODEDEV)
        self.assertEqual(harmful(message), [])

    def test_client_input(self):
        for code, document in (
                (libvirt.VIR_ERR_INTERNAL_ERROR, self.document(type_id=EVIL)),
                (libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.document(parent=EVIL)),
                (libvirt.VIR_ERR_XML_DETAIL, f'<device>{EVIL}</x>'),
                (libvirt.VIR_ERR_INTERNAL_ERROR, f'<device><name>{EVIL}</name></device>'),
                (libvirt.VIR_ERR_XML_DETAIL, f'<{EVIL.replace(" ", "")}/>')):
            message = self.assert_refused(code, self.conn.nodeDeviceCreateXML, document, 0)
            self.assertEqual(harmful(message), [])
        message = self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, self.conn.nodeDeviceLookupByName, EVIL)
        self.assertEqual(harmful(message), [])

    def test_attribute(self):
        """An attribute that could not be displayed is refused."""
        for attr in ((f'scr{HARM}atch', '1'), ('scratch', EVIL)):
            for call in (self.conn.nodeDeviceCreateXML, self.conn.nodeDeviceDefineXML):
                with self.nothing_changes():
                    document = self.document(uuid=self.new_uuid(), attrs=[attr])
                    message = self.assert_refused(libvirt.VIR_ERR_XML_ERROR, call, document, 0,
                                                  says='control or formatting characters',
                                                  domain=libvirt.VIR_FROM_XML)
                    self.assertEqual(harmful(message), [])

    def test_definition_of_another_program(self):
        uuid = self.new_uuid()
        self.write_definition(uuid, attrs=[{'scratch': EVIL}])
        name = self.child_name(self.parent, uuid)
        self.wait_until(lambda: name in self.names(), 'definition')
        self.assertIn(f"value='{GOOD}'", self.dump(name))
        self.assertEqual(harmful(self.dump(name)), [])

    def test_log(self):
        self.test_name_of_a_type()
        self.test_client_input()
        self.assertEqual(harmful(self.daemon.log()), [])

    def test_checked_document(self):
        for document in (f'<device>{EVIL}</x>', self.document(type_id=EVIL, parent=EVIL),
                         f"<device><name>{EVIL}</name><capability type='{EVIL}'/></device>"):
            result = subprocess.run([self.daemon.program, '--check-xml', '-'], input=document, text=True,
                                    capture_output=True, check=False, encoding='utf-8')
            self.assertEqual(harmful(result.stdout + result.stderr), [])

    def test_name_of_a_checked_file(self):
        result = subprocess.run([self.daemon.program, '--check-xml', f'/none{HARM}.xml'], text=True,
                                capture_output=True, check=False, encoding='utf-8')
        self.assertEqual(result.returncode, 1)
        self.assertIn('/none31m.xml: ', result.stderr)
        self.assertEqual(harmful(result.stderr), [])


@only_on('sim', 'the disks of the VM have honest names')
class Disks(MediatedTest):
    machine = 'storage'

    def test_all_texts(self):
        kernel = self.host.kernel
        name = 'block_vda_root_disk'
        path = documents.parse(self.dump(name)).findtext('path')
        for attribute in ('vendor', 'model'):
            kernel.sysfs.write(f'{path}/device/{attribute}', f'{EVIL}\n')
        events = self.listen()
        kernel.event('change', path)
        events.wait(('update', name))
        document = self.dump(name)
        self.assertEqual(harmful(document), [])
        cap = documents.find_capability(documents.parse(document), 'storage')
        for element in ('vendor', 'model'):
            self.assertEqual(cap.findtext(element), GOOD)
