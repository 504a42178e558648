/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The vital product data (VPD) of a PCI card, written by its manufacturer and its owner. Fields
 * have two-letter keywords of the PCI specification; libvirt shows only the fields for which it has
 * names.
 */
#pragma once

#include "conf/capability.h"

/* The sections VPD-R and VPD-W. */
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
    char *name;                               /* of the product; NULL: none */
    GPtrArray *fields[MD_PCI_VPD_N_SECTIONS]; /* of MdPciVpdField; NULL: no such section */
} MdPciVpd;

MdPciVpd *md_pci_vpd_new(void);
MdPciVpd *md_pci_vpd_copy(const MdPciVpd *self); /* NULL stays NULL */
void md_pci_vpd_free(MdPciVpd *self);

/* Adds the section if it is missing. */
void md_pci_vpd_add_section(MdPciVpd *self, MdPciVpdSection section);

/* Sets a field, and replaces an earlier one with this keyword. FALSE: nothing is set, because
 * libvirt has no name for such a field in this section. */
gboolean
md_pci_vpd_set(MdPciVpd *self, MdPciVpdSection section, const char *keyword, const char *value);

/* Parses <capability type='vpd'>; NULL with VIR_ERR_XML_ERROR. */
MdPciVpd *md_pci_vpd_parse(xmlNodePtr node, GError **error);
/* Writes nothing for NULL. */
void md_pci_vpd_format(const MdPciVpd *self, MdXmlWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPciVpd, md_pci_vpd_free)
