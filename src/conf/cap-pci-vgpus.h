/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vGPUs that a card's driver assigns to the card's virtual functions: how many functions take
 * one, and what they could take. Immutable once shared. */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

#include "conf/xml-writer.h"

typedef struct {
    char *id;        /* nvidia-1155 */
    char *name;      /* NULL: unknown */
    guint available; /* how many more functions could take this type */
    char *reason;    /* why none can; NULL if one can */
} MdPciVgpuType;

typedef struct {
    guint n_functions; /* that take vGPUs */
    guint n_free;      /* of these, without a vGPU */
    GPtrArray *types;  /* of MdPciVgpuType */
} MdPciVgpus;

MdPciVgpus *md_pci_vgpus_new(void);
/* Thread-safe reference count; NULL stays NULL. */
MdPciVgpus *md_pci_vgpus_ref(MdPciVgpus *self);
void md_pci_vgpus_unref(MdPciVgpus *self);

/* Adds a type and returns it, borrowed. */
MdPciVgpuType *md_pci_vgpus_add(MdPciVgpus *self, const char *id, const char *name);

/* Parses <vgpus>; NULL with VIR_ERR_XML_ERROR. */
MdPciVgpus *md_pci_vgpus_parse(xmlNodePtr node, GError **error);
/* Writes nothing for NULL, or if the writer wants no details. */
void md_pci_vgpus_format(const MdPciVgpus *self, MdXmlWriter *writer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPciVgpus, md_pci_vgpus_unref)
