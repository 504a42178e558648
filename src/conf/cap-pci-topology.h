/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The topology of a PCI function in its document: related functions, IOMMU group, NUMA node, and
 * PCI Express link. Errors are VIR_ERR_XML_ERROR. */
#pragma once

#include "conf/cap-pci.h"

/* Parses and writes <address>. */
gboolean md_pci_address_parse_node(xmlNodePtr node, MdPciAddress *address, GError **error);
void md_pci_address_format(const MdPciAddress *address, MdXmlWriter *writer);

/* Parses <capability type='phys_function'> and 'virt_functions'. */
gboolean md_pci_functions_parse_physical(MdCapPci *cap, xmlNodePtr node, GError **error);
gboolean md_pci_functions_parse_virtual(MdCapPci *cap, xmlNodePtr node, GError **error);
void md_pci_functions_format(const MdCapPci *cap, MdXmlWriter *writer);

/* Parses <iommuGroup>, <numa> and <pci-express> of a PCI capability. */
gboolean md_pci_topology_parse(MdCapPci *cap, xmlNodePtr node, GError **error);
void md_pci_topology_format(const MdCapPci *cap, MdXmlWriter *writer);
