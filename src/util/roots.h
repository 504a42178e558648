/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The directories in which this process finds the files of the kernel and the system, and whether
 * it serves one user or the whole system. Determined once, at the start, and passed to all objects,
 * so that a test can pass a directory tree of its own. Immutable; any thread may read it.
 *
 * The roots do not apply to files about this process itself (/proc/self), nor to files that libudev
 * and the log open.
 */
#pragma once

#include <glib.h>

typedef struct {
    char *sys;
    char *dev;
    char *proc;
    char *run;
    char *etc;
    gboolean is_session; /* serves its own user only (nodedev:///session) */
} MdRoots;

/* The directories of this machine. Run by root, the process serves the system; run by another user,
 * that user only. */
MdRoots *md_roots_new(void);

/* The same directories below `directory`. */
MdRoots *md_roots_new_below(const char *directory, gboolean is_session);

/* Thread-safe reference count. */
MdRoots *md_roots_ref(MdRoots *self);
void md_roots_unref(MdRoots *self);

/* Whether a path is below the directory of all devices in sysfs. */
gboolean md_roots_has_device_path(const MdRoots *self, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdRoots, md_roots_unref)
