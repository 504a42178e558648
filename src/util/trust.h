/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks whether files are writable by other users. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/*
 * Explains why a file must not be run: a user other than root and the one that the daemon runs as
 * can change what the absolute path resolves to. Each directory, link and file on the path,
 * including the targets of links, must be owned by one of these two users and not be writable by
 * group or others. A sticky directory may be world-writable if the next step is a directory: others
 * cannot replace that, but could have placed a file or link of root there. Returns NULL if the file
 * may be run; since no other user can change the path, this result remains valid. `errnum` is the
 * errno if the file cannot be checked, else 0. May block on a disk.
 */
char *md_trust_explain(const char *path, int *errnum);

/* Whether the file is world-writable. */
gboolean md_trust_is_open_to_all(const struct stat *st);
