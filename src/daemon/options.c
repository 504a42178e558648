/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "daemon/options.h"

#include <glib/gi18n.h>

#include "util/names.h"

#define CONFIG_FILE PACKAGE_NAME "/" PACKAGE_NAME ".conf"

#define SCHEMA_FILE SCHEMADIR "/mediated-nodedev.rng"

/* Relative to the program, in a build directory. */
#define BUILT_SCHEMA_FILE "conf/mediated-nodedev.rng"
#define PROGRAM_LINK      MD_PATH_SELF "/exe"


static gboolean
parse_timeout(const char *name, const char *value, gpointer data, GError **error)
{
    MdOptions *self = data;
    guint64 seconds = 0;

    if (!g_ascii_string_to_unsigned(value, 10, 1, MD_OPTIONS_TIMEOUT_MAX, &seconds, NULL)) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    _("%s: '%s' is not a number of seconds from 1 to %u"), name, value,
                    MD_OPTIONS_TIMEOUT_MAX);
        return FALSE;
    }
    self->timeout = (guint)seconds * 1000;
    return TRUE;
}


/* Refuses an option of libvirt's daemons that a start script may pass. */
static gboolean
refuse_daemon(const char *name,
              const char *value G_GNUC_UNUSED,
              gpointer data G_GNUC_UNUSED,
              GError **error)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                _("%s: mediated always runs in the foreground; to run it in the background, use a "
                  "service manager"),
                name);
    return FALSE;
}


static gboolean
refuse_pid_file(const char *name,
                const char *value G_GNUC_UNUSED,
                gpointer data G_GNUC_UNUSED,
                GError **error)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                _("%s: mediated does not write a PID file; the service manager tracks its process"),
                name);
    return FALSE;
}


static void
add_entries(MdOptions *self, GOptionGroup *group)
{
    const GOptionEntry entries[] = {
        { "config", 'f', 0, G_OPTION_ARG_FILENAME, &self->config,
          N_("Read this configuration file"), N_("FILE") },
        { "socket-dir", 0, 0, G_OPTION_ARG_FILENAME, &self->socket_dir,
          N_("Create the sockets in this directory"), N_("DIR") },
        { "timeout", 't', 0, G_OPTION_ARG_CALLBACK, parse_timeout, N_("Exit when idle for SECONDS"),
          N_("SECONDS") },
        { "check-config", 0, 0, G_OPTION_ARG_NONE, &self->check_config,
          N_("Check the configuration, print it and exit"), NULL },
        { "check-xml", 0, 0, G_OPTION_ARG_NONE, &self->check_xml,
          N_("Check device documents, print them and exit"), NULL },
        { "schema", 0, 0, G_OPTION_ARG_FILENAME, &self->schema,
          N_("Validate documents against this RELAX NG schema"), N_("FILE") },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &self->verbose, N_("Log debug messages"), NULL },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &self->version, N_("Print the version and exit"),
          NULL },
        { "daemon", 'd', G_OPTION_FLAG_HIDDEN | G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK,
          refuse_daemon, NULL, NULL },
        { "pid-file", 'p', G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_CALLBACK, refuse_pid_file, NULL,
          NULL },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->files, NULL,
          N_("[FILE...]") },
        { NULL },
    };

    g_option_group_add_entries(group, entries);
}


gboolean
md_options_parse(MdOptions *self, int *argc, char ***argv, GError **error)
{
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    GOptionGroup *group = g_option_group_new(PACKAGE_NAME, NULL, NULL, self, NULL);

    g_option_group_set_translation_domain(group, PACKAGE_NAME);
    add_entries(self, group);
    g_option_context_set_main_group(context, group);
    g_option_context_set_summary(context, _("Node device daemon for libvirt"));
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (self->files != NULL && !self->check_xml) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                    _("Unexpected argument '%s'"), self->files[0]);
        return FALSE;
    }
    if (self->files == NULL && self->check_xml) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                    _("--check-xml: no file given"));
        return FALSE;
    }
    return TRUE;
}


void
md_options_clear(MdOptions *self)
{
    g_free(self->config);
    g_free(self->socket_dir);
    g_free(self->schema);
    g_strfreev(self->files);
}


/* The schema of a build directory for a program that is not installed; NULL if there is none. */
static char *
find_built_schema(void)
{
    g_autofree char *program = g_file_read_link(PROGRAM_LINK, NULL);
    g_autofree char *directory = program != NULL ? g_path_get_dirname(program) : NULL;
    g_autofree char *schema =
        directory != NULL ? g_build_filename(directory, BUILT_SCHEMA_FILE, NULL) : NULL;

    return schema != NULL && g_file_test(schema, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&schema)
                                                                         : NULL;
}


const char *
md_options_get_schema(MdOptions *self)
{
    if (self->schema == NULL)
        self->schema = find_built_schema();
    if (self->schema == NULL)
        self->schema = g_strdup(SCHEMA_FILE);
    return self->schema;
}


static gboolean
override_settings(const MdOptions *self, MdSettings *settings, GError **error)
{
    if (self->verbose && !md_settings_override(settings, "log", "level", "debug", error))
        return FALSE;
    return self->socket_dir == NULL ||
           md_settings_override(settings, "sockets", "directory", self->socket_dir, error);
}


MdSettings *
md_options_load_settings(const MdOptions *self, MdRoots *roots, GError **error)
{
    const char *user = roots->is_session ? g_get_user_config_dir() : NULL;
    g_autofree char *path = g_build_filename(user != NULL ? user : SYSCONFDIR, CONFIG_FILE, NULL);
    g_autofree char *stock =
        g_build_filename(user != NULL ? user : roots->etc, MD_STOCK_CONFIG, NULL);
    g_autofree char *libvirtd = g_build_filename(roots->etc, MD_LIBVIRTD_CONFIG, NULL);
    const MdSettingsOrigin origin = {
        .config = self->config != NULL ? self->config : path,
        .config_required = self->config != NULL,
        .stock_config = stock,
        .libvirtd_config = roots->is_session ? NULL : libvirtd,
        .is_service = self->is_service,
    };
    g_autoptr(MdSettings) settings = md_settings_load(roots, &origin, error);

    if (settings == NULL || !override_settings(self, settings, error))
        return NULL;
    return g_steal_pointer(&settings);
}
