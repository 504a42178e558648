# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program: options, configuration, sockets, exit."""

import grp
import os
import pathlib
import signal
import socket
import stat
import subprocess
import time

import documents
from mediated_test import MediatedTest, not_on
from syscalls import Trace

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

DETAILS = '<attribute name='
SYSTEMDS = 'the sockets are made, and removed, by systemd'


class VfioUsers(MediatedTest):
    """The program that systemd starts for a query of the daemon."""

    starts_daemon = False

    def ask(self, question):
        """Runs the program in its own PID namespace, because it may not be allowed to inspect every process of this
        machine."""
        program = pathlib.Path(self.daemon.program).with_name('mediated-vfio-users')
        return subprocess.run(['unshare', '--pid', '--fork', '--mount-proc', program], input=question,
                              capture_output=True, check=False, timeout=self.deadline)

    def test_answer(self):
        result = self.ask(b'1:3\n')
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b'free\n', b''))

    def test_no_question(self):
        for words in (b'', b'\n', b'1:3', b'/dev/null\n', b'1:3\n1:3\n', b'1:3\0\n', b'1' * 1000):
            with self.subTest(words):
                result = self.ask(words)
                self.assertEqual((result.returncode, result.stdout), (1, b''))
                self.assertNotEqual(result.stderr, b'')


