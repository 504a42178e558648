# SPDX-License-Identifier: LGPL-2.1-or-later
"""vGPUs on SR-IOV functions without mdev: documents of functions, cards and vGPUs; create and destroy, and their
errors."""

import errno

import libvirt

import documents
import vgpu_types
from vgpu_card import CREATABLE, CURRENT, PARAMS
from vgpu_test import MDEV_TYPES, VgpuTest

ONLY_ON = ('sim', 'the cards are simulated')
INTERNAL = libvirt.VIR_ERR_INTERNAL_ERROR
INVALID = libvirt.VIR_ERR_OPERATION_INVALID
GIB = 1024 * 1024   # in KiB


class Functions(VgpuTest):
    """Lists and documents of cards and functions."""

    def test_lists(self):
        names = [self.node(function) for function in self.card.functions]
        self.assertEqual(self.names(MDEV_TYPES), sorted(names))
        self.assertEqual(sorted(self.conn.listDevices('mdev_types')), sorted(names))
        self.assertIn('mdev_types', self.conn.nodeDeviceLookupByName(names[0]).listCaps())
        self.assertNotIn('mdev_types', self.conn.nodeDeviceLookupByName(self.node(self.card)).listCaps())

    def test_types(self):
        kinds = {f'nvidia-{kind.number}': {'name': kind.name, 'deviceAPI': 'vfio-pci', 'availableInstances': '1'}
                 for kind in vgpu_types.L40S}
        self.assertEqual(self.types(self.function), kinds)

    def test_order(self):
        """Some clients take the first nested capability for the kind of the device."""
        cap = documents.parse(self.dump(self.node(self.function))).find('capability')
        kinds = [element.get('type') for element in cap.findall('capability')]
        self.assertEqual(kinds[0], 'phys_function')
        self.assertLess(kinds.index('phys_function'), kinds.index('mdev_types'))

    def test_schema(self):
        self.create_vgpu(self.other)
        for name in [self.node(self.card), self.node(self.function), self.node(self.other), *self.vgpus()]:
            document = self.dump(name)
            self.assertIsNone(documents.validate(document, self.schema), document)

    def test_properties(self):
        """The properties come from the vendor's table; the frame buffer is what the name says."""
        block = documents.find_capability(documents.parse(self.dump(self.node(self.function))), 'pci', 'mdev')
        kinds = {element.get('id'): documents.type_details(element) for element in block.findall('type')}
        name, attributes, _ = kinds['nvidia-1155']
        self.assertEqual(name, 'NVIDIA L40S-24Q')
        self.assertEqual(attributes, {'num_heads': ('4', None), 'frl_config': ('60', None), 'max_instance': ('2', None),
                                      'framebuffer': (str(24 * GIB), 'KiB'), 'hres': ('7680', None),
                                      'vres': ('4320', None)})

    def test_siblings(self):
        """What a function can take is read for each document."""
        self.other.assign(self.number)
        self.assertEqual(self.choice(self.function), [1155, 1165])
        self.assertEqual(len(self.types(self.function)), len(vgpu_types.L40S))
        self.assertEqual(self.choice(self.other), [])
        self.card.functions[2].assign(self.number)
        self.assertEqual(self.choice(self.function), [])
        self.assertEqual(len(self.names(MDEV_TYPES)), len(self.card.functions))
        self.other.vacate()
        self.assertEqual(self.choice(self.function), [1155, 1165])

    def test_formats_of_the_list(self):
        expected = sorted(self.card.types)
        for knobs in ({'header': 'never'}, {'ends_line': False}, {'header': 'idle'}):
            for name, value in knobs.items():
                self.card.set_knob(name, value)
            with self.subTest(knobs):
                self.assertEqual(self.choice(self.function), expected)
            self.card.relax()

    def test_hostile_lists(self):
        """Lines that are no types are ignored; the card's other types remain."""
        lines = [b'no colon', b'0 : zero', b'-1 : negative', b'2147483648 : too large', b'x : word', b': none',
                 b'99999999999999999999 : longer', b'1155 : NVIDIA L40S-24Q', b'77 : bad \xff\xfe name',
                 b'78 : ' + b'n' * 3000]
        self.types(self.function)
        self.function.set_knob('list_text', b'\n'.join(lines))
        self.assertIn(1155, self.choice(self.function))
        self.assertLessEqual(set(self.choice(self.function)), {77, 78, 1155})
        known = self.types(self.other)
        for text in (b'', b'\n\n\n', b'\0\0', b'1155', b'ID    : vGPU Name\n', b':' * 4096):
            self.function.set_knob('list_text', text)
            with self.subTest(text):
                self.assertEqual(self.choice(self.function), [])
                self.assertEqual(self.types(self.other), known)

    def test_many_lines(self):
        self.function.set_knob('list_text', ''.join(f'{number}:\n' for number in range(1, 10001)).encode())
        self.assertIn(1, self.choice(self.function))
        self.assertLessEqual(len(self.types(self.function)), 4096)

    def test_list_fails(self):
        for number in (errno.EINVAL, errno.EIO):
            self.function.set_knob('fail_list', number)
            self.assertEqual(self.choice(self.function), [])
            self.assertEqual(len(self.types(self.function)), len(vgpu_types.L40S))
        self.function.relax()
        self.assertEqual(len(self.choice(self.function)), len(vgpu_types.L40S))


