/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files by which the daemon informs the next one, in a directory that does not survive a
 * reboot. They are not synced: they must survive the daemon, not the host. */
#pragma once

#include <glib.h>

/* Creates the file with this name, and the directory if it is missing; replaces an existing file,
 * not atomically. Returns 0 or an errno. */
int md_state_file_write(const char *directory, const char *name, const char *text);

/* The text of the file, of at most `max` bytes. NULL if it does not exist, is larger, contains a
 * zero byte, or belongs to another user. Does not follow links, and never blocks. */
char *md_state_file_read(const char *directory, const char *name, gsize max);