class NobodyReads(MediatedTest):
    """A program whose stderr is a full pipe exits all the same, even if it has a last message."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        ours, self.full = os.pipe()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, self.full)
        os.set_blocking(self.full, False)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(self.full, b'x' * 4096)
        os.set_blocking(self.full, True)

    def check(self, *command):
        result = subprocess.run(command, env=self.daemon.environment, stdin=subprocess.DEVNULL, stderr=self.full,
                                check=False, timeout=self.deadline)
        self.assertEqual(result.returncode, 1)

    def test_failing_start(self):
        broken = self.daemon.directory / 'broken.conf'
        broken.write_text('no group at all\n', encoding='utf-8')
        for arguments in (['--nonsense'], ['--config', broken], ['--check-config', '--config', broken],
                          ['--socket-dir', broken], ['--verbose', '--socket-dir', broken]):
            with self.subTest(arguments):
                self.check(self.daemon.program, *arguments)

    def test_no_question(self):
        self.check(pathlib.Path(self.daemon.program).with_name('mediated-vfio-users'))


class Options(MediatedTest):
    starts_daemon = False

    def test_version(self):
        result = self.daemon.run('--version')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertRegex(result.stdout, r'^mediated [0-9]+\.[0-9]+')

    def test_help(self):
        result = self.daemon.run('--help')
        self.assertEqual(result.returncode, 0)
        for option in ('--config', '--socket-dir', '--timeout', '--check-config', '--check-xml', '--schema', '--verbose',
                       '--version'):
            self.assertIn(option, result.stdout)

    def test_bad_options(self):
        for argument in ('--nonsense', 'nonsense', '--config', '--timeout', '--timeout=0',
                         '--timeout=soon', '--timeout=-1', '--daemon', '-d', '--pid-file=x', '-p',
                         '--check-xml', '--schema'):
            with self.subTest(argument):
                result = self.daemon.run(argument)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(argument.partition('=')[0], result.stderr)
                self.assertEqual(os.listdir(self.daemon.socket_dir), [])

    def config(self, text):
        path = self.daemon.directory / 'other.conf'
        path.write_text(text, encoding='utf-8')
        return str(path)

    def test_check_config(self):
        good = ('', '# a comment\n', '[mdev]\nevent_timeout = 0.5\n',
                '[sockets]\nrw_mode = 0770\nro_mode=0777\n', '[xml]\ndetails=false\n',
                '[limits]\nmax_clients=1\nmax_client_requests=1\nframe_timeout=3600\n',
                '[keepalive]\ninterval=0\ncount=1\n')
        for text in good:
            with self.subTest(text):
                result = self.daemon.run('--check-config', '--config', self.config(text))
                self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertEqual(os.listdir(self.daemon.socket_dir), [])

    def test_check_bad_config(self):
        bad = {'[nonsense]\nkey=1\n': 'nonsense', '[mdev]\nnonsense=1\n': 'nonsense',
               '[mdev]\nevent_timeout=soon\n': 'event_timeout',
               '[mdev]\nevent_timeout=-1\n': 'event_timeout',
               '[limits]\nmax_clients=0\n': 'max_clients',
               '[limits]\nmax_clients=1e3\n': 'max_clients',
               '[limits]\nmax_clients=99999999999999999999\n': 'max_clients',
               '[sockets]\nrw_mode=0888\n': 'rw_mode', '[sockets]\nrw_mode=07777\n': 'rw_mode',
               '[xml]\ndetails=perhaps\n': 'details', '[sockets]\ndirectory=\n': 'directory',
               '[mdev]\n[nonsense]\n': 'nonsense', '[limits]\nmax_clients=0 \n': 'from 1 to 1000000',
               'no group at all\n': 'other.conf:1', '[mdev]\n\n[mdev\n': 'other.conf:3'}
        for text, says in bad.items():
            with self.subTest(text):
                path = self.config(text)
                result = self.daemon.run('--check-config', '--config', path)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(says, result.stderr)
                self.assertIn(path, result.stderr)

    def test_check_group_of_sockets(self):
        result = self.daemon.run('--check-config', '--config', self.config('[sockets]\ngroup=root\n'))
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        result = self.daemon.run('--check-config', '--config', self.config('[sockets]\ngroup=no such one\n'))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("[sockets] group: unknown group 'no such one'", result.stderr)

    def check_xml(self, *files, schema=None):
        return self.daemon.run('--config', self.config('[xml]\ndetails=false\n'), '--schema',
                               str(schema or self.schema), '--check-xml', *files)

    def test_check_xml(self):
        """Valid documents are printed, invalid ones reported, and nothing else is done."""
        good, bad = self.daemon.directory / 'good.xml', self.daemon.directory / 'bad.xml'
        good.write_text("<device><name>ap_matrix</name><capability type='ap_matrix'/></device>")
        bad.write_text("<device><name>ap_matrix</name><capability type='teapot'/></device>")
        result = self.check_xml(str(bad), str(good), '/nonexistent/file')
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout, "<device>\n  <name>ap_matrix</name>\n"
                         "  <capability type='ap_matrix'>\n  </capability>\n</device>\n")
        self.assertRegex(result.stderr, f"^{bad}: .*'teapot'.*\n/nonexistent/file: .*No such file.*\n$")
        self.assertEqual(self.check_xml(str(good)).returncode, 0)
        self.assertEqual(os.listdir(self.daemon.socket_dir), [])

    def test_check_xml_of_other_text(self):
        zero, long = self.daemon.directory / 'zero.xml', self.daemon.directory / 'long.xml'
        zero.write_bytes(b"<device><name>a</name><capability type='ap_matrix'/></device>\0")
        long.write_bytes(b"<device><capability type='ap_matrix'/></device>".ljust(4 << 20 | 1))
        for path, says in ((zero, 'NUL byte'), (long, 'larger than'), (self.daemon.directory, 'directory')):
            with self.subTest(says):
                result = self.check_xml(str(path))
                self.assertEqual((result.returncode, result.stdout), (1, ''))
                self.assertIn(f'{path}: ', result.stderr)
                self.assertIn(says, result.stderr)

    def test_check_xml_in_a_build_directory(self):
        """The program finds its schema, installed or not."""
        path = self.daemon.directory / 'device.xml'
        path.write_text("<device><name>mtty_mtty</name><capability type='mdev_types'/></device>")
        result = self.daemon.run('--check-xml', str(path))
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        path.write_text("<device><name>a</name><capability type='ap_matrix'/><teapot/></device>")
        result = self.daemon.run('--check-xml', str(path))
        self.assertEqual(result.returncode, 1)
        self.assertIn('mediated-nodedev.rng', result.stderr)

    def test_check_xml_with_another_schema(self):
        path = self.daemon.directory / 'serial.xml'
        path.write_text("<device><name>mtty_mtty</name><capability type='mdev_types'/></device>")
        self.assertEqual(self.check_xml(str(path)).returncode, 0)
        for schema in (documents.SCHEMA, '/nonexistent/schema.rng'):
            result = self.check_xml(str(path), schema=schema)
            self.assertEqual(result.returncode, 1)
            self.assertIn(schema, result.stderr)

    def test_missing_config(self):
        for arguments in (['--check-config'], []):
            result = self.daemon.run(*arguments, '--config', '/nonexistent/file')
            self.assertNotEqual(result.returncode, 0)
            self.assertIn('/nonexistent/file', result.stderr)

    def test_bad_config_keeps_it_from_starting(self):
        result = self.daemon.run('--socket-dir', str(self.daemon.socket_dir), '--config',
                                 self.config('[mdev]\nnonsense=1\n'))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('nonsense', result.stderr)
        self.assertEqual(os.listdir(self.daemon.socket_dir), [])

    def test_missing_group(self):
        result = self.daemon.run('--socket-dir', str(self.daemon.socket_dir), '--config',
                                 self.config('[sockets]\ngroup=no such one\n'))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("[sockets] group: unknown group 'no such one'", result.stderr)
        self.assertEqual(os.listdir(self.daemon.socket_dir), [])

    @not_on('service', 'the daemon is started with another list of groups')
    def test_failing_group_lookup(self):
        """The program can be ended while the list of groups is unreadable."""
        fifo = self.daemon.directory / 'group'
        os.mkfifo(fifo)
        self.daemon.wrapper = ['unshare', '--mount', 'sh', '-c', f'mount --bind {fifo} /etc/group && exec "$0" "$@"']
        program = self.daemon.spawn(self.daemon.arguments({'sockets': {'group': 'daemon'}}))
        self.addCleanup(program.kill)

        def is_looking():
            try:
                self.addCleanup(os.close, os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
            except OSError:
                return False
            return True

        self.wait_until(is_looking, 'the program to look')
        program.terminate()
        self.assertEqual(program.wait(self.deadline), -signal.SIGTERM)
        self.assertEqual(os.listdir(self.daemon.socket_dir), [])

    def test_unusable_socket_directory(self):
        file = self.config('')
        result = self.daemon.run('--socket-dir', f'{file}/run', '--config', file)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(file, result.stderr)


class Sockets(MediatedTest):
    @not_on('service', SYSTEMDS)
    def test_group(self):
        self.daemon.stop()
        self.daemon.start({'sockets': {'group': 'daemon'}})
        group = grp.getgrnam('daemon').gr_gid
        self.assertEqual({os.stat(path).st_gid for path in (self.daemon.rw_path, self.daemon.ro_path)}, {group})

    @not_on('service', SYSTEMDS)
    def test_modes(self):
        modes = {path: stat.S_IMODE(os.stat(path).st_mode)
                 for path in (self.daemon.rw_path, self.daemon.ro_path, self.daemon.admin_path)}
        self.assertEqual(modes, {self.daemon.rw_path: 0o700, self.daemon.ro_path: 0o777,
                                 self.daemon.admin_path: 0o600})

    def test_second_instance(self):
        result = self.daemon.run(*self.daemon.arguments())
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(str(self.daemon.socket_dir), result.stderr)
        # The first daemon is not affected.
        self.assertIn('computer', self.names())
        self.assertIn('computer', self.names(connection=self.connect(read_only=True)))

    @not_on('service', SYSTEMDS)
    def test_removed_at_the_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                client = self.raw()
                self.daemon.signal(number)
                self.assertEqual(self.daemon.wait(), 0)
                self.assertEqual(os.listdir(self.daemon.socket_dir), [])
                client.wait_closed()
                self.daemon.start(self.config)

    def test_stale_sockets(self):
        self.daemon.kill()
        self.assertTrue(os.path.exists(self.daemon.rw_path))
        self.daemon.start(self.config)
        self.assertIn('computer', self.names(connection=self.connect()))

    def test_clients_hear_of_the_end(self):
        client = self.raw()
        client.call('REGISTER_CLOSE_CALLBACK').end()
        self.daemon.signal(signal.SIGTERM)
        frame = client.wait_for(lambda frame: frame.name == 'CONNECTION_CLOSED')
        self.assertEqual(len(frame.payload), 4)
        client.wait_closed()
        self.assertEqual(self.daemon.wait(), 0)
        self.daemon.start(self.config)


@not_on('service', SYSTEMDS)
class SocketsInTheWay(MediatedTest):
    starts_daemon = False

    def test_file_in_the_way(self):
        """A file that is not a socket is not removed."""
        self.daemon.rw_path.write_text('precious')
        result = self.daemon.run(*self.daemon.arguments())
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(str(self.daemon.rw_path), result.stderr)
        self.assertEqual(self.daemon.rw_path.read_text(), 'precious')

    def test_socket_of_somebody_else(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as other:
            other.bind(str(self.daemon.ro_path))
            other.listen()
            result = self.daemon.run(*self.daemon.arguments())
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(str(self.daemon.ro_path), result.stderr)
            self.assertFalse(self.daemon.rw_path.exists())
            self.assertTrue(self.daemon.accepts(self.daemon.ro_path))


class Modes(MediatedTest):
    config = {'sockets': {'rw_mode': '0770', 'ro_mode': '0660'}}

    def test_modes(self):
        modes = {path: stat.S_IMODE(os.stat(path).st_mode)
                 for path in (self.daemon.rw_path, self.daemon.ro_path)}
        self.assertEqual(modes, {self.daemon.rw_path: 0o770, self.daemon.ro_path: 0o660})


class Timeout(MediatedTest):
    starts_daemon = False

    def start(self, *arguments):
        self.daemon.start(self.config, *arguments)

    @not_on('service', SYSTEMDS)
    def test_idle(self):
        self.start('--timeout=1')
        self.assertEqual(self.daemon.wait(), 0)
        self.assertEqual(os.listdir(self.daemon.socket_dir), [])
        self.start()

    def test_timeout_starts_with_the_last_disconnect(self):
        self.start('-t', '2')
        first, second = self.raw(), self.raw()
        first.disconnect()
        self.assertIn('computer', second.list_all()[0])
        gone = time.monotonic()
        second.disconnect()
        self.assertEqual(self.daemon.wait(), 0)
        self.assertGreaterEqual(time.monotonic() - gone, 1.95)
        self.start()


class Reload(MediatedTest):
    starts_daemon = False
    config = {'limits': {'max_clients': 100}}

    def setUp(self):
        super().setUp()
        # Warnings are expected here.
        self.daemon.environment.pop('G_DEBUG', None)
        self.daemon.start(self.config)

    def reload(self, config):
        self.daemon.write_config(config)
        self.daemon.signal(signal.SIGHUP)

    def wait_logged(self, *words):
        self.wait_until(lambda: all(word in self.daemon.log() for word in words), words)

    def has_details(self):
        return DETAILS in self.conn.nodeDeviceLookupByName(self.parent.name).XMLDesc()

    def test_document(self):
        self.assertTrue(self.has_details())
        self.reload({**self.config, 'xml': {'details': 'false'}})
        self.wait_until(lambda: not self.has_details(), 'documents without details')
        self.reload(self.config)
        self.wait_until(self.has_details, 'documents with details')

    def test_broken(self):
        self.assertTrue(self.has_details())
        for config, key in (({'xml': {'details': 'perhaps'}}, '[xml] details'),
                            ({'xml': {'details': 'false', 'nonsense': 1}}, '[xml] nonsense')):
            with self.subTest(key):
                self.reload(config)
                self.wait_logged('Failed to reload configuration', str(self.daemon.config_path), key)
                self.assertTrue(self.has_details())

    def test_removed_file(self):
        self.daemon.config_path.unlink()
        self.daemon.signal(signal.SIGHUP)
        self.wait_logged('Failed to reload configuration', str(self.daemon.config_path))
        self.assertIn('computer', self.names())

    def test_settings_for_a_restart(self):
        mode = os.stat(self.daemon.rw_path).st_mode
        self.reload({**self.config, 'sockets': {'rw_mode': '0770'}})
        self.wait_logged('[sockets] rw_mode has changed', 'Configuration reloaded')
        self.assertEqual(os.stat(self.daemon.rw_path).st_mode, mode)

    def test_group_of_sockets(self):
        """Groups are not looked up while clients are served, because a lookup may be slow and none is needed."""
        before = [os.stat(path).st_gid for path in (self.daemon.rw_path, self.daemon.ro_path)]
        with Trace(self.daemon.process.pid, self.deadline) as trace:
            self.reload({**self.config, 'sockets': {'group': 'daemon'}})
            self.wait_logged('[sockets] group has changed: this takes effect after a restart',
                             'Configuration reloaded')
        self.assertIn(str(self.daemon.config_path), trace.opened())
        self.assertEqual([path for path in trace.opened() if path in ('/etc/group', '/etc/nsswitch.conf')], [])
        self.assertEqual([os.stat(path).st_gid for path in (self.daemon.rw_path, self.daemon.ro_path)], before)

    def test_many(self):
        """Signals may arrive faster than they are handled."""
        for details in ('true', 'false') * 20:
            self.reload({**self.config, 'xml': {'details': details}})
        self.wait_until(lambda: not self.has_details(), 'the last of many settings')


@not_on('service', 'there is a manager, and service.py looks at what it has been told')
class ServiceManager(MediatedTest):
    """Notifications to the service manager; the test is the manager."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notified.close)
        self.notified.settimeout(self.deadline)
        path = self.daemon.directory / 'notify'
        self.notified.bind(str(path))
        self.daemon.environment['NOTIFY_SOCKET'] = str(path)

    def next(self, *skip):
        """Returns the assignments of the next message, or of the next one without any of the keys `skip`."""
        while True:
            message = dict(line.split('=', 1)
                           for line in self.notified.recv(4096).decode().splitlines())
            if not message.keys() & set(skip):
                return message

    def test_life(self):
        self.daemon.start(self.config)
        ready = self.next()
        self.assertEqual((ready['READY'], ready['STATUS']), ('1', 'Serving clients'))
        self.assertIn('computer', self.names())

        began = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.daemon.signal(signal.SIGHUP)
        reloading = self.next()
        self.assertEqual(reloading['RELOADING'], '1')
        self.assertGreaterEqual(int(reloading['MONOTONIC_USEC']), began)
        self.assertEqual(self.next()['READY'], '1')

        self.first_connection.close()
        self.daemon.signal(signal.SIGTERM)
        self.assertEqual(self.next()['STOPPING'], '1')
        self.assertEqual(self.daemon.wait(), 0)
        self.daemon.start(self.config)

    def test_watchdog(self):
        self.daemon.environment['WATCHDOG_USEC'] = '100000'
        self.daemon.start(self.config)
        self.assertEqual([self.next('READY') for _ in range(3)], [{'WATCHDOG': '1'}] * 3)
        self.daemon.pause()
        try:
            self.notified.settimeout(1)
            with self.assertRaises(TimeoutError):
                while True:
                    self.next()
        finally:
            self.daemon.resume()
        self.notified.settimeout(self.deadline)
        self.assertEqual(self.next(), {'WATCHDOG': '1'})
