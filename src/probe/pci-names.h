/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of PCI ids from udev's hardware database, a file whose disk may hang, so it is read on
 * workers. Results are cached until md_pci_names_drop(), and in kept definitions (kept.h) until the
 * device's next event. Any thread.
 */
#pragma once

#include <glib.h>

/* Maximum number of cached pairs of ids; beyond it, all are looked up again. */
#define MD_PCI_NAMES_MAX 16384

/* Returns copies of the names, NULL for those missing in the database. FALSE if the database must
 * be read and `may_block` is FALSE. */
gboolean md_pci_names_find(
    guint vendor, guint product, gboolean may_block, char **vendor_name, char **product_name);

/* The database may have changed. */
void md_pci_names_drop(void);
