# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon as a service of systemd: sockets, readiness, reload, watchdog, sandbox, take-over."""

import contextlib
import os
import pathlib
import pwd
import re
import signal
import struct
import subprocess

import documents
import libvirt
import systemd_manager as systemd
from mediated_test import MediatedTest, only_on
from program import DETAILS
from service_host import SERVICE, SOCKETS, write_units
from systemd_manager import is_active, show
from user import User

URI = 'nodedev:///system'
REASON = 'systemd is process 1 only there'
SPEEDS = (None, '2.5', '5', '8', '16', '32', '64')

HOLDER = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
print('held', flush=True)
sys.stdin.read()
"""

# A stand-in for libvirt's own units: the same names, paths and dependencies.
THEIRS = {
    'virtnodedevd.service': """
[Unit]
Requires=virtnodedevd.socket virtnodedevd-ro.socket virtnodedevd-admin.socket
After=virtnodedevd.socket virtnodedevd-ro.socket virtnodedevd-admin.socket
[Service]
Type=exec
ExecStart=/bin/sleep infinity
""",
    'virtnodedevd.socket': """
[Socket]
ListenStream=/run/libvirt/virtnodedevd-sock
Service=virtnodedevd.service
""",
    'virtnodedevd-ro.socket': """
[Unit]
BindsTo=virtnodedevd.socket
After=virtnodedevd.socket
[Socket]
ListenStream=/run/libvirt/virtnodedevd-sock-ro
Service=virtnodedevd.service
""",
    'virtnodedevd-admin.socket': """
[Unit]
BindsTo=virtnodedevd.socket
After=virtnodedevd.socket
[Socket]
ListenStream=/run/libvirt/virtnodedevd-admin-sock
Service=virtnodedevd.service
""",
}


def express_links(config):
    """What a whole configuration space tells of its link: (speed, width) that it is capable of, and has."""
    at = config[0x34] & ~3 if config[0x06] & 0x10 else 0
    while at >= 0x40 and config[at] != 0x10:
        at = config[at + 1] & ~3
    # What is built into the root complex has none.
    if at < 0x40 or config[at + 2] >> 4 in (9, 10):
        return {}
    words = {'cap': struct.unpack_from('<I', config, at + 0x0c)[0],
             'sta': struct.unpack_from('<H', config, at + 0x12)[0]}
    return {validity: (SPEEDS[word & 0xf], str(word >> 4 & 0x3f)) for validity, word in words.items()}


def virsh(*arguments):
    return subprocess.run(['virsh', '-c', URI, *arguments], text=True, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


@only_on('service', REASON)
class ServiceTest(MediatedTest):
    def assert_served(self, open_connection=libvirt.open, name=None):
        """By a client that is told nothing but the URI."""
        with contextlib.closing(open_connection(URI)) as connection:
            self.assertIn(name or self.parent.name, self.names(connection=connection))

    def wait_for_log(self, words):
        """The journal takes its time."""
        self.wait_until(lambda: words in self.daemon.log(), f"'{words}' in the journal")


class Activation(ServiceTest):
    """The sockets are there, and nobody behind them yet."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.daemon.configure()
        systemd.start(*SOCKETS)

    def test_first_client(self):
        for options in ((), ('-r',)):
            with self.subTest(options):
                self.assertFalse(is_active(SERVICE))
                result = virsh(*options, 'nodedev-list')
                self.assertEqual((result.returncode, result.stderr), (0, ''))
                self.assertIn(self.parent.name, result.stdout.split())
                self.wait_until(lambda: is_active(SERVICE), 'the word that it is ready')
                systemd.stop(SERVICE)

    def test_modes(self):
        modes = {path: oct(os.stat(path).st_mode & 0o777)
                 for path in (self.daemon.rw_path, self.daemon.ro_path)}
        self.assertEqual(modes, {self.daemon.rw_path: '0o600', self.daemon.ro_path: '0o666'})

    def test_idle_end_and_next_client(self):
        self.daemon.configure({}, '--timeout=1')
        for _ in range(2):
            self.assert_served()
            self.assertEqual(self.daemon.wait(), 0)
            self.assertEqual(show(SERVICE, 'Result'), 'success')
            self.assertTrue(self.daemon.rw_path.exists())


