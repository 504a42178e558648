# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon as a service of systemd: sockets, readiness, reload, watchdog, sandbox, take-over."""

import contextlib
import ctypes
import errno
import os
import pathlib
import platform
import pwd
import re
import signal
import socket
import struct
import subprocess
import time

import documents
import libvirt
import rpc
import systemd_manager as systemd
import waiting_script
from mediated_test import MediatedTest, seldom_on
from polkit import OtherUser
from program import DETAILS
from service_host import SERVICE, SOCKETS, SYSTEM, USERS_SOCKET, write_units
from systemd_manager import is_active, show
from user import USER, User

ONLY_ON = ('service', 'systemd is process 1 only there')

URI = 'nodedev:///system'
PROBE_UNIT = 'mediated-probe.service'
CAP_NET_ADMIN = 12
SPEEDS = (None, '2.5', '5', '8', '16', '32', '64')

HOLDER = """
import os, sys
fd = os.open(sys.argv[1], os.O_RDWR)
print('held', flush=True)
sys.stdin.read()
"""

# Run in a service with the same restrictions: prints each attempt with its errno, 0 on success. Calls that need an
# object get invalid arguments, because the filter refuses a call before the kernel checks its arguments.
PROBE = """
import ctypes, errno, os, platform
libc = ctypes.CDLL(None, use_errno=True)
CALLS = {calls}
for name, number in CALLS.items():
    result = libc.syscall(number, 0, 0, 0, 0, 0, 0)
    print('call', name, ctypes.get_errno() if result < 0 else 0)

class Vector(ctypes.Structure):
    _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]

mine = ctypes.create_string_buffer(16)
local = Vector(ctypes.addressof(mine), 16)
for name in ('process_vm_readv', 'process_vm_writev'):
    done = getattr(libc, name)({pid}, ctypes.byref(local), 1, ctypes.byref(Vector({address}, 16)), 1, 0)
    print('call', name, ctypes.get_errno() if done < 0 else 0)
for path, flags in (('mem', os.O_RDWR), ('maps', os.O_RDONLY), ('environ', os.O_RDONLY), ('fd/0', os.O_RDONLY)):
    try:
        os.close(os.open(f'/proc/{pid}/{{path}}', flags))
        print('file', path, 0)
    except OSError as error:
        print('file', path, error.errno)
"""

# x86-64 and the common table; later numbers are the same in both.
NUMBERS = {
    'io_uring_setup': 425, 'io_uring_enter': 426, 'io_uring_register': 427, 'pidfd_getfd': 438,
    'process_madvise': 440, 'process_mrelease': 448,
}
NUMBERS_X86 = {
    'ptrace': 101, 'io_setup': 206, 'add_key': 248, 'request_key': 249, 'keyctl': 250,
    'name_to_handle_at': 303, 'open_by_handle_at': 304, 'kcmp': 312, 'bpf': 321, 'userfaultfd': 323,
}

# Replaces libvirt's units: the same names, paths and dependencies.
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
    """Returns (speed, width) of the maximum and the current link in a complete configuration space."""
    at = config[0x34] & ~3 if config[0x06] & 0x10 else 0
    while at >= 0x40 and config[at] != 0x10:
        at = config[at + 1] & ~3
    # Functions integrated in the root complex have no link.
    if at < 0x40 or config[at + 2] >> 4 in (9, 10):
        return {}
    words = {'cap': struct.unpack_from('<I', config, at + 0x0c)[0],
             'sta': struct.unpack_from('<H', config, at + 0x12)[0]}
    return {validity: (SPEEDS[word & 0xf], str(word >> 4 & 0x3f)) for validity, word in words.items()}


def virsh(*arguments):
    return subprocess.run(['virsh', '-c', URI, *arguments], text=True, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)


