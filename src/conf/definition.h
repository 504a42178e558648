/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A persistent definition of a mediated device, and its JSON in mdevctl's format:
 *
 *   { "mdev_type": "nvidia-11", "start": "auto", "attrs": [ { "name": "value" } ] }
 *
 * `mdev_type` and `start` are required; any `start` but "auto" means a manual start; `attrs` may be
 * null or missing. Other members are ignored. The file name identifies the device. Immutable.
 */
#pragma once

#include "conf/json.h"
#include "conf/node-device.h"

/* Maximum size in bytes. */
#define MD_DEFINITION_SIZE_MAX MD_JSON_SIZE_MAX

typedef struct {
    char *parent_addr; /* the kernel's name: 0000:86:00.0 */
    char *uuid;        /* lower case with dashes */
    char *type_id;     /* nvidia-11 */
    gboolean autostart;
    GPtrArray *attrs; /* of MdMdevAttr, in order; never NULL */
} MdDefinition;

/* Copies `attrs`. */
MdDefinition *md_definition_new(const char *parent_addr,
                                const char *uuid,
                                const char *type_id,
                                gboolean autostart,
                                GPtrArray *attrs);
/* Thread-safe reference count. */
MdDefinition *md_definition_ref(MdDefinition *self);
void md_definition_unref(MdDefinition *self);

/* Parses a definition. VIR_ERR_CONF_SYNTAX describes the error, without the origin of the text. */
MdDefinition *md_definition_parse(
    const char *parent_addr, const char *uuid, const char *text, gsize length, GError **error);

/* `pretty`: on several lines, as in the file; else on one, as for scripts. */
char *md_definition_format(const MdDefinition *self, gboolean pretty);

/* Formats the definition as in a file and parses it back; VIR_ERR_CONFIG_UNSUPPORTED if that
 * fails. */
char *md_definition_format_for_file(const MdDefinition *self, GError **error);

/* Parses an array of attributes, as written by scripts; empty text and [{}] mean no attributes. */
GPtrArray *md_definition_parse_attrs(const char *text, gsize length, GError **error);

gboolean md_definition_is_equal(const MdDefinition *a, const MdDefinition *b);

/* libvirt's name of the device. */
char *md_definition_make_name(const MdDefinition *self);

/* Whether a device has the type named in the definition. */
gboolean md_definition_has_type_of(const MdDefinition *self, const MdNodeDeviceDef *def);

/* The inactive device described by the definition; `parent` is the name of its parent device. */
MdNodeDeviceDef *md_definition_to_device(const MdDefinition *self, const char *parent);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDefinition, md_definition_unref)
