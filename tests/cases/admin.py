# SPDX-License-Identifier: LGPL-2.1-or-later
"""The socket for administration: with virt-admin, and with raw clients that send arbitrary messages."""

import os
import re
import signal
import struct
import time

import libvirt

import rpc
from admin_client import PROCEDURES, AdminClient, virt_admin
from mediated_test import MediatedTest, not_on
from several_users import ALICE, BOB, SeveralUsersTest
from user import User, acting_as

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"
NOT_ON = ('libvirtd', "libvirtd has an administration socket of its own")

RPC_ERROR, FROM_RPC = libvirt.VIR_ERR_RPC, libvirt.VIR_FROM_RPC
FROM_ADMIN = libvirt.VIR_FROM_ADMIN
SERVER = 'virtnodedevd'
CONNECTIONS_MAX = 64


class AdminTest(SeveralUsersTest):
    config = {'limits': {'max_clients': '100'}}

    def run_admin(self, *arguments):
        return virt_admin(self.daemon.admin_path, *arguments, deadline=self.deadline)

    def admin(self, *arguments):
        """Returns what virt-admin prints."""
        result = self.run_admin(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ''), arguments)
        return result.stdout

    def admin_error(self, *arguments):
        """Returns libvirt's error message, the last line that virt-admin prints when it fails."""
        result = self.run_admin(*arguments)
        self.assertEqual(result.returncode, 1, arguments)
        return result.stderr.strip().splitlines()[-1].removeprefix('error: ')

    def values(self, *arguments):
        """Returns the table that virt-admin prints as a dict of texts."""
        return dict(re.split(r' *: ', line, maxsplit=1) for line in self.admin(*arguments).splitlines() if line)

    def numbers(self, server=SERVER):
        return [int(line.split()[0]) for line in self.admin('client-list', server).splitlines()[2:] if line]

    def raw_admin(self):
        client = AdminClient(self.daemon.admin_path, self.deadline)
        self.addCleanup(client.disconnect)
        client.call('OPEN', rpc.u32(0)).end()
        return client


class Servers(AdminTest):
    def test_list(self):
        self.assertEqual([line.split() for line in self.admin('srv-list').splitlines()[2:4]],
                         [['0', SERVER], ['1', 'admin']])
        self.assertEqual(self.raw_admin().list_servers(need_results=0), ([], 2))

    def test_version(self):
        self.assertRegex(self.admin('version'), r'Running against daemon: \d+\.\d+\.\d+')

    def test_unknown(self):
        self.assertEqual(self.admin_error('client-list', 'libvirtd'), "Server not found: No server named 'libvirtd'")

    def test_threads(self):
        """All values that libvirt prints are there; the number of threads is not limited in total."""
        idle = self.values('srv-threadpool-info', SERVER)
        self.assertEqual(list(idle),
                         ['minWorkers', 'maxWorkers', 'nWorkers', 'freeWorkers', 'prioWorkers', 'jobQueueDepth'])
        self.assertEqual((idle['minWorkers'], idle['maxWorkers'], idle['prioWorkers']), ('0', '4294967295', '0'))
        self.assertEqual(set(self.values('srv-threadpool-info', 'admin').values()), {'0'})

    @not_on('vm', 'the driver of the kernel module does not hang')
    @not_on('service', 'the driver of the kernel module does not hang')
    def test_hung_threads(self):
        """A call that hangs in a driver occupies a thread."""
        self.host.set_knob(self.parent, 'block_create', 1)
        creation = self.in_background(self.create, self.conn)
        self.host.wait_create_stuck(self.parent)
        busy = self.values('srv-threadpool-info', SERVER)
        self.assertGreater(int(busy['nWorkers']), int(busy['freeWorkers']))
        self.host.set_knob(self.parent, 'block_create', 0)
        creation.result(self.deadline)

        def is_idle():
            values = self.values('srv-threadpool-info', SERVER)
            return values['nWorkers'] == values['freeWorkers'] and values['jobQueueDepth'] == '0'
        self.wait_until(is_idle, 'idle threads')


