/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reports, without touching a disk, whether paths still resolve to the same objects, and whether
 * entries were added to or removed from their directories. Paths on network file systems, whose
 * remote changes inotify does not report, always count as changed.
 */
#pragma once

#include <glib.h>

typedef struct _MdPathWatch MdPathWatch;

/* Never NULL; if no descriptors are available, everything always counts as changed. */
MdPathWatch *md_path_watch_new(void);
void md_path_watch_free(MdPathWatch *self);

/* Watches a directory, or its absence. Returns an O_PATH descriptor, or -1 with errno. The watch
 * detects each entry added or removed after a subsequent listing of the directory. May block on a
 * disk. */
int md_path_watch_add(MdPathWatch *self, const char *path);

/* Whether nothing has changed since the paths were added. Never blocks; costs one system call, or
 * two if unrelated entries have changed. Once FALSE, stays FALSE. */
gboolean md_path_watch_is_unchanged(MdPathWatch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPathWatch, md_path_watch_free)
