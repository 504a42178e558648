# SPDX-License-Identifier: LGPL-2.1-or-later
"""The directory of definitions, shared with mdevctl: files of other programs, and broken files."""

import json
import os
import shutil
import subprocess
import uuid as uuids

import libvirt
from mediated_test import MediatedTest, only_on
from with_vgpus import WithVgpus

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

MDEV, INACTIVE = 1 << 14, 1 << 30

LIMIT = 4096  # definitions of one parent

# Written by `mdevctl define`.
FOREIGN = '{\n  "mdev_type": "%s",\n  "start": "manual",\n  "attrs": []\n}'


def uuids_of(number):
    return uuids.UUID(int=number | 4 << 76 | 8 << 60)


class OthersWrite(MediatedTest):
    def test_define_modify_undefine(self):
        events = self.listen()
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.write_definition(uuid)
        events.wait(('defined', name))
        self.assertEqual(self.state(name), (False, True, False))
        self.write_definition(uuid, start='auto', attrs=[{'scratch': 'x'}])
        events.wait(('update', name))
        self.assertEqual(self.state(name), (False, True, True))
        self.assertIn("<attr name='scratch' value='x'/>", self.dump(name))
        self.definition_path(uuid).unlink()
        events.wait(('undefined', name))
        self.assertNotIn(name, self.names())
        self.barrier(events)
        self.assertEqual(events.all(), [('defined', name), ('update', name), ('undefined', name)])

    def test_same_again(self):
        uuid = self.new_uuid()
        self.define(uuid=uuid)
        events = self.listen()
        self.write_definition(uuid)
        self.write_definition(other := self.new_uuid())
        events.wait(('defined', self.child_name(self.parent, other)))
        self.assertEqual(events.all(), [('defined', self.child_name(self.parent, other))])

    def test_by_rename(self):
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        events = self.listen()
        self.write_definition(uuid, parent='elsewhere')
        events.wait(('defined', self.name_on('elsewhere', uuid)))
        self.definition_path(uuid).parent.mkdir(exist_ok=True)
        os.rename(self.definition_path(uuid, 'elsewhere'), self.definition_path(uuid))
        events.wait(('undefined', self.name_on('elsewhere', uuid)), ('defined', name))

    def name_on(self, address, uuid):
        return f'mdev_{uuid}_{address}'.replace('-', '_')

    def test_two_parents_of_one_name(self):
        """If two parents have the same name, the first keeps the name and its definition."""
        uuid = self.new_uuid()
        name = self.define(uuid=uuid).name()
        alike = self.parent.address.replace(':', '-')
        self.write_definition(uuid, parent=alike, start='auto')
        self.wait_until(lambda: f"'{alike}'" in self.daemon.log(), 'a message')
        self.assertEqual(self.state(name), (False, True, False))
        events = self.listen()
        self.definition_path(uuid, alike).unlink()
        self.definition_path(uuid).unlink()
        events.wait(('undefined', name))
        self.barrier(events)
        self.assertEqual(events.all(), [('undefined', name)])

    def test_of_active_device(self):
        device = self.create(uuid=(uuid := self.new_uuid()))
        events = self.listen()
        self.write_definition(uuid)
        events.wait(('defined', device.name()))
        self.assertEqual(self.state(device.name()), (True, True, False))
        self.definition_path(uuid).unlink()
        events.wait(('undefined', device.name()))
        self.assertEqual(self.state(device.name()), (True, False, False))

    def test_directory_removed_and_created(self):
        uuid = self.new_uuid()
        name = self.define(uuid=uuid).name()
        events = self.listen()
        shutil.rmtree(self.daemon.definitions)
        events.wait(('undefined', name))
        self.write_definition(uuid)
        events.wait(('defined', name))
        self.assertEqual(events.all(), [('undefined', name), ('defined', name)])

    def test_parent_unregistered_and_registered(self):
        uuid = self.new_uuid()
        name = self.define(uuid=uuid).name()
        events = self.listen()
        shutil.rmtree(self.definition_path(uuid).parent)
        events.wait(('undefined', name))
        self.define(uuid=uuid)
        self.barrier(events)
        self.assertEqual(events.all(), [('undefined', name), ('defined', name)])

    def test_many(self):
        events = self.listen()
        names = []
        for _ in range(200):
            uuid = self.new_uuid()
            self.write_definition(uuid)
            names.append(self.child_name(self.parent, uuid))
        events.wait(*[('defined', name) for name in names])
        shutil.rmtree(self.daemon.definitions / self.parent.address)
        events.wait(*[('undefined', name) for name in names])
        self.assertEqual(len(events.all()), 400)
        self.assertEqual(self.names(MDEV), [])


