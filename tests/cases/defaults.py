# SPDX-License-Identifier: LGPL-2.1-or-later
"""The defaults of virtnodedevd: its configuration file, and who may connect to a service."""

import grp
import os
import stat

import libvirt

from access import AUTH_FAILED, FROM_POLKIT, MEMBER, NOBODY, NONE, OF_GROUP, POLKIT, AccessTest, rule
from descriptor_store import DescriptorStore, WithDescriptorStore
from mediated_test import MediatedTest, not_on, only_on

ANY_KERNEL = True    # see docs/testing.md, "On any kernel"

PATH = '/etc/libvirt/virtnodedevd.conf'
SYSTEMDS = 'systemd makes the sockets'
ONLY_ROOT = 'only root may connect to this socket'

# Keys with an effect, with a value other than the default, and the lines about them.
HONOURED = {
    'unix_sock_group = "daemon"': '[sockets] group = daemon',
    'unix_sock_ro_perms = "0750"': '[sockets] ro_mode = 0750',
    'unix_sock_rw_perms = "0770"': '[sockets] rw_mode = 0770',
    'unix_sock_dir = "/run/elsewhere"': '[sockets] directory = /run/elsewhere',
    'auth_unix_ro = "polkit"': '[access] auth_unix_ro = polkit',
    'auth_unix_rw = "polkit"': '[access] auth_unix_rw = polkit',
    'access_drivers = [ "polkit" ]': '[access] access_drivers = polkit',
    'max_clients = 70': '[limits] max_clients = 70',
    'max_anonymous_clients = 7': '[limits] max_anonymous_clients = 7',
    'max_client_requests = 6': '[limits] max_client_requests = 6',
    'keepalive_interval = 8': '[keepalive] interval = 8',
    'keepalive_count = 9': '[keepalive] count = 9',
    'log_level = 4': '[log] level = warning',
    'log_filters="1:qemu 1:libvirt 4:object 4:json 4:event 1:util"':
        '[log] filters = 1:qemu 1:libvirt 4:object 4:json 4:event 1:util',
    'log_outputs="3:syslog:libvirtd"': '[log] outputs = 3:syslog:libvirtd',
}
# The other keys of virtnodedevd.conf and of libvirtd.conf, from which users copy.
IGNORED = (
    'listen_tls = 0', 'listen_tcp = 1', 'tls_port = "16514"', 'tcp_port = "16509"', 'listen_addr = "192.168.0.1"',
    'unix_sock_admin_perms = "0700"', 'auth_tcp = "sasl"', 'auth_tls = "none"', 'tcp_min_ssf = 112',
    'key_file = "/etc/pki/libvirt/private/serverkey.pem"', 'cert_file = "/etc/pki/libvirt/servercert.pem"',
    'ca_file = "/etc/pki/CA/cacert.pem"', 'crl_file = "/etc/pki/CA/crl.pem"', 'tls_no_sanity_certificate = 1',
    'tls_no_verify_certificate = 1', 'tls_allowed_dn_list = ["DN1", "DN2"]', 'tls_priority="NORMAL"',
    'sasl_allowed_username_list = ["joe@EXAMPLE.COM", "fred@EXAMPLE.COM" ]', 'max_queued_clients = 1000',
    'min_workers = 5', 'max_workers = 20', 'prio_workers = 5', 'admin_min_workers = 1', 'admin_max_workers = 5',
    'admin_max_clients = 5', 'admin_max_queued_clients = 5', 'admin_max_client_requests = 5',
    'audit_level = 2', 'audit_logging = 1', 'host_uuid = "00000000-0000-0000-0000-000000000000"',
    'host_uuid_source = "smbios"', 'keepalive_required = 1', 'admin_keepalive_required = 1',
    'admin_keepalive_interval = 5', 'admin_keepalive_count = 5', 'ovs_timeout = 5',
)
NONSENSE = (
    b'auth_unix_rw = none\n', b'[access]\nauth_unix_rw = none\n', b'max_clients: 5\n', b'auth_unix_rw = "none\n',
    b'max_clients = 5 6\n', b'access_drivers = [ "polkit"\n', b'\x00', b'key = "\x00"\n', b'\xff\xfe\n', b'= 5\n',
    b'<xml/>\n', b'"""', b'a = """', b'a = [[[[[[\n', b'a = 999999999999999999999999999999\n', bytes(range(256)) * 64,
)


