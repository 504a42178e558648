/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PCI Express link of a function from attributes of sysfs, for those to whom the kernel shows
 * no more of its configuration space than the header: who has not the capability CAP_SYS_ADMIN, as
 * the confined service and the daemon of a user.
 */
#pragma once

#include "conf/cap-pci.h"
#include "kernel/sysfs.h"

/* What the kernel shows to everybody, in bytes. */
#define MD_PCI_CONFIG_HEADER_SIZE 64

/* Whether the function is PCI Express; does not ask the hardware. */
gboolean md_pci_link_exists(MdSysfsDir *dir);

/* Fills is_express and the capability of the link, but for the number of the port, which no
 * attribute tells. Asks the hardware. */
void md_pci_link_read(MdSysfsDir *dir, MdCapPci *cap);

/*
 * Fills the status of the link: speed and width change while the function is in use. Two reads of
 * its registers, which answer at once or not at all; a function that is asleep is woken up by it. A
 * kernel that tells neither leaves what configuration space told.
 */
void md_pci_link_read_status(MdSysfsDir *dir, MdCapPci *cap);