@only_on('sim', 'the card is simulated')
class OthersWriteVgpus(WithVgpus, OthersWrite):
    pass


class TooMuch(MediatedTest):
    """A definition that could not be read again is refused."""

    def test_too_long(self):
        uuid = self.new_uuid()
        self.define(uuid=uuid, attrs=[('scratch', 'old')])
        long = [('scratch', '"' * 900)] * 1024  # JSON escapes double the size
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.raw().define_xml,
                                self.document(uuid=self.new_uuid(), attrs=long),
                                says='too long', domain=libvirt.VIR_FROM_NODEDEV)
            self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.raw().define_xml,
                                self.document(uuid=uuid, attrs=long), says=[uuid.replace('-', '_')])
        self.assertEqual(self.read_definition(uuid)['attrs'], [{'scratch': 'old'}])

    def test_too_many(self):
        """Definitions beyond the limit are skipped and reported, until there is room."""
        directory = self.definition_path('x').parent
        directory.mkdir(parents=True, exist_ok=True)
        uuids = [str(uuids_of(number)) for number in range(LIMIT + 1)]
        self.daemon.stop()
        self.first_connection = None
        for uuid in uuids:
            (directory / uuid).write_text(FOREIGN % self.type_id, encoding='utf-8')
        self.daemon.start(self.config)
        self.assertEqual(len(self.names(MDEV)), LIMIT)
        self.assertIn(f"{uuids[-1]}': skipped", self.daemon.log())
        self.assert_refused(libvirt.VIR_ERR_OPERATION_FAILED, self.define, says=str(LIMIT),
                            domain=libvirt.VIR_FROM_NODEDEV)
        self.define(uuid=uuids[0], attrs=[('scratch', 'x')])
        events = self.listen()
        self.conn.nodeDeviceLookupByName(self.child_name(self.parent, uuids[0])).undefine(0)
        events.wait(('defined', self.child_name(self.parent, uuids[-1])))
        self.assertEqual(len(self.names(MDEV)), LIMIT)