class LifeCycle(ServiceTest):
    def test_ready_means_served(self):
        """The job of the start has ended."""
        self.assertEqual(show(SERVICE, 'StatusText'), 'Serving clients')
        self.wait_for_log('devices found')
        self.assertIn(self.parent.name, self.names())

    def test_stop_and_start(self):
        device = self.create()
        systemd.stop(SERVICE)
        self.assertEqual(show(SERVICE, 'Result'), 'success')
        self.assertTrue(all(is_active(unit) for unit in SOCKETS))
        systemd.start(SERVICE)
        self.assert_served(name=device.name())

    def test_restart(self):
        """A client that comes meanwhile waits and is served."""
        device = self.create()
        old = self.daemon.process.pid
        systemd.begin_restart(SERVICE)
        self.wait_until(lambda: self.daemon.process.pid != old, 'the end of the first')
        self.assert_served(name=device.name())
        self.wait_until(lambda: self.daemon.process.pid not in (0, old) and is_active(SERVICE),
                        'another process')
        self.assert_served()

    def test_reload(self):
        pid = self.daemon.process.pid
        device = self.conn.nodeDeviceLookupByName(self.parent.name)
        self.assertIn(DETAILS, device.XMLDesc())
        self.daemon.write_config({'xml': {'details': 'false'}})
        systemd.reload(SERVICE)
        self.wait_until(lambda: DETAILS not in device.XMLDesc(), 'documents without details')
        self.assertEqual((show(SERVICE, 'ActiveState'), self.daemon.process.pid), ('active', pid))

    def test_broken_reload(self):
        pid = self.daemon.process.pid
        self.daemon.write_config({'xml': {'details': 'perhaps'}})
        systemd.reload(SERVICE)
        self.wait_until(lambda: 'broke' in show(SERVICE, 'StatusText'), 'a status that tells')
        self.wait_for_log(str(self.daemon.config_path))
        self.assertEqual((show(SERVICE, 'ActiveState'), self.daemon.process.pid), ('active', pid))
        self.assert_served()

    def test_stop_finishes_calls(self):
        self.host.set_knob(self.parent, 'block_create', 1)
        creation = self.in_background(self.create, self.conn)
        self.host.wait_create_stuck(self.parent)
        systemd.begin_stop(SERVICE)
        self.wait_until(lambda: 'calls under way' in show(SERVICE, 'StatusText'), 'a stop')
        self.assertFalse(creation.is_done())
        self.host.set_knob(self.parent, 'block_create', 0)
        name = creation.result(self.deadline).name()
        self.assertEqual(self.daemon.wait(), 0)
        self.assertEqual(show(SERVICE, 'Result'), 'success')
        systemd.start(SERVICE)
        self.assert_served(name=name)

    def test_crash(self):
        old = self.daemon.process.pid
        self.daemon.signal(signal.SIGSEGV)
        self.wait_until(lambda: self.daemon.process.pid not in (0, old) and is_active(SERVICE),
                        'another process')
        self.assert_served()


