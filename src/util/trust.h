/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that others may change. */
#pragma once

#include <glib.h>
#include <sys/stat.h>

/*
 * Why a file is not to be run: it, or a directory on the way to it, belongs to another user than
 * root and the one we run as, or group or others may write it. In a sticky directory they may. NULL
 * if it may be run. Links are followed, and the ways to what they lead to looked at, too.
 */
char *md_trust_explain(const char *path);

/* Whether everybody may write the file. */
gboolean md_trust_is_open_to_all(const struct stat *st);