class Broken(MediatedTest):
    """A broken definition is reported once, by path, and hides no other one."""

    def setUp(self):
        super().setUp()
        self.good = self.new_uuid()
        self.write_definition(self.good)
        self.wait_until(lambda: self.names(MDEV) == [self.child_name(self.parent, self.good)],
                        'the good one')

    def check(self, path):
        """Checks that the new file `path` is skipped, by the appearance of a valid one."""
        other = self.new_uuid()
        self.write_definition(other)
        names = sorted(self.child_name(self.parent, uuid) for uuid in (self.good, other))
        self.wait_until(lambda: self.names(MDEV) == names, 'the two good ones')
        self.wait_until(lambda: str(path) in self.daemon.log(), f"'{path}' in the log")
        self.daemon.stop()
        self.first_connection = None
        self.daemon.start(self.config)
        self.assertEqual(self.names(MDEV), names)

    def write(self, text):
        path = self.definition_path(self.new_uuid())
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def test_not_json(self):
        self.check(self.write('{"mdev_type": "nvidia-11", '))

    def test_empty(self):
        self.check(self.write(''))

    def test_wrong_types(self):
        for member in ({'mdev_type': 11}, {'mdev_type': None}, {'start': True},
                       {'attrs': {'scratch': '1'}}, {'attrs': [{'scratch': 1}]},
                       {'attrs': [{'a': '1', 'b': '2'}]}, {'attrs': ['scratch']}):
            path = self.write(json.dumps({'mdev_type': 'x', 'start': 'auto', **member}))
            self.wait_until(lambda p=path: str(p) in self.daemon.log(), f'{member} in the log')
        self.check(path)

    def test_no_object(self):
        self.check(self.write('["nvidia-11"]'))

    def test_not_utf8(self):
        self.check(self.write(b'{"mdev_type": "\xff", "start": "auto"}'))

    def test_deep(self):
        self.check(self.write('[' * 100000))

    def test_deep_after_escape(self):
        """A parser that takes the closing quote for an escaped character would see brackets where others see text."""
        self.check(self.write('{"mdev_type":"nvidia-11","a":"\\ud8" x","b":' + '[' * 1000000))

    def test_invalid_escapes(self):
        for text in ('"\\ud8+00"', '"\\377\\376"', '"nvidia-11\\0tail"', "'x'"):
            path = self.write('{"mdev_type":' + text + ',"start":"auto"}')
            self.wait_until(lambda p=path: str(p) in self.daemon.log(), f'{text} in the log')
        self.check(path)

    def test_huge(self):
        self.check(self.write('{"mdev_type": "x", "start": "auto", "y": "' + 'z' * (4 << 20) +
                              '"}'))

    def test_directory(self):
        path = self.definition_path(self.new_uuid())
        path.mkdir()
        self.check(path)

    def test_link(self):
        secret = self.daemon.directory / 'secret'
        secret.write_text(FOREIGN % self.type_id, encoding='utf-8')
        path = self.definition_path(self.new_uuid())
        path.symlink_to(secret)
        self.check(path)

    def test_parent_link(self):
        outside = self.daemon.directory / 'outside'
        outside.mkdir()
        (outside / self.new_uuid()).write_text(FOREIGN % self.type_id, encoding='utf-8')
        path = self.daemon.definitions / '0000:87:00.0'
        path.symlink_to(outside)
        self.check(path)
        uuid = self.new_uuid()
        parent = next(p for p in self.host.parents() if p.address == '0000:87:00.0')
        self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR, self.conn.nodeDeviceDefineXML,
                            self.document(parent=parent.name, uuid=uuid), 0, says=str(path))
        self.assertFalse((outside / uuid).exists())

    def test_fifo(self):
        path = self.definition_path(self.new_uuid())
        os.mkfifo(path)
        self.check(path)

    def test_no_uuid(self):
        path = self.daemon.definitions / self.parent.address / 'notes.txt'
        path.write_text('hello', encoding='utf-8')
        self.check(path)

    def test_other_spelling_of_a_uuid(self):
        path = self.definition_path(self.new_uuid().upper())
        path.write_text(FOREIGN % self.type_id, encoding='utf-8')
        self.check(path)

    def test_breaks_and_heals(self):
        events = self.listen()
        name = self.child_name(self.parent, self.good)
        self.definition_path(self.good).write_text('{', encoding='utf-8')
        events.wait(('undefined', name))
        self.write_definition(self.good)
        events.wait(('defined', name))

    def test_half_written_definition(self):
        """A definition does not disappear while mdevctl truncates and rewrites it in place."""
        events = self.listen()
        name = self.child_name(self.parent, self.good)
        with open(self.definition_path(self.good), 'w', encoding='utf-8') as file:
            file.write('{"mdev_type": ')
            file.flush()
            self.write_definition(other := self.new_uuid())
            events.wait(('defined', self.child_name(self.parent, other)))
            self.assertIn(name, self.names())
            file.write(f'"{self.type_id}", "start": "auto"}}')
        events.wait(('update', name))
        self.assertEqual(events.count(('undefined', name)), 0)