class ServiceTest(MediatedTest):
    restarts = True

    def assert_served(self, open_connection=libvirt.open, name=None):
        """Checks that a client that uses only the URI is served."""
        with contextlib.closing(open_connection(URI)) as connection:
            self.assertIn(name or self.parent.name, self.names(connection=connection))

    def wait_for_log(self, words):
        """Waits, because the journal is asynchronous."""
        self.wait_until(lambda: words in self.daemon.log(), f"'{words}' in the journal")


@seldom_on('service', 'the modes of sockets are those in the units',
           keeps=('test_first_client', 'test_idle_end_and_next_client'))
class Activation(ServiceTest):
    """The sockets exist before the daemon runs."""

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
                 for path in (self.daemon.rw_path, self.daemon.ro_path, self.daemon.admin_path)}
        self.assertEqual(modes, {self.daemon.rw_path: '0o666', self.daemon.ro_path: '0o666',
                                 self.daemon.admin_path: '0o600'})

    def test_idle_end_and_next_client(self):
        self.daemon.configure({}, '--timeout=1')
        for _ in range(2):
            self.assert_served()
            self.assertEqual(self.daemon.wait(), 0)
            self.assertEqual(show(SERVICE, 'Result'), 'success')
            self.assertTrue(self.daemon.rw_path.exists())


@seldom_on('service', 'virt-admin gets the same answers from any daemon',
           keeps=('test_activation_by_client',))
