/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records of mediated devices being created, one file each, in a directory that does not survive a
 * reboot. If the daemon is killed between the creation of a device and its last attribute, the
 * record tells the next daemon that the device is incomplete.
 */
#pragma once

#include <glib.h>

#include "util/roots.h"

typedef struct {
    char *path;    /* of the device in sysfs */
    char *type_id; /* in full */
} MdUnfinished;

/* For a worker, before the device is created. The record is not synced: it must survive the daemon,
 * not the host. If it cannot be written, the failure is logged, and the device is created
 * nevertheless. */
void md_unfinished_begin(const char *directory, const char *path, const char *type_id);

/* Removes the record: the device is complete, or has been removed again. May be called on the main
 * loop, too. */
void md_unfinished_end(const char *directory, const char *path);

/* All records, as MdUnfinished. Removes files that are named like a record but contain none. */
GPtrArray *md_unfinished_list(const MdRoots *roots, const char *directory);

void md_unfinished_free(MdUnfinished *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdUnfinished, md_unfinished_free)
