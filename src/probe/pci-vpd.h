/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decodes the vital product data of PCI cards, whose bytes are untrusted. */
#pragma once

#include "conf/cap-pci-vpd.h"
#include "kernel/sysfs.h"

/* Maximum size of vital product data, in bytes. */
#define MD_PCI_VPD_SIZE_MAX 32768

/* NULL unless the data is complete: consecutive resources up to an end tag, among them a read-only
 * one with a valid checksum. Omits fields unknown to libvirt and values that are not printable
 * ASCII. */
MdPciVpd *md_pci_vpd_decode(const guint8 *bytes, gsize size);

/* For a worker: queries the card, which takes milliseconds or blocks indefinitely. Sets `vpd`, to
 * NULL if the card has no valid data. FALSE if the card did not answer; a retry may succeed. */
gboolean md_pci_vpd_read(MdSysfsDir *dir, MdPciVpd **vpd);
