# SPDX-License-Identifier: LGPL-2.1-or-later
"""Authentication and authorization by a real polkitd: as root, as a member of a group, as nobody."""

import functools
import os
import pwd
import subprocess

import libvirt

import rpc
from host import URI
from mediated_test import MediatedTest
from polkit import OtherUser, as_user, polkit
from user import acting_as

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

MEMBER, NOBODY = 'daemon', 'nobody'

RPC_ERROR, DENIED = libvirt.VIR_ERR_RPC, libvirt.VIR_ERR_OPERATION_DENIED
NO_DEVICE, AUTH_FAILED = libvirt.VIR_ERR_NO_NODE_DEVICE, libvirt.VIR_ERR_AUTH_FAILED
XML_BROKEN, INVALID_ARG = libvirt.VIR_ERR_XML_DETAIL, libvirt.VIR_ERR_INVALID_ARG
UNSUPPORTED_ARG, REFUSED = libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, libvirt.VIR_ERR_ACCESS_DENIED
NO_AGENT = libvirt.VIR_ERR_AUTH_UNAVAILABLE
FROM_NONE, FROM_RPC = libvirt.VIR_FROM_NONE, libvirt.VIR_FROM_RPC
FROM_POLKIT, FROM_ACCESS = libvirt.VIR_FROM_POLKIT, libvirt.VIR_FROM_ACCESS
UNSUPPORTED = libvirt.VIR_ERR_CONFIG_UNSUPPORTED

NONE, POLKIT = [0], [2]
LIFECYCLE, UPDATE = 0, 1
OPEN_TO_ALL = {'rw_mode': '0777', 'ro_mode': '0777'}

# MD_POLKIT_MAX_ASKED.
ASKED_AT_ONCE = 64
REFUSAL = "access denied: 'nodedev' denied access"

# A rule for one user; polkit asks the rules in order until one decides.
RULE = """polkit.addRule(function(action, subject) {{
    if ({condition}) return polkit.Result.{result};
}});
"""
OF_GROUP = "action.id == 'org.libvirt.unix.manage' && subject.isInGroup('daemon')"


def rule(condition, result='YES'):
    return RULE.format(condition=condition, result=result)


def rule_for_all(result, *permissions):
    """A rule that gives all users these permissions on any device."""
    ids = ', '.join(f"'org.libvirt.api.node-device.{name}'" for name in permissions)
    return rule(f'[{ids}].indexOf(action.id) >= 0', result)


def allow_all(*permissions):
    return rule_for_all('YES', *permissions)


def only(device):
    """A rule that hides all other devices."""
    return rule("action.id.indexOf('org.libvirt.api.node-device.') == 0 && "
                f"action.lookup('node_device_name') != '{device}'", 'NO')


class AccessTest(MediatedTest):
    starts_daemon = False
    rules = ''

    def setUp(self):
        super().setUp()
        self.use_polkit()
        self.daemon.start(self.config)

    def use_polkit(self):
        """Lets the daemon reach a polkit with the rules of this class."""
        self.polkit = polkit(self.deadline)
        self.addCleanup(self.polkit.reset)
        self.polkit.use(self.rules)
        os.chmod(self.daemon.directory, 0o755)
        self.daemon.environment.update(self.polkit.environment)

    @property
    def socket(self):
        """The socket of clients whose users are to be authorized, or authenticated."""
        return self.daemon.rw_path

    def other(self, name, path=None):
        """Returns a raw client of another user, not opened, and its process."""
        user = OtherUser(name, path or self.socket)
        self.addCleanup(user.close)
        return self.raw(opened=False, path=user.socket), user

    def opened(self, name, path=None):
        client, _ = self.other(name, path)
        client.open()
        return client

    def virsh(self, name, *command, path=None):
        uri = URI.format(path or self.daemon.rw_path)
        return subprocess.run(['virsh', '-q', '-c', uri, *command], **as_user(name), cwd='/',
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, timeout=self.deadline)


