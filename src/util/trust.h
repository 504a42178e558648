/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks whether files are writable by other users. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/*
 * Explains why a file must not be run: users other than root and the daemon's user can change what
 * the absolute path of the file resolves to. Each directory, link and file on the path, including
 * the targets of links, must be owned by root or the daemon's user, and not be writable by group or
 * others. A sticky directory may be world-writable if the next step is a directory: in a sticky
 * directory, other users can neither replace nor have placed a directory of root, but they could
 * have placed a file or link of root. Returns NULL if the file may be run; this result remains
 * valid, because no other user can change the path. `errnum` is the errno if the file cannot be
 * checked, else 0. May block on a disk.
 */
char *md_trust_explain(const char *path, int *errnum);

/* Whether the file is world-writable. */
gboolean md_trust_is_open_to_all(const struct stat *st);
