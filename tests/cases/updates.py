# SPDX-License-Identifier: LGPL-2.1-or-later
"""virNodeDeviceUpdate of the active device, the definition, or both."""

import errno
import functools

import documents
import libvirt
from mediated_test import MediatedTest, only_on, seldom_on
from with_vgpus import WithVgpus

CURRENT, LIVE, CONFIG = 0, 1, 2
XML_INACTIVE = 1


@seldom_on('vm', 'refused or written to disk before the kernel sees anything',
           keeps=('test_both', 'test_live_of_transient', 'test_refused_half_way', 'test_type_of_active_device'))
class Update(MediatedTest):
    def setUp(self):
        super().setUp()
        self.uuid = self.new_uuid()
        self.device = self.define(uuid=self.uuid, attrs=[(self.attr, 'old')])
        self.name = self.device.name()
        self.client = self.raw()

    def update(self, flags, value='new', name=None, **fields):
        fields.setdefault('uuid', self.uuid)
        fields.setdefault('attrs', [(name or self.attr, value)])
        self.client.update(self.name, self.document(**fields), flags)

    def kept(self):
        return self.read_definition(self.uuid)['attrs']

    def test_current_of_inactive(self):
        self.update(CURRENT)
        self.assertEqual(self.kept(), [{self.attr: 'new'}])

    def test_current_of_active(self):
        self.device.create(0)
        self.update(CURRENT)
        self.assertEqual(self.kept(), [{self.attr: 'old'}])
        self.assertEqual(self.attribute(self.uuid), 'new')
        self.assertIn("value='new'", self.device.XMLDesc(0))
        self.assertIn("value='old'", self.client.get_xml(self.name, XML_INACTIVE))

    def test_config_of_active(self):
        self.device.create(0)
        events = self.listen()
        self.update(CONFIG)
        self.assertEqual(self.kept(), [{self.attr: 'new'}])
        self.assertEqual(self.attribute(self.uuid), 'old')
        self.assertIn("value='old'", self.device.XMLDesc(0))
        self.barrier(events)
        self.assertEqual(self.told(events), [('update', self.name)])

    def test_both(self):
        self.device.create(0)
        self.device.setAutostart(1)
        self.update(LIVE | CONFIG)
        self.assertEqual(self.read_definition(self.uuid), {
            'mdev_type': self.type_id, 'start': 'auto', 'attrs': [{self.attr: 'new'}]})
        self.assertEqual(self.attribute(self.uuid), 'new')

    def test_live_of_transient(self):
        self.device.create(0)
        self.device.undefine(0)
        events = self.listen()
        self.update(LIVE)
        self.assertEqual(self.attribute(self.uuid), 'new')
        self.barrier(events)
        self.assertEqual(self.told(events), [('update', self.name)])

    def type_names(self):
        """Returns all names of a type: id, suffix of the id, and name."""
        types = documents.mdev_types(documents.parse(self.dump(self.parent.name)))
        return [(given, type_id) for type_id, type_ in types.items()
                for given in ({'type_id': type_id}, {'type_id': type_id.rpartition('-')[2]},
                              {'type_name': type_['name']})]

    def test_type_of_definition(self):
        """A definition's type can be changed by any name, even while the device runs with the old type."""
        for active in (False, True):
            running = self.read_definition(self.uuid)['mdev_type']
            if active:
                self.device.create(0)
            for number, (given, type_id) in enumerate(self.type_names()):
                with self.subTest(active=active, **given):
                    self.update(CONFIG if active else number % 2 * CONFIG, value=str(number),
                                **given)
                    self.assertEqual(self.read_definition(self.uuid), {
                        'mdev_type': type_id, 'start': 'manual',
                        'attrs': [{self.attr: str(number)}]})
        self.assertIn(f"<type id='{running}'", self.device.XMLDesc(0))

    def test_type_of_active_device(self):
        """An active device keeps its type, given by any name; another type is refused."""
        self.device.create(0)
        kept = self.read_definition(self.uuid)
        for given, type_id in self.type_names():
            with self.subTest(**given):
                if type_id == self.type_id:
                    self.update(LIVE, value=str(given), **given)
                    self.assertEqual(self.attribute(self.uuid), str(given))
                    continue
                for flags in (CURRENT, LIVE, LIVE | CONFIG):
                    self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
                                        functools.partial(self.update, **given), flags,
                                        says=['type mismatch', self.type_id])
        self.assertEqual(self.read_definition(self.uuid), kept)

    def test_unknown_type(self):
        """A type that does not exist yet is accepted only by its id."""
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR,
                                functools.partial(self.update, type_name='GRID nobody'), CONFIG,
                                says=[self.name, 'GRID nobody'])
        self.update(CONFIG, type_id='other-7')
        self.assertEqual(self.read_definition(self.uuid)['mdev_type'], 'other-7')

    def test_states(self):
        invalid = libvirt.VIR_ERR_OPERATION_INVALID
        self.assert_refused(invalid, self.update, LIVE, says=self.name)
        self.assert_refused(invalid, self.update, LIVE | CONFIG, says=self.name)
        self.assertEqual(self.kept(), [{self.attr: 'old'}])
        self.device.create(0)
        self.device.undefine(0)
        self.assert_refused(invalid, self.update, CONFIG, says=self.name)
        self.assert_refused(invalid, self.update, LIVE | CONFIG, says=self.name)
        self.assertEqual(self.attribute(self.uuid), 'old')

    def test_identity(self):
        unsupported = libvirt.VIR_ERR_CONFIG_UNSUPPORTED
        for active in (False, True):
            if active:
                self.device.create(0)
            with self.nothing_changes():
                for fields, says in (({'uuid': self.new_uuid()}, self.uuid),
                                     ({'parent': self.host.parents()[1].name},
                                      self.parent.address)):
                    self.assert_refused(unsupported, functools.partial(self.update, **fields),
                                        CURRENT, says=says)
        self.assertEqual(self.kept(), [{self.attr: 'old'}])

    def test_refused_attribute(self):
        self.device.create(0)
        system_error, unsupported = libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_CONFIG_UNSUPPORTED
        for name, flags, code in (('stubborn', LIVE, system_error), ('stubborn', LIVE | CONFIG, system_error),
                                  ('missing', LIVE, system_error), ('../remove', LIVE, unsupported)):
            self.assert_refused(code, functools.partial(self.update, name=name), flags,
                                says=[self.name, name])
        self.assertEqual(self.kept(), [{self.attr: 'old'}])
        self.assertEqual(self.journal(self.uuid), [f'{self.attr}=old'])

    def test_refused_half_way(self):
        """Attributes written before a failure are active, and shown."""
        self.device.create(0)
        attrs = [(self.attr, 'first'), ('stubborn', '1')]
        self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR,
                            functools.partial(self.update, attrs=attrs), LIVE, says='stubborn')
        self.assertEqual(self.attribute(self.uuid), 'first')
        self.assertIn("value='first'", self.device.XMLDesc(0))
        self.assertEqual(self.kept(), [{self.attr: 'old'}])

    def test_bad_calls(self):
        with self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, self.update, 4)
            self.assert_refused(libvirt.VIR_ERR_XML_DETAIL, self.client.update, self.name, '<', 0)
            self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, self.client.update,
                                self.parent.name, self.document(), 0)
            self.assert_refused(libvirt.VIR_ERR_NO_NODE_DEVICE, self.client.update, 'nobody',
                                self.document(), 0, says='nobody')


@only_on('sim', 'the card is simulated')
class UpdateOfVgpu(WithVgpus, Update):
    # vGPUs have one attribute.
    test_refused_half_way = None

    def test_refused_attribute(self):
        self.device.create(0)
        system_error, unsupported = libvirt.VIR_ERR_SYSTEM_ERROR, libvirt.VIR_ERR_CONFIG_UNSUPPORTED
        self.host.fake(self.parent).set_knob('fail_params', errno.EINVAL)
        for name, flags, code in ((self.attr, LIVE, system_error), (self.attr, LIVE | CONFIG, system_error),
                                  ('nvidia/current_vgpu_type', LIVE, unsupported), ('missing', CONFIG, unsupported)):
            self.assert_refused(code, functools.partial(self.update, name=name), flags, says=[self.name, name])
        self.assertEqual(self.kept(), [{self.attr: 'old'}])
        self.assertEqual(self.attribute(self.uuid), 'old')
        self.assertIn("value='old'", self.device.XMLDesc(0))
