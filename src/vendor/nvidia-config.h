/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NVIDIA's table of all cards and their types, vgpuConfig.xml, which is part of the host driver's
 * package. Read again when the file has changed. For workers.
 */
#pragma once

#include <glib.h>

/* Maximum size of the file in bytes; it has about 700 KB. */
#define MD_NVIDIA_CONFIG_MAX (4 << 20)

/* Maximum nesting of its elements. */
#define MD_NVIDIA_CONFIG_DEPTH_MAX 16

/* The PCI ids of a card. */
typedef struct {
    guint vendor;
    guint device;
    guint subsystem_vendor;
    guint subsystem_device;
} MdNvidiaIds;

typedef struct _MdNvidiaConfig MdNvidiaConfig;

/* Parses the text of the file. Document type declarations are ignored, and only the entities that
 * XML itself defines are known. */
MdNvidiaConfig *md_nvidia_config_parse(const char *text, gsize length, GError **error);

/* The table in the file, from the cache if the file has not changed. NULL if the file is missing,
 * too large or damaged, which is logged once. */
MdNvidiaConfig *md_nvidia_config_load(const char *path);

/* Thread-safe reference count. */
MdNvidiaConfig *md_nvidia_config_ref(MdNvidiaConfig *self);
void md_nvidia_config_unref(MdNvidiaConfig *self);

/* The types of a card, as MdVgpuType with properties. An entry for exactly this subsystem precedes
 * one for any. An empty array if the table lacks the card. Unref the array, do not modify it: the
 * callers share it. */
GPtrArray *md_nvidia_config_list(MdNvidiaConfig *self, const MdNvidiaIds *ids);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdNvidiaConfig, md_nvidia_config_unref)
