# SPDX-License-Identifier: LGPL-2.1-or-later
"""mdevctl's scripts around operations on a device, with the whole daemon."""

import functools
import json
import os
import shlex

import libvirt
from mediated_test import MediatedTest, seldom_on

LIVE = 1
SUPPORTED = {'supports': {'version': 2, 'actions': ['start', 'stop', 'define', 'undefine', 'modify',
                                                    'attributes', 'capabilities'],
                          'events': ['pre', 'post', 'notify', 'get', 'live']}}


@seldom_on('vm', 'scripts are processes like any other',
           keeps=('test_whole_life', 'test_no_script_for_a_device_in_use', 'test_hangs',
                  'test_made_by_others_meanwhile'))
class Scripts(MediatedTest):
    """Each script records its arguments and input, one line of JSON per call."""

    def setUp(self):
        super().setUp()
        self.record = self.daemon.directory / 'record'
        self.record.touch()

    def install(self, name='10-test.sh', kind='callouts', body='', root=None, versioned=False):
        path = (root or self.daemon.scripts) / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        record = shlex.quote(str(self.record))
        version = ''
        if versioned:
            version = f"[ $6 = capabilities ] && echo '{json.dumps(SUPPORTED)}' && exit 0\n"
        # Arguments: -t type -e event -a action -s state -u uuid -p parent
        text = ('#!/bin/sh\n'
                f'{version}'
                'input=$(cat)\n'
                f'printf "%s\\t%s\\n" "$*" "$input" >> {record}\n'
                f'{body}\nexit 0\n')
        path.write_text(text, encoding='utf-8')
        path.chmod(0o755)
        return path

    def calls(self):
        """Returns [(event, action, state, uuid, input)], without version probes."""
        result = []
        for line in self.record.read_text(encoding='utf-8').splitlines():
            words, _, given = line.partition('\t')
            words = words.split()
            facts = dict(zip(words[::2], words[1::2]))
            if facts['-a'] == 'capabilities':
                continue
            self.assertEqual(facts['-p'], self.parent.address)
            result.append((facts['-e'], facts['-a'], facts['-s'], facts['-u'],
                           json.loads(given) if given else None))
        return result

    def steps(self):
        return [call[:3] for call in self.calls()]

    def test_whole_life(self):
        self.install()
        self.install('notify.sh', 'notifiers')
        uuid = self.new_uuid()
        device = self.define(uuid=uuid, attrs=[('scratch', 'x')])
        device.create(0)
        device.setAutostart(1)
        device.destroy()
        device.undefine(0)
        around = [(event, action, state) for action in ('define', 'start', 'modify', 'stop',
                                                        'undefine')
                  for event, state in (('pre', 'none'), ('post', 'success'),
                                       ('notify', 'success'))]
        self.assertEqual(self.steps(), around)
        given = {call[1]: call[4] for call in self.calls() if call[0] == 'pre'}
        definition = {'mdev_type': self.type_id, 'start': 'manual', 'attrs': [{'scratch': 'x'}]}
        self.assertEqual(given['define'], definition)
        self.assertEqual(given['start'], definition)
        self.assertEqual(given['modify'], {**definition, 'start': 'auto'})
        self.assertEqual(given['stop'], {**definition, 'start': 'auto'})
        self.assertEqual({call[3] for call in self.calls()}, {uuid})

    def test_create_and_destroy_of_transient(self):
        self.install()
        device = self.create(type_id=self.type_id.rpartition('-')[2])
        device.destroy()
        self.assertEqual(self.steps(), [('pre', 'start', 'none'), ('post', 'start', 'success'),
                                        ('pre', 'stop', 'none'), ('post', 'stop', 'success')])
        self.assertEqual(self.calls()[0][4]['mdev_type'], self.type_id)

    def test_deprecated_directory(self):
        self.install(root=self.daemon.definitions / 'scripts.d')
        self.create().destroy()
        self.assertEqual(len(self.calls()), 4)
        self.assertEqual(self.names(1 << 30), [])

    def test_refusal(self):
        self.install(body='echo "no licence left" >&2; exit 1')
        self.install('notify.sh', 'notifiers')
        with self.nothing_changes():
            for call in (self.create, self.define):
                self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, call, says=['10-test.sh', 'no licence left'])
        self.assertFalse(any(self.daemon.definitions.glob('*/*-*-*-*-*')))

    def test_other_refusals(self):
        script = self.install()
        device = self.define()
        device.create(0)
        script.write_text('#!/bin/sh\nexit 3\n', encoding='utf-8')
        for call in (device.destroy, functools.partial(device.undefine, 0),
                     functools.partial(device.setAutostart, 1)):
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, call, says='10-test.sh')
        self.assertEqual(self.state(device.name()), (True, True, False))

    def test_not_my_type(self):
        self.install('10-other.sh', body='exit 2')
        self.install('20-mine.sh')
        self.create()
        self.assertEqual([call[0] for call in self.calls()], ['pre', 'pre', 'post'])

    def test_failure(self):
        self.install()
        self.assert_refused(libvirt.VIR_ERR_SYSTEM_ERROR, lambda: self.create(attrs=[('stubborn', '1')]))
        self.assertEqual(self.host.children(), [])
        self.assertEqual(self.steps(), [('pre', 'start', 'none'), ('post', 'start', 'failure')])

    def test_no_script_for_a_device_in_use(self):
        device = self.create(uuid=(uuid := self.new_uuid()))
        self.install()
        with self.host.hold_open(uuid):
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.destroy, says='use')
        self.assertEqual(self.calls(), [])

    def test_hangs(self):
        """A hung script delays only the call that runs it, until the timeout."""
        self.install(body='sleep 1000')
        uuid = self.new_uuid()
        with self.settings(callouts={'timeout': '3'}):
            stuck = self.in_background(lambda: self.connect().nodeDeviceCreateXML(
                self.document(uuid=uuid), 0))
            self.wait_until(self.record.read_text, 'the script has begun')
        self.assertIn(self.parent.name, self.names())
        self.assert_refused(libvirt.VIR_ERR_OPERATION_TIMEOUT, stuck.result, self.deadline, says='10-test.sh')
        self.assertEqual(self.host.children(), [])

    def test_made_by_others_meanwhile(self):
        """A device created by another program while a script runs is reported at once."""
        go_on = self.daemon.directory / 'go-on'
        os.mkfifo(go_on)
        pipe = os.open(go_on, os.O_RDWR)
        self.addCleanup(os.close, pipe)
        self.install(body=f'[ $4 = pre ] && read -r _ < {go_on}')
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        events = self.listen()
        late = self.in_background(lambda: self.connect().nodeDeviceCreateXML(
            self.document(uuid=uuid), 0))
        self.wait_until(self.record.read_text, 'the script has begun')
        self.host.create_by_others(self.parent, self.type_id, uuid)
        events.wait(('created', name))
        self.host.remove_by_others(uuid)
        events.wait(('deleted', name))
        self.host.create_by_others(self.parent, self.type_id, uuid)
        self.wait_until(lambda: events.count(('created', name)) == 2, 'created again')
        os.write(pipe, b'\n')
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, late.result, self.deadline, says='in use')
        self.assertEqual(self.state(name), (True, False, False))
        self.barrier(events)
        self.assertEqual(events.count(('created', name)), 2)

    def test_floods(self):
        self.install(body='exec yes far too much')
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, self.create, says='10-test.sh')
        self.assertEqual(self.host.children(), [])

    def test_dies_by_a_signal(self):
        """A script that dies by a signal is treated like one that cannot be executed: as not responsible."""
        self.install(body='kill -9 $$')
        self.create()
        self.assertEqual(len(self.host.children()), 1)

    def test_not_executable(self):
        self.install(body='exit 1').chmod(0o644)
        self.create()
        self.assertEqual(self.calls(), [])

    def test_attributes_from_a_script(self):
        body = '[ $4 = get ] && echo \'[{"scratch": "from the script"}]\''
        self.install(body=body)
        device = self.create()
        self.assertIn("<attr name='scratch' value='from the script'/>", device.XMLDesc(0))

    def test_attributes_of_garbage(self):
        self.install(body='[ $4 = get ] && echo "not JSON"')
        device = self.create(attrs=[('scratch', 'ours')])
        self.assertIn("value='ours'", device.XMLDesc(0))

    def test_live_update(self):
        self.install(versioned=True)
        self.install('notify.sh', 'notifiers')
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        self.record.write_text('', encoding='utf-8')
        document = self.document(uuid=uuid, type_id=self.type_id.rpartition('-')[2],
                                 attrs=[('scratch', 'live')])
        self.raw().update(device.name(), document, LIVE)
        self.assertEqual(self.steps()[0], ('live', 'modify', 'none'))
        self.assertEqual(self.calls()[0][4], {'mdev_type': self.type_id, 'start': 'manual',
                                              'attrs': [{'scratch': 'live'}]})
        # The script has made the change itself.
        self.assertEqual(self.host.journal(uuid), [])

    def test_many_live_updates(self):
        """All names that scripts have accepted in live updates of a device count towards its limit."""
        self.install(versioned=True)
        uuid, client = self.new_uuid(), self.raw()
        name = self.create(uuid=uuid).name()

        def update(first):
            attrs = [(f'a{number}', 'x') for number in range(first, first + 512)]
            client.update(name, self.document(uuid=uuid, attrs=attrs), LIVE)
        for first in (0, 512, 256):
            update(first)
        self.record.write_text('', encoding='utf-8')
        self.assert_refused(libvirt.VIR_ERR_CONFIG_UNSUPPORTED, update, 513,
                            says='more than 1024 attributes')
        self.assertEqual(self.calls(), [])

    def test_unclaimed_live_update(self):
        self.install()
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        self.raw().update(device.name(), self.document(uuid=uuid, attrs=[('scratch', 'live')]),
                          LIVE)
        self.assertEqual(self.host.journal(uuid), ['scratch=live'])

    def test_autostart(self):
        self.daemon.stop()
        self.first_connection = None
        self.install()
        uuid = self.new_uuid()
        self.write_definition(uuid, start='auto')
        self.daemon.start(self.config)
        self.wait_until(lambda: self.state(self.child_name(self.parent, uuid))[0], 'active')
        self.wait_until(lambda: self.steps() == [('pre', 'start', 'none'),
                                                 ('post', 'start', 'success')], 'both phases')