class Administration(ServiceTest):
    """virt-admin needs no configuration."""

    def admin(self, *arguments):
        result = subprocess.run(['virt-admin', '-c', 'virtnodedevd:///system', *arguments], text=True, check=False,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        return result.stdout

    def test_servers(self):
        self.assertEqual(self.admin('srv-list').split()[3:], ['0', 'virtnodedevd', '1', 'admin'])

    def test_activation_by_client(self):
        systemd.stop(SERVICE)
        self.assertIn('virtnodedevd', self.admin('srv-list'))
        self.wait_until(lambda: is_active(SERVICE), 'the word that it is ready')

    def only_client(self):
        """Returns the number and the time of the only client."""
        (number, since), = re.findall(r'^ +(\d+) +unix +(\S+ \S+)$', self.admin('client-list', 'virtnodedevd'),
                                      re.MULTILINE)
        return number, since

    def test_client(self):
        self.conn.getLibVersion()
        shown = self.admin('client-info', 'virtnodedevd', self.only_client()[0])
        for line in ('unix_user_name *: root', 'unix_group_name *: root', f'unix_process_id *: {os.getpid()}'):
            self.assertRegex(shown, rf'(?m)^{line}$')

    def test_log(self):
        self.assertEqual(self.admin('daemon-log-outputs').split()[-1], '1:journald')

    def test_restart_keeps_the_time_of_connection(self):
        self.conn.getLibVersion()
        before, now = self.only_client()[1], int(time.time())
        self.wait_until(lambda: time.time() >= now + 1, 'another second')
        systemd.restart(SERVICE)
        self.assertEqual(self.only_client()[1], before)


@seldom_on('service', 'every case starts and stops the service, and Restart restarts it',
           keeps=('test_reload', 'test_stop_finishes_calls', 'test_crash'))
class LifeCycle(ServiceTest):
    def test_ready_means_served(self):
        """The start job ends when clients are served."""
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
        """A client that connects during a restart waits and is served."""
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
        self.wait_until(lambda: 'failed to reload' in show(SERVICE, 'StatusText'), 'a status that tells')
        self.wait_for_log(str(self.daemon.config_path))
        self.assertEqual((show(SERVICE, 'ActiveState'), self.daemon.process.pid), ('active', pid))
        self.assert_served()

    def test_stop_finishes_calls(self):
        self.host.set_knob(self.parent, 'block_create', 1)
        creation = self.in_background(self.create, self.conn)
        self.host.wait_create_stuck(self.parent)
        systemd.begin_stop(SERVICE)
        self.wait_until(lambda: 'pending calls' in show(SERVICE, 'StatusText'), 'a stop')
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


@seldom_on('service', 'LifeCycle has a crash, and every case stops the service',
           keeps=('test_clients', 'test_hung', 'test_script'))
class Restart(ServiceTest):
    """Clients do not notice that another process serves them."""

    def test_clients(self):
        """Each of 100 clients that call all the time gets one reply to each call, and all events."""
        clients = [self.raw(path=self.daemon.ro_path if i % 2 else None) for i in range(100)]
        serials = {client: [] for client in clients}
        for client in clients:
            client.register(0)
        old = self.daemon.process.pid
        before = self.create(self.connect())
        restart = self.in_background(systemd.restart, SERVICE)
        while not restart.is_done():
            for client in clients:
                serials[client].append(client.send('LOOKUP_BY_NAME', rpc.string('computer')))
                client.receive(0)
        restart.result(self.deadline)
        self.assertNotIn(self.daemon.process.pid, (0, old))
        after = self.create(self.connect())
        for client in clients:
            self.assertEqual(client.look_up(after.name()), after.name())
            replies = [frame.serial for frame in client.frames if frame.type == rpc.REPLY]
            self.assertEqual([serial for serial in replies if serial in set(serials[client])], serials[client])
            events = [frame.event() for frame in client.frames if frame.name == 'EVENT_LIFECYCLE']
            self.assertEqual([name for _, name, _ in events], [before.name(), after.name()])

    def test_hung(self):
        """A hung driver delays the restart by a few seconds only, and its caller learns that the result is unknown."""
        client = self.raw()
        self.host.set_knob(self.parent, 'block_create', 1)
        serial = client.send('CREATE_XML', rpc.string(self.document()) + rpc.u32(0))
        self.host.wait_create_stuck(self.parent)
        with self.within(self.deadline / 2, 'the restart'):
            systemd.restart(SERVICE)
        self.host.set_knob(self.parent, 'block_create', 0)
        self.assert_error(client.wait_reply(serial), libvirt.VIR_ERR_OPERATION_ABORTED, 'result is unknown')
        self.assertEqual(show(SERVICE, 'NFileDescriptorStore'), 0)
        name = client.create_xml(self.document(uuid=self.new_uuid()))
        self.assertIn(name, client.list_all()[0])

    def test_script(self):
        """A running script is not ended, but asked for its decision: a script ended by a signal would not refuse."""
        script = waiting_script.WaitingScript(self)
        client = self.raw()
        serial = client.send('DEFINE_XML', rpc.string(self.document(uuid=(uuid := self.new_uuid()))) + rpc.u32(0))
        self.wait_until(script.has_begun, 'the script')
        systemd.begin_restart(SERVICE)
        self.wait_until(lambda: 'pending calls' in show(SERVICE, 'StatusText'), 'a stop')
        script.refuse()
        self.assert_error(client.wait_reply(serial), libvirt.VIR_ERR_INTERNAL_ERROR,
                          [waiting_script.NAME, waiting_script.REASON])
        self.assertFalse(self.definition_path(uuid).exists())

    def test_memory(self):
        """Clients that use almost all memory that clients may use together remain connected."""
        payload = rpc.string('x' * (1 << 20)) + rpc.u32(0)
        frame = rpc.Connection.frame(rpc.PROCEDURES['DEFINE_XML'], payload, 100)
        clients = [self.raw() for _ in range(115)]
        for client in clients:
            client.send_raw(frame[:-4])
        self.assert_served()
        systemd.restart(SERVICE)
        for client in clients:
            client.send_raw(frame[-4:])
            self.assert_error(client.wait_reply(100), libvirt.VIR_ERR_XML_DETAIL)
        self.assertEqual((show(SERVICE, 'NRestarts'), show(SERVICE, 'Result')), (0, 'success'))

    def test_stop(self):
        """When the service is stopped, systemd closes the descriptors that the daemon has stored."""
        client = self.raw()
        systemd.stop(SERVICE)
        client.wait_closed()
        self.assertEqual(show(SERVICE, 'NFileDescriptorStore'), 0)
        systemd.start(SERVICE)
        self.assert_served()

    def test_crash(self):
        """After a crash, the next daemon finds no descriptors, not even those of an earlier restart."""
        client = self.raw()
        systemd.restart(SERVICE)
        self.assertEqual(client.look_up('computer'), 'computer')
        self.assertEqual(show(SERVICE, 'NFileDescriptorStore'), 0)
        old = self.daemon.process.pid
        self.daemon.signal(signal.SIGSEGV)
        client.wait_closed()
        self.wait_until(lambda: self.daemon.process.pid not in (0, old) and is_active(SERVICE), 'another process')
        self.assert_served()


@seldom_on('service', 'systemd waits several times for the process')
class Uninterruptible(ServiceTest):
    """A driver that does not even react to SIGKILL delays the restart, but disconnects nobody."""

    starts_daemon = False

    def test_destroy(self):
        self.daemon.drop_in = 'TimeoutStopSec=8\n'
        self.daemon.start(self.config)
        client = self.raw()
        client.register(0)
        name = client.create_xml(self.document(uuid=(uuid := self.new_uuid())))
        with self.host.knob(self.parent, 'block_remove', 1):
            serial = client.send('DESTROY', rpc.string(name))
            self.host.wait_remove_stuck(uuid)
            systemd.restart(SERVICE)
            self.assert_error(client.wait_reply(serial), libvirt.VIR_ERR_OPERATION_ABORTED, 'result is unknown')
            self.assertEqual(client.look_up('computer'), 'computer')
        self.wait_until(lambda: name not in client.list_all()[0], 'the end of the removal')
        events = [frame.event()[1:] for frame in client.frames if frame.name == 'EVENT_LIFECYCLE']
        self.assertEqual(events, [(name, 0), (name, 1)])


class Watchdog(ServiceTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.daemon.drop_in = 'WatchdogSec=5\n'
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


@seldom_on('service', 'a udevd that its sockets start again is like one that runs', keeps=('test_with_its_sockets',))
class Udevd(ServiceTest):
    """systemd's udevd is stopped."""

    config = {'mdev': {'event_timeout': '3000'}}
    SERVICE = 'systemd-udevd.service'
    SOCKETS = ('systemd-udevd-control.socket', 'systemd-udevd-kernel.socket')
    SILENT = 'udevd is silent'

    def setUp(self):
        super().setUp()
        self.addCleanup(systemd.start, *self.SOCKETS, self.SERVICE)
        self.create().destroy()

    def test_alone(self):
        """The next uevent starts udevd, which sends its event."""
        systemd.stop(self.SERVICE)
        self.create().destroy()
        self.wait_until(lambda: is_active(self.SERVICE), 'udevd')
        self.assertNotIn(self.SILENT, self.daemon.log())

    def test_with_its_sockets(self):
        """Without sockets, udevd is not started, and the kernel's uevents reach the sandbox."""
        systemd.stop(*self.SOCKETS, self.SERVICE)
        self.create().destroy()
        uuid = self.new_uuid()
        name = self.child_name(self.parent, uuid)
        self.host.create_by_others(self.parent, self.type_id, uuid)
        self.wait_until(lambda: name in self.names(), 'a device of others')
        self.host.remove_by_others(uuid)
        self.wait_until(lambda: name not in self.names(), 'its end')
        self.wait_for_log(self.SILENT)


@seldom_on('service', 'the other restrictions are read from the same units',
           keeps=('test_capabilities', 'test_other_processes', 'test_create_and_destroy',
                  'test_definition', 'test_in_use_by_another_user', 'test_unknown_user',
                  'test_files'))
class Sandbox(ServiceTest):
    def inside(self, *command):
        """Returns the exit status of a command that sees the service's files."""
        return subprocess.run(['nsenter', f'--target={self.daemon.process.pid}', '--mount',
                               *command], check=False, capture_output=True).returncode

    def status(self, pid=None):
        """Returns the kernel's data on the privileges of a process."""
        text = pathlib.Path(f'/proc/{pid or self.daemon.process.pid}/status').read_text(encoding='ascii')
        return dict(re.findall(r'^(\w+):\s*(.*)$', text, re.MULTILINE))

    def test_score(self):
        for unit, limit in ((SERVICE, 1.5), ('mediated-vfio-users@.service', 1.0)):
            result = subprocess.run(['systemd-analyze', 'security', '--no-pager', '--offline=true',
                                     str(SYSTEM / unit)], text=True, check=True, capture_output=True)
            score = float(re.search(r'exposure level for \S+: ([0-9.]+)', result.stdout).group(1))
            self.assertLessEqual(score, limit, result.stdout)

    def test_capabilities(self):
        """The service has only the capability needed for the receive buffer of events."""
        status = self.status()
        for kind in ('CapEff', 'CapPrm', 'CapBnd'):
            self.assertEqual(int(status[kind], 16), 1 << CAP_NET_ADMIN, kind)
        for kind in ('CapInh', 'CapAmb'):
            self.assertEqual(int(status[kind], 16), 0, kind)
        self.assertEqual((status['NoNewPrivs'], status['Seccomp']), ('1', '2'))

    def test_limits(self):
        limits = pathlib.Path(f'/proc/{self.daemon.process.pid}/limits').read_text(encoding='ascii')
        self.assertEqual(re.search(r'^Max core file size\s+(\S+)\s+(\S+)', limits, re.MULTILINE).groups(), ('0', '0'))
        self.assertEqual(re.search(r'^Max open files\s+\S+\s+(\S+)', limits, re.MULTILINE).group(1), '6000')
        self.assertNotIn('RLIMIT_NOFILE allows', self.daemon.log())
        mib = 1 << 20
        self.assertEqual({key: show(SERVICE, key) for key in ('MemoryHigh', 'MemoryMax', 'MemorySwapMax', 'TasksMax')},
                         {'MemoryHigh': 256 * mib, 'MemoryMax': 512 * mib, 'MemorySwapMax': 0, 'TasksMax': 1024})

    def probe(self):
        """Returns what a program in the daemon's place is refused: {name: errno} of system calls and of files of
        another root process."""
        numbers = {**NUMBERS, **(NUMBERS_X86 if platform.machine() == 'x86_64' else {})}
        target = ctypes.create_string_buffer(16)
        script = pathlib.Path('/etc/mediated-probe.py')
        script.write_text(PROBE.format(calls=numbers, pid=os.getpid(), address=ctypes.addressof(target)),
                          encoding='utf-8')
        self.addCleanup(script.unlink)
        text = (SYSTEM / SERVICE).read_text(encoding='utf-8')
        # As a command, it does not need the daemon's related units.
        text = re.sub(r'^(Type|Sockets|Restart|WatchdogSec|EnvironmentFile|Conflicts|Requires|Wants|After|ExecReload)=.*\n',
                      '', text, flags=re.MULTILINE)
        text = re.sub(r'^ExecStart=.*$', 'Type=oneshot\nExecStart=/usr/bin/python3 -I ' + str(script), text,
                      flags=re.MULTILINE)
        write_units({PROBE_UNIT: text})
        self.addCleanup(write_units, {PROBE_UNIT: None})
        began = time.time()
        systemd.start(PROBE_UNIT)

        def lines():
            words = ['journalctl', '--quiet', '--no-pager', '--output=cat', f'--unit={PROBE_UNIT}', f'--since=@{began:.6f}']
            log = subprocess.run(words, text=True, check=True, capture_output=True).stdout
            found = dict(re.findall(r'^\w+ (\S+) (\d+)$', log, re.MULTILINE))
            return {name: int(number) for name, number in found.items()} if 'fd/0' in found else None
        return self.wait_until(lines, 'what the probe has found')

    def test_other_processes(self):
        """Code in the daemon's place can neither inspect nor change another process of root."""
        refused = self.probe()
        self.assertGreater(len(refused), 10)
        wrong = {name: number for name, number in refused.items() if number not in (errno.EPERM, errno.EACCES)}
        self.assertEqual(wrong, {})

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
        """The directory of definitions is created if it does not exist."""
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
        """Opens the device as a guest does: the node belongs to the guest's user, who alone has access."""
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
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.destroy, says=(f'process {pid}', 'python3'))
        device.destroy()
        self.assertEqual(self.host.children(), [])

    def test_unknown_user(self):
        """Whether a device is in use is known even if the program that inspects processes is missing."""
        uuid = self.new_uuid()
        device = self.create(uuid=uuid)
        systemd.stop(USERS_SOCKET)
        with self.host.hold_open(uuid), self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.destroy,
                                says=('in use by an unknown process', 'mediated-vfio-users'))
        with self.held_by_another_user(uuid), self.nothing_changes():
            self.assert_refused(libvirt.VIR_ERR_INTERNAL_ERROR, device.destroy,
                                says=('cannot tell', 'mediated-vfio-users'))
        systemd.start(USERS_SOCKET)
        device.destroy()
        self.assertEqual(self.host.children(), [])

    def test_vfio_users(self):
        path = pathlib.Path('/run/mediated/vfio-users')
        self.assertEqual(oct(path.stat().st_mode & 0o777), '0o600')
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as asker:
            asker.connect(str(path))
            asker.sendall(b'1:3\n')
            self.assertEqual(asker.makefile('rb').read(), b'free\n')

    def test_links(self):
        """The service sees only the header of a configuration space, but the attributes show the link."""
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
        self.assertNotIn('enlarge the buffer', self.daemon.log())

    def test_files(self):
        """The service can write exactly the files that it needs."""
        for path in ('/sys/devices', '/etc/mdevctl.d', '/run/mediated'):
            self.assertEqual(self.inside('test', '-w', path), 0, path)
        for path in ('/', '/etc', '/run', '/usr', '/var', '/sys/kernel', '/sys/module', '/proc/sys'):
            self.assertNotEqual(self.inside('test', '-w', path), 0, path)
        pathlib.Path('/root/private').touch()
        for path in ('/root/private', '/boot', '/home', '/mnt', '/opt', '/srv', '/var/lib', '/dev/kmsg', '/dev/mem'):
            self.assertNotEqual(self.inside('test', '-e', path), 0, path)
        self.assertEqual(self.inside('test', '-c', '/dev/vfio/vfio'), 0)


