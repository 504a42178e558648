/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the mediated device types of a parent from its mdev_supported_types. */
#pragma once

#include "conf/mdev-type.h"
#include "kernel/sysfs.h"

/* Identifies the set of types of the parent at this path: the inode of its mdev_supported_types,
 * which changes when the driver registers the parent again. 0: no types. */
guint64 md_mdev_types_get_set(const char *path);

/* The types of a parent before they have been read: an empty array, or NULL if the device is not a
 * parent. */
GPtrArray *md_mdev_types_probe(MdSysfsDir *dir);

/*
 * The list of types is read again when its sysfs directory has been replaced or its number of
 * entries has changed. The name, API and description of a type are read again only when its
 * directory has another inode. Available instances are queried each time.
 */

/* For a worker, as it queries the driver: all types with their available instances; NULL if there
 * are none. */
GPtrArray *md_mdev_types_read(MdSysfsDir *parent);

/* Replaces `types` with the result of md_mdev_types_read(). G_IO_ERROR_WOULD_BLOCK if there are
 * types and `may_block` is FALSE, see MdProbe. */
gboolean
md_mdev_types_refresh(GPtrArray **types, MdSysfsDir *parent, gboolean may_block, GError **error);

/* A copy of the type whose directory has this inode, with `available` 0. NULL if the type has not
 * been read. */
MdMdevType *md_mdev_types_find(guint64 inode);

/* For a worker: the same, but reads the type at `path` below `dir` if it is not cached. `inode` is
 * that of the type's directory; NULL if it is 0, because there is no such type. */
MdMdevType *md_mdev_types_read_one(MdSysfsDir *dir, const char *path, guint64 inode);

/* For a worker: finds the type that a document names by `id` (nvidia-11, or 11 if only one type
 * ends in -11) or by `name`. Returns its full id; G_IO_ERROR_NOT_FOUND if there is no such type,
 * VIR_ERR_INTERNAL_ERROR if more than one type matches. */
char *md_mdev_types_resolve(MdSysfsDir *parent, const char *id, const char *name, GError **error);

/* The same among these types, of MdMdevType, of which there is at least one. */
char *md_mdev_types_choose(GPtrArray *types, const char *id, const char *name, GError **error);
