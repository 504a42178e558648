/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Searches all processes for one that has a VFIO node open. Inspecting descriptors of other users
 * requires CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "util/roots.h"

/* Size of a process name in bytes; the names that the kernel gives are shorter. */
#define MD_VFIO_NAME_MAX 64

typedef enum {
    MD_VFIO_HELD,    /* in use by the process with `pid` and `name` */
    MD_VFIO_FREE,    /* not in use: all descriptors have been inspected */
    MD_VFIO_UNKNOWN, /* not found, but some descriptors could not be inspected */
} MdVfioHolding;

typedef struct {
    gint64 pid;                  /* if UNKNOWN: a process that cannot be inspected; 0: none */
    char name[MD_VFIO_NAME_MAX]; /* printable ASCII, empty if unknown */
} MdVfioHolder;

/* Where to search, and how far. */
typedef struct {
    const char *proc;  /* mount point of procfs */
    const char *nodes; /* prefix of the paths of the nodes to be inspected */
    guint time;        /* maximum duration of a search in milliseconds */
    guint share; /* number of descriptors of one user that are inspected first; root has no limit */
} MdVfioSearch;

/*
 * Searches all processes. Compares the paths of descriptors first, because stat() may hang on other
 * file systems. Then compares device numbers, because a guest may have the node under another path
 * with the same prefix. Descriptors beyond a user's share are inspected last, if time permits, so
 * that a user with many descriptors does not hide those of other users. A node that no process has
 * among its descriptors, for example while it is sent through a socket, is not found.
 */
MdVfioHolding md_vfio_holder_search(const MdVfioSearch *how, dev_t node, MdVfioHolder *holder);

/* Searches this host for at most 2 seconds, and the first 262,144 descriptors of each user before
 * the others. */
MdVfioHolding md_vfio_holder_find(const MdRoots *roots, dev_t node, MdVfioHolder *holder);

/* Makes `name` printable, in place. */
void md_vfio_holder_clean_name(char *name);
