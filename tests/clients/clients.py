#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The clients: their programs and packages, and how they reach the daemon.

As a program, prints the packages of these clients, or of all clients, on this release of Debian.
usage: clients.py [CLIENT...]
"""

import dataclasses
import os
import pathlib
import sys

DIRECT, THROUGH = 'nodedev:///system?mode=direct', 'qemu:///system'
# A program for Go modules would download them.
GO = ('env', 'GOPATH=/usr/share/gocode', 'GO111MODULE=off', 'GOCACHE=/var/cache/go', 'go', 'run')

# A daemon of node devices has no guests.
NO_GUESTS = 'this function is not supported by the connection driver'
VIRT_INSTALL = ('libvirt-clients', 'qemu-system-x86')
VIRT_MANAGER = (*VIRT_INSTALL, 'at-spi2-core', 'dbus-daemon', 'gir1.2-atspi-2.0', 'imagemagick', 'xauth', 'xvfb')


@dataclasses.dataclass(frozen=True)
class Client:
    """`program`: its words, with `{}` in place of this directory; the URI follows. `package`: determines the version.
    `direct`: the error that the client must get from the daemon, by design; None: the program must
    succeed. `needs_sysfs`: reads the sysfs of the simulated host."""

    name: str
    program: tuple
    package: str
    more_packages: tuple = ()
    direct: str = None
    needs_sysfs: bool = False


def php_package():
    """The name of the extension contains the release of PHP."""
    return {'12': 'php8.2-libvirt-php', '13': 'php8.4-libvirt-php'}[release()]


def release():
    lines = pathlib.Path('/etc/os-release').read_text(encoding='utf-8').splitlines()
    return dict(line.split('=', 1) for line in lines if '=' in line)['VERSION_ID'].strip('"')


CLIENTS = (
    Client('virsh', ('{}/virsh',), 'libvirt-clients'),
    Client('ssh-helper', ('{}/ssh-helper',), 'libvirt-clients'),
    Client('virt-admin', ('{}/virt-admin',), 'libvirt-clients'),
    Client('python', ('{}/python.py',), 'python3-libvirt'),
    Client('perl', ('{}/perl.pl',), 'libsys-virt-perl'),
    Client('ruby', ('{}/ruby.rb',), 'ruby-libvirt', ('ruby',)),
    Client('php', ('php', '{}/php.php'), php_package(), ('php-cli',)),
    Client('cgo', (*GO, '{}/cgo.go', '{}/device.go'), 'golang-github-libvirt-libvirt-go-dev',
           ('gcc', 'golang-go', 'libc6-dev', 'libvirt-dev')),
    Client('go', (*GO, '{}/go.go', '{}/device.go'), 'golang-github-digitalocean-go-libvirt-dev', ('golang-go',)),
    Client('libvirt-dbus', ('{}/libvirt-dbus.py',), 'libvirt-dbus', ('dbus', 'python3-gi'),
           direct='no object for node devices'),
    Client('virt-install', ('{}/virt-install', 'virt-install'), 'virtinst', VIRT_INSTALL, direct=NO_GUESTS),
    Client('virt-xml', ('{}/virt-install', 'virt-xml'), 'virtinst', VIRT_INSTALL, direct=NO_GUESTS),
    Client('virt-manager', ('{}/virt-manager.py',), 'virt-manager', VIRT_MANAGER, direct=NO_GUESTS),
    Client('nova', ('{}/nova-driver.py',), 'python3-nova', needs_sysfs=True),
    Client('ocaml', ('{}/ocaml',), 'libvirt-ocaml-dev', ('libvirt-dev', 'ocaml-findlib')),
    Client('glib', ('{}/glib.py',), 'gir1.2-libvirt-glib-1.0', ('python3-gi',), direct=NO_GUESTS),
    Client('exporter', ('{}/exporter',), 'prometheus-libvirt-exporter', ('curl',), direct='libvirt_up 0'),
    Client('collectd', ('{}/collectd',), 'collectd-core', VIRT_INSTALL, direct=NO_GUESTS),
    Client('munin', ('{}/munin',), 'munin-libvirt-plugins', VIRT_INSTALL, direct=NO_GUESTS),
)


def select(names):
    """Returns the clients with these names, or all of them."""
    known = {client.name: client for client in CLIENTS}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f'unknown client: {", ".join(unknown)}; known: {", ".join(known)}')
    return [known[name] for name in names] or list(CLIENTS)


def command(client, uri):
    here = os.path.dirname(os.path.relpath(__file__))
    return [*(word.format(here) for word in client.program), uri]


if __name__ == '__main__':
    print('\n'.join(sorted({package for client in select(sys.argv[1:])
                            for package in (client.package, *client.more_packages)})))