class KernelsAttributes(AccessTest):
    """A user who may write attributes but not stop devices cannot stop one by an attribute."""

    config = {'sockets': OPEN_TO_ALL, 'access': {'access_drivers': 'polkit'}}
    rules = (rule_for_all('NO', 'stop') +
             allow_all('getattr', 'read', 'write', 'start', 'save', 'search') +
             rule("action.id.indexOf('org.libvirt.api.connect.') == 0"))

    def test_remove(self):
        device = self.create(uuid=(uuid := self.new_uuid()))
        client = self.opened(NOBODY)
        with self.nothing_changes():
            self.assert_refused(REFUSED, client.destroy, device.name(), domain=FROM_ACCESS)
            for name in ('remove', 'uevent', 'power/control', 'driver/unbind',
                         'vfio-dev/vfio0/uevent'):
                with self.subTest(name):
                    document = self.document(uuid=uuid, attrs=[(name, '1')])
                    for call in (functools.partial(client.update, device.name(), document, 1),
                                 functools.partial(client.define_xml, document)):
                        self.assert_refused(UNSUPPORTED, call, says=[name, 'kernel'])
                    other = self.document(uuid=self.new_uuid(), attrs=[(name, '1')])
                    self.assert_refused(UNSUPPORTED, client.create_xml, other,
                                        says=[name, 'kernel'])
        client.update(device.name(), self.document(uuid=uuid, attrs=[('scratch', 'x')]), 1)
        self.assertEqual(self.host.children(), [uuid])


class Login(AccessTest):
    config = {'sockets': OPEN_TO_ALL, 'access': {'auth_unix_rw': 'polkit'}}
    rules = rule(OF_GROUP)

    def test_root(self):
        client = self.raw(opened=False)
        self.assertEqual(client.open(), NONE)
        self.assertIn('computer', client.list_all()[0])
        self.assert_refused(AUTH_FAILED, client.auth_polkit, domain=FROM_RPC,
                            says='authentication failed: authentication failed')
        self.assertIn('computer', self.names())

    def test_member(self):
        client, _ = self.other(MEMBER)
        self.assertEqual(client.auth_list(), POLKIT)
        self.assertEqual(client.auth_polkit(), 1)
        self.assertEqual(client.open(), NONE)
        name = client.create_xml(self.document())
        self.assertIn(name, client.list_all()[0])
        client.destroy(name)

    def test_nobody(self):
        client, _ = self.other(NOBODY)
        for _ in range(2):
            self.assertEqual(client.auth_list(), POLKIT)
            self.assert_refused(NO_AGENT, client.auth_polkit, domain=FROM_POLKIT, says=(
                'authentication unavailable: no polkit agent available to authenticate action '
                "'org.libvirt.unix.manage'"))
        self.assert_refused(RPC_ERROR, client.open, says='authentication required', domain=FROM_RPC)

    def test_refused_by_a_rule(self):
        self.polkit.use(rule("action.id == 'org.libvirt.unix.manage'", 'NO'))
        client, _ = self.other(MEMBER)
        self.assert_refused(AUTH_FAILED, client.auth_polkit, domain=FROM_POLKIT,
                            says='authentication failed: access denied by policy')

    def test_before(self):
        """Before authentication, all other calls are refused with the same error, unknown ones included."""
        client, _ = self.other(MEMBER)
        document = self.document()
        calls = {'OPEN': rpc.optional(None) + rpc.u32(0), 'CLOSE': b'', 'GET_TYPE': b'',
                 'LIST_ALL': rpc.i32(1) + rpc.u32(0), 'SUPPORTS_FEATURE': rpc.i32(10),
                 'CREATE_XML': rpc.string(document) + rpc.u32(0), 'GET_VERSION': b'',
                 'SET_IDENTITY': rpc.u32(0) + rpc.u32(0), 9999: b'', 'RESET': b'?'}
        with self.nothing_changes():
            for procedure, payload in calls.items():
                with self.subTest(procedure):
                    self.assert_refused(RPC_ERROR, client.call, procedure, payload,
                                        says='authentication required', domain=FROM_RPC)
        client.ping()
        client.wait_keepalive('PONG')
        self.assertEqual(client.auth_polkit(), 1)
        self.assertEqual(client.open(), NONE)

    def test_sasl(self):
        """SASL is not offered, as in the stock daemon."""
        client, _ = self.other(MEMBER)
        start = rpc.string('GSSAPI') + rpc.i32(0) + rpc.u32(2) + rpc.i32(1) + rpc.i32(2)
        step = rpc.i32(1) + rpc.u32(0)
        for procedure, payload in (('AUTH_SASL_INIT', b''), ('AUTH_SASL_START', start),
                                   ('AUTH_SASL_STEP', step)):
            self.assert_refused(AUTH_FAILED, client.call, procedure, payload, domain=FROM_RPC,
                                says='authentication failed: authentication failed')
        self.assertEqual(client.auth_polkit(), 1)

    def test_readers_need_not(self):
        client = self.opened(NOBODY, self.daemon.ro_path)
        self.assertIn('computer', client.list_all()[0])
        self.assert_refused(DENIED, client.create_xml, self.document())

    def test_through_virsh(self):
        member = self.virsh(MEMBER, 'nodedev-list', '--cap', 'system')
        self.assertEqual(member.stdout.split(), ['computer'], member.stderr)
        nobody = self.virsh(NOBODY, 'nodedev-list')
        self.assertNotEqual(nobody.returncode, 0)
        self.assertIn('authentication unavailable', nobody.stderr)
        reader = self.virsh(NOBODY, 'nodedev-list', '--cap', 'system', path=self.daemon.ro_path)
        self.assertEqual(reader.stdout.split(), ['computer'], reader.stderr)

    def test_pending_authentication(self):
        """Calls sent together with the authentication wait for the answer of polkit."""
        client, _ = self.other(MEMBER)
        self.polkit.pause()
        first = client.send('AUTH_POLKIT')
        second = client.send('OPEN', rpc.optional(None) + rpc.u32(0))
        third = client.send('GET_TYPE')
        self.assertEqual(self.raw().get_uri(), 'nodedev:///system')
        self.polkit.resume()
        for serial in (first, second, third):
            client.wait_reply(serial).decoder()
        self.assertEqual([frame.serial for frame in client.frames], [first, second, third])

    def test_client_disconnects_meanwhile(self):
        client, _ = self.other(MEMBER)
        self.polkit.pause()
        client.send('AUTH_POLKIT')
        self.assertIn('computer', self.names())
        client.disconnect()
        self.assertIn('computer', self.names())
        self.polkit.resume()
        again, _ = self.other(MEMBER)
        self.assertEqual(again.auth_polkit(), 1)

    def test_stop(self):
        client, _ = self.other(MEMBER)
        self.polkit.pause()
        client.send('AUTH_POLKIT')
        self.assertIn('computer', self.names())
        with self.within(self.deadline / 2, 'a stop'):
            self.daemon.stop()
        client.wait_closed()
        self.polkit.resume()
        self.daemon.start(self.config)


