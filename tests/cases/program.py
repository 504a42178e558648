# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program: options, configuration, sockets, its end."""

import os
import signal
import socket
import stat

from mediated_test import MediatedTest


class Options(MediatedTest):
    starts_daemon = False

    def test_version(self):
        result = self.daemon.run('--version')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertRegex(result.stdout, r'^mediated [0-9]+\.[0-9]+')

    def test_help(self):
        result = self.daemon.run('--help')
        self.assertEqual(result.returncode, 0)
        for option in ('--config', '--socket-dir', '--check-config', '--verbose', '--version'):
            self.assertIn(option, result.stdout)

    def test_bad_options(self):
        for argument in ('--nonsense', 'nonsense', '--config'):
            with self.subTest(argument):
                result = self.daemon.run(argument)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(argument, result.stderr)

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
               'no group at all\n': 'other.conf', '[mdev\n': 'other.conf'}
        for text, says in bad.items():
            with self.subTest(text):
                path = self.config(text)
                result = self.daemon.run('--check-config', '--config', path)
                self.assertNotEqual(result.returncode, 0)
                self.assertIn(says, result.stderr)
                self.assertIn(path, result.stderr)

    def test_config_that_is_not_there(self):
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

    def test_socket_directory_that_cannot_be(self):
        file = self.config('')
        result = self.daemon.run('--socket-dir', f'{file}/run', '--config', file)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(file, result.stderr)


class Sockets(MediatedTest):
    def test_modes(self):
        modes = {path: stat.S_IMODE(os.stat(path).st_mode)
                 for path in (self.daemon.rw_path, self.daemon.ro_path)}
        self.assertEqual(modes, {self.daemon.rw_path: 0o700, self.daemon.ro_path: 0o777})

    def test_second_instance(self):
        result = self.daemon.run(*self.daemon.arguments())
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(str(self.daemon.socket_dir), result.stderr)
        # The first one goes on as if nothing had been.
        self.assertIn('computer', self.names())
        self.assertIn('computer', self.names(connection=self.connect(read_only=True)))

    def test_removed_at_the_end(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                client = self.raw()
                self.daemon.signal(number)
                self.assertEqual(self.daemon.wait(), 0)
                self.assertEqual(os.listdir(self.daemon.socket_dir), [])
                client.wait_closed()
                self.daemon.start(self.config)

    def test_stale_ones_are_replaced(self):
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


class SocketsInTheWay(MediatedTest):
    starts_daemon = False

    def test_file_in_the_way(self):
        """What is no socket is not ours to remove."""
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
