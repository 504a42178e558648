/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The topology of a PCI function: the parts of its document with addresses of other functions, and
 * its link. Errors are VIR_ERR_XML_ERROR. */
#pragma once

#include "conf/cap-pci.h"

/* Parses <capability type='phys_function'> and 'virt_functions'. */
gboolean md_pci_functions_parse_physical(MdCapPci *cap, xmlNodePtr node, GError **error);
gboolean md_pci_functions_parse_virtual(MdCapPci *cap, xmlNodePtr node, GError **error);
void md_pci_functions_format(const MdCapPci *cap, MdXmlWriter *writer);

/* Parses <iommuGroup>, <numa> and <pci-express>, from the capability that contains them. */
gboolean md_pci_topology_parse(MdCapPci *cap, xmlNodePtr node, GError **error);
void md_pci_topology_format(const MdCapPci *cap, MdXmlWriter *writer);
