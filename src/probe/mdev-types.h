/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of mediated devices that a parent offers, read from its mdev_supported_types. */
#pragma once

#include "conf/mdev-type.h"
#include "kernel/sysfs.h"

/* FALSE as well for a parent that has no type to offer: a driver may register it before its types
 * are known, or without any. */
gboolean md_mdev_types_exist(MdSysfsDir *parent);

/* Tells the types of a parent from those it will have when its driver has registered it again; 0:
 * it has none. `path` is that of the parent. */
guint64 md_mdev_types_get_set(const char *path);

/* What a parent is known by until its types are read: an empty array, or NULL if this is no parent.
 */
GPtrArray *md_mdev_types_probe(MdSysfsDir *dir);

/*
 * Which types there are is listed again when their directory in sysfs is another one, or holds more
 * of them or fewer. Name, API and description of a type are read once: they are the type's for as
 * long as its directory is the same one, which its inode number tells. How many are left is asked
 * each time.
 */

/* For a worker, as it asks the driver: all types with what is left of each; NULL if there is none.
 */
GPtrArray *md_mdev_types_read(MdSysfsDir *parent);

/* Replaces `types` by what that returns; G_IO_ERROR_WOULD_BLOCK if there are types and `may_block`
 * is FALSE, see MdProbe. */
gboolean
md_mdev_types_refresh(GPtrArray **types, MdSysfsDir *parent, gboolean may_block, GError **error);

/* What has been read of the type whose directory has this inode; `available` is left at 0. NULL if
 * it has not been read. */
MdMdevType *md_mdev_types_find(guint64 inode);

/* The same for a worker, which reads it if need be, at `path` below `dir`. NULL if there is none,
 * which inode 0 says. */
MdMdevType *md_mdev_types_read_one(MdSysfsDir *dir, const char *path, guint64 inode);

/*
 * For a worker: the type that a create document means, by `id` (nvidia-11, or 11 where just one
 * type ends in -11) or by `name`. Returns its full id; G_IO_ERROR_NOT_FOUND if there is none,
 * VIR_ERR_INTERNAL_ERROR if there is more than one.
 */
char *md_mdev_types_resolve(MdSysfsDir *parent, const char *id, const char *name, GError **error);
