/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vital product data (VPD) of a PCI card: what its maker and its owner have written into it.
 * Fields are known by the two letters of the PCI specification; libvirt shows those that have a
 * name there.
 */
#pragma once

#include "conf/capability.h"

/* By PCI's names VPD-R and VPD-W. */
typedef enum {
    MD_PCI_VPD_READONLY,
    MD_PCI_VPD_READWRITE,
    MD_PCI_VPD_N_SECTIONS,
} MdPciVpdSection;

typedef struct {
    char keyword[3]; /* PN, SN, V1, YA ... */
    char *value;     /* may be empty, never NULL */
} MdPciVpdField;

typedef struct {
    char *name;                               /* of the product; NULL: it tells none */
    GPtrArray *fields[MD_PCI_VPD_N_SECTIONS]; /* of MdPciVpdField; NULL: there is no such section */
} MdPciVpd;

MdPciVpd *md_pci_vpd_new(void);
MdPciVpd *md_pci_vpd_copy(const MdPciVpd *self); /* NULL stays NULL */
void md_pci_vpd_free(MdPciVpd *self);

/* Makes the section be there, without fields unless it has some. */
void md_pci_vpd_add_section(MdPciVpd *self, MdPciVpdSection section);

/* Sets a field, instead of an earlier one of that keyword. FALSE, and nothing is set, if libvirt
 * knows no such field in that section. */
gboolean
md_pci_vpd_set(MdPciVpd *self, MdPciVpdSection section, const char *keyword, const char *value);

/* <capability type='vpd'>, from that element; NULL with VIR_ERR_XML_ERROR. */
MdPciVpd *md_pci_vpd_parse(xmlNodePtr node, GError **error);
/* Nothing for NULL. */
void md_pci_vpd_format(const MdPciVpd *self, MdXmlWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPciVpd, md_pci_vpd_free)
