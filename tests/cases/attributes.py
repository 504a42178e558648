# SPDX-License-Identifier: LGPL-2.1-or-later
"""Attributes set at creation: in order, below the device, all of them or no device."""

from mediated_test import VAGUE, MediatedTest


class Attributes(MediatedTest):
    def test_in_order(self):
        uuid = self.new_uuid()
        attrs = [('scratch', 'one'), ('nvidia/vgpu_params', 'frame_rate_limiter=0,disable_vnc=1'),
                 ('scratch', 'two'), ('scratch', 'one')]
        self.create(uuid=uuid, attrs=attrs)
        self.assertEqual(self.host.journal(uuid), [f'{name}={value}' for name, value in attrs])
        self.assertEqual(self.host.attribute(uuid, 'nvidia/vgpu_params'), attrs[1][1])

    def test_value_ends_in_a_newline(self):
        """Without one NVIDIA's driver drops the last character."""
        uuid = self.new_uuid()
        with self.host.knob(self.parent, 'strict_params', 1):
            self.create(uuid=uuid, attrs=[('nvidia/vgpu_params', 'frame_rate_limiter=0')])
        self.assertEqual(self.host.attribute(uuid, 'nvidia/vgpu_params'), 'frame_rate_limiter=0')

    def test_empty_value(self):
        uuid = self.new_uuid()
        self.create(uuid=uuid, attrs=[('scratch', 'x'), ('scratch', '')])
        self.assertEqual(self.host.journal(uuid), ['scratch=x', 'scratch='])

    def test_characters_of_xml(self):
        uuid = self.new_uuid()
        value = 'a<b>&"c" \'d\' é'
        self.create(uuid=uuid, attrs=[('scratch', value)])
        self.assertEqual(self.host.attribute(uuid, 'scratch'), value)

    def refuse(self, attrs, says):
        """The device may have been there for a moment, but nobody was told of it."""
        with self.nothing_changes():
            self.assert_refused(VAGUE | {38}, self.create_with, attrs, says=says)

    def create_with(self, attrs):
        return self.conn.nodeDeviceCreateXML(self.document(uuid=self.new_uuid(), attrs=attrs), 0)

    def test_driver_refuses_one(self):
        self.refuse([('scratch', 'one'), ('stubborn', 'yes'), ('scratch', 'two')], 'stubborn')

    def test_unknown_one(self):
        self.refuse([('scratch', 'one'), ('no_such_attribute', '1')], 'no_such_attribute')

    def test_read_only_one(self):
        self.refuse([('journal', 'x')], 'journal')

    def test_directory(self):
        self.refuse([('nvidia', 'x')], 'nvidia')

    def test_way_out(self):
        """In the stock daemon '../remove' removes the parent."""
        for name in ('../remove', 'nvidia/../../remove', '..', './../remove', 'nvidia/..',
                     f'../mdev_supported_types/{self.type_id}/create', '../hostile/total_mib',
                     '../' * 40 + 'etc/hostname'):
            with self.subTest(name):
                self.refuse([(name, '1')], name)

    def test_through_a_link(self):
        for name in ('subsystem/drivers_autoprobe', 'mdev_type/create', 'driver/unbind',
                     'iommu_group/type', 'driver'):
            with self.subTest(name):
                self.refuse([(name, '1')], name)

    def test_absolute(self):
        for name in (f'{self.parent.path}/remove', '/etc/hostname', '//scratch'):
            with self.subTest(name):
                self.refuse([(name, '1')], name)

    def test_empty_name(self):
        for name in ('', '/', '.', 'scratch/', 'nvidia//vgpu_params'):
            with self.subTest(name):
                self.refuse([(name, '1')], 'attr')

    def test_too_long_for_the_driver(self):
        self.refuse([('scratch', 'x' * 1000)], 'scratch')

    def test_name_too_long(self):
        self.refuse([('n' * 5000, '1')], 'n' * 20)

    def test_one_bad_among_good_ones_leaves_no_device(self):
        good = [('scratch', str(number)) for number in range(20)]
        self.refuse(good + [('../remove', '1')], '../remove')
