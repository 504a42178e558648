/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vital product data of PCI cards: from the card's own memory, whose bytes may be anything. */
#pragma once

#include "conf/cap-pci-vpd.h"
#include "kernel/sysfs.h"

/* All that a card can address, in bytes. */
#define MD_PCI_VPD_SIZE_MAX 32768

/*
 * NULL unless it is whole: resources one after the other up to an end tag, a read-only part among
 * them whose checksum is right. Of that, fields that libvirt does not know and values that are no
 * printable ASCII are left out.
 */
MdPciVpd *md_pci_vpd_decode(const guint8 *bytes, gsize size);

/* Asks the card, which takes milliseconds, or for ever: for workers. `vpd` is replaced, NULL: it
 * has none. FALSE if the card has not answered, so that another time it may. */
gboolean md_pci_vpd_read(MdSysfsDir *dir, MdPciVpd **vpd);
