/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The types of a function to which a vendor's driver assigns vGPUs without mdev: all types known of
 * its card, of which the function itself offers at most one instance each.
 */
#pragma once

#include "conf/mdev-type.h"
#include "kernel/sysfs.h"

/* The types before they have been read: an empty array; NULL if the device is no vendor's function,
 * or no type of its card is known yet. */
GPtrArray *md_vgpu_types_probe(MdSysfsDir *dir);

/* Replaces `types` with the current ones, which are also learned (vendor/known-types.h); with NULL
 * if the device is no vendor's function, or no types are known. Reads files of this function only.
 * G_IO_ERROR_WOULD_BLOCK if the driver must be queried and `may_block` is FALSE, see MdProbe. */
gboolean
md_vgpu_types_refresh(GPtrArray **types, MdSysfsDir *dir, gboolean may_block, GError **error);

/* For a worker: the type with this id, with `available` 0; NULL if it is unknown. */
MdMdevType *md_vgpu_types_read_one(MdSysfsDir *dir, const char *id);

/* Finds the type that a document names among the known ones, without the driver. Returns its full
 * id; errors as for md_mdev_types_resolve(). */
char *md_vgpu_types_choose(MdSysfsDir *dir, const char *id, const char *name, GError **error);

/* For a worker: finds the type that a document names, as md_mdev_types_resolve() does. */
char *md_vgpu_types_resolve(MdSysfsDir *dir, const char *id, const char *name, GError **error);