class Deadline(AccessTest):
    config = {'sockets': OPEN_TO_ALL, 'access': {'auth_unix_rw': 'polkit'}}
    rules = rule(OF_GROUP)

    def test_hung_polkit(self):
        """A hung check keeps the timeout that it started with; a later check uses the current setting."""
        client, _ = self.other(MEMBER)
        self.polkit.pause()
        with self.settings(access={'auth_timeout': '2'}):
            serial = client.send('AUTH_POLKIT')
            self.assertIn('computer', self.names())
        self.assert_error(client.wait_reply(serial), AUTH_FAILED, 'did not answer in time', FROM_POLKIT)
        self.polkit.resume()
        self.assertEqual(client.auth_polkit(), 1)

    def test_no_authentication(self):
        """A client that only asks for the methods of authentication is disconnected after the timeout."""
        with self.settings(access={'auth_timeout': '3'}):
            client, _ = self.other(MEMBER)
            self.assertEqual(client.auth_list(), POLKIT)
            client.wait_closed()
        self.assertIn('did not authenticate in time', self.daemon.log())


class Absent(AccessTest):
    config = {'sockets': OPEN_TO_ALL, 'access': {'auth_unix_rw': 'polkit'}}
    rules = rule(OF_GROUP)

    def test_no_polkit(self):
        client, _ = self.other(MEMBER)
        self.polkit.stop_authority()
        self.assert_refused(AUTH_FAILED, client.auth_polkit, says='polkit failed to check', domain=FROM_POLKIT)
        self.polkit.start_authority()
        again, _ = self.other(MEMBER)
        self.assertEqual(again.auth_polkit(), 1)

    def test_exited_process(self):
        """A process that has ended is refused, because its pid may belong to another process."""
        self.daemon.pause()
        user = OtherUser(MEMBER, self.daemon.rw_path)
        client = self.raw(opened=False, path=user.socket)
        user.close()
        self.daemon.resume()
        self.assertEqual(client.auth_list(), POLKIT)
        self.assert_refused(AUTH_FAILED, client.auth_polkit, says='is unknown or out of range', domain=FROM_POLKIT)
        again, _ = self.other(MEMBER)
        self.assertEqual(again.auth_polkit(), 1)

    def test_no_bus(self):
        first, _ = self.other(MEMBER)
        self.assertEqual(first.auth_polkit(), 1)
        client, _ = self.other(MEMBER)
        self.polkit.stop()
        self.assert_refused(AUTH_FAILED, client.auth_polkit, says='polkit', domain=FROM_POLKIT)
        self.assertIn('computer', self.names())
        first.open()
        self.polkit.start()
        again, _ = self.other(MEMBER)
        self.assertEqual(again.auth_polkit(), 1)


