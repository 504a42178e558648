/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A mediated device type offered by a parent: one directory of mdev_supported_types, with its
 * parsed description. Descriptions have no standard format: NVIDIA writes one line of `key=value,
 * key=value`, Intel lines of `key: value`, others free text.
 */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

#include "conf/xml-writer.h"

/* Maximum number of types of one parent; no driver offers that many. */
#define MD_MDEV_TYPES_MAX 4096

/* The only unit of properties. */
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
    guint64 available;     /* instances that could be created at the time of the read */
    GPtrArray *properties; /* of MdMdevProperty, from the description; never NULL, may be empty;
                            * shared with copies */
    char *description;     /* free text without properties, or NULL */
} MdMdevType;

/* An empty array of MdMdevProperty. */
GPtrArray *md_mdev_properties_new(void);

/* `unit` is a static string. */
void md_mdev_properties_add(GPtrArray *properties,
                            const char *name,
                            const char *value,
                            const char *unit);

MdMdevType *md_mdev_type_new(const char *id);
MdMdevType *md_mdev_type_copy(const MdMdevType *self);
void md_mdev_type_free(MdMdevType *self);

/* Parses a description attribute into properties, or keeps it as free text. */
void md_mdev_type_set_description(MdMdevType *self, const char *text);

/* Must not be called once the type has been copied, because copies share the properties. `unit` is
 * a static string. */
void
md_mdev_type_add_property(MdMdevType *self, const char *name, const char *value, const char *unit);

/* Parses attributes and description from a <type>, as written by md_mdev_type_format_details(). */
gboolean md_mdev_type_parse_details(MdMdevType *self, xmlNodePtr node, GError **error);

/*
 * Parses the blocks of libvirt and of mediated inside `node`, and replaces `types`; if libvirt's
 * block is missing, `types` is unchanged. VIR_ERR_XML_ERROR if anything is missing, duplicate or
 * beyond a limit.
 */
gboolean md_mdev_types_parse(xmlNodePtr node, GPtrArray **types, GError **error);

/* Writes libvirt's block, <capability type='mdev_types'>, with one <type> per type; nothing if
 * there are no types. */
void md_mdev_types_format(GPtrArray *types, MdXmlWriter *writer);

/* Writes mediated's block, <capability type='mdev'>, with the properties of each type, if the
 * writer wants details. */
void md_mdev_types_format_details(GPtrArray *types, MdXmlWriter *writer);

/* Writes name, attributes and description of one type inside its <type>, if the writer wants
 * details. */
void md_mdev_type_format_details(const MdMdevType *self, MdXmlWriter *writer);

GPtrArray *md_mdev_types_new(void);              /* of MdMdevType */
GPtrArray *md_mdev_types_copy(GPtrArray *types); /* NULL stays NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdMdevType, md_mdev_type_free)