def name_of(line):
    return line.partition('=')[0].strip()


class StockTest(MediatedTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        # Mistakes are warnings, which are expected here.
        self.daemon.environment.pop('G_DEBUG', None)
        self.daemon.access = {}

    def check(self, text, config=None):
        """Returns the result of --check-config with this virtnodedevd.conf."""
        self.daemon.use_stock_config(text)
        self.daemon.write_config(config)
        return self.daemon.run('--check-config', '--config', str(self.daemon.config_path))


class Check(StockTest):
    """--check-config shows what applies, and from where."""

    def test_every_key(self):
        lines = [line for pair in zip(IGNORED, (*HONOURED, *['# no key'] * len(IGNORED))) for line in pair]
        result = self.check(('\n'.join(lines) + '\n').encode())
        self.assertEqual(result.returncode, 0)
        for line, shown in HONOURED.items():
            self.assertIn(f'{shown} ({PATH}:{lines.index(line) + 1})\n', result.stdout)
        words = result.stderr.replace(',', ' ').split()
        self.assertEqual([words.count(name_of(line)) for line in IGNORED], [1] * len(IGNORED))
        self.assertEqual([words.count(name_of(line)) for line in HONOURED], [0] * len(HONOURED))

    def test_commented_out(self):
        """As libvirt installs it."""
        text = '\n'.join(f'#{line}' for line in (*HONOURED, *IGNORED)).encode()
        result = self.check(text)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertNotIn(PATH, result.stdout)
        self.assertIn('[access] auth_unix_rw = none (default; polkit for sockets passed by systemd)', result.stdout)

    def test_precedence(self):
        """Of the same key in mediated.conf, and on the command line."""
        text = b'max_clients = 70\nkeepalive_count = 9\nunix_sock_dir = "/run/elsewhere"\n'
        self.daemon.use_stock_config(text)
        self.daemon.write_config({'limits': {'max_clients': 80}})
        result = self.daemon.run('--check-config', *self.daemon.arguments({'limits': {'max_clients': 80}}))
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        number = self.daemon.config_path.read_text().splitlines().index('max_clients=80') + 1
        self.assertIn(f'[limits] max_clients = 80 ({self.daemon.config_path}:{number})\n', result.stdout)
        self.assertIn(f'[keepalive] count = 9 ({PATH}:2)\n', result.stdout)
        self.assertIn('(command line)\n', result.stdout)
        self.assertNotIn('/run/elsewhere', result.stdout)

    def test_libvirtd(self):
        """On a host without virtnodedevd, access_drivers of libvirtd."""
        self.daemon.use_stock_config(b'max_clients = 7\naccess_drivers = [ "polkit" ]\n', 'libvirtd.conf')
        self.daemon.write_config(None)
        result = self.daemon.run('--check-config', '--config', str(self.daemon.config_path))
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertIn('[access] access_drivers = polkit (/etc/libvirt/libvirtd.conf:2)\n', result.stdout)
        self.assertNotIn('libvirtd.conf:1', result.stdout)

    def test_bad_value(self):
        result = self.check(b'\nmax_clients = "many"\nauth_unix_rw = "sasl"\n')
        self.assertEqual(result.returncode, 1)
        self.assertIn(f'{PATH}:2: max_clients: expected a number; using the default\n', result.stderr)
        self.assertIn(f'{PATH}:3: auth_unix_rw: expected "none" or "polkit"; using root\n', result.stderr)
        self.assertIn(f'[access] auth_unix_rw = root ({PATH}:3)\n', result.stdout)

    def test_unknown_group(self):
        result = self.check(b'unix_sock_group = "no such one"\n')
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{PATH}:1: [sockets] group: unknown group 'no such one'\n", result.stderr)

    def test_nonsense(self):
        for text in NONSENSE:
            with self.subTest(text[:32]):
                result = self.check(text)
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr, f'^{PATH}:[0-9]+: .*only root may connect')
                self.assertIn(f'[access] auth_unix_rw = root ({PATH})\n', result.stdout)


