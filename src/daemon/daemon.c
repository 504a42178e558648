/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "daemon/daemon.h"

#include <glib-unix.h>
#include <signal.h>
#include <sys/resource.h>

#include "admin/admin.h"
#include "node_device/driver.h"
#include "remote/server.h"
#include "util/error.h"
#include "util/notify.h"
#include "util/script.h"
#include "util/source.h"
#include "util/worker.h"
#include "vendor/vendor.h"

/* Open files other than clients: sockets, udev, and workers' files in sysfs. */
#define OWN_DESCRIPTORS 512

/* Milliseconds for the start of the daemon, and for starts of devices, to end after the clients
 * have been handed over: the next daemon repeats them. */
#define STARTS_TIMEOUT 2000

typedef struct {
    const MdOptions *options;
    MdSettings *settings;
    GMainLoop *loop;
    MdDriver *driver;
    MdServer *server;
    MdAdmin *admin;
    guint timeout; /* milliseconds without clients until the daemon exits; 0: never */
    GSource *watchdog;
    GSource *interrupt;
    GSource *terminate;
    GSource *hangup;
    GSource *user;
    GSource *starts_timer; /* of STARTS_TIMEOUT */
    gboolean started;
    gboolean holding; /* calls about devices are held */
    gboolean reloading;
    gboolean reload_wanted; /* requested during the start or another reload */
    gboolean stopping;
    GError *error; /* why the start failed */
} Daemon;

/* A reload of the configuration. */
typedef struct {
    MdOptions options; /* a copy of the options that locate the configuration */
    MdRoots *roots;
    MdSettings *settings;
} Reload;

static void begin_reload(Daemon *self);


static void
daemon_clear(Daemon *self)
{
    md_source_clear(&self->watchdog);
    md_source_clear(&self->interrupt);
    md_source_clear(&self->terminate);
    md_source_clear(&self->hangup);
    md_source_clear(&self->user);
    md_source_clear(&self->starts_timer);
    g_clear_pointer(&self->admin, md_admin_free);
    /* After a second signal, the stop begun by the first one still references the server. */
    if (self->server != NULL)
        g_object_run_dispose(G_OBJECT(self->server));
    g_clear_object(&self->server);
    g_clear_object(&self->driver);
    g_clear_pointer(&self->loop, g_main_loop_unref);
}


G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Daemon, daemon_clear)


/* The number of clients that the limit on open files allows, each taking one descriptor. The
 * default soft limit is low for programs that use select(). */
static guint
count_affordable_clients(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return G_MAXUINT;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur <= OWN_DESCRIPTORS)
        return G_MAXUINT;
    return (guint)MIN(limit.rlim_cur - OWN_DESCRIPTORS, G_MAXUINT);
}


static void
fit_clients_to_descriptors(MdSettings *settings)
{
    guint most = count_affordable_clients();

    if (settings->max_clients > most) {
        g_message("RLIMIT_NOFILE allows only %u clients", most);
        settings->max_clients = most;
    }
}


static void
on_driver_stopped(GObject *source, GAsyncResult *result, gpointer data)
{
    Daemon *self = data;

    md_driver_stop_finish(MD_DRIVER(source), result);
    g_main_loop_quit(self->loop);
}


static gboolean
on_starts_timeout(gpointer data)
{
    Daemon *self = data;

    md_source_clear(&self->starts_timer);
    g_message("Exiting although the driver has not stopped");
    g_main_loop_quit(self->loop);
    return G_SOURCE_REMOVE;
}


static void
on_server_stopped(GObject *source, GAsyncResult *result, gpointer data)
{
    Daemon *self = data;

    md_server_stop_finish(MD_SERVER(source), result);
    if (md_notify_can_store())
        self->starts_timer =
            md_source_attach(g_timeout_source_new(STARTS_TIMEOUT), on_starts_timeout, self);
    md_driver_stop_async(self->driver, on_driver_stopped, self);
}


static void
daemon_stop(Daemon *self, const char *why)
{
    self->stopping = TRUE;
    md_notify_stopping(why);
    md_admin_stop(self->admin);
    md_server_stop_async(self->server, on_server_stopped, self);
}


/* The first signal stops the daemon when all calls have ended, the second one at once. */
static gboolean
on_signal(gpointer data)
{
    Daemon *self = data;

    if (self->stopping)
        g_main_loop_quit(self->loop);
    else
        daemon_stop(self, "Finishing pending calls");
    return G_SOURCE_CONTINUE;
}