class Clients(AdminTest):
    def test_list(self):
        self.wait_until(lambda: not self.numbers(), 'no client')
        before = int(time.time())
        clients = [self.raw() for _ in range(3)]
        numbers = self.numbers()
        self.assertEqual(len(numbers), 3)
        self.assertEqual(numbers, sorted(numbers))
        for line in self.admin('client-list', SERVER).splitlines()[2:5]:
            number, transport, day, second = line.split()
            self.assertIn(int(number), numbers)
            self.assertEqual(transport, 'unix')
            since = time.mktime(time.strptime(f'{day} {second[:8]}', '%Y-%m-%d %H:%M:%S'))
            self.assertLessEqual(before, since)
            self.assertLessEqual(since, time.time())
        self.assertEqual(self.raw_admin().list_clients(need_results=0), ([], 3))
        clients[1].disconnect()
        self.wait_until(lambda: self.numbers() == [numbers[0], numbers[2]], 'one client less')

    def test_own(self):
        client = self.raw_admin()
        others = [self.raw_admin() for _ in range(2)]
        clients, count = client.list_clients('admin')
        self.assertEqual([server for server, *_ in clients], ['admin'] * 3)
        self.assertEqual(count, 3)
        # This one is the client itself.
        self.assertEqual(len(self.numbers('admin')), 4)
        others[0].disconnect()
        self.wait_until(lambda: client.list_clients('admin')[1] == 2, 'two clients')

    def test_information(self):
        self.wait_until(lambda: not self.numbers(), 'no client')
        self.raw()
        self.assertEqual(list(self.information().items()), [
            ('transport', 'unix'), ('readonly', 'no'), ('unix_user_id', '0'), ('unix_user_name', 'root'),
            ('unix_group_id', '0'), ('unix_group_name', 'root'), ('unix_process_id', str(os.getpid()))])

    def information(self):
        """Returns the values of the only client, without number, time, and what a security module adds."""
        number, = self.numbers()
        values = self.values('client-info', SERVER, str(number))
        self.assertEqual(values.pop('id'), str(number))
        self.assertRegex(values.pop('connection_time'), r'^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+\d{4}$')
        values.pop('selinux_context', None)
        return values

    def test_reader(self):
        self.wait_until(lambda: not self.numbers(), 'no client')
        self.connect_as(BOB)
        values = self.information()
        self.assertEqual(values['readonly'], 'yes')
        self.assertEqual(values['unix_user_id'], str(BOB))
        self.assertNotIn('unix_user_name', values)
        self.assertEqual(values['unix_group_name'], 'root')

    def test_acting_for_another_user(self):
        self.wait_until(lambda: not self.numbers(), 'no client')
        client = self.raw()
        client.set_identity(rpc.param('unix-user-id', 'Q', ALICE), rpc.param('user-name', 's', 'alice'))
        values = self.information()
        self.assertEqual((values['unix_user_id'], values['unix_user_name']), (str(ALICE), 'alice'))
        self.assertNotIn('unix_process_id', values)

    def test_disconnect(self):
        self.wait_until(lambda: not self.numbers(), 'no client')
        clients = [self.raw() for _ in range(2)]
        first, second = self.numbers()
        self.assertEqual(self.admin('client-disconnect', SERVER, str(first)), f"Client '{first}' disconnected\n")
        clients[0].wait_closed()
        self.assertEqual(self.numbers(), [second])
        self.assert_served(clients[1])
        self.assertIn(f'Disconnecting client {first} ', self.daemon.log())

    def test_disconnect_administrators(self):
        client, other = self.raw_admin(), self.raw_admin()
        numbers = {entry[1] for entry in client.list_clients('admin')[0]}
        self.assertEqual(len(numbers), 2)
        first, second = sorted(numbers)
        for number, closed in ((second, other), (first, client)):
            client.call('CLIENT_CLOSE', self.client_args('admin', number)).end()
            closed.wait_closed()

    @staticmethod
    def client_args(server, number, flags=0):
        return rpc.string(server) + struct.pack('>QqI', number, 0, 0) + rpc.u32(flags)

    def test_unknown(self):
        for command in ('client-info', 'client-disconnect'):
            with self.subTest(command):
                self.assertEqual(self.admin_error(command, SERVER, '4711'),
                                 "Client not found: No client with matching ID '4711'")


