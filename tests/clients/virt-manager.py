#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""virt-manager, on an X server of its own: the dialog that adds hardware to a guest lists the vGPU and its parent.

Works with the accessibility tree, like virt-manager's own tests. Leaves screenshots in build. usage: virt-manager.py URI
"""

import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

UUID = '2c1f7a30-4b0e-4e8b-9a52-93a1f3c10009'
NAME = f'mdev_{UUID.replace("-", "_")}_0000_86_00_0'
DEVICE = f"""
<device>
  <parent>pci_0000_86_00_0</parent>
  <capability type='mdev'>
    <type id='nvidia-11'/>
    <uuid>{UUID}</uuid>
  </capability>
</device>
"""
GUEST = """
<domain type='qemu'>
  <name>vgpu</name>
  <memory>131072</memory>
  <os><type arch='x86_64'>hvm</type></os>
</domain>
"""
NODEDEV = 'nodedev:///system?mode=direct'
SECONDS = 60
POLL_SECONDS = 0.2
APPLICATION_DEPTH = 1


def virsh(uri, *words, text=''):
    subprocess.run(['virsh', '-q', '-c', uri, *words], check=True, input=text, text=True)


def screenshot(name):
    path = pathlib.Path('build', f'virt-manager-{name}.png')
    subprocess.run(['import', '-window', 'root', path], check=True)
    print('screenshot:', path)


class Window:
    """What the accessibility tree says about virt-manager."""

    def __init__(self, process):
        import gi  # pylint: disable=import-outside-toplevel
        gi.require_version('Atspi', '2.0')
        from gi.repository import Atspi  # pylint: disable=import-outside-toplevel
        self.atspi = Atspi
        self.process = process

    def walk(self, node=None, depth=0):
        """Returns an object, the desktop by default, and all visible objects in it, as (object, role, name)."""
        from gi.repository import GLib  # pylint: disable=import-outside-toplevel
        node = node or self.atspi.get_desktop(0)
        # Objects may vanish at any time.
        with contextlib.suppress(GLib.Error):
            # The desktop and the program have no state.
            if depth > APPLICATION_DEPTH and not node.get_state_set().contains(self.atspi.StateType.SHOWING):
                return
            # Earlier releases call a button a push button.
            yield node, node.get_role_name().removeprefix('push '), node.get_name() or ''
            for number in range(node.get_child_count()):
                child = node.get_child_at_index(number)
                if child is not None:
                    yield from self.walk(child, depth + 1)

    def find(self, wanted):
        """Returns the first of these objects that is visible, as its number and the object; None if none is."""
        for node, found, name in self.walk():
            for number, (role, text) in enumerate(wanted):
                if found == role and text in name:
                    return number, node
        return None

    def wait(self, *wanted):
        """Waits for the first of these objects, each a pair of role and text; returns its number and the object."""
        limit = time.monotonic() + SECONDS
        while time.monotonic() < limit:
            assert self.process.poll() is None, f'virt-manager ended with {self.process.returncode}'
            found = self.find(wanted)
            if found is not None:
                return found
            time.sleep(POLL_SECONDS)
        screenshot('timeout')
        seen = [f'{role}: {name}' for _, role, name in self.walk() if name]
        raise AssertionError('\n'.join([f'none of {wanted} among:', *seen]))

    def click(self, role, text):
        _, node = self.wait((role, text))
        assert node.do_action(0)

    def select_row(self, text):
        """Selects the row of a table."""
        _, cell = self.wait(('table cell', text))
        # A cell with an icon and a text has a cell for each of them.
        while (table := cell.get_parent()).get_role_name() == 'table cell':
            cell = table
        table.add_row_selection(table.get_row_at_index(cell.get_index_in_parent()))


def add_hardware(window):
    """Returns the names of the devices that the dialog offers."""
    window.click('button', 'add-hardware')
    window.wait(('frame', 'Add New Virtual Hardware'))
    for kind, text in (('PCI Host Device', '0000:86:00'), ('MDEV Host Device', NAME)):
        window.select_row(kind)
        _, cell = window.wait(('table cell', text))
        print(f'{kind}:', cell.get_name())
        screenshot(kind.split()[0].lower())


def drive(uri):
    with subprocess.Popen(['virt-manager', '--no-fork', '--connect', uri, '--show-domain-editor', 'vgpu']) as process:
        window = Window(process)
        try:
            number, node = window.wait(('button', 'add-hardware'), ('alert', ''))
            if number:
                texts = [name for _, role, name in window.walk(node, APPLICATION_DEPTH) if role == 'label']
                screenshot('error')
                sys.exit('\n'.join(['virt-manager shows an error:', *texts]))
            add_hardware(window)
        finally:
            process.terminate()


def main():
    uri = sys.argv[1]
    if 'DISPLAY' not in os.environ:
        with tempfile.TemporaryDirectory() as work:
            environment = {**os.environ, 'HOME': work, 'XDG_RUNTIME_DIR': work, 'GSETTINGS_BACKEND': 'memory'}
            sys.exit(subprocess.run(['xvfb-run', '--auto-servernum', '--server-args=-screen 0 1280x960x24',
                                     'dbus-run-session', '--', sys.executable, __file__, uri],
                                    env=environment, check=False).returncode)
    virsh(NODEDEV, 'nodedev-create', '/dev/stdin', text=DEVICE)
    try:
        if uri != NODEDEV:
            virsh(uri, 'define', '/dev/stdin', text=GUEST)
        drive(uri)
    finally:
        virsh(NODEDEV, 'nodedev-destroy', NAME)
        if uri != NODEDEV:
            virsh(uri, 'undefine', 'vgpu')


if __name__ == '__main__':
    main()