class CannotWrite(MediatedTest):
    """If the disk refuses a write, nothing is lost, and the error names path and cause."""

    def refused(self, uuid, words):
        document = self.document(uuid=uuid, attrs=[('scratch', 'new')])
        self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR,
                            self.conn.nodeDeviceDefineXML, document, 0,
                            says=[str(self.daemon.definitions), *words])

    def litter(self):
        return [name for _path, _directories, names in os.walk(self.daemon.definitions)
                for name in names if not self.is_uuid(name)]

    @staticmethod
    def is_uuid(name):
        try:
            return str(uuids.UUID(name)) == name
        except ValueError:
            return False

    def test_file_as_parent(self):
        self.daemon.definitions.mkdir(exist_ok=True)
        (self.daemon.definitions / self.parent.address).write_text('', encoding='utf-8')
        with self.nothing_changes():
            self.refused(self.new_uuid(), ['Not a directory'])
        self.assertEqual(self.litter(), [self.parent.address])

    def test_directory_as_definition(self):
        uuid = self.new_uuid()
        self.definition_path(uuid).mkdir(parents=True)
        with self.nothing_changes():
            self.refused(uuid, [uuid])
        self.assertEqual(self.litter(), [])

    def test_full_disk(self):
        """A write that fails half way, here by a process limit instead of a full disk, changes nothing."""
        uuid = self.new_uuid()
        self.define(uuid=uuid, attrs=[('scratch', 'old')])
        before = self.definition_path(uuid).read_bytes()
        subprocess.run(['prlimit', f'--pid={self.daemon.process.pid}', '--fsize=16:'], check=True)
        self.addCleanup(subprocess.run,
                        ['prlimit', f'--pid={self.daemon.process.pid}', '--fsize=unlimited:'],
                        check=False)
        with self.nothing_changes():
            self.refused(uuid, ['File too large'])
        self.assertEqual(self.definition_path(uuid).read_bytes(), before)
        self.assertEqual(self.litter(), [])

    def test_removed_before_undefine(self):
        device = self.define(uuid=(uuid := self.new_uuid()))
        events = self.listen()
        self.daemon.pause()
        self.definition_path(uuid).unlink()
        undefine = self.in_background(device.undefine, 0)
        self.daemon.resume()
        # The daemon may notice the removal before or after the call.
        with self.assertRaises(libvirt.libvirtError) as raised:
            undefine.result(self.deadline)
        self.assertEqual(raised.exception.get_error_domain(), libvirt.VIR_FROM_NODEDEV)
        self.assertIn(raised.exception.get_error_code(), (libvirt.VIR_ERR_NO_NODE_DEVICE, libvirt.VIR_ERR_SYSTEM_ERROR))
        events.wait(('undefined', device.name()))
        self.assertEqual(events.all(), [('undefined', device.name())])


@only_on('vm', 'mounts of its own')
class Mounts(MediatedTest):
    """Disks that are full or read-only."""

    def mount(self, options):
        self.daemon.definitions.mkdir(exist_ok=True)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'tmpfs', self.daemon.definitions],
                       check=True)
        self.addCleanup(subprocess.run, ['umount', '-l', self.daemon.definitions], check=True)

    def restart(self):
        self.daemon.stop()
        self.first_connection = None
        self.daemon.start(self.config)

    def refused(self, uuid, cause):
        document = self.document(uuid=uuid, attrs=[('scratch', 'x' * 200)] * 100)
        self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR,
                            self.conn.nodeDeviceDefineXML, document, 0,
                            says=[str(self.daemon.definitions), cause])

    def test_full(self):
        self.mount('size=8k')
        self.restart()
        uuid = self.new_uuid()
        self.define(uuid=uuid)
        before = self.definition_path(uuid).read_bytes()
        self.refused(uuid, 'No space left on device')
        self.assertEqual(self.definition_path(uuid).read_bytes(), before)
        self.assertEqual(os.listdir(self.daemon.definitions), [self.parent.address])

    def test_read_only(self):
        self.mount('size=1m')
        uuid = self.new_uuid()
        self.write_definition(uuid)
        subprocess.run(['mount', '-o', 'remount,ro', self.daemon.definitions], check=True)
        self.restart()
        name = self.child_name(self.parent, uuid)
        self.assertEqual(self.names(MDEV | INACTIVE), [name])
        self.refused(uuid, 'Read-only file system')
        device = self.conn.nodeDeviceLookupByName(name)
        self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR, device.undefine, 0,
                            says=['Read-only file system'])
        device.create(0)
        self.assertEqual(self.state(name), (True, True, False))