class Limits(AdminTest):
    def test_shown(self):
        self.wait_until(lambda: not self.numbers(), 'no client')
        self.raw()
        self.assertEqual(self.values('srv-clients-info', SERVER), {
            'nclients_max': '100', 'nclients': '1', 'nclients_unauth_max': '20', 'nclients_unauth': '0'})
        self.assertEqual(self.values('srv-clients-info', 'admin'), {
            'nclients_max': str(CONNECTIONS_MAX), 'nclients': '1', 'nclients_unauth_max': '0', 'nclients_unauth': '0'})

    def test_set(self):
        """The new limit applies to new clients, until the configuration is read again."""
        self.admin('srv-clients-set', SERVER, '--max-clients', '4', '--max-unauth-clients', '2')
        self.assertEqual(self.values('srv-clients-info', SERVER)['nclients_unauth_max'], '2')
        self.wait_until(lambda: not self.numbers(), 'no client')
        readers = [self.connect_as(BOB) for _ in range(3)]
        self.connect_as(BOB, opened=False).wait_closed()
        self.assert_served(*readers)
        self.admin('srv-clients-set', SERVER, '--max-clients', '8')
        self.assert_served(*readers, self.connect_as(BOB), self.connect_as(BOB))
        self.change_config(self.config)
        self.assertEqual(self.values('srv-clients-info', SERVER)['nclients_max'], '100')

    def test_wrong(self):
        before = self.values('srv-clients-info', SERVER)
        self.assertIn('must not be less than', self.admin_error('srv-clients-set', SERVER, '--max-clients', '1'))
        for options in (('--max-clients', '0', '--max-unauth-clients', '0'), ('--max-unauth-clients', '0'),
                        ('--max-clients', '2000000')):
            with self.subTest(options):
                self.assertRegex(self.admin_error('srv-clients-set', SERVER, *options), 'must be from 1 to [0-9]+$')
        self.assertEqual(self.values('srv-clients-info', SERVER), before)

    def test_of_administrators(self):
        client = self.raw_admin()
        client.set_client_limits('admin', rpc.param('nclients_max', 'I', 2))
        self.raw_admin()
        AdminClient(self.daemon.admin_path, self.deadline).wait_closed()
        for params in (('nclients_max', 65), ('nclients_max', 0), ('nclients_unauth_max', 1)):
            with self.subTest(params):
                self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, client.set_client_limits, 'admin',
                                    rpc.param(params[0], 'I', params[1]), domain=FROM_RPC, says=['1 to 64'])


class Log(AdminTest):
    def logs_debug(self):
        """Whether the number of a client that connects is logged."""
        before = self.daemon.log().count('mediated-DEBUG')
        self.raw().disconnect()
        self.wait_until(lambda: not self.numbers(), 'no client')
        return self.daemon.log().count('mediated-DEBUG') > before

    def output(self):
        return self.admin('daemon-log-outputs').split()[-1].partition(':')[2]

    def test_outputs(self):
        """The tests run the daemon with --verbose."""
        name = self.output()
        self.assertIn(name, ('stderr', 'journald'))
        self.assertEqual(self.admin('daemon-log-outputs').split()[-1], f'1:{name}')
        self.admin('daemon-log-outputs', f'4:{name}')
        self.assertEqual(self.admin('daemon-log-outputs').split()[-1], f'4:{name}')
        self.assertFalse(self.logs_debug())
        self.admin('daemon-log-outputs', '')
        self.assertEqual(self.admin('daemon-log-outputs').split()[-1], f'1:{name}')
        self.wait_until(self.logs_debug, 'debug messages')

    def test_filters(self):
        self.assertEqual(self.admin('daemon-log-filters').split(), ['Logging', 'filters:'])
        self.admin('daemon-log-filters', '3:mediated 1:rpc')
        self.assertEqual(self.admin('daemon-log-filters').split()[2:], ['3:*mediated*', '1:*rpc*'])
        self.assertFalse(self.logs_debug())
        self.admin('daemon-log-filters', '')
        self.assertEqual(self.admin('daemon-log-filters').split()[2:], [])
        self.wait_until(self.logs_debug, 'debug messages')
        self.assertIn("Log filters set to '3:mediated 1:rpc' by an administrator", self.daemon.log())

    def test_wrong(self):
        for command, rule, message in (
                ('daemon-log-filters', '5:x', "invalid argument: Invalid priority '5' for filter '5:x'"),
                ('daemon-log-filters', 'x', "invalid argument: Malformed format for filter 'x'"),
                ('daemon-log-outputs', '1:x', "invalid argument: Invalid log destination 'x' for log output '1:x'"),
                ('daemon-log-outputs', '1:file:/tmp/x', 'argument unsupported: log outputs cannot be added or '
                 f"removed, only the priorities of '{self.output()}' can be changed")):
            with self.subTest(rule):
                result = self.run_admin(command, rule)
                self.assertEqual(result.returncode, 1)
                self.assertIn(f'error: {message}\n', result.stderr)
        self.assertEqual(self.admin('daemon-log-filters').split(), ['Logging', 'filters:'])
        self.assertEqual(self.admin('daemon-log-outputs').split()[-1], f'1:{self.output()}')


