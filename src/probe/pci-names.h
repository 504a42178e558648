/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of PCI ids, from the hardware database of udev: a file, whose disk may hang, so that it is
 * read on workers. What has been looked up is kept until md_pci_names_drop(),
 * and in the descriptions of devices (kept.h) until their next event. Any thread may use it.
 */
#pragma once

#include <glib.h>

/* Pairs of ids that are kept; then all are looked up again. */
#define MD_PCI_NAMES_MAX 16384

/* Sets copies of the names, NULL for those that the database does not have. FALSE, without names,
 * if the database would have to be read and `may_block` is FALSE. */
gboolean md_pci_names_find(
    guint vendor, guint product, gboolean may_block, char **vendor_name, char **product_name);

/* The database may be another one. */
void md_pci_names_drop(void);