class ByHand(StockTest):
    """A daemon that makes its sockets."""

    def start(self, text, config=None):
        self.daemon.use_stock_config(text)
        self.daemon.start(config)

    def modes(self):
        return [oct(stat.S_IMODE(os.stat(path).st_mode)) for path in (self.daemon.rw_path, self.daemon.ro_path)]

    @not_on('service', SYSTEMDS)
    def test_no_file(self):
        self.daemon.start()
        self.assertEqual(self.modes(), ['0o700', '0o777'])
        self.assertEqual(self.raw(opened=False).auth_list(), NONE)

    @not_on('service', SYSTEMDS)
    def test_group_and_modes(self):
        self.start(b'unix_sock_group = "daemon"\nunix_sock_rw_perms = "0770"\nunix_sock_ro_perms = "0750"\n'
                   b'auth_unix_rw = "none"\n')
        self.assertEqual(self.modes(), ['0o770', '0o750'])
        group = grp.getgrnam('daemon').gr_gid
        self.assertEqual({os.stat(path).st_gid for path in (self.daemon.rw_path, self.daemon.ro_path)}, {group})

    @not_on('service', SYSTEMDS)
    def test_unknown_group(self):
        """virtnodedevd would not start; the sockets are root's."""
        self.start(b'unix_sock_group = "no such one"\nunix_sock_rw_perms = "0770"\nauth_unix_rw = "none"\n')
        self.assertEqual(self.modes()[0], '0o770')
        self.assertEqual(os.stat(self.daemon.rw_path).st_gid, os.getegid())
        self.assertIn("unknown group 'no such one'", self.daemon.log())

    def test_nonsense(self):
        """The daemon serves root all the same."""
        for text in (NONSENSE[0], NONSENSE[-1]):
            self.start(text)
            self.assertIn('computer', self.raw().list_all()[0])
            self.assertIn(f'{PATH}:1: ', self.daemon.log())
            self.close_connections()
            self.daemon.stop()
        self.daemon.start()

    def test_limit(self):
        self.start(b'max_client_requests = 3\nhost_uuid_source = "smbios"\n')
        self.assertIn('without effect: host_uuid_source', self.daemon.log())

    @not_on('service', 'the option --verbose of other cases has precedence, and files cannot be written')
    def test_log(self):
        """Debug messages go to a file, as libvirt's manual proposes, and nothing but warnings to stderr."""
        path = self.daemon.directory / 'debug'
        self.daemon.use_stock_config(f'log_filters = "1:node_device 4:*"\nlog_outputs = "4:stderr 1:file:{path}"\n'.encode())
        options = [word for word in self.daemon.arguments({'keepalive': {'count': '3'}}) if word != '--verbose']
        self.daemon.process = self.daemon.spawn(options)
        self.wait_until(lambda: path.exists() and 'devices found' in path.read_text(encoding='utf-8'), 'the log')
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertNotIn('devices found', self.daemon.log())

    @not_on('service', 'the daemon is started by hand')
    def test_unusable_log(self):
        self.start(b'log_outputs = "1:file:/nonexistent/log"\n')
        self.assertIn("cannot open the log '/nonexistent/log': No such file or directory", self.daemon.log())

    def test_reload(self):
        """A mistake is reported at the first reload, and named once."""
        self.start(b'ovs_timeout = 5\n')
        self.daemon.use_stock_config(b'ovs_timeout = 5\nkeepalive_count = "x"\n')
        self.change_config({})
        self.change_config({})
        log = self.daemon.log()
        self.assertEqual(log.count('without effect: ovs_timeout'), 1)
        self.assertEqual(log.count('keepalive_count: expected a number'), 1)