class Timeout(AdminTest):
    def test_set(self):
        """The timeout begins when the last client has disconnected; administration clients count as clients."""
        client = self.raw_admin()
        self.admin('daemon-timeout', '--timeout', '1')
        set_at = time.monotonic()
        self.wait_until(lambda: client.list_clients() == ([], 0) and time.monotonic() > set_at + 0.5, 'no other client')
        gone = time.monotonic()
        client.disconnect()
        self.assertEqual(self.daemon.wait(), 0)
        self.assertGreaterEqual(time.monotonic() - gone, 0.95)
        self.daemon.start(self.config)

    def test_too_long(self):
        self.assertIn('at most 4294967 seconds', self.run_admin('daemon-timeout', '--timeout', '4294968').stderr)


class Nobody(AdminTest):
    def test_mode(self):
        with acting_as(ALICE), self.assertRaises(PermissionError):
            AdminClient(self.daemon.admin_path, self.deadline)

    def test_disconnected(self):
        """Another user is disconnected even if the mode of the socket permits the connection."""
        os.chmod(self.daemon.admin_path, 0o666)
        call = AdminClient.frame(PROCEDURES['LIST_SERVERS'], rpc.u32(1) + rpc.u32(0), program=rpc.ADMIN)
        for _ in range(3):
            with acting_as(ALICE):
                client = AdminClient(self.daemon.admin_path, self.deadline)
            self.addCleanup(client.disconnect)
            try:
                client.send_raw(call)
            except BrokenPipeError:
                pass
            client.wait_closed()
            self.assertEqual(client.frames, [])
        self.assertEqual(self.raw_admin().list_clients('admin')[1], 1)

    def test_virt_admin(self):
        user = User(self.daemon)
        self.addCleanup(user.close)
        result = user.run('virt-admin', '-c', f'virtnodedevd:///system?socket={self.daemon.admin_path}', 'srv-list')
        self.assertEqual((result.returncode, result.stdout), (1, ''))
        self.assertIn('Permission denied', result.stderr)


class Connections(AdminTest):
    config = {'limits': {'max_clients': '4', 'max_clients_per_user': '4', 'max_anonymous_clients': '2'}}

    def test_limit(self):
        clients = [self.raw_admin() for _ in range(CONNECTIONS_MAX)]
        AdminClient(self.daemon.admin_path, self.deadline).wait_closed()
        for client in clients:
            self.assertEqual(client.list_servers()[1], 2)
        clients[0].disconnect()
        self.wait_until(lambda: clients[1].list_clients('admin')[1] == CONNECTIONS_MAX - 1, 'room')
        self.assertEqual(self.raw_admin().list_servers()[1], 2)

    def test_apart(self):
        """Ordinary clients and administration clients do not displace each other."""
        self.wait_until(lambda: not self.numbers(), 'no client')
        readers = [self.connect_as(ALICE) for _ in range(3)]
        administrators = [self.raw_admin() for _ in range(10)]
        self.assert_served(*readers)
        # There is room for three readers.
        self.assert_served(self.connect_as(BOB), *readers[:2])
        readers[2].wait_closed()
        for client in administrators:
            self.assertEqual(client.list_servers()[1], 2)

    def test_end_of_the_daemon(self):
        client = self.raw_admin()
        other = self.raw()
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.daemon.wait(), 0)
        client.wait_closed()
        other.wait_closed()
        self.daemon.start(self.config)


