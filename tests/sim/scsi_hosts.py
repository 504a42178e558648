# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake machines with SCSI: a server with Fibre Channel adapters, some with virtual ports."""

import fc
import pci

INTEL = 0x8086
EMULEX = 0x10df
QLOGIC = 0x1077
AHCI = 0x010601
FIBRE = 0x0c0400

DISK, TAPE, PROCESSOR, CDROM, CHANGER, ENCLOSURE = 0, 1, 3, 5, 8, 13
# Not assigned by any standard.
RESERVED = 0x15

FABRIC = 0x2001000dec9877c1
OTHER_FABRIC = 0x2001000dec9877c2


def wwnn(number):
    return 0x20000000c9831b00 + number


def wwpn(number):
    return 0x10000000c9831b00 + number


def add_function(kernel, address, vendor, device, class_code, driver):
    return pci.add(kernel.sysfs, '/sys/devices/pci0000:00', pci.Function(
        address, vendor, device, class_code, driver, subsystem=(vendor, device)))


def add_fibre(kernel, above, number, most=None, state='Online', fabric=FABRIC):
    return fc.add_host(kernel, above, most=most, unique_id=number, wwnn=wwnn(number),
                       wwpn=wwpn(number),
                       fc={'fabric_name': f'{fabric:#x}', 'port_state': state})


def fibre(kernel):
    """A disk, a medium changer and a Fibre Channel server: host0 is not Fibre Channel, host1 has one virtual port
    and no room for more, host2 is not connected, host3 has room, host4 has room in another fabric, host5 has no
    virtual ports at all; host6 is the port."""
    ahci = add_function(kernel, '0000:00:17.0', INTEL, 0xa102, AHCI, 'ahci')
    local = fc.add_host(kernel, f'{ahci}/ata1', unique_id=1)
    target = fc.add_target(local, 0)
    fc.add_unit(local, target, 0, DISK, 'sd')

    emulex = [add_function(kernel, f'0000:00:18.{number}', EMULEX, 0xe200, FIBRE, 'lpfc')
              for number in range(4)]
    full = add_fibre(kernel, emulex[0], 1, most=1)
    add_fibre(kernel, emulex[1], 2, most=255, state='Linkdown', fabric=0xffffffffffffffff)
    storage = add_fibre(kernel, emulex[2], 3, most=3)
    add_fibre(kernel, emulex[3], 4, most=2, fabric=OTHER_FABRIC)
    qlogic = add_function(kernel, '0000:00:19.0', QLOGIC, 0x2532, FIBRE, 'qla2xxx')
    add_fibre(kernel, qlogic, 5)
    full.create(0x5001a4aaf3000001, 0x5001a4aaf3000002)

    target = fc.add_target(storage, 0, 0x50060160c1e0a3b5)
    for lun, (kind, driver) in enumerate((
            (DISK, 'sd'), (TAPE, 'st'), (PROCESSOR, None), (CDROM, 'sr'), (CHANGER, 'ch'),
            (ENCLOSURE, 'ses'), (RESERVED, None))):
        fc.add_unit(storage, target, lun, kind, driver)
    return []


MACHINES = {'fibre': fibre}
