/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notes of the mediated devices that are being made, one file for each, in a directory that does
 * not outlive the machine. A daemon that is killed between the creation of a device and its last
 * attribute leaves the note, and with it the next one knows the device from one that is whole.
 */
#pragma once

#include <glib.h>

#include "util/roots.h"

typedef struct {
    char *path;    /* of the device in sysfs */
    char *type_id; /* in full */
} MdUnfinished;

/*
 * For a worker, before the device is created. The note is not synced: it has to outlive this
 * process only. If it cannot be written that is logged, and no reason not to create the device.
 */
void md_unfinished_begin(const char *directory, const char *path, const char *type_id);

/* The device is whole, or gone again; also for the main loop. */
void md_unfinished_end(const char *directory, const char *path);

/* All notes, of MdUnfinished. What is none in such a file is removed. */
GPtrArray *md_unfinished_list(const MdRoots *roots, const char *directory);

void md_unfinished_free(MdUnfinished *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdUnfinished, md_unfinished_free)