class Quiet(VgpuTest):
    """The daemon looks at functions by itself for a moment only, after its start."""

    config = {'vgpu': {'settle': '0.001'}}

    def asked_by_a_dump(self):
        self.card.requests.clear()
        self.types(self.function)
        return [request.address for request in self.card.requests]

    def test_reads_its_own_files(self):
        """A document reads the files of its own function, and of no other."""
        own = [self.function.address]
        asked = self.wait_until(lambda: set(asked := self.asked_by_a_dump()) == set(own) and asked, 'a quiet daemon')
        self.assertLessEqual(len(asked), 4)

    def test_costs(self):
        """A create and a destroy read what they must know, and look at the siblings once."""
        self.wait_until(lambda: set(self.asked_by_a_dump()) == {self.function.address}, 'a quiet daemon')
        self.card.requests.clear()
        device = self.create_vgpu()
        device.destroy()
        own = [request for request in self.card.requests if request.address == self.function.address]
        self.assertEqual([request.text.strip() for request in own if request.kind == 'write'], ['1155', '0'])
        # The bare commands: the list and the type before each write, and the type after it.
        bare = 2 * len((CREATABLE, CURRENT, CURRENT))
        self.assertLessEqual(len([request for request in own if request.kind == 'read']), 2 * bare)


class WithoutTable(VgpuTest):
    """The vendor's table is missing or damaged: types have names, but no properties."""

    TEXTS = (None, b'', b'<vgpuconfig>', b'no xml', b'\xff\xfe\x00', b'<vgpuconfig/>',
             b'<!DOCTYPE x [<!ENTITY a "&a;&a;">]><vgpuconfig>&a;</vgpuconfig>')

    def check(self):
        root = documents.parse(self.dump(self.node(self.function)))
        self.assertEqual(len(documents.mdev_types(root)), len(vgpu_types.L40S))
        block = documents.find_capability(root, 'pci', 'mdev')
        for element in block.findall('type') if block is not None else ():
            self.assertEqual(documents.type_details(element)[1], {})

    def test_documents(self):
        for text in self.TEXTS:
            with self.subTest(text):
                if text is None:
                    self.daemon.vgpu_types.unlink()
                else:
                    self.daemon.vgpu_types.write_bytes(text)
                self.restart()
                self.check()

    def test_huge(self):
        """The daemon does not read a file beyond a limit."""
        with self.daemon.vgpu_types.open('ab') as table:
            table.truncate(100 << 20)
        self.restart()
        self.check()

    def test_create(self):
        self.daemon.vgpu_types.unlink()
        self.restart()
        self.create_vgpu(type_name='NVIDIA L40S-24Q')
        self.assertEqual(self.function.number, self.number)


