/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a PCI function stands among others: the parts of its document that hold addresses of other
 * functions, and its link. Errors are VIR_ERR_XML_ERROR. */
#pragma once

#include "conf/cap-pci.h"

/* What <capability type='phys_function'> and 'virt_functions' hold, from that element. */
gboolean md_pci_functions_parse_physical(MdCapPci *cap, xmlNodePtr node, GError **error);
gboolean md_pci_functions_parse_virtual(MdCapPci *cap, xmlNodePtr node, GError **error);
void md_pci_functions_format(const MdCapPci *cap, MdXmlWriter *writer);

/* <iommuGroup>, <numa> and <pci-express>, from the capability that holds them. */
gboolean md_pci_topology_parse(MdCapPci *cap, xmlNodePtr node, GError **error);
void md_pci_topology_format(const MdCapPci *cap, MdXmlWriter *writer);
