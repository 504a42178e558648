/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What devices were found to be when they were last read, as far as it cannot change while they
 * stay as they are; see `read_once` of MdProbe for what that is. Any thread may use it.
 *
 * What drops it:
 *  - an event of the device: bind, unbind, change, add, move, remove (inventory.c);
 *  - a gap in the events, which drops all of it (inventory-survey.c);
 *  - another device at the path of the old one, as it has another inode;
 *  - another driver than the one it was read with (probe.c).
 */
#pragma once

#include "conf/node-device.h"

/* Devices that are kept; then all are read again. */
#define MD_KEPT_MAX 65536

/*
 * The description of the device whose sysfs directory has this inode, for the caller to unref. NULL
 * unless it was read for the same `origin`, its description in the registry. `stamp` is for
 * md_kept_store().
 */
MdNodeDeviceDef *md_kept_find(guint64 inode, const MdNodeDeviceDef *origin, guint64 *stamp);

/* Nothing is stored if it has been dropped since `stamp`. */
void
md_kept_store(guint64 inode, MdNodeDeviceDef *origin, guint64 stamp, MdNodeDeviceDef *description);

void md_kept_drop(guint64 inode);
void md_kept_drop_all(void);
