/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only the configuration space of a PCI function tells: its header type and its PCI Express
 * link. */
#pragma once

#include "conf/cap-pci.h"

/* The part that the kernel shows without extended configuration space, in bytes. */
#define MD_PCI_CONFIG_SIZE 256

/* Fills header, is_express, has_link and the links; a cut or odd space leaves the rest unset. */
void md_pci_config_parse(const guint8 *config, gsize size, MdCapPci *cap);
