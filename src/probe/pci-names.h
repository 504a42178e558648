/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of PCI ids, from udev's hardware database. The disk with this file may hang, so the
 * file is read on workers. Names are cached until md_pci_names_drop(), and in kept definitions
 * (kept.h) until the device's next event. Any thread. */
#pragma once

#include <glib.h>

/* Maximum number of cached pairs of ids. Beyond it, all are dropped. */
#define MD_PCI_NAMES_MAX 16384

/* Returns copies of the names; a name missing from the database is NULL. FALSE if the database must
 * be read and `may_block` is FALSE. */
gboolean md_pci_names_find(
    guint vendor, guint product, gboolean may_block, char **vendor_name, char **product_name);

/* The database may have changed. */
void md_pci_names_drop(void);