static void
on_idle(gpointer data)
{
    Daemon *self = data;

    /* Autostart must finish, because no client may ever start the daemon again. */
    if (md_driver_is_busy(self->driver)) {
        g_debug("Idle, but staying until autostart has finished");
        md_server_set_idle_func(self->server, self->timeout, on_idle, self);
        return;
    }
    g_info("No client for %u s, exiting", self->timeout / 1000);
    daemon_stop(self, "Idle");
}


static void
release_clients(Daemon *self)
{
    if (self->holding)
        md_server_release(self->server);
    self->holding = FALSE;
}


static void
reload_free(Reload *reload)
{
    md_options_clear(&reload->options);
    md_roots_unref(reload->roots);
    g_clear_pointer(&reload->settings, md_settings_free);
    g_free(reload);
}


/* Runs on a worker, because the disk may hang. */
static gboolean
reload_read(gpointer data, GError **error)
{
    Reload *reload = data;

    reload->settings = md_options_load_settings(&reload->options, reload->roots, error);
    return reload->settings != NULL;
}


static void
set_up_vendors(const MdSettings *settings)
{
    md_vendor_set_up(settings->vgpu_enabled, settings->vgpu_types_file, settings->state_dir);
}


static void
apply_settings(Daemon *self, MdSettings *settings)
{
    fit_clients_to_descriptors(settings);
    md_settings_update(self->settings, settings);
    md_settings_set_log_level(self->settings);
    set_up_vendors(self->settings);
    md_server_reload(self->server);
    md_driver_reload(self->driver);
    g_message("Configuration reloaded");
}


static void
on_settings_read(gpointer data, GError *error, gpointer user_data)
{
    Daemon *self = user_data;
    g_autoptr(GError) reason = error;
    Reload *reload = data;

    self->reloading = FALSE;
    if (reload == NULL)
        g_warning("Failed to reload configuration, keeping the old one: %s", reason->message);
    else
        apply_settings(self, reload->settings);
    release_clients(self);
    if (self->stopping)
        return;
    md_notify_ready(reload != NULL
                        ? "Serving clients"
                        : "Serving clients; failed to reload configuration, keeping the old one");
    if (self->reload_wanted)
        begin_reload(self);
}


static void
begin_reload(Daemon *self)
{
    Reload *reload = g_new0(Reload, 1);

    self->reload_wanted = FALSE;
    self->reloading = TRUE;
    reload->options.config = g_strdup(self->options->config);
    reload->options.socket_dir = g_strdup(self->options->socket_dir);
    reload->options.is_service = self->options->is_service;
    reload->options.verbose = self->options->verbose;
    reload->roots = md_roots_ref(self->settings->roots);
    md_notify_reloading();
    md_worker_run(reload_read, reload, (GDestroyNotify)reload_free, MD_WORKER_FILES,
                  MD_WORKER_SETTINGS, self->settings->driver_timeout, md_owner_get_daemon(),
                  on_settings_read, self);
}


static gboolean
on_hangup(gpointer data)
{
    Daemon *self = data;

    if (!self->started || self->reloading)
        self->reload_wanted = TRUE;
    else if (!self->stopping)
        begin_reload(self);
    return G_SOURCE_CONTINUE;
}


/* SIGUSR1: logs the daemon's state. */
static gboolean
on_user_signal(gpointer data)
{
    Daemon *self = data;

    g_message("State of the daemon:");
    md_server_log_state(self->server);
    md_driver_log_state(self->driver);
    return G_SOURCE_CONTINUE;
}


static void
listen_to_signals(Daemon *self)
{
    /* Beyond the file size limit, a write then fails instead of ending the process. */
    signal(SIGXFSZ, SIG_IGN);
    self->interrupt = md_source_attach(g_unix_signal_source_new(SIGINT), on_signal, self);
    self->terminate = md_source_attach(g_unix_signal_source_new(SIGTERM), on_signal, self);
    self->hangup = md_source_attach(g_unix_signal_source_new(SIGHUP), on_hangup, self);
    self->user = md_source_attach(g_unix_signal_source_new(SIGUSR1), on_user_signal, self);
}


