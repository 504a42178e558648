/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A type of mediated device as a parent offers it: one directory of mdev_supported_types, and what
 * its description tells. Descriptions have no format of their own: NVIDIA writes one line of
 * `key=value, key=value`, Intel lines of `key: value`, others free text.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

#include "conf/xml-writer.h"

/* Types of one parent that are looked at; more than any driver has. */
#define MD_MDEV_TYPES_MAX 4096

/* The only unit there is. */
#define MD_MDEV_UNIT_KIB "KiB"

typedef struct {
    char *name;
    char *value;
    const char *unit; /* MD_MDEV_UNIT_KIB for sizes, else NULL */
} MdMdevProperty;

typedef struct {
    char *id;              /* nvidia-11 */
    char *name;            /* GRID M60-0B; NULL on kernels without it */
    char *device_api;      /* vfio-pci */
    guint64 available;     /* how many more may be created, as of the read */
    GPtrArray *properties; /* of MdMdevProperty, from the description; never NULL, may be empty;
                            * shared with copies */
    char *description;     /* free text that holds no properties, or NULL */
} MdMdevType;

MdMdevType *md_mdev_type_new(const char *id);
MdMdevType *md_mdev_type_copy(const MdMdevType *self);
void md_mdev_type_free(MdMdevType *self);

/* Takes a description attribute apart into properties, or keeps it as description. */
void md_mdev_type_set_description(MdMdevType *self, const char *text);

/* For a type that has no copies yet; `unit` is static. */
void
md_mdev_type_add_property(MdMdevType *self, const char *name, const char *value, const char *unit);

/* Attributes and description, as md_mdev_type_format_details() writes them, from a <type>. */
gboolean md_mdev_type_parse_details(MdMdevType *self, xmlNodePtr node, GError **error);

/*
 * Both blocks inside `node`, libvirt's and ours. Without libvirt's `types` stays as it is, else it
 * is replaced. VIR_ERR_XML_ERROR if anything is missing, twice there, or too much.
 */
gboolean md_mdev_types_parse(xmlNodePtr node, GPtrArray **types, GError **error);

/* libvirt's block: <capability type='mdev_types'> with one <type> each; nothing without types. */
void md_mdev_types_format(GPtrArray *types, MdXmlWriter *writer);

/* Our own block, if the writer wants details: <capability type='mdev'>, what each type is like. */
void md_mdev_types_format_details(GPtrArray *types, MdXmlWriter *writer);

/* Name, attributes and description of one type, inside its <type>, if the writer wants details. */
void md_mdev_type_format_details(const MdMdevType *self, MdXmlWriter *writer);

GPtrArray *md_mdev_types_new(void);              /* of MdMdevType */
GPtrArray *md_mdev_types_copy(GPtrArray *types); /* NULL stays NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMdevType, md_mdev_type_free)