class Instances(VgpuTest):
    """A card in MIG mode, in another PCI domain."""

    machine = 'rtxpro'
    number = 1546

    def test_without_instances(self):
        self.card.set_instances()
        self.assertEqual(self.choice(self.function), [])
        self.assertIn('nvidia-1546', self.types(self.function))
        self.refuse(INTERNAL, says=[self.node(self.function)])
        self.assertEqual(self.card.written(self.function.address), [])

    def test_instances(self):
        self.card.set_instances(vgpu_types.SMALL_INSTANCE, vgpu_types.LARGE_INSTANCE)
        self.assertEqual(self.choice(self.function), [1546, 1561, 1571])
        device = self.create_vgpu()
        self.assertEqual(self.choice(self.other), [1546, 1571])
        root = documents.parse(device.XMLDesc(0))
        address = documents.find_capability(root, 'mdev', 'pci').find('address')
        self.assertEqual((address.get('domain'), address.get('bus')), ('0x0001', '0xc8'))

    def test_more_functions_than_time_sliced_types_allow(self):
        for function in self.card.functions[:32]:
            self.create_vgpu(function, 1518)
        self.assertEqual(self.choice(self.card.functions[32]), [])
        self.refuse(INTERNAL, self.card.functions[32], 1518, says=['nvidia-1518'])


class Create(VgpuTest):
    def check(self, device, uuid, function=None, number=None):
        """Checks that API, document and driver agree, on this connection and on new ones."""
        function, number = function or self.function, number or self.number
        self.assertEqual(device.name(), self.vgpu(function, uuid))
        self.assertEqual(function.number, number)
        for connection in (self.conn, self.connect(), self.connect(read_only=True)):
            self.assertIn(device.name(), self.vgpus(connection))
            self.check_document(self.dump(device.name(), connection), function, number, uuid)
            self.assertEqual(connection.nodeDeviceLookupByName(self.node(function)).name(), self.node(function))

    def check_document(self, document, function, number, uuid):
        root = documents.parse(document)
        cap = documents.find_capability(root, 'mdev')
        self.assertEqual([root.findtext(path) for path in ('path', 'parent', 'driver/name')],
                         [function.path, self.node(function), 'nvidia'])
        self.assertEqual(cap.find('type').get('id'), f'nvidia-{number}')
        self.assertEqual(cap.findtext('uuid'), uuid)
        self.assertEqual(cap.findtext('parent_addr'), function.address)
        self.assertEqual(cap.find('iommuGroup').get('number'), str(function.group))
        slot, _, number = function.address.rpartition(':')[2].partition('.')
        expected = {'domain': '0x0000', 'bus': '0x3d', 'slot': f'0x{slot}', 'function': f'0x{number}'}
        self.assertEqual(documents.find_capability(root, 'mdev', 'pci').find('address').attrib, expected)
        hostdev = cap.find('hostdev')
        self.assertEqual(hostdev.attrib, {'mode': 'subsystem', 'type': 'pci', 'managed': 'no'})
        self.assertEqual(hostdev.find('source/address').attrib, expected)

    def test_ways_to_name_the_type(self):
        for fields in ({'type_id': 'nvidia-1155'}, {'type_id': '1155'}, {'type_name': 'NVIDIA L40S-24Q'}):
            with self.subTest(fields):
                uuid = self.new_uuid()
                device = self.create_vgpu(uuid=uuid, **fields)
                self.check(device, uuid)
                device.destroy()
                self.assertEqual(self.function.number, 0)
                self.assertEqual(self.vgpus(), [])

    def test_capabilities(self):
        device = self.create_vgpu()
        self.assertEqual(device.listCaps(), ['mdev'])
        self.assertEqual(device.parent(), self.node(self.function))

    def test_properties(self):
        cap = documents.find_capability(documents.parse(self.create_vgpu().XMLDesc(0)), 'mdev')
        name, attributes, _ = documents.type_details(cap.find('type'))
        self.assertEqual((name, attributes['framebuffer']), ('NVIDIA L40S-24Q', (str(24 * GIB), 'KiB')))

    def test_without_details(self):
        with self.settings(xml={'details': 'false'}):
            document = self.create_vgpu().XMLDesc(0)
            root = documents.parse(document)
            self.assertIsNone(documents.validate(document))
            self.assertIsNone(documents.validate(self.dump(self.node(self.other))))
        self.assertIsNone(root.find('.//hostdev'))
        self.assertIsNone(root.find('capability/capability'))

    def test_generated_uuid(self):
        device = self.conn.nodeDeviceCreateXML(self.vgpu_document(), 0)
        uuid = documents.parse(device.XMLDesc(0)).findtext('capability/uuid')
        self.check(device, uuid)
        self.assertNotEqual(uuid, self.uuid_of_others(self.function))

    def test_parent_by_address(self):
        uuid = self.new_uuid()
        self.check(self.create_vgpu(parent=self.function.address, uuid=uuid), uuid)

    def test_on_the_card(self):
        """The card stands for the first function that can take the type."""
        self.create_vgpu()
        uuid = self.new_uuid()
        self.check(self.create_vgpu(parent=self.node(self.card), uuid=uuid), uuid, self.other)
        message = self.refuse(INTERNAL, parent=self.node(self.card), says=['nvidia-1155'])
        self.assertIn('no available instances', message)

    def test_on_the_card_beside_a_function_that_offers_nothing(self):
        self.function.set_knob('fail_list', errno.EINVAL)
        uuid = self.new_uuid()
        self.check(self.create_vgpu(parent=self.node(self.card), uuid=uuid), uuid, self.other)

    def test_one_write(self):
        self.create_vgpu().destroy()
        self.assertEqual(self.card.written(self.function.address), ['1155', '0'])
        self.assertEqual([request.address for request in self.card.asked('write')], [self.function.address] * 2)

    def test_parameters(self):
        device = self.create_vgpu(attrs=[('nvidia/vgpu_params', 'frame_rate_limiter=0,disable_vnc=1')])
        self.assertEqual(self.function.params, 'frame_rate_limiter=0,disable_vnc=1')
        writes = [request.file for request in self.card.requests if request.kind == 'write']
        self.assertEqual(writes, [CURRENT, PARAMS])
        self.assertIn("name='nvidia/vgpu_params'", device.XMLDesc(0))

    def test_other_attributes(self):
        """A document can reach no file of the function but that of the parameters."""
        for name in ('nvidia/current_vgpu_type', 'nvidia/gpu_instance_id', 'driver_override', 'reset', 'x'):
            with self.subTest(name):
                self.refuse(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, attrs=[(name, '1')], says=[name])
        self.assertEqual(self.card.asked('write'), [])

    def test_refused_parameters(self):
        """The type is taken back."""
        self.function.set_knob('fail_params', errno.EINVAL)
        self.refuse(libvirt.VIR_ERR_SYSTEM_ERROR, attrs=[('nvidia/vgpu_params', 'x=1')], says=['nvidia/vgpu_params'])
        self.assertEqual(self.card.written(self.function.address), ['1155', '0'])

    def test_events(self):
        """The vGPU is told before the reply; functions are told whose choice has changed."""
        functions = self.card.functions
        events = self.listen()
        device = self.create_vgpu()
        self.barrier(events)
        self.assertIn(('created', device.name()), events.all())
        events.wait(*self.updates(*functions))
        self.assertEqual(len(events.all()), 1 + len(functions))
        events.seen.clear()
        other = self.create_vgpu(self.other, number=1165)
        events.wait(*self.updates(*functions[1:]))
        self.barrier(events)
        self.assertEqual(sorted(events.all()), sorted([('created', other.name()), *self.updates(*functions[1:])]))
        events.seen.clear()
        other.destroy()
        self.barrier(events)
        self.assertIn(('deleted', other.name()), events.all())
        events.wait(*self.updates(*functions[1:]))
        self.barrier(events)
        self.assertEqual(len(events.all()), len(functions))


