/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of persistent definitions in mdevctl's layout: <directory>/<parent>/<uuid>, one JSON object
 * each. mdevctl ignores plain files in the directory itself, so the daemon creates its temporary
 * files there. Links below the directory are not followed. The functions do not use the main loop;
 * those that write or remove files wait for the disk, and belong on a worker.
 */
#pragma once

#include <glib.h>

/* Whether a name in the directory can be the name of a parent: not scripts.d, not hidden. */
gboolean md_definition_file_is_parent(const char *name);

/* Whether a name in a parent's directory is a UUID in lower case with dashes. */
gboolean md_definition_file_is_uuid(const char *name);

/* Opens the directory of a parent; `parent_addr` NULL: the top directory. On failure, returns -1
 * with an error that contains the cause, but no path: ENOENT if the directory is missing, ENOTDIR
 * if it is a plain file, VIR_ERR_INVALID_ARG if it is a link. */
int md_definition_file_open(const char *directory, const char *parent_addr, GError **error);

/* Maximum number of names read from one directory. */
#define MD_DEFINITION_NAMES_MAX 16384

/* The names in an open directory, sorted, up to the maximum. Sets `error` if there are more. */
GPtrArray *md_definition_file_list(int directory, GError **error);

/* Reads a file in the open directory of a parent. VIR_ERR_INVALID_ARG if it is not a regular file,
 * or exceeds the size limit. Errors contain the cause, but no path. */
GBytes *md_definition_file_read(int directory, const char *uuid, GError **error);

/* Whether the file is world-writable. */
gboolean md_definition_file_is_open_to_all(int directory, const char *uuid);

/*
 * Replaces the file atomically: after an error, a crash, or on a full disk, the old contents
 * remain. Creates the directories as needed. VIR_ERR_SYSTEM_ERROR with path and cause. `abandoned`
 * is read atomically just before the last step: if it is not 0, the file is not replaced, and the
 * error is ECANCELED.
 */
gboolean md_definition_file_write(const char *directory,
                                  const char *parent_addr,
                                  const char *uuid,
                                  const char *text,
                                  const int *abandoned,
                                  GError **error);

/* Removes the file, but not the directory of the parent. `abandoned` as above. VIR_ERR_SYSTEM_ERROR
 * with path and cause, such as ENOENT. */
gboolean md_definition_file_remove(const char *directory,
                                   const char *parent_addr,
                                   const char *uuid,
                                   const int *abandoned,
                                   GError **error);

/* Creates the directory if it is missing, ignoring failures. Removes the temporary files that a
 * crash has left, but not those that are being written. */
void md_definition_file_prepare(const char *directory);
