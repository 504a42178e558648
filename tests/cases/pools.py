# SPDX-License-Identifier: LGPL-2.1-or-later
"""libvirt's storage driver beside mediated's module: pools on virtual host adapters, for which the storage driver asks
for node devices inside libvirtd."""

import libvirt

import vhba
from vhba import WWNN, WWPN

ONLY_ON = ('libvirtd', 'about drivers inside libvirtd')

POOL = """<pool type='scsi'>
  <name>{}</name>
  <source><adapter {}/></source>
  <target><path>/dev/disk/by-path</path></target>
</pool>"""
# The host of each parent.
PARENTS = {
    "parent='scsi_host3'": 3,
    "parent_wwnn='20000000c9831b04' parent_wwpn='10000000c9831b04'": 4,
    f"parent_fabric_wwn='{vhba.FABRICS[4]}'": 4,
}


class Pools(vhba.VhbaTest):
    starts_daemon = False

    def setUp(self):
        super().setUp()
        self.host.add_storage_driver()
        self.daemon.start(self.config)
        self.storage = libvirt.open(f'storage:///system?socket={self.host.libvirtd.rw_path}')
        self.connections.append(self.storage)

    def start(self, parent):
        """Starts a pool, whose adapter libvirt creates; returns the pool and the name of the adapter."""
        before = set(self.names())
        pool = self.storage.storagePoolCreateXML(
            POOL.format('fabric', f"type='fc_host' {parent} wwnn='{WWNN}' wwpn='{WWPN}'"))
        adapter, = self.wait_until(lambda: set(self.names()) - before, 'the adapter')
        return pool, self.conn.nodeDeviceLookupByName(adapter)

    def test_life(self):
        """libvirt creates and deletes the adapter itself. Unless the pool names the parent, it asks for the parent of
        the adapter to delete it."""
        for parent, number in PARENTS.items():
            with self.subTest(parent):
                pool, adapter = self.start(parent)
                self.check_adapter(adapter, number)
                self.assertEqual(adapter.parent(), f'scsi_host{number}')
                pool.destroy()
                self.assertEqual(self.ports(number), [])
                self.wait_until(lambda name=adapter.name(): name not in self.names(), 'the end of the adapter')

    def test_adapter_of_a_parent_in_use(self):
        """A pool on the parent of another pool's adapter is refused; libvirt asks for this parent."""
        pool, _ = self.start(f"parent_fabric_wwn='{vhba.FABRICS[4]}'")
        self.assert_refused(libvirt.VIR_ERR_OPERATION_FAILED, self.storage.storagePoolDefineXML,
                            POOL.format('other', "type='scsi_host' name='scsi_host4'"),
                            domain=libvirt.VIR_FROM_STORAGE, says="Storage source conflict with pool: 'fabric'")
        pool.destroy()
        self.assertEqual(self.ports(4), [])