class Refused(VgpuTest):
    def test_types(self):
        for fields in ({'type_id': 'nvidia-1'}, {'type_id': 'nvidia-4294968451'}, {'type_id': 'nvidia-0'},
                       {'type_id': '-1155'}, {'type_id': 'other-1155'}, {'type_name': 'NVIDIA L40S'}):
            with self.subTest(fields):
                self.refuse(INTERNAL, says=[next(iter(fields.values()))], **fields)
        self.assertEqual(self.card.asked('write'), [])

    def test_other_size(self):
        self.create_vgpu(self.other)
        self.refuse(INTERNAL, number=self.small_number,
                    says=['nvidia-1147', self.node(self.function), 'nvidia-1155', 'another size'])
        self.assertEqual(self.card.written(self.function.address), [])

    def test_full(self):
        for function in self.card.functions[1:3]:
            self.create_vgpu(function)
        self.refuse(INTERNAL, says=['nvidia-1155', self.node(self.function), 'no available instances'])
        self.assertEqual(self.card.written(self.function.address), [])

    def test_function_with_a_type(self):
        self.create_vgpu()
        self.refuse(INVALID, says=[self.node(self.function), 'nvidia-1155'])
        self.assertEqual(self.card.written(self.function.address), ['1155'])

    def test_uuid_of_another_function(self):
        uuid = self.new_uuid()
        name = self.create_vgpu(uuid=uuid).name()
        self.refuse(INTERNAL, self.other, uuid=uuid, says=[uuid, name])

    def test_without_files(self):
        self.function.remove_files()
        self.assert_refused(INTERNAL, self.create_vgpu, says=self.node(self.function))
        self.assertEqual(self.card.asked('write'), [])

    def test_driver_refuses(self):
        """EIO stands for every cause; the message names the type, the function and where the cause may be."""
        self.function.set_knob('fail_assign', errno.EIO)
        self.refuse(INTERNAL, says=['nvidia-1155', self.node(self.function), 'kernel log'])
        self.function.set_knob('fail_assign', errno.ENOMEM)
        self.refuse(INTERNAL, says=['nvidia-1155', 'Cannot allocate memory'])
        self.assertEqual(self.card.written(self.function.address), ['1155', '1155'])

    def test_distinct_errors(self):
        self.card.set_knob('distinct', True)
        for number in (errno.ENODEV, errno.EINVAL, errno.ENOSPC):
            self.function.set_knob('fail_assign', number)
            self.refuse(INTERNAL, says=['nvidia-1155', self.node(self.function)])
        self.function.relax()
        self.create_vgpu().destroy()

    def test_read_back(self):
        """A write that succeeds without effect."""
        self.function.set_knob('reads_back', 0)
        self.refuse(INTERNAL, says=[self.node(self.function)])

    def test_last_instance_taken_meanwhile(self):
        """Somebody takes the last instance between check and write."""
        self.card.functions[2].assign(self.number)
        self.function.before_write = lambda: self.other.assign(self.number)
        uuid = self.new_uuid()
        self.assert_refused(INTERNAL, self.create_vgpu, says=['nvidia-1155', 'no available instances'])
        self.assertEqual((self.function.number, self.other.number), (0, self.number))
        self.assertIn(self.vgpu_of_others(self.other), self.vgpus())
        self.assertNotIn(self.vgpu(self.function, uuid), self.vgpus())

    def test_function_taken_meanwhile(self):
        """Somebody sets a type on the same function: theirs stays, even if it is the same."""
        for number in (self.number, 1165):
            with self.subTest(number):
                self.function.before_write = lambda number=number: self.function.assign(number)
                self.assert_refused(INTERNAL, self.create_vgpu, says=['another program', self.node(self.function)])
                self.assertEqual(self.function.number, number)
                self.assertEqual(self.vgpus(), [self.vgpu_of_others(self.function)])
                self.assertEqual(self.card.written(self.function.address)[-1], '1155')
                self.function.vacate()

    def test_failed_write_that_clears(self):
        self.function.set_knob('fail_assign', errno.EIO)
        self.function.set_knob('resets', True)
        self.refuse(INTERNAL, says=['nvidia-1155'])

    def test_blocked_write(self):
        """A driver that blocks: the call ends within the driver's deadline, and the late result is shown."""
        self.function.set_knob('block_assign', True)
        with self.settings(mdev={'driver_timeout': '0.5'}):
            self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, self.create_vgpu, says=self.node(self.function))
        self.function.set_knob('block_assign', False)
        self.wait_until(lambda: self.function.number, 'the type')
        self.wait_until(self.vgpus, 'the vGPU')

    def test_unknown_card(self):
        self.refuse(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, parent='pci_0000_ff_00_0', says=['pci_0000_ff_00_0'])


