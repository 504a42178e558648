/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resolves a path as the kernel does, and reports each step: directories, links, and the steps of
 * the links' targets. May block on a disk. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/* The kernel's limit on links. */
#define MD_PATH_WALK_MAX_LINKS 40

typedef struct {
    const char *name; /* as looked up; "/" in the first step */
    const char *path; /* of the step, with all links before it resolved */
    int directory;    /* in which `name` was looked up; in the first step, "/" itself */
    int fd;           /* O_PATH descriptor, for a link of the link itself; -1: cannot be opened */
    int errnum;       /* if `fd` is -1: the reason, an errno */
    struct stat st;   /* if `fd` is valid */
} MdPathStep;

/* Returning FALSE ends the walk. The step is valid during the call only. */
typedef gboolean (*MdPathStepFunc)(const MdPathStep *step, gpointer data);

/* Resolves an absolute path. Returns an O_PATH descriptor, or -1 with errno: the error of the last
 * reported step, ELOOP after too many links, ECANCELED if `func` ended the walk. */
int md_path_walk(const char *path, MdPathStepFunc func, gpointer data);