static void
on_started(GObject *source, GAsyncResult *result, gpointer data)
{
    Daemon *self = data;

    if (!md_driver_start_finish(MD_DRIVER(source), result, &self->error)) {
        g_main_loop_quit(self->loop);
        return;
    }

    self->started = TRUE;
    if (!self->stopping) {
        md_server_set_idle_func(self->server, self->timeout, on_idle, self);
        md_notify_ready("Serving clients");
        if (self->reload_wanted)
            begin_reload(self);
    }
    /* Clients held during a reload are served with the new settings. */
    if (!self->reloading)
        release_clients(self);
}


/* Clients may connect at once; they are answered when the device list is complete. */
static gboolean
daemon_begin(Daemon *self, MdPassedFds *passed, GError **error)
{
    md_server_hold(self->server);
    self->holding = TRUE;
    if (!md_server_listen(self->server, passed, error) ||
        !md_admin_listen(self->admin, passed, error))
        return FALSE;

    self->watchdog = md_notify_start_watchdog();
    md_driver_start_async(self->driver, on_started, self);
    return TRUE;
}


static gboolean
check_limits(guint max_clients, guint max_anonymous_clients, GError **error)
{
    guint most = MIN(MD_SETTINGS_CLIENTS_MAX, count_affordable_clients());

    if (max_clients < max_anonymous_clients) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_INVALID_ARG,
                          "The overall maximum number of clients waiting for authentication must "
                          "not be less than the overall maximum number of clients");
        return FALSE;
    }
    if (max_anonymous_clients == 0 || max_clients > most) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_INVALID_ARG,
                          "the maximum numbers of clients must be from 1 to %u", most);
        return FALSE;
    }
    return TRUE;
}


static gboolean
set_limits(guint max_clients, guint max_anonymous_clients, gpointer data, GError **error)
{
    Daemon *self = data;

    if (!check_limits(max_clients, max_anonymous_clients, error))
        return FALSE;
    self->settings->max_clients = max_clients;
    self->settings->max_anonymous_clients = max_anonymous_clients;
    md_server_reload(self->server);
    g_message("An administrator has set max_clients to %u and max_anonymous_clients to %u",
              max_clients, max_anonymous_clients);
    return TRUE;
}


static gboolean
set_timeout(guint seconds, gpointer data, GError **error)
{
    Daemon *self = data;

    if (seconds > MD_OPTIONS_TIMEOUT_MAX) {
        md_error_set_from(error, VIR_FROM_ADMIN, VIR_ERR_INVALID_ARG,
                          "the timeout must be at most %u seconds", MD_OPTIONS_TIMEOUT_MAX);
        return FALSE;
    }
    self->timeout = seconds * 1000;
    if (self->started)
        md_server_set_idle_func(self->server, self->timeout, on_idle, self);
    g_message("An administrator has set the idle timeout to %u s", seconds);
    return TRUE;
}


static const MdAdminFuncs admin_funcs = { set_limits, set_timeout };


static gboolean
is_served_by_another(const MdSettings *settings, const GError *error)
{
    return settings->roots->is_session && g_error_matches(error, MD_ERROR, VIR_ERR_RESOURCE_BUSY);
}


gboolean
md_daemon_run(const MdOptions *options, MdSettings *settings, GError **error)
{
    g_auto(Daemon) self = { .options = options, .settings = settings };
    g_autoptr(MdPassedFds) passed = md_passed_fds_take();
    g_autoptr(GError) err = NULL;

    /* Signals have their default action until here, so that the process can be ended if a directory
     * service hangs. */
    if (passed->listening->len == 0 && !md_settings_find_group(settings, error))
        return FALSE;

    md_settings_open_log(settings);
    md_settings_log(settings, NULL);
    md_script_keep_limits();
    set_up_vendors(settings);
    fit_clients_to_descriptors(settings);
    self.loop = g_main_loop_new(NULL, FALSE);
    self.driver = md_driver_new(settings);
    self.server = md_server_new(self.driver, settings);
    self.timeout = options->timeout;
    self.admin = md_admin_new(self.server, settings, &admin_funcs, &self);
    listen_to_signals(&self);

    if (daemon_begin(&self, passed, &err)) {
        g_main_loop_run(self.loop);
        if (self.error == NULL)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&self.error));
        return FALSE;
    }
    if (is_served_by_another(settings, err)) {
        g_message("%s and serves this user, exiting", err->message);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&err));
    return FALSE;
}