@only_on('sim', 'service.py does the same with systemd')
class AsService(WithDescriptorStore, AccessTest):
    """The test is the service manager, and passes sockets with mode 0666."""

    rules = rule(OF_GROUP) + rule("action.id == 'org.libvirt.unix.monitor'")
    has_polkit = True

    def setUp(self):
        MediatedTest.setUp(self)
        self.use_polkit()
        self.daemon.access = {}
        # A missing polkit is a warning.
        self.daemon.environment.pop('G_DEBUG', None)
        self.store = DescriptorStore(self.daemon)
        for path in (self.daemon.rw_path, self.daemon.ro_path):
            path.chmod(0o666)
        self.prepare()
        self.store.start(self.config)

    def prepare(self):
        """For subclasses."""

    def assert_only_root(self):
        self.assertIn('computer', self.raw().list_all()[0])
        client, _ = self.other(MEMBER)
        self.assertEqual(client.auth_list(), POLKIT)
        self.assert_refused(AUTH_FAILED, client.auth_polkit, says=ONLY_ROOT, domain=FROM_POLKIT)


class Polkit(AsService):
    def test_member(self):
        client, _ = self.other(MEMBER)
        self.assertEqual(client.auth_list(), POLKIT)
        self.assertEqual(client.auth_polkit(), 1)
        client.open()
        self.assertNotIn('polkit is missing', self.daemon.log())

    def test_nobody(self):
        client, _ = self.other(NOBODY)
        self.assertEqual(client.auth_list(), POLKIT)
        self.assert_refused(libvirt.VIR_ERR_AUTH_UNAVAILABLE, client.auth_polkit, domain=FROM_POLKIT)

    def test_reader(self):
        client, _ = self.other(NOBODY, self.daemon.ro_path)
        self.assertEqual(client.auth_list(), POLKIT)
        self.assertEqual(client.auth_polkit(), 1)

    def test_root(self):
        self.assertEqual(self.raw(opened=False).auth_list(), NONE)


class NoPolkit(AsService):
    def prepare(self):
        self.polkit.stop_authority()

    def test_late_polkit(self):
        """The log says why users are refused; no restart is needed once polkit is installed."""
        self.wait_until(lambda: 'Only root may connect' in self.daemon.log(), 'a reason in the log')
        self.assertRegex(self.daemon.log(), 'polkit is missing: polkit failed to check .*org.freedesktop.PolicyKit1')
        self.assertIn('computer', self.raw().list_all()[0])
        for path in (self.daemon.rw_path, self.daemon.ro_path):
            client, _ = self.other(MEMBER, path)
            self.assert_refused(AUTH_FAILED, client.auth_polkit, says='polkit failed to check', domain=FROM_POLKIT)
        self.polkit.start_authority()
        client, _ = self.other(MEMBER)
        self.assertEqual(client.auth_polkit(), 1)
        self.assertIn('polkit answers', self.daemon.log())


class NoBus(AsService):
    def prepare(self):
        self.polkit.stop()

    def test_root(self):
        self.wait_until(lambda: 'Unable to reach polkit on the system bus' in self.daemon.log(), 'a reason in the log')
        self.assertIn('computer', self.raw().list_all()[0])
        client, _ = self.other(MEMBER)
        self.assert_refused(AUTH_FAILED, client.auth_polkit, says='system bus', domain=FROM_POLKIT)


class NoAuthentication(AsService):
    """The mode that systemd gives the socket is no reason to let everybody in."""

    config = {'access': {'auth_unix_rw': 'none'}}

    def test_mode_of_systemd(self):
        self.assert_only_root()
        self.assertIn('Only root may connect to the read-write socket: every user could', self.daemon.log())


class StockNoAuthentication(AsService):
    """virtnodedevd.socket may have had another mode than ours has."""

    def prepare(self):
        self.daemon.use_stock_config(b'auth_unix_rw = "none"\n')

    def test_mode_of_systemd(self):
        self.assert_only_root()
        self.change_config({'access': {'auth_unix_rw': 'polkit'}})
        client, _ = self.other(MEMBER)
        self.assertEqual(client.auth_polkit(), 1)


class OpenToAll(AsService):
    """Both said explicitly."""

    config = {'access': {'auth_unix_rw': 'none'}, 'sockets': {'rw_mode': '0666'}}

    def test_everybody(self):
        client, _ = self.other(NOBODY)
        self.assertEqual(client.auth_list(), NONE)


class StockNonsense(AsService):
    def prepare(self):
        self.daemon.use_stock_config(b'auth_unix_rw = none\n')

    def test_only_root(self):
        self.assert_only_root()
        self.assertIn(f'{PATH}:1: auth_unix_rw: expected', self.daemon.log())
