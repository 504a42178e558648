/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line, and the settings as it changes them. */
#pragma once

#include "util/settings.h"

typedef struct {
    char *config;     /* NULL: the default file, if it is there */
    char *socket_dir; /* NULL: as configured */
    guint timeout;    /* milliseconds without a client, then the daemon ends; 0: it does not */
    char *schema;     /* NULL until it is given or looked for */
    char **files;     /* the documents to be checked, never empty with check_xml; else NULL */
    gboolean check_config;
    gboolean check_xml;
    gboolean verbose;
    gboolean version;
} MdOptions;

/* Takes the options out of the arguments; errors say what is wrong with which. */
gboolean md_options_parse(MdOptions *self, int *argc, char ***argv, GError **error);
void md_options_clear(MdOptions *self);

/* The RELAX NG schema that documents are checked against: the one that is given, that of the build
 * directory in which the program is run, or the one that is installed. Borrowed. */
const char *md_options_get_schema(MdOptions *self);

/* Reads the configuration, as often as it is called. */
MdSettings *md_options_load_settings(const MdOptions *self, MdRoots *roots, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MdOptions, md_options_clear)
