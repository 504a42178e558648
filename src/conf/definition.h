/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A persistent definition of a mediated device, and the JSON that mdevctl keeps it in:
 *
 *   { "mdev_type": "nvidia-11", "start": "auto", "attrs": [ { "name": "value" } ] }
 *
 * `mdev_type` and `start` must be there; any `start` but "auto" means that it is started by hand;
 * `attrs` may be null or missing. What else is in it is passed over. Whose definition it is, the
 * name of the file says. Immutable once made.
 */
#pragma once

#include "conf/json.h"
#include "conf/node-device.h"

/* The most that is looked at, in bytes. */
#define MD_DEFINITION_SIZE_MAX MD_JSON_SIZE_MAX

typedef struct {
    char *parent_addr; /* as the kernel calls it: 0000:86:00.0 */
    char *uuid;        /* lower case with dashes */
    char *type_id;     /* nvidia-11 */
    gboolean autostart;
    GPtrArray *attrs; /* of MdMdevAttr, in order; never NULL */
} MdDefinition;

/* `attrs` is copied. */
MdDefinition *md_definition_new(const char *parent_addr,
                                const char *uuid,
                                const char *type_id,
                                gboolean autostart,
                                GPtrArray *attrs);
/* Thread-safe reference count. */
MdDefinition *md_definition_ref(MdDefinition *self);
void md_definition_unref(MdDefinition *self);

/* VIR_ERR_CONF_SYNTAX says what is wrong with the text, not where the text is from. */
MdDefinition *md_definition_parse(
    const char *parent_addr, const char *uuid, const char *text, gsize length, GError **error);

/* `pretty`: in lines, as the file is kept; else in one, as scripts are given it. */
char *md_definition_format(const MdDefinition *self, gboolean pretty);

/* The same text as in a file, if it can be read again: VIR_ERR_CONFIG_UNSUPPORTED says why not. */
char *md_definition_format_for_file(const MdDefinition *self, GError **error);

/* Only an array of attributes, as scripts tell them; nothing at all and [{}] mean none. */
GPtrArray *md_definition_parse_attrs(const char *text, gsize length, GError **error);

gboolean md_definition_is_equal(const MdDefinition *a, const MdDefinition *b);

/* What libvirt calls the device. */
char *md_definition_make_name(const MdDefinition *self);

/* Whether a device is of the type that is defined. */
gboolean md_definition_has_type_of(const MdDefinition *self, const MdNodeDeviceDef *def);

/* The inactive device that it describes; `parent` is the name of its parent. */
MdNodeDeviceDef *md_definition_to_device(const MdDefinition *self, const char *parent);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdDefinition, md_definition_unref)
