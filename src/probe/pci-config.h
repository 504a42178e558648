/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only the configuration space of a PCI function tells: its header type and its PCI Express
 * link. */
#pragma once

#include "conf/cap-pci.h"

/* The part that the kernel shows without extended configuration space, in bytes. */
#define MD_PCI_CONFIG_SIZE 256

/*
 * Fills header, is_express and the links from the first `size` bytes; a cut or odd space
 * leaves the rest unset. `whole_size` is that of the whole space: one with extended space is PCI
 * Express even without the capability (host bridges).
 */
void md_pci_config_parse(const guint8 *config, gsize size, gsize whole_size, MdCapPci *cap);

/* FALSE if nobody has answered, as when a function has fallen off the bus or is being reset. */
gboolean md_pci_config_is_answer(const guint8 *config, gsize size);
