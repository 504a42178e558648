/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that others may change. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/*
 * Why a file is not to be run: somebody else than root and the user we run as can change what the
 * absolute path leads to. Every step counts, those of the links on the way included: each
 * directory, each link and the file itself must belong to root or that user, and none may be
 * written by group or others. A sticky directory may be, if only a directory is looked up in it:
 * others cannot replace it, while they might have put a file or link of root there. NULL if the
 * file may be run; as nobody else can change the way to it, the answer holds until it is. `errnum`
 * is why the file could not be looked at, 0 if it could. May block on a disk.
 */
char *md_trust_explain(const char *path, int *errnum);

/* Whether everybody may write the file. */
gboolean md_trust_is_open_to_all(const struct stat *st);