class Anonymous(AccessTest):
    config = {'sockets': OPEN_TO_ALL, 'access': {'auth_unix_rw': 'polkit'},
              'limits': {'max_anonymous_clients': 2}}
    rules = rule(OF_GROUP)

    def test_waiting_connections(self):
        first, _ = self.other(MEMBER)
        second, _ = self.other(NOBODY)
        self.assertEqual(first.auth_list(), POLKIT)
        self.assertEqual(second.auth_list(), POLKIT)
        third, _ = self.other(MEMBER)
        serial = third.send('AUTH_LIST')
        # Readers use a different socket, and are served.
        reader = self.opened(NOBODY, self.daemon.ro_path)
        self.assertEqual(reader.get_type(), 'nodedev')
        self.assertIsNone(third.receive(0))
        self.assertEqual(first.auth_polkit(), 1)
        third.wait_reply(serial).decoder()
        fourth, _ = self.other(MEMBER)
        serial = fourth.send('AUTH_LIST')
        self.assertEqual(reader.get_type(), 'nodedev')
        self.assertIsNone(fourth.receive(0))
        second.disconnect()
        fourth.wait_reply(serial).decoder()

    def test_flood(self):
        """A user who keeps connecting without authenticating delays neither root nor other users."""
        flood = self.flood(200)
        root = self.raw(opened=False)
        self.assertEqual(root.open(), NONE)
        self.assertIn('computer', root.list_all()[0])
        member, _ = self.other(MEMBER)
        flood += self.flood(50)
        self.assertEqual(member.auth_polkit(), 1)
        member.open()
        self.assertIn('computer', member.list_all()[0])
        self.assertIn('computer', self.names())

    def flood(self, count):
        with acting_as(pwd.getpwnam(NOBODY).pw_uid):
            return [self.raw(opened=False) for _ in range(count)]


class Monitor(AccessTest):
    config = {'sockets': OPEN_TO_ALL, 'access': {'auth_unix_ro': 'polkit'}}
    rules = rule("action.id == 'org.libvirt.unix.monitor' && subject.user == 'daemon'", 'NO')

    def test_readers(self):
        """libvirt's policy lets everybody read, and a rule of ours denies one user."""
        client, _ = self.other(NOBODY, self.daemon.ro_path)
        self.assertEqual(client.auth_list(), POLKIT)
        self.assertEqual(client.auth_polkit(), 1)
        client.open()
        self.assertIn('computer', client.list_all()[0])
        self.assert_refused(DENIED, client.create_xml, self.document())
        refused, _ = self.other(MEMBER, self.daemon.ro_path)
        self.assert_refused(AUTH_FAILED, refused.auth_polkit, domain=FROM_POLKIT)
        self.assertEqual(self.opened(MEMBER).get_type(), 'nodedev')


class PolkitTest(AccessTest):
    # An emulated machine on shared processors takes minutes for checks that take seconds elsewhere.
    ACCESS = {'access_drivers': 'polkit', 'polkit_timeout': '600'}
    config = {'sockets': OPEN_TO_ALL, 'access': ACCESS}

    def assert_denied(self, func, *args):
        self.assertEqual(self.assert_refused(REFUSED, func, *args, domain=FROM_ACCESS), REFUSAL)


