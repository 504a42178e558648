/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Searches all processes for one that has a VFIO node open. Inspecting descriptors of other users
 * requires CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "util/roots.h"

/* The name of a process, in bytes; the kernel's are shorter. */
#define MD_VFIO_NAME_MAX 64

typedef enum {
    MD_VFIO_HELD,    /* by the process with `pid` and `name` */
    MD_VFIO_FREE,    /* not in use: all descriptors have been inspected */
    MD_VFIO_UNKNOWN, /* not found, but not all descriptors could be inspected */
} MdVfioHolding;

typedef struct {
    gint64 pid;                  /* with UNKNOWN, one that cannot be inspected; 0: timeout */
    char name[MD_VFIO_NAME_MAX]; /* printable ASCII, empty if unknown */
} MdVfioHolder;

/* Where and how far to search. */
typedef struct {
    const char *proc;  /* mount point of procfs */
    const char *nodes; /* prefix of the paths of nodes to be inspected */
    guint time;        /* limit of a search in milliseconds */
    guint share; /* descriptors of one user's processes to be inspected first; root is exempt */
} MdVfioSearch;

/*
 * Searches all processes. Compares the paths of descriptors first, because stat() may hang on other
 * file systems, then device numbers, because a guest may have the node under another path with this
 * prefix. Descriptors beyond a user's share are inspected last, if time permits, so that a user
 * with many descriptors does not hide those of other users. A node that no process has among its
 * descriptors, such as one in transit through a socket, is not found.
 */
MdVfioHolding md_vfio_holder_search(const MdVfioSearch *how, dev_t node, MdVfioHolder *holder);

/* The same on this host: 2 seconds, 262,144 descriptors of a user first. */
MdVfioHolding md_vfio_holder_find(const MdRoots *roots, dev_t node, MdVfioHolder *holder);

/* Makes `name` printable, in place. */
void md_vfio_holder_clean_name(char *name);