class Destroy(VgpuTest):
    def test_in_use(self):
        device = self.create_vgpu()
        with self.function.hold_open():
            with self.nothing_changes():
                self.assert_refused(INTERNAL, device.destroy, says=[device.name(), 'in use'])
            self.assertEqual(self.card.written(self.function.address), ['1155'])
        device.destroy()
        self.assertEqual(self.function.number, 0)

    def test_plug_in_process(self):
        """The plug-in process ends some time after the guest: EBUSY is the only error after which 0 is written again."""
        device = self.create_vgpu()
        self.function.set_knob('busy', 2)
        device.destroy()
        self.assertEqual(self.card.written(self.function.address), ['1155', '0', '0', '0'])
        self.assertEqual(self.vgpus(), [])

    def test_plug_in_process_stays(self):
        device = self.create_vgpu()
        self.function.set_knob('busy', 1000)
        with self.settings(mdev={'driver_timeout': '1'}), self.nothing_changes():
            with self.assertRaises(libvirt.libvirtError) as raised:
                device.destroy()
        self.assertIn(device.name(), str(raised.exception))
        self.function.set_knob('busy', 0)
        device.destroy()

    def test_firmware_refuses(self):
        """A second attempt after EIO could crash the driver."""
        device = self.create_vgpu()
        self.function.set_knob('fail_release', errno.EIO)
        with self.nothing_changes():
            self.assert_refused(INTERNAL, device.destroy, says=device.name())
        self.function.relax()
        with self.nothing_changes():
            self.assert_refused(INVALID, device.destroy, says=device.name())
        self.assertEqual(self.card.written(self.function.address), ['1155', '0'])
        self.assertEqual(self.card.traps, [])

    def test_firmware_refuses_before_a_restart(self):
        device = self.create_vgpu()
        name = device.name()
        self.function.set_knob('fail_release', errno.EIO)
        self.assert_refused(INTERNAL, device.destroy, says=name)
        self.function.relax()
        self.restart(self.daemon.kill)
        self.assert_refused(INVALID, self.conn.nodeDeviceLookupByName(name).destroy, says=name)
        self.assertEqual(self.card.traps, [])

    def test_cleared_meanwhile(self):
        """The driver or another program has taken the type away: the write of 0 fails, and nothing is left."""
        device = self.create_vgpu()
        self.function.before_write = self.function.vacate
        device.destroy()
        self.assertEqual(self.vgpus(), [])

    def test_changed_meanwhile(self):
        """A vGPU of somebody else on the same function is not destroyed."""
        device = self.create_vgpu()
        self.function.vacate()
        self.function.assign(self.small_number)
        self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, device.destroy, says=device.name())
        self.assertEqual(self.function.number, self.small_number)
        self.assertEqual(self.vgpus(), [self.vgpu_of_others(self.function)])

    def test_vgpu_of_others(self):
        self.function.assign(self.number)
        self.conn.nodeDeviceLookupByName(self.vgpu_of_others(self.function)).destroy()
        self.assertEqual(self.function.number, 0)

    def test_function(self):
        with self.nothing_changes():
            device = self.conn.nodeDeviceLookupByName(self.node(self.function))
            self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, device.destroy, says='Unsupported device type')


