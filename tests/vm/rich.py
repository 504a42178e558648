# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rich machine: at least one of each kind of hardware that QEMU emulates and a host can have.

All devices are below a bus of their own, so that the addresses of the plain machine do not change. Disks contain only
zeros. rich-guest adds devices emulated by the guest's kernel.
"""

BUS = 0x40
CHASSIS = 64
OLD_SLOT = 0x1c
MIB = 1 << 20
# Two NUMA nodes; the bus is on the second.
NODES = 2
VIRTUAL_FUNCTIONS = 2


class Builder:
    """Collects arguments; allocates ports of the bus and disks."""

    def __init__(self):
        self.arguments = []
        self.ports = 0
        self.disks = 0
        self.networks = 0

    def add(self, option, text):
        self.arguments += [option, text]

    def device(self, text):
        self.add('-device', text)

    def port(self):
        """Adds a root port; returns its bus."""
        index = self.ports
        self.ports += 1
        self.device(f'pcie-root-port,id=rich{index},bus=rich,addr={index:#x},'
                    f'chassis={CHASSIS + index},slot={index}')
        return f'rich{index}'

    def disk(self, mebibytes=64, readonly=False):
        """Adds a medium of zeros; returns its name."""
        name = f'zeros{self.disks}'
        self.disks += 1
        words = ',read-only=on' if readonly else ''
        self.add('-blockdev', f'driver=null-co,node-name={name},size={mebibytes * MIB},'
                              f'read-zeroes=on{words}')
        return name

    def network(self):
        """Adds a network backend, so that the link of a card is up; returns its name."""
        name = f'network{self.networks}'
        self.networks += 1
        self.add('-netdev', f'user,id={name},restrict=on')
        return name


def memory(builder, mebibytes):
    """Splits the memory between the nodes."""
    for node in range(NODES):
        builder.add('-object', f'memory-backend-ram,id=node{node},size={mebibytes // NODES}M')
        builder.add('-numa', f'node,nodeid={node},memdev=node{node}')


def express_switch(builder):
    """A switch with a network card, a USB controller and an empty slot."""
    builder.device(f'x3130-upstream,id=upstream,bus={builder.port()}')
    for index in range(3):
        builder.device(f'xio3130-downstream,id=down{index},bus=upstream,addr={index:#x},'
                       f'chassis={CHASSIS + 32 + index},slot={32 + index}')
    builder.device(f'e1000e,bus=down0,mac=52:54:00:12:00:01,netdev={builder.network()}')
    builder.device('qemu-xhci,id=xhci,bus=down1')


def nvme(builder):
    """A controller with three namespaces and virtual functions, and one without either."""
    builder.device('nvme-subsys,id=richsys')
    builder.device(f'nvme,id=nvme0,serial=NVME 0042,subsys=richsys,bus={builder.port()},'
                   f'sriov_max_vfs={VIRTUAL_FUNCTIONS},max_ioqpairs={2 * VIRTUAL_FUNCTIONS + 2},'
                   f'msix_qsize={VIRTUAL_FUNCTIONS + 2},sriov_vq_flexible={2 * VIRTUAL_FUNCTIONS},'
                   f'sriov_vi_flexible={VIRTUAL_FUNCTIONS}')
    builder.device(f'nvme-ns,drive={builder.disk()},bus=nvme0,nsid=1')
    builder.device(f'nvme-ns,drive={builder.disk()},bus=nvme0,nsid=2,logical_block_size=4096,'
                   'physical_block_size=4096')
    builder.device(f'nvme-ns,drive={builder.disk()},bus=nvme0,nsid=3,zoned=on,zoned.zone_size=1M')
    builder.device(f'nvme,serial=plain,drive={builder.disk()},bus={builder.port()}')


def scsi(builder):
    """Host adapters with disks, cdroms and other targets."""
    builder.device(f'virtio-scsi-pci,id=vscsi,bus={builder.port()}')
    builder.device(f'scsi-hd,bus=vscsi.0,scsi-id=1,lun=0,drive={builder.disk()},vendor=Example,'
                   'product=Disk One,serial=S1,wwn=0x5000c50015ea71ac,rotation_rate=7200')
    builder.device(f'scsi-hd,bus=vscsi.0,scsi-id=1,lun=300,drive={builder.disk()},rotation_rate=1,'
                   'logical_block_size=4096,physical_block_size=4096')
    builder.device(f'scsi-hd,bus=vscsi.0,scsi-id=2,drive={builder.disk()},removable=on,'
                   'serial=blank in it')
    builder.device(f'scsi-cd,bus=vscsi.0,scsi-id=3,drive={builder.disk(16, True)},serial=CD1')
    builder.device('scsi-cd,bus=vscsi.0,scsi-id=4')
    builder.device(f'megasas-gen2,id=mega,bus={builder.port()}')
    builder.device(f'scsi-hd,bus=mega.0,scsi-id=0,drive={builder.disk()}')


def conventional(builder):
    """Conventional devices, behind a bridge."""
    # Not on our own bus, whose interrupt lines are not connected.
    builder.device(f'pcie-pci-bridge,id=old,bus=pcie.0,addr={OLD_SLOT:#x}')
    slots = iter(range(1, 32))

    def device(text):
        builder.device(f'{text},bus=old,addr={next(slots):#x}')

    device('mptsas1068,id=mpt')
    builder.device(f'scsi-hd,bus=mpt.0,scsi-id=0,drive={builder.disk()}')
    device('lsi53c895a,id=lsi')
    builder.device(f'scsi-hd,bus=lsi.0,scsi-id=0,drive={builder.disk()}')
    device('sdhci-pci,id=sdhci')
    builder.add('-drive', f'driver=null-co,size={64 * MIB},read-zeroes=on,if=none,id=card')
    builder.device('sd-card,drive=card')
    for name in ('e1000', 'rtl8139', 'pcnet', 'ne2k_pci', 'tulip', 'vmxnet3'):
        device(f'{name},netdev={builder.network()}')
    builder.add('-audiodev', 'none,id=silence')
    builder.add('-chardev', 'null,id=pci-line')
    for name in ('ES1370,audiodev=silence', 'AC97,audiodev=silence', 'intel-hda,id=hda', 'bochs-display', 'secondary-vga',
                 'pci-serial,chardev=pci-line', 'pvpanic-pci', 'i6300esb', 'pci-bridge,chassis_nr=120'):
        device(name)
    builder.device('hda-duplex,bus=hda.0,audiodev=silence')
    builder.add('-object', 'memory-backend-ram,id=shared,size=1M')
    device('ivshmem-plain,memdev=shared')


def virtio(builder):
    builder.device(f'virtio-net-pci,bus={builder.port()},mac=52:54:00:12:00:02,netdev={builder.network()}')
    builder.device(f'virtio-blk-pci,bus={builder.port()},drive={builder.disk()},serial=vd-serial')
    builder.device(f'virtio-blk-pci,bus={builder.port()},drive={builder.disk()}')
    for name in ('virtio-gpu-pci', 'virtio-balloon-pci', 'virtio-keyboard-pci', 'virtio-rng-pci'):
        builder.device(f'{name},bus={builder.port()}')


def ata(builder):
    """The chip set's AHCI, another one, and the floppy drive."""
    builder.device(f'ide-hd,bus=ide.0,drive={builder.disk()},serial=QM-0001,model=Example ATA')
    builder.device(f'ide-cd,bus=ide.1,drive={builder.disk(16, True)}')
    builder.device('ide-cd,bus=ide.2')
    builder.device(f'ich9-ahci,id=ahci,bus={builder.port()}')
    builder.device(f'ide-hd,bus=ahci.0,drive={builder.disk()},rotation_rate=1')
    builder.device('isa-fdc,id=fdc')
    builder.device(f'floppy,bus=fdc.0,drive={builder.disk(1)}')


