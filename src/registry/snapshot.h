/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What clients have been told about the devices, so that after a restart the next daemon can tell
 * them what has changed meanwhile.
 */
#pragma once

#include "registry/events.h"

#define MD_SNAPSHOT_DIGEST_SIZE 32

typedef struct {
    const char *name;
    const char *consumed; /* parent whose resources the device uses, or NULL */
    gboolean active;
    gboolean defined;
    guint64 inode;                          /* while active, see MdNodeDevice */
    guint8 digest[MD_SNAPSHOT_DIGEST_SIZE]; /* of everything else */
} MdSnapshotDevice;

/* The state of all devices, in the order of the registry; names are borrowed from it. Elements are
 * MdSnapshotDevice. */
GArray *md_snapshot_take(MdRegistry *registry);

/* Reports the difference between a snapshot of a previous daemon and the devices of today: one
 * event per change, and one update for each parent whose resources have changed. */
void md_snapshot_report(const GArray *before, MdRegistry *registry, MdEvents *events);
