/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Caches properties of devices that cannot change without an event, see `read_once` of MdProbe. Any
 * thread.
 *
 * An entry is not used any more after
 *  - any event of the device (inventory.c);
 *  - lost events, which drop all entries (inventory-survey.c);
 *  - a new definition of the device in the registry, which is the `origin` of an entry;
 *  - a change of the driver since the properties were read (probe.c).
 * A later device with the same path has another inode, and thus another entry.
 */
#pragma once

#include "conf/node-device.h"

/* Maximum number of devices. Beyond it, all entries are dropped. */
#define MD_KEPT_MAX 65536

/* The kept definition of the device whose sysfs directory has this inode, to be unreffed by the
 * caller. NULL unless the properties have been read for the same `origin`, the device's definition
 * in the registry. `stamp` is for md_kept_store(). */
MdNodeDeviceDef *md_kept_find(guint64 inode, const MdNodeDeviceDef *origin, guint64 *stamp);

/* Stores nothing if the device's entry has been dropped since `stamp`. */
void
md_kept_store(guint64 inode, MdNodeDeviceDef *origin, guint64 stamp, MdNodeDeviceDef *description);

void md_kept_drop(guint64 inode);
void md_kept_drop_all(void);
