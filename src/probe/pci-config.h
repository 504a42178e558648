/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses the configuration space of a PCI function: header type and PCI Express link. */
#pragma once

#include "conf/cap-pci.h"

/* Size of the part without extended configuration space, in bytes. */
#define MD_PCI_CONFIG_SIZE 256

/* Fills header, is_express and the links from the first `size` bytes. Properties missing from a
 * truncated or invalid space remain unset. `whole_size` is the size of the whole space: a function
 * with extended space is PCI Express even without the capability (host bridges). */
void md_pci_config_parse(const guint8 *config, gsize size, gsize whole_size, MdCapPci *cap);

/* FALSE if the function did not answer, for example after falling off the bus or during a reset. */
gboolean md_pci_config_is_answer(const guint8 *config, gsize size);