class Refused(AdminTest):
    def test_not_served(self):
        client = self.raw_admin()
        for procedure, function in (('SET_THREADPOOL', 'virAdmServerSetThreadPoolParameters'),
                                    ('UPDATE_TLS_FILES', 'virAdmServerUpdateTlsFiles'),
                                    ('DAEMON_SHUTDOWN', 'virAdmConnectDaemonShutdown')):
            for payload in (b'', rpc.string(SERVER) + rpc.u32(0), b'\xff' * 64):
                with self.subTest(procedure, payload=payload):
                    self.assert_refused(libvirt.VIR_ERR_NO_SUPPORT, client.call, procedure, payload,
                                        domain=FROM_ADMIN, says=[function])
        for words, function in ((('srv-threadpool-set', SERVER, '--max-workers', '9'), 'SetThreadPoolParameters'),
                                (('srv-update-tls', SERVER), 'UpdateTlsFiles')):
            self.assertIn(f'this function is not supported by the connection driver: virAdmServer{function}',
                          self.run_admin(*words).stderr)

    def test_unknown_procedures(self):
        client = self.raw_admin()
        for procedure in (0, -1, 21, 66, 2**31 - 1, -2**31):
            with self.subTest(procedure):
                self.assert_refused(RPC_ERROR, client.call, procedure, domain=FROM_RPC, says=[str(procedure)])

    def test_headers(self):
        client = self.raw_admin()
        for header in ({'program': rpc.REMOTE}, {'program': 0}, {'version': 2}, {'status': rpc.ERROR}):
            with self.subTest(header):
                self.assert_refused(RPC_ERROR, lambda fields=header: client.call('GET_LIB_VERSION', **fields),
                                    domain=FROM_RPC)
        client.send('GET_LIB_VERSION', kind=rpc.REPLY)
        self.assertEqual(client.list_servers()[1], 2)
        client.send('GET_LIB_VERSION', kind=rpc.CALL_WITH_FDS)
        client.wait_closed()

    def test_payloads(self):
        client = self.raw_admin()
        huge = struct.pack('>I', 0xffffffff)
        for procedure in PROCEDURES:
            if procedure in ('CLOSE', 'GET_LIB_VERSION', 'SET_THREADPOOL', 'UPDATE_TLS_FILES', 'DAEMON_SHUTDOWN'):
                continue
            for payload in (b'', b'\0', huge, huge * 8):
                with self.subTest(procedure, payload=payload):
                    frame = client.wait_reply(client.send(procedure, payload))
                    self.assertIsNotNone(frame.error())
        self.assertEqual(client.list_servers()[1], 2)

    def test_flags(self):
        client = self.raw_admin()
        for procedure, payload in (('OPEN', b''), ('LIST_SERVERS', rpc.u32(1)), ('LOOKUP_SERVER', rpc.string(SERVER)),
                                   ('GET_LOGGING_FILTERS', b''), ('SET_DAEMON_TIMEOUT', rpc.u32(0)),
                                   ('CLIENT_CLOSE', Clients.client_args(SERVER, 1)[:-4])):
            with self.subTest(procedure):
                self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, client.call, procedure, payload + rpc.u32(2),
                                    domain=FROM_ADMIN, says=['unsupported flags (0x2) in function admin'])

    def test_params(self):
        client = self.raw_admin()
        limit = rpc.param('nclients_max', 'I', 50)
        for params, code, message in (
                ((rpc.param('nclients', 'I', 1),), libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED, "'nclients' not supported"),
                ((limit, limit), libvirt.VIR_ERR_INVALID_ARG, "'nclients_max' occurs multiple times"),
                ((rpc.param('nclients_max', 's', 'many'),), libvirt.VIR_ERR_INVALID_ARG,
                 "invalid type 'string' for parameter 'nclients_max', expected 'uint'")):
            with self.subTest(message):
                self.assert_refused(code, client.set_client_limits, SERVER, *params, domain=libvirt.VIR_FROM_NONE,
                                    says=[message])
        self.assert_refused(RPC_ERROR, client.set_client_limits, SERVER, *[limit] * 33, domain=FROM_RPC)
        client.set_client_limits(SERVER)
        self.assertEqual(self.values('srv-clients-info', SERVER)['nclients_max'], '100')

    def test_garbage(self):
        bystander = self.raw_admin()
        for data in (b'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', struct.pack('>I', 27), b'\xff' * 100):
            client = self.raw_admin()
            client.send_raw(data)
            client.wait_closed()
            self.assertEqual(bystander.list_servers()[1], 2)

    def test_long_frame(self):
        client = self.raw_admin()
        self.assert_refused(RPC_ERROR, client.call, 'SET_LOGGING_FILTERS',
                            rpc.optional('1:x ' * 20000) + rpc.u32(0), domain=FROM_RPC, says=['too large'])
        self.assert_refused(libvirt.VIR_ERR_INVALID_ARG, client.call, 'SET_LOGGING_FILTERS',
                            rpc.optional('1:x ' * 100) + rpc.u32(0), domain=libvirt.VIR_FROM_NONE, says=['more than 64'])
        self.assertEqual(client.list_servers()[1], 2)

    def test_ordinary_sockets(self):
        """Procedures for administration are served on no other socket."""
        client = self.raw()
        self.assert_refused(RPC_ERROR, lambda: client.call(PROCEDURES['LIST_SERVERS'], rpc.u32(1) + rpc.u32(0),
                                                           program=rpc.ADMIN), domain=FROM_RPC)


class Session(MediatedTest):
    """A user's daemon is administrated by that user."""

    starts_daemon = False

    def test_own_user(self):
        self.host.make_sysfs_readable()
        self.daemon.directory.chmod(0o755)
        user = User(self.daemon)
        self.addCleanup(user.close)
        process = user.spawn()
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        path = user.runtime / 'libvirt/virtnodedevd-admin-sock'
        self.wait_until(path.exists, 'the socket')
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        result = user.run('virt-admin', '-c', 'virtnodedevd:///session', 'srv-list')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertIn(SERVER, result.stdout)
        self.assertIn(SERVER, virt_admin(path, 'srv-list', deadline=self.deadline).stdout)
