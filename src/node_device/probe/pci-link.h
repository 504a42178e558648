/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PCI Express link of a function from attributes of sysfs, for those to whom the kernel shows
 * no more of its configuration space than the header: who has not the capability CAP_SYS_ADMIN, as
 * the confined service and the daemon of a user.
 */
#pragma once

#include "conf/cap-pci.h"
#include "util/sysfs.h"

/* What the kernel shows to everybody, in bytes. */
#define MD_PCI_CONFIG_HEADER_SIZE 64

/* Fills is_express and the links, but for the number of the port, which no attribute tells. Asks
 * the hardware: for workers. */
void md_pci_link_read(MdSysfsDir *dir, MdCapPci *cap);
