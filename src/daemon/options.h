/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line, and the settings it overrides. */
#pragma once

#include "util/settings.h"

/* The highest value of `timeout` in seconds. */
#define MD_OPTIONS_TIMEOUT_MAX (G_MAXUINT / 1000)

typedef struct {
    char *config;        /* NULL: the default file, if it exists */
    char *socket_dir;    /* NULL: as configured */
    guint timeout;       /* idle timeout in milliseconds; 0: none */
    char *schema;        /* NULL: not given, and not searched for yet */
    char **files;        /* documents to check, not empty with check_xml; else NULL */
    gboolean is_service; /* started with sockets of systemd; no option */
    gboolean check_config;
    gboolean check_xml;
    gboolean verbose;
    gboolean version;
} MdOptions;

/* Removes the options from the arguments; errors name the option and the cause. */
gboolean md_options_parse(MdOptions *self, int *argc, char ***argv, GError **error);
void md_options_clear(MdOptions *self);

/* The RELAX NG schema for validation: the schema given on the command line; else the schema of the
 * build directory, if the program is run from there; else the installed schema. Borrowed. */
const char *md_options_get_schema(MdOptions *self);

/* Reads the configuration files anew at each call, and applies the options that override it.
 * Returns new settings, or NULL with an error. */
MdSettings *md_options_load_settings(const MdOptions *self, MdRoots *roots, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MdOptions, md_options_clear)
