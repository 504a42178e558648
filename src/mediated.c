/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options, settings, the parts, the main loop: nothing else. */
#include "config.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "node_device/driver.h"
#include "rpc/server.h"
#include "util/log.h"
#include "util/settings.h"

#define DEFAULT_CONFIG SYSCONFDIR "/mediated/mediated.conf"

/* Open files that are not clients: sockets, udev, and what workers have open of sysfs. */
#define OWN_DESCRIPTORS 512

typedef struct {
    char *config;
    char *socket_dir;
    gboolean check_config;
    gboolean verbose;
    gboolean version;
} Options;

typedef struct {
    GMainLoop *loop;
    MdServer *server;
    gboolean stopping;
} Daemon;


static void
options_clear(Options *options)
{
    g_free(options->config);
    g_free(options->socket_dir);
}


G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)


static gboolean
parse_options(Options *options, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        { "config", 'f', 0, G_OPTION_ARG_FILENAME, &options->config,
          N_("Read this configuration file"), N_("FILE") },
        { "socket-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->socket_dir,
          N_("Make the sockets in this directory"), N_("DIR") },
        { "check-config", 0, 0, G_OPTION_ARG_NONE, &options->check_config,
          N_("Check the configuration and exit"), NULL },
        { "verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose, N_("Log everything"), NULL },
        { "version", 'V', 0, G_OPTION_ARG_NONE, &options->version, N_("Print the version and exit"),
          NULL },
        { NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);

    g_option_context_set_summary(context, _("Node devices for libvirt's clients"));
    g_option_context_add_main_entries(context, entries, PACKAGE_NAME);
    if (!g_option_context_parse(context, argc, argv, error))
        return FALSE;
    if (*argc > 1) {
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                    _("There is nothing to do with '%s'"), (*argv)[1]);
        return FALSE;
    }
    return TRUE;
}


static MdSettings *
load_settings(const Options *options, GError **error)
{
    MdSettings *settings = options->config != NULL ? md_settings_load(options->config, TRUE, error)
                                                   : md_settings_load(DEFAULT_CONFIG, FALSE, error);

    if (settings != NULL && options->socket_dir != NULL) {
        g_free(settings->socket_dir);
        settings->socket_dir = g_strdup(options->socket_dir);
    }
    return settings;
}


static void
on_server_stopped(GObject *source, GAsyncResult *result, gpointer data)
{
    Daemon *daemon = data;

    md_server_stop_finish(MD_SERVER(source), result);
    g_main_loop_quit(daemon->loop);
}


/* The first signal stops once all calls under way are answered, the second one at once. */
static gboolean
on_signal(gpointer data)
{
    Daemon *daemon = data;

    if (daemon->stopping) {
        g_main_loop_quit(daemon->loop);
    } else {
        daemon->stopping = TRUE;
        md_server_stop_async(daemon->server, on_server_stopped, daemon);
    }
    return G_SOURCE_CONTINUE;
}


/* Each client takes one; the soft limit is low for the sake of programs that use select(). */
static void
fit_clients_to_descriptors(MdSettings *settings)
{
    struct rlimit limit;
    rlim_t most = 0;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= OWN_DESCRIPTORS)
        return;

    most = limit.rlim_cur - OWN_DESCRIPTORS;
    if (settings->max_clients > most) {
        g_message("the limit of open files allows for %u clients only", (guint)most);
        settings->max_clients = (guint)most;
    }
}


static gboolean
run(MdSettings *settings, GError **error)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(MdDriver) driver = md_driver_new(settings);
    g_autoptr(MdServer) server = md_server_new(driver, settings);
    Daemon daemon = { loop, server, FALSE };

    fit_clients_to_descriptors(settings);
    /* Settings are read once: there is nothing to reload. */
    signal(SIGHUP, SIG_IGN);
    /* A limit on the size of files is an error of the write. */
    signal(SIGXFSZ, SIG_IGN);
    g_unix_signal_add(SIGINT, on_signal, &daemon);
    g_unix_signal_add(SIGTERM, on_signal, &daemon);

    /* Clients may connect at once; they are answered when the list of devices is whole. */
    if (!md_server_listen(server, error) || !md_driver_start(driver, error))
        return FALSE;

    g_main_loop_run(loop);
    return TRUE;
}


int
main(int argc, char **argv)
{
    g_auto(Options) options = { 0 };
    g_autoptr(MdSettings) settings = NULL;
    g_autoptr(GError) error = NULL;

    setlocale(LC_ALL, "");
    bindtextdomain(PACKAGE_NAME, LOCALEDIR);
    bind_textdomain_codeset(PACKAGE_NAME, "UTF-8");
    textdomain(PACKAGE_NAME);

    if (!parse_options(&options, &argc, &argv, &error)) {
        g_printerr("%s: %s\n", PACKAGE_NAME, error->message);
        return EXIT_FAILURE;
    }
    if (options.version) {
        g_print("%s %s\n", PACKAGE_NAME, PACKAGE_VERSION);
        return EXIT_SUCCESS;
    }

    md_log_init(options.verbose);
    settings = load_settings(&options, &error);
    if (settings == NULL || (!options.check_config && !run(settings, &error))) {
        g_printerr("%s: %s\n", PACKAGE_NAME, error->message);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