class Authorized(PolkitTest):
    def test_libvirts_own_policy(self):
        """By libvirt's policy, every connected user sees which devices exist but changes none; since libvirt 11,
        documents too."""
        device = self.create()
        client = self.opened(NOBODY)
        self.assertIn(device.name(), client.list_all()[0])
        self.assertEqual(client.num_of_devices(), len(self.names()))
        self.assertEqual(client.look_up(device.name()), device.name())
        self.assertEqual(client.get_uri(), 'nodedev:///system')
        self.assertGreater(client.get_lib_version(), 0)
        client.deregister(client.register(LIFECYCLE))
        with self.nothing_changes():
            self.assert_denied(client.create_xml, self.document())
            self.assert_denied(client.destroy, device.name())

    def test_reading(self):
        device = self.create()
        self.polkit.use(rule_for_all('NO', 'read'))
        client = self.opened(NOBODY)
        self.assertIn(device.name(), client.list_all()[0])
        self.assert_denied(client.get_xml, device.name())
        self.polkit.use(allow_all('read'))
        client = self.opened(NOBODY)
        self.assertEqual(client.get_parent(device.name()), self.parent.name)
        self.assertIn(device.name(), client.get_xml(device.name()))
        self.assertEqual(client.list_caps(device.name()), ['mdev'])
        self.assertEqual(client.num_of_caps(device.name()), 1)
        self.assertEqual(client.is_active(device.name()), 1)
        self.assertEqual(client.is_persistent(device.name()), 0)
        self.assertEqual(client.get_autostart(device.name()), 0)

    def test_malformed_document(self):
        client = self.opened(NOBODY)
        with self.nothing_changes():
            for document in ('no document', '<device', '<device>' * 5000, '', '<a>&b;</a>'):
                self.assert_denied(client.create_xml, document)
        self.assert_refused(XML_BROKEN, self.raw().create_xml, '<device')

    def test_unknown_devices(self):
        """An unknown device is reported as such, as in libvirt: names are not secret."""
        client = self.opened(NOBODY)
        self.assert_refused(NO_DEVICE, client.look_up, 'nope')
        self.assert_refused(NO_DEVICE, client.destroy, 'nope')
        self.assert_refused(NO_DEVICE, client.get_xml, 'nope')

    def test_root(self):
        self.polkit.stop()
        client = self.raw()
        name = client.create_xml(self.document())
        self.assertIn(name, client.list_all()[0])
        client.destroy(name)

    def test_no_open(self):
        self.polkit.use(rule("action.id == 'org.libvirt.api.connect.getattr'", 'NO'))
        client, _ = self.other(NOBODY)
        self.assert_denied(client.open)
        self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, client.get_type, says='connection not open',
                            domain=FROM_RPC)

    def test_no_search(self):
        self.polkit.use(rule("action.id == 'org.libvirt.api.connect.search-node-devices'", 'NO'))
        client = self.opened(NOBODY)
        for call in (client.list_all, client.list_devices, client.num_of_devices):
            self.assert_denied(call)
        self.assert_denied(client.register, LIFECYCLE)
        self.assertEqual(client.look_up('computer'), 'computer')

    def test_both_permissions(self):
        for granted in ('write', 'start'):
            with self.subTest(granted):
                self.polkit.use(allow_all(granted))
                self.assert_denied(self.opened(NOBODY).create_xml, self.document())

    def test_allowed(self):
        self.polkit.use(allow_all('write', 'start') +
                        rule("action.id == 'org.libvirt.api.node-device.stop' && "
                             "action.lookup('connect_driver') == 'nodedev'"))
        client = self.opened(NOBODY)
        name = client.create_xml(self.document())
        self.assertIn(name, self.names())
        client.destroy(name)
        self.assertNotIn(name, self.names())

    def test_definitions(self):
        """Each call on a definition requires its own permission."""
        root = self.raw()
        name = root.define_xml(self.document(uuid=self.new_uuid()))
        verbs = {('write',): lambda client: client.set_autostart(name, 1),
                 ('start',): lambda client: client.create(name),
                 ('stop',): lambda client: client.destroy(name),
                 ('delete',): lambda client: client.undefine(name)}
        for needed, verb in verbs.items():
            with self.subTest(needed):
                others = {'read', 'write', 'start', 'stop', 'delete'} - set(needed)
                self.polkit.use(allow_all(*others))
                self.assert_denied(verb, self.opened(NOBODY))
                self.polkit.use(allow_all(*needed))
                verb(self.opened(NOBODY))
        self.assert_refused(NO_DEVICE, root.look_up, name)
        self.polkit.use(allow_all('start', 'stop', 'delete', 'read'))
        client = self.opened(NOBODY)
        with self.nothing_changes():
            self.assert_denied(client.define_xml, '<device')
        self.polkit.use(allow_all('write'))
        client = self.opened(NOBODY)
        name = client.define_xml(self.document(uuid=self.new_uuid()))
        self.assertIn(name, client.list_all()[0])
        # Some versions of libvirt have no polkit action for saving.
        self.assert_refused(REFUSED, client.update, name, '<device', 2, domain=FROM_ACCESS)
        self.polkit.use(allow_all('start'))
        self.assert_denied(self.opened(NOBODY).update, name, '<device', 1)
        root.undefine(name)

    def test_new_devices_have_libvirts_name(self):
        self.polkit.use(rule("action.lookup('node_device_name') == 'new device'"))
        client = self.opened(NOBODY)
        name = client.create_xml(self.document())
        self.assert_denied(client.destroy, name)

    def test_readers_stay_readers(self):
        self.polkit.use(allow_all('write', 'start', 'stop'))
        client = self.opened(NOBODY, self.daemon.ro_path)
        self.assert_refused(DENIED, client.create_xml, self.document())

    def test_through_virsh(self):
        listed = self.virsh(NOBODY, 'nodedev-list', '--cap', 'system')
        self.assertEqual(listed.stdout.split(), ['computer'], listed.stderr)
        device = self.create()
        destroyed = self.virsh(NOBODY, 'nodedev-destroy', device.name())
        self.assertIn(REFUSAL, destroyed.stderr)
        self.assertIn(device.name(), self.names())