@seldom_on('service', 'Defaults asks polkit, too')
class Polkit(ServiceTest):
    """polkit is called over D-Bus from within the sandbox."""

    config = {'access': {'auth_unix_ro': 'polkit'}}

    def test_reader(self):
        user = User(self.daemon)
        self.addCleanup(user.close)
        result = user.run('virsh', '-r', '-c', 'nodedev:///system', 'nodedev-list')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertIn(self.parent.name, result.stdout.split())
        self.assertTrue(is_active('polkit.service'))


@seldom_on('service', 'access is without polkit, and defaults reads the stock configuration',
           keeps=('test_polkit', 'test_polkit_and_restart'))
class Defaults(ServiceTest):
    """Without any configuration, polkit decides who may connect, by libvirt's policy."""

    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.daemon.access = {}
        self.user = User(self.daemon)
        self.addCleanup(self.user.close)

    def virsh(self, *options):
        return self.user.run('virsh', '-q', *options, '-c', URI, 'nodedev-list')

    def assert_lists(self, result):
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertIn(self.parent.name, result.stdout.split())

    def assert_refused_by_log_in(self, result):
        self.assertEqual(result.returncode, 1)
        self.assertIn('authentication', result.stderr)

    def test_polkit(self):
        """As with virtnodedevd: everybody reads, and the group libvirt writes."""
        self.daemon.start()
        self.assert_served()
        self.assert_lists(self.virsh('-r'))
        self.assert_refused_by_log_in(self.virsh())
        subprocess.run(['gpasswd', '--add', USER, 'libvirt'], check=True, capture_output=True)
        self.addCleanup(subprocess.run, ['gpasswd', '--delete', USER, 'libvirt'], check=True, capture_output=True)
        self.assert_lists(self.virsh())
        self.assertNotIn('polkit is missing', self.daemon.log())

    def other(self):
        """Returns a raw client of the user, not opened."""
        user = OtherUser(USER, self.daemon.rw_path)
        self.addCleanup(user.close)
        return self.raw(opened=False, path=user.socket)

    def test_polkit_and_restart(self):
        """A client that polkit has authorized keeps its rights over a restart, and polkit is not asked again. A client
        that polkit has refused remains refused."""
        self.daemon.start()
        refused = self.other()
        self.assert_refused(libvirt.VIR_ERR_AUTH_UNAVAILABLE, refused.auth_polkit, domain=libvirt.VIR_FROM_POLKIT)
        subprocess.run(['gpasswd', '--add', USER, 'libvirt'], check=True, capture_output=True)
        member = self.other()
        try:
            self.assertEqual(member.auth_polkit(), 1)
        finally:
            subprocess.run(['gpasswd', '--delete', USER, 'libvirt'], check=True, capture_output=True)
        member.open()
        systemd.restart(SERVICE)
        name = member.create_xml(self.document())
        self.assertIn(name, member.list_all()[0])
        member.destroy(name)
        for client in (refused, self.other()):
            self.assert_refused(libvirt.VIR_ERR_RPC, client.open, says='authentication required',
                                domain=libvirt.VIR_FROM_RPC)
            self.assert_refused(libvirt.VIR_ERR_AUTH_UNAVAILABLE, client.auth_polkit, domain=libvirt.VIR_FROM_POLKIT)

    def test_no_polkit(self):
        """The sockets are root's, the log says why, and no restart is needed when polkit is there."""
        subprocess.run(['systemctl', 'mask', '--runtime', '--now', 'polkit.service'], check=True, capture_output=True)
        unmask = ['systemctl', 'unmask', '--runtime', 'polkit.service']
        self.addCleanup(subprocess.run, unmask, check=True, capture_output=True)
        self.daemon.start()
        self.wait_for_log('polkit is missing')
        self.assert_served()
        self.assert_served(libvirt.openReadOnly)
        for options in ((), ('-r',)):
            self.assert_refused_by_log_in(self.virsh(*options))
        subprocess.run(unmask, check=True, capture_output=True)
        self.assert_lists(self.virsh('-r'))

    def test_stock_config(self):
        """virtnodedevd.conf is visible in the sandbox, and opens nothing."""
        self.daemon.use_stock_config(b'auth_unix_rw = "none"\nauth_unix_ro = "none"\novs_timeout = 5\n')
        self.daemon.start()
        self.wait_for_log('without effect: ovs_timeout')
        self.wait_for_log('Only root may connect to the read-write socket')
        self.assert_lists(self.virsh('-r'))
        self.assert_refused_by_log_in(self.virsh())
        self.assert_served()


@seldom_on('service', 'the way there and back stops either service', keeps=('test_there_and_back',))
class TakeOver(ServiceTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        # Installs libvirt's units, which have no effect until they are started.
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

    def test_remnants(self):
        systemd.start(SERVICE)
        systemd.stop(SERVICE, *SOCKETS)
        self.assertEqual(self.active(), set())
        for path in (self.daemon.rw_path, self.daemon.ro_path, self.daemon.admin_path):
            self.assertFalse(path.exists())