def usb(builder):
    """Controllers of three generations, hubs below each other, and devices of many classes."""
    builder.device('ich9-usb-ehci1,id=ehci,bus=old,addr=0x1e.0x7,multifunction=on')
    for index in range(3):
        words = ',multifunction=on' if index == 0 else ''
        builder.device(f'ich9-usb-uhci{index + 1},masterbus=ehci.0,firstport={2 * index},'
                       f'bus=old,addr=0x1e.{index:#x}{words}')
    builder.device('usb-hub,bus=ehci.0,port=1')
    builder.device('usb-tablet,bus=ehci.0,port=1.1')
    builder.device('usb-hub,bus=ehci.0,port=1.2')
    builder.device('usb-mouse,bus=ehci.0,port=1.2.1')
    builder.add('-chardev', 'null,id=usb-line')
    builder.device('usb-serial,chardev=usb-line,bus=ehci.0,port=1.2.2')
    builder.device(f'usb-storage,bus=xhci.0,drive={builder.disk()},serial=USB-0042')
    builder.device('usb-uas,bus=xhci.0,id=uas')
    builder.device(f'scsi-hd,bus=uas.0,scsi-id=0,lun=0,drive={builder.disk()}')
    builder.device(f'usb-storage,bus=xhci.0,drive={builder.disk()},removable=on')
    builder.device(f'usb-net,bus=xhci.0,mac=52:54:00:12:00:03,netdev={builder.network()}')
    for name in ('usb-kbd', 'usb-audio,audiodev=silence', 'usb-wacom-tablet'):
        builder.device(f'{name},bus=xhci.0')
    builder.device('usb-ccid,bus=xhci.0')


def arguments(mebibytes):
    """Returns qemu's arguments, given the size of the memory."""
    builder = Builder()
    memory(builder, mebibytes)
    builder.device(f'pxb-pcie,id=rich,bus=pcie.0,bus_nr={BUS},numa_node={NODES - 1}')
    for part in (express_switch, nvme, scsi, conventional, virtio, ata, usb):
        part(builder)
    return builder.arguments
