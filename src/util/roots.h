/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where this process finds the kernel and the system, and whom it serves. Chosen once, when it
 * starts, and given to whatever is made, so that a test can give a tree of its own. An object never
 * changes, and any thread may read it.
 *
 * Not moved by it: what is this process's own (/proc/self), and what libudev and the log look up.
 */
#pragma once

#include <glib.h>

typedef struct {
    char *sys;
    char *dev;
    char *proc;
    char *run;
    char *etc;
    gboolean is_session; /* serves its own user (nodedev:///session), and not the system */
} MdRoots;

/* Those of this machine; root serves the system, everybody else a session. */
MdRoots *md_roots_new(void);

/* The same directories below another one. */
MdRoots *md_roots_new_below(const char *directory, gboolean is_session);

/* Thread-safe. */
MdRoots *md_roots_ref(MdRoots *self);
void md_roots_unref(MdRoots *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdRoots, md_roots_unref)
