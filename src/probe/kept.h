/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Caches properties of devices that cannot change without an event, see `read_once` of MdProbe. Any
 * thread.
 *
 * An entry is dropped on
 *  - an event of the device: bind, unbind, change, add, move, remove (inventory.c);
 *  - lost events, which drop all entries (inventory-survey.c);
 *  - another device with the same path, as it has another inode;
 *  - another driver than at the time of the read (probe.c).
 */
#pragma once

#include "conf/node-device.h"

/* Maximum number of devices; beyond it, all entries are dropped and read again. */
#define MD_KEPT_MAX 65536

/*
 * The kept definition of the device whose sysfs directory has this inode, to be unreffed by the
 * caller. NULL unless it was read for the same `origin`, the device's definition in the registry.
 * `stamp` is for md_kept_store().
 */
MdNodeDeviceDef *md_kept_find(guint64 inode, const MdNodeDeviceDef *origin, guint64 *stamp);

/* Stores nothing if the device's properties have been dropped since `stamp`. */
void
md_kept_store(guint64 inode, MdNodeDeviceDef *origin, guint64 stamp, MdNodeDeviceDef *description);

void md_kept_drop(guint64 inode);
void md_kept_drop_all(void);
