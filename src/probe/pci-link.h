/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the PCI Express link of a function from sysfs attributes. Processes without CAP_SYS_ADMIN,
 * such as the sandboxed service and a user's daemon, need them, because the kernel shows these
 * processes only the header of the configuration space. */
#pragma once

#include "conf/cap-pci.h"
#include "kernel/sysfs.h"

/* Size of the part readable by everyone, in bytes. */
#define MD_PCI_CONFIG_HEADER_SIZE 64

/* Whether the function is PCI Express; does not access the hardware. */
gboolean md_pci_link_exists(MdSysfsDir *dir);

/* Fills is_express and the link capability, except the port number, which has no attribute.
 * Accesses the hardware. */
void md_pci_link_read(MdSysfsDir *dir, MdCapPci *cap);

/*
 * Fills the link status: speed and width, which may change while the function is in use. Each is
 * read from a register of the hardware: the read returns at once or never, and wakes up a suspended
 * function. If the kernel does not provide the attributes, the values from the configuration space
 * remain.
 */
void md_pci_link_read_status(MdSysfsDir *dir, MdCapPci *cap);
