/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Goes along a path as the kernel does, and shows each step of the way: directories, links, and
 * what the links lead through. May block on a disk. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/* As many links as the kernel follows. */
#define MD_PATH_WALK_MAX_LINKS 40

typedef struct {
    const char *name; /* as it was looked up, "/" first */
    const char *path; /* of the step, with all links before it resolved */
    int directory;    /* where it was looked up; of "/", which comes first, "/" itself */
    int fd;           /* O_PATH, of a link the link itself; -1: it could not be opened */
    int errnum;       /* then says why */
    struct stat st;   /* else */
} MdPathStep;

/* FALSE ends the walk. The step is valid during the call. */
typedef gboolean (*MdPathStepFunc)(const MdPathStep *step, gpointer data);

/* Returns what an absolute path leads to, as a descriptor with O_PATH, or -1 with errno: that of
 * the step that failed, which is the last one shown, ELOOP after too many links, ECANCELED if
 * `func` has ended the walk. */
int md_path_walk(const char *path, MdPathStepFunc func, gpointer data);