@only_on('vm', 'mdevctl has but one directory')
class Mdevctl(MediatedTest):
    """Definitions of mdevctl and of the daemon are visible to each other."""

    config = {'definitions': {'directory': '/etc/mdevctl.d'}}

    def setUp(self):
        super().setUp()
        self.daemon.definitions = self.daemon.definitions.__class__('/etc/mdevctl.d')
        self.addCleanup(self.forget)

    def forget(self):
        for name in self.names(MDEV | INACTIVE):
            self.conn.nodeDeviceLookupByName(name).undefine(0)

    @staticmethod
    def mdevctl(*words):
        return subprocess.run(['mdevctl', *words], check=True, text=True,
                              capture_output=True).stdout

    def listed(self):
        """Returns mdevctl's definitions of our parent: {uuid: definition}."""
        found = json.loads(self.mdevctl('list', '-d', '--dumpjson'))
        return {uuid: definition for block in found for parent, devices in block.items()
                if parent == self.parent.address for device in devices
                for uuid, definition in device.items()}

    def test_written_by_mediated(self):
        uuid = self.new_uuid()
        device = self.define(uuid=uuid, attrs=[('scratch', 'a'), ('scratch', 'b')])
        expected = {'mdev_type': self.type_id, 'start': 'manual',
                    'attrs': [{'scratch': 'a'}, {'scratch': 'b'}]}
        self.assertEqual(self.listed(), {uuid: expected})
        self.assertIn(uuid, self.mdevctl('list', '-d'))
        device.setAutostart(1)
        self.assertEqual(self.listed(), {uuid: {**expected, 'start': 'auto'}})
        self.mdevctl('start', '--uuid', uuid, '--parent', self.parent.address)
        self.wait_until(device.isActive, 'active')
        self.mdevctl('stop', '--uuid', uuid)
        self.wait_until(lambda: not device.isActive(), 'inactive')
        device.undefine(0)
        self.assertEqual(self.listed(), {})

    def test_written_by_mdevctl(self):
        events = self.listen()
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        where = ('--uuid', uuid, '--parent', self.parent.address)
        with self.within(60, 'three events'):
            self.mdevctl('define', *where, '--type', self.type_id)
            events.wait(('defined', name))
            self.assertEqual(self.state(name), (False, True, False))
            self.mdevctl('modify', *where, '--addattr', 'scratch', '--value', 'x')
            events.wait(('update', name))
            self.mdevctl('modify', *where, '--auto')
            self.wait_until(lambda: self.state(name) == (False, True, True), 'autostart')
            self.conn.nodeDeviceLookupByName(name).create(0)
            self.assertEqual(self.host.journal(uuid), ['scratch=x'])
            self.conn.nodeDeviceLookupByName(name).destroy()
            self.mdevctl('undefine', *where)
            events.wait(('undefined', name))
        self.barrier(events)
        self.assertEqual(events.all(), [
            ('defined', name), ('update', name), ('update', name), ('created', name),
            ('update', self.parent.name), ('deleted', name), ('update', self.parent.name),
            ('undefined', name)])
