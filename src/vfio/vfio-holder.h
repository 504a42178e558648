/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A search of all processes for one that has a VFIO node open. To see the descriptors of other
 * users it takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "util/roots.h"

/* The name of a process, in bytes; the kernel's are shorter. */
#define MD_VFIO_NAME_MAX 64

typedef enum {
    MD_VFIO_HELD,    /* by the process that `pid` and `name` tell */
    MD_VFIO_FREE,    /* by nobody: all descriptors have been looked at */
    MD_VFIO_UNKNOWN, /* not found, but not all could be looked at */
} MdVfioHolding;

typedef struct {
    gint64 pid; /* UNKNOWN: one that could not be looked into, 0: there was no time */
    char name[MD_VFIO_NAME_MAX]; /* printable ASCII, empty if it is not known */
} MdVfioHolder;

/* Where and how far is looked. */
typedef struct {
    const char *proc;  /* where procfs is */
    const char *nodes; /* how the path of a node that is looked at begins */
    guint time;        /* that a search may take, in milliseconds */
    guint share; /* descriptors of one user's processes that are looked at first, root excepted */
} MdVfioSearch;

/*
 * Paths are compared first because other descriptors may be of file systems that do not answer. A
 * guest may have the node under another path of that beginning: its number decides. What users have
 * open beyond the share is looked at last, if there is time, so that those of others are found. Not
 * seen is a node that no process has among its descriptors, as one that is on its way through a
 * socket.
 */
MdVfioHolding md_vfio_holder_search(const MdVfioSearch *how, dev_t node, MdVfioHolder *holder);

/* The same on this host: 2 seconds, 262,144 descriptors of a user first. */
MdVfioHolding md_vfio_holder_find(const MdRoots *roots, dev_t node, MdVfioHolder *holder);

/* Makes the text in `name` printable, in place. */
void md_vfio_holder_clean_name(char *name);