class OneDevice(PolkitTest):
    """One device is visible, all others are hidden."""

    rules = only('computer') + allow_all('read')

    def test_lists(self):
        self.create()
        client = self.opened(NOBODY)
        self.assertEqual(client.list_all(), (['computer'], 1))
        self.assertEqual(client.list_all(need_results=0), ([], 1))
        self.assertEqual(client.list_devices(), ['computer'])
        self.assertEqual(client.list_devices(maxnames=0), [])
        self.assertEqual(client.num_of_devices(), 1)
        self.assertEqual(client.num_of_devices('mdev'), 0)
        self.assertGreater(len(self.names()), 1)

    def test_others(self):
        device = self.create()
        client = self.opened(NOBODY)
        self.assertEqual(client.look_up('computer'), 'computer')
        self.assertIn('computer', client.get_xml('computer'))
        for call in (client.look_up, client.get_xml, client.get_parent, client.list_caps,
                     client.num_of_caps, client.is_active, client.is_persistent,
                     client.get_autostart, client.destroy):
            with self.subTest(call.__name__):
                self.assert_denied(call, device.name())

    def test_many(self):
        """A list needs one check per device, more than may run at once."""
        names = self.names()
        clients = [self.opened(NOBODY) for _ in range(ASKED_AT_ONCE // len(names) + 2)]
        self.polkit.pause()
        for client in clients:
            client.send('LIST_ALL', rpc.i32(1) + rpc.u32(0))
        self.assertIn('computer', self.names())
        self.polkit.resume()
        for client in clients:
            decoder = client.wait_reply(client.serial).decoder()
            self.assertEqual(decoder.strings(), ['computer'])


class EventsAuthorized(PolkitTest):
    UUIDS = ['11111111-0000-4000-8000-000000000000', '22222222-0000-4000-8000-000000000000']

    def test_visible_devices(self):
        seen, unseen = (self.child_name(self.parent, uuid) for uuid in self.UUIDS)
        self.polkit.use(only(seen))
        client = self.opened(NOBODY)
        client.register(LIFECYCLE)
        client.register(UPDATE)
        for uuid in self.UUIDS:
            self.create(uuid=uuid)
        for name in (unseen, seen):
            self.conn.nodeDeviceLookupByName(name).destroy()
        self.assertEqual([client.wait_event()[1:] for _ in range(2)], [(seen, 0), (seen, 1)])
        self.assertEqual(client.get_type(), 'nodedev')
        self.assertEqual([frame for frame in client.frames if frame.type == rpc.MESSAGE][2:], [])

    def test_before_the_reply(self):
        """The events caused by a call arrive before its reply, and in order."""
        self.polkit.use(allow_all('write', 'start', 'stop'))
        client = self.opened(NOBODY)
        client.register(LIFECYCLE)
        client.register(UPDATE)
        for _ in range(10):
            del client.frames[:], client.unread[:]
            name = client.create_xml(self.document())
            client.destroy(name)
            self.assertEqual([(frame.name, *frame.event()[1:]) if frame.type == rpc.MESSAGE
                              else frame.name for frame in client.frames], [
                                  ('EVENT_LIFECYCLE', name, 0),
                                  ('EVENT_UPDATE', self.parent.name, None), 'CREATE_XML',
                                  ('EVENT_LIFECYCLE', name, 1),
                                  ('EVENT_UPDATE', self.parent.name, None), 'DESTROY'])

    def test_polkit_hangs(self):
        """While polkit hangs, other clients get their events, and this client gets its events later, in order."""
        client = self.opened(NOBODY)
        client.register(LIFECYCLE)
        events = self.listen()
        self.polkit.pause()
        device = self.create()
        events.wait(('created', device.name()))
        client.send('IS_SECURE')
        self.assertEqual(self.raw().get_uri(), 'nodedev:///system')
        self.assertIsNone(client.receive(0))
        self.polkit.resume()
        self.assertEqual(client.wait_event()[1:], (device.name(), 0))
        client.wait_reply(client.serial).decoder()

    def test_client_disconnects_meanwhile(self):
        client = self.opened(NOBODY)
        client.register(LIFECYCLE)
        self.polkit.pause()
        device = self.create()
        client.send('LIST_ALL', rpc.i32(1) + rpc.u32(0))
        self.assertEqual(self.raw().get_uri(), 'nodedev:///system')
        client.disconnect()
        self.assertIn(device.name(), self.names())
        self.polkit.resume()
        self.assertIn(device.name(), self.opened(NOBODY).list_all()[0])


class Storm(PolkitTest):
    """The number of events that wait for polkit is bounded."""

    config = {'sockets': OPEN_TO_ALL, 'access': PolkitTest.ACCESS, 'limits': {'max_queued_bytes': 65536}}

    def test_too_many_wait(self):
        client = self.opened(NOBODY)
        client.register(UPDATE)
        client.register(LIFECYCLE)
        self.polkit.pause()
        for _ in range(100):
            device = self.create()
            device.destroy()
        client.wait_closed()
        self.polkit.resume()


class HangingPolkit(PolkitTest):
    def test_calls(self):
        client = self.opened(NOBODY)
        self.polkit.pause()
        with self.settings(access={'polkit_timeout': '1'}):
            serials = [client.send('LIST_ALL', rpc.i32(1) + rpc.u32(0)), client.send('GET_TYPE')]
            self.assertIn('computer', self.names())
            for serial in serials:
                self.assert_error(client.wait_reply(serial), REFUSED, 'did not answer in time', FROM_ACCESS)
        self.polkit.resume()
        self.assertEqual(client.get_type(), 'nodedev')


class Identity(PolkitTest):
    """A daemon that acts for a user is authorized as that user."""

    def params(self, user):
        return (rpc.param('user-name', 's', NOBODY), rpc.param('unix-user-id', 'Q', user.uid),
                rpc.param('group-name', 's', 'nogroup'), rpc.param('unix-group-id', 'Q', 65534),
                rpc.param('process-id', 'q', user.pid),
                rpc.param('process-time', 'Q', user.start_time()),
                rpc.param('selinux-context', 's', 'system_u:system_r:init_t:s0'))

    def test_root_acts_for_nobody(self):
        _, user = self.other(NOBODY)
        client = self.raw()
        name = client.create_xml(self.document())
        client.set_identity(*self.params(user))
        self.assert_denied(client.create_xml, self.document())
        self.assert_denied(client.destroy, name)
        self.assertIn(name, client.list_all()[0])
        self.polkit.use(only('computer'))
        self.assertEqual(client.list_all()[0], ['computer'])

    def test_identity_change_by_user(self):
        """After the identity is set, changing it again is authorized as the user."""
        _, user = self.other(NOBODY)
        client = self.raw()
        client.set_identity(*self.params(user))
        self.assert_denied(client.set_identity, rpc.param('unix-user-id', 'Q', 0))
        self.assert_denied(client.create_xml, self.document())

    def test_second_identity(self):
        """The user that root acts for cannot set an identity, even if polkit would permit it."""
        self.polkit.use(rule("action.id == 'org.libvirt.api.connect.write'"))
        _, user = self.other(NOBODY)
        client = self.raw()
        name = client.create_xml(self.document())
        client.set_identity(rpc.param('unix-user-id', 'Q', 0))
        client.set_identity(*self.params(user))
        for uid in (0, user.uid, 1):
            self.assert_refused(DENIED, client.set_identity, rpc.param('unix-user-id', 'Q', uid),
                                says='already acts for another user', domain=FROM_NONE)
        self.assert_denied(client.destroy, name)
        self.assertIn(name, client.list_all()[0])

    def test_through_libvirt(self):
        _, user = self.other(NOBODY)
        connection = self.connect()
        connection.setIdentity({libvirt.VIR_CONNECT_IDENTITY_USER_NAME: NOBODY,
                                libvirt.VIR_CONNECT_IDENTITY_UNIX_USER_ID: user.uid,
                                libvirt.VIR_CONNECT_IDENTITY_PROCESS_ID: user.pid,
                                libvirt.VIR_CONNECT_IDENTITY_PROCESS_TIME: user.start_time()})
        self.assertIn('computer', self.names(connection=connection))
        self.assert_refused(REFUSED, connection.nodeDeviceCreateXML, self.document(), 0, domain=FROM_ACCESS)

    def test_readers_act_for_others_too(self):
        """A daemon's read-only connection also carries an identity."""
        _, user = self.other(NOBODY)
        client = self.raw(path=self.daemon.ro_path)
        client.set_identity(*self.params(user))
        self.assertIn('computer', client.list_all()[0])

    def test_nobody(self):
        self.polkit.use(rule("action.id == 'org.libvirt.api.connect.write'"))
        client, user = self.other(NOBODY)
        client.open()
        self.assert_refused(DENIED, client.set_identity, *self.params(user), domain=FROM_NONE,
                            says=('operation forbidden', '65534'))
        self.assert_refused(DENIED, client.set_identity, rpc.param('unix-user-id', 'Q', 0), domain=FROM_NONE)
        self.assert_denied(client.create_xml, self.document())

    def test_unknown_user(self):
        """A user that polkit cannot identify is refused."""
        client = self.raw()
        client.set_identity(rpc.param('sasl-user-name', 's', 'fred@EXAMPLE.ORG'))
        self.assert_refused(REFUSED, client.list_all, says='is unknown or out of range', domain=FROM_ACCESS)

    def test_bad_parameters(self):
        client = self.raw()
        uid = rpc.param('unix-user-id', 'Q', 65534)
        for code, says, params in (
                (INVALID_ARG, "invalid type 'string' for parameter 'unix-user-id', expected "
                 "'ullong'", [rpc.param('unix-user-id', 's', '0')]),
                (INVALID_ARG, "invalid type 'int' for parameter 'process-id'",
                 [rpc.param('process-id', 'i', 1)]),
                (INVALID_ARG, "invalid type 'boolean'", [rpc.param('user-name', '?', 1)]),
                (INVALID_ARG, "'unix-user-id' occurs multiple times", [uid, uid]),
                (INVALID_ARG, "'process-id' is out of range", [rpc.param('process-id', 'q', -1)]),
                (INVALID_ARG, "'unix-user-id' is out of range",
                 [rpc.param('unix-user-id', 'Q', 2 ** 32)]),
                (UNSUPPORTED_ARG, "parameter 'shoe-size' not supported",
                 [rpc.param('shoe-size', 'i', 43)]),
                (RPC_ERROR, '', [rpc.string('unix-user-id') + rpc.i32(9) + rpc.i32(0)]),
                (RPC_ERROR, '', [uid] * 1025)):
            with self.subTest(says):
                self.assert_refused(code, client.set_identity, *params, says=says,
                                    domain=FROM_RPC if code == RPC_ERROR else FROM_NONE)
        self.assert_refused(INVALID_ARG, lambda: client.set_identity(uid, flags=1),
                            says='unsupported flags', domain=FROM_NONE)
        self.assertIn('computer', client.list_all()[0])


class IdentityWithoutPolkit(MediatedTest):
    """Without access_drivers, every connected user may do everything, for any identity."""

    def test_identity_of_another_user(self):
        client = self.raw()
        client.set_identity(rpc.param('unix-user-id', 'Q', 65534))
        name = client.create_xml(self.document())
        client.destroy(name)
