/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices as a daemon's clients know them. After a restart, the next daemon compares them with
 * the current devices, and reports the changes to these clients as events. */
#pragma once

#include "registry/events.h"

#define MD_SNAPSHOT_DIGEST_SIZE 32

typedef struct {
    const char *name;
    const char *consumed; /* the parent whose resources the device uses, or NULL */
    gboolean active;
    gboolean defined;
    guint64 inode;                          /* while active, see MdNodeDevice */
    guint8 digest[MD_SNAPSHOT_DIGEST_SIZE]; /* of document and definition */
} MdSnapshotDevice;

/* All devices, as MdSnapshotDevice, in the order of the registry; the names are borrowed from the
 * registry. */
GArray *md_snapshot_take(MdRegistry *registry);

/* Reports the differences between the previous daemon's snapshot and the current devices: one event
 * per change, and one update for each parent whose resources have changed. */
void md_snapshot_report(const GArray *before, MdRegistry *registry, MdEvents *events);
