/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tells without a disk whether paths still lead to what they led to, and whether a name has come
 * into the directories they lead to, or gone. Of file systems that other machines can change, of
 * which inotify tells nothing, it always says that they may have changed.
 */
#pragma once

#include <glib.h>

typedef struct _MdPathWatch MdPathWatch;

/* Never NULL; without descriptors for it, everything may always have changed. */
MdPathWatch *md_path_watch_new(void);
void md_path_watch_free(MdPathWatch *self);

/* Watches a directory, or that it is not there. Returns it as a descriptor with O_PATH, or -1 with
 * errno. Names that are listed afterwards are no older than the watch. May block on a disk. */
int md_path_watch_add(MdPathWatch *self, const char *path);

/* Whether all is as it was when it was added. Never blocks, and costs one system call, two if other
 * names have changed. Once FALSE, always FALSE. */
gboolean md_path_watch_is_unchanged(MdPathWatch *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPathWatch, md_path_watch_free)
