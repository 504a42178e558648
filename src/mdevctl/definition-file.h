/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files of persistent definitions, as mdevctl keeps them: <directory>/<parent>/<uuid>, one JSON
 * object each. Plain files in the directory itself mean nothing, which makes it the place for our
 * temporary ones. No link below the directory is followed. Knows nothing of the main loop: writing
 * and removing wait for the disk and belong on a worker.
 */
#pragma once

#include <glib.h>

/* Whether a name in the directory may be that of a parent: not scripts.d, nothing hidden. */
gboolean md_definition_file_is_parent(const char *name);

/* Whether a name in the directory of a parent is a UUID in lower case with dashes. */
gboolean md_definition_file_is_uuid(const char *name);

/*
 * The directory of a parent, opened; `parent_addr` NULL: the one above all. -1 with an error that
 * says why, not where: ENOENT or ENOTDIR if it is not there or a plain file, VIR_ERR_INVALID_ARG if
 * it is a link.
 */
int md_definition_file_open(const char *directory, const char *parent_addr, GError **error);

/* Names of one directory that are looked at. */
#define MD_DEFINITION_NAMES_MAX 16384

/* The names in an open directory, sorted; an error says if there are more than are looked at. */
GPtrArray *md_definition_file_list(int directory, GError **error);

/*
 * The text of a file in the open directory of a parent. Only regular files of a reasonable size are
 * read, else VIR_ERR_INVALID_ARG. The error says why, not where.
 */
GBytes *md_definition_file_read(int directory, const char *uuid, GError **error);

/* Whether everybody may write the file. */
gboolean md_definition_file_is_open_to_all(int directory, const char *uuid);

/*
 * All of the text or, after an error, crash or full disk, what was there before. Directories are
 * made as needed. VIR_ERR_SYSTEM_ERROR, with path and cause. `abandoned` is read as an atomic just
 * before the last step: if it is not 0 that is left out, ECANCELED.
 */
gboolean md_definition_file_write(const char *directory,
                                  const char *parent_addr,
                                  const char *uuid,
                                  const char *text,
                                  const int *abandoned,
                                  GError **error);

/* The directory of the parent stays. VIR_ERR_SYSTEM_ERROR, with path and cause, as ENOENT. */
gboolean md_definition_file_remove(const char *directory,
                                   const char *parent_addr,
                                   const char *uuid,
                                   const int *abandoned,
                                   GError **error);

/*
 * Makes the directory if it is missing and can be made, and removes the temporary files that a
 * crash has left; one that is being written stays.
 */
void md_definition_file_prepare(const char *directory);