class BesideMdev(VgpuTest):
    """A host with a card of mediated devices and one of vGPUs on functions."""

    machine = 'mixed'

    def test_both(self):
        uuid = self.new_uuid()
        vgpu = self.create_vgpu()
        mdev = self.create(uuid=uuid)
        self.assertEqual(self.vgpus(), sorted([vgpu.name(), mdev.name()]))
        self.assertIsNone(documents.parse(mdev.XMLDesc(0)).find('.//hostdev'))
        self.refuse(INTERNAL, self.other, uuid=uuid, says=[uuid, mdev.name()])
        mdev.destroy()
        self.assertEqual(self.vgpus(), [vgpu.name()])
        vgpu.destroy()


class Switched(VgpuTest):
    config = {'vgpu': {'enabled': 'false'}}

    def test_disabled(self):
        self.function.assign(self.number)
        self.assertEqual((self.vgpus(), self.names(MDEV_TYPES)), ([], []))
        self.assertNotIn('mdev_types', self.dump(self.node(self.function)))
        self.assert_refused(INTERNAL, self.create_vgpu, self.other, says=self.node(self.other))
        self.assertEqual(self.card.requests, [])


class Access(VgpuTest):
    def test_read_only(self):
        device = self.create_vgpu()
        connection = self.connect(read_only=True)
        self.assertIn(device.name(), self.vgpus(connection))
        document = self.vgpu_document(self.other)
        self.assert_refused(libvirt.VIR_ERR_OPERATION_DENIED, connection.nodeDeviceCreateXML, document, 0)
        self.assertEqual(self.other.number, 0)


class Blocked(VgpuTest):
    """A function whose files block delays no other call."""

    def test_dump(self):
        for file in (CREATABLE, CURRENT):
            self.function.set_knob('block_read', file)
            document = self.in_background(self.dump, self.node(self.function))
            self.card.wait_asked('read', self.function.address, file, self.deadline)
            self.assertEqual(len(self.types(self.other, self.connect())), len(vgpu_types.L40S))
            self.function.set_knob('block_read', '')
            self.assertIn('mdev_types', document.result(self.deadline))
