/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A type of vGPUs that a vendor's driver assigns to functions of a card. */
#pragma once

#include <glib.h>

/* The highest number of a type: drivers cut numbers to 32 bits without a check, and print them as
 * signed. */
#define MD_VGPU_NUMBER_MAX G_MAXINT32

/* Maximum length of a name, in bytes; drivers use at most 64. A longer name is unknown. */
#define MD_VGPU_NAME_MAX 256

typedef struct {
    guint32 number;        /* from 1 to MD_VGPU_NUMBER_MAX */
    char *name;            /* printable UTF-8 without control characters; NULL: unknown */
    GPtrArray *properties; /* of MdMdevProperty; never NULL, may be empty; shared with copies */
    guint64 framebuffer;   /* in KiB; 0: unknown */
    guint max_instances;   /* on one card, or on one instance of it; 0: unknown */
} MdVgpuType;

/* Sanitizes the name, see above. */
MdVgpuType *md_vgpu_type_new(guint32 number, const char *name);
MdVgpuType *md_vgpu_type_copy(const MdVgpuType *self);
void md_vgpu_type_free(MdVgpuType *self);

/* Parses a decimal number from 1 to MD_VGPU_NUMBER_MAX, without sign and leading zeros. */
gboolean md_vgpu_number_parse(const char *text, guint32 *number);

GPtrArray *md_vgpu_types_new(void);              /* of MdVgpuType */
GPtrArray *md_vgpu_types_copy(GPtrArray *types); /* whose MdVgpuType are copies */

/* The type with this number, borrowed, or NULL. */
MdVgpuType *md_vgpu_types_find(GPtrArray *types, guint32 number);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdVgpuType, md_vgpu_type_free)