class Watchdog(ServiceTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.daemon.drop_in = '[Service]\nWatchdogSec=5\n'
        self.daemon.start(self.config)

    def test_turning(self):
        def last_ping():
            return show(SERVICE, 'WatchdogTimestampMonotonic')

        first = last_ping()
        self.wait_until(lambda: last_ping() > first, 'a sign of life')
        self.assertEqual(show(SERVICE, 'NRestarts'), 0)

    def test_stuck(self):
        old = self.daemon.process.pid
        self.daemon.pause()
        self.wait_until(lambda: self.daemon.process.pid not in (0, old) and is_active(SERVICE),
                        'another process')
        self.assertEqual(show(SERVICE, 'NRestarts'), 1)
        self.assert_served()


class Sandbox(ServiceTest):
    def inside(self, *command):
        """The status of a command that sees the service's files."""
        return subprocess.run(['nsenter', f'--target={self.daemon.process.pid}', '--mount',
                               *command], check=False, capture_output=True).returncode

    def test_score(self):
        result = subprocess.run(['systemd-analyze', 'security', '--no-pager', SERVICE], text=True,
                                check=True, capture_output=True)
        score = float(re.search(r'exposure level for \S+: ([0-9.]+)', result.stdout).group(1))
        self.assertLessEqual(score, 2.0, result.stdout)

    def test_create_and_destroy(self):
        for parent in self.host.parents():
            with self.subTest(parent.name):
                events = self.listen()
                device = self.create(parent=parent.name, attrs=[('scratch', 'x')])
                events.wait(('created', device.name()))
                uuid, = self.host.children(parent)
                self.assertEqual(self.host.journal(uuid), ['scratch=x'])
                device.destroy()
                events.wait(('deleted', device.name()))
                self.assertEqual(self.host.children(parent), [])

    def test_definition(self):
        """The directory of definitions is there even where there was none."""
        uuid = self.new_uuid()
        device = self.conn.nodeDeviceDefineXML(self.document(uuid=uuid), 0)
        path = self.daemon.definitions / self.parent.address / uuid
        self.assertTrue(path.exists())
        device.setAutostart(1)
        systemd.restart(SERVICE)
        device = self.connect().nodeDeviceLookupByName(device.name())
        self.wait_until(device.isActive, 'a device that starts by itself')
        self.assertEqual(self.host.children(), [uuid])
        device.destroy()
        device.undefine()
        self.assertFalse(path.exists())

    @contextlib.contextmanager
    def held_by_another_user(self, uuid):
        """As a guest's process does: its node is its own, and nobody else's."""
        account = pwd.getpwnam('nobody')
        group = os.path.basename(os.readlink(f'/sys/bus/mdev/devices/{uuid}/iommu_group'))
        node = f'/dev/vfio/{group}'
        os.chown(node, account.pw_uid, account.pw_gid)
        os.chmod(node, 0o600)
        with subprocess.Popen(['setpriv', f'--reuid={account.pw_uid}', f'--regid={account.pw_gid}',
                               '--clear-groups', '/usr/bin/python3', '-c', HOLDER, node],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            try:
                self.assertEqual(holder.stdout.readline(), b'held\n')
                yield holder.pid
            finally:
                holder.stdin.close()

    def test_in_use_by_another_user(self):
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        with self.held_by_another_user(uuid) as pid, self.nothing_changes():
            self.assert_refused(range(1, 200), device.destroy, says=(f'process {pid}', 'python3'))
        device.destroy()
        self.assertEqual(self.host.children(), [])

    def test_links(self):
        """The kernel shows the service no more of a configuration space than its header, but attributes tell."""
        shown = 0
        for device in pathlib.Path('/sys/bus/pci/devices').iterdir():
            name = 'pci_' + re.sub(r'\W', '_', device.name)
            root = documents.parse(self.dump(name))
            links = {link.get('validity'): (link.get('speed'), link.get('width')) for link in root.iter('link')}
            self.assertEqual(links, express_links((device / 'config').read_bytes()), name)
            shown += len(links)
        self.assertGreater(shown, 0)

    def test_receive_buffer(self):
        self.wait_for_log('devices found')
        self.assertNotIn('receive buffer stays', self.daemon.log())

    def test_files(self):
        """What it may write, and that it may write nothing else."""
        for path in ('/sys/devices', '/etc/mdevctl.d'):
            self.assertEqual(self.inside('test', '-w', path), 0, path)
        for path in ('/etc', '/run', '/usr', '/var', '/sys/kernel', '/sys/module', '/proc/sys'):
            self.assertNotEqual(self.inside('test', '-w', path), 0, path)
        pathlib.Path('/root/private').touch()
        self.assertNotEqual(self.inside('test', '-e', '/root/private'), 0)


class Polkit(ServiceTest):
    """It is asked over D-Bus, from within the sandbox."""

    config = {'access': {'auth_unix_ro': 'polkit'}}

    def test_reader(self):
        self.assertFalse(is_active('polkit.service'))
        user = User(self.daemon)
        self.addCleanup(user.close)
        result = user.run('virsh', '-r', '-c', 'nodedev:///system', 'nodedev-list')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertIn(self.parent.name, result.stdout.split())
        self.assertTrue(is_active('polkit.service'))


class TakeOver(ServiceTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        # From now on the machine has them; as long as nobody starts them they are nothing.
        write_units(THEIRS)
        self.addCleanup(systemd.stop, *THEIRS)
        self.daemon.configure()
        systemd.start(*THEIRS)

    def active(self):
        return {unit for unit in (SERVICE, *SOCKETS, *THEIRS) if is_active(unit)}

    def test_there_and_back(self):
        self.assertEqual(self.active(), set(THEIRS))
        systemd.start(*SOCKETS)
        self.assertEqual(self.active(), set(SOCKETS))
        self.assert_served()
        self.assert_served(libvirt.openReadOnly)
        self.wait_until(lambda: is_active(SERVICE), 'the word that it is ready')
        self.assertEqual(self.active(), {SERVICE, *SOCKETS})

        back = ('virtnodedevd.socket', 'virtnodedevd-ro.socket')
        systemd.start(*back)
        self.assertEqual(self.active(), set(back))
        for path in (self.daemon.rw_path, self.daemon.ro_path):
            self.assertTrue(self.daemon.accepts(path))

        systemd.start(SERVICE)
        self.assertEqual(self.active(), {SERVICE, *SOCKETS})
        self.assert_served()

    def test_their_service(self):
        systemd.start(SERVICE)
        self.assertEqual(self.active(), {SERVICE, *SOCKETS})
        systemd.start('virtnodedevd.service')
        self.assertEqual(self.active(), set(THEIRS))

    def test_nothing_is_left(self):
        systemd.start(SERVICE)
        systemd.stop(SERVICE, *SOCKETS)
        self.assertEqual(self.active(), set())
        for path in (self.daemon.rw_path, self.daemon.ro_path):
            self.assertFalse(path.exists())
