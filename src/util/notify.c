/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/notify.h"

#include <systemd/sd-daemon.h>

#include "util/error.h"
#include "util/source.h"

/* Descriptors in one notification; the kernel accepts 253. */
#define STORED_AT_ONCE 128

/* Microseconds for the service manager to handle notifications. */
#define WAIT_TIMEOUT (10 * G_USEC_PER_SEC)


void
md_notify_ready(const char *status)
{
    sd_notifyf(FALSE, "READY=1\nSTATUS=%s", status);
}


void
md_notify_reloading(void)
{
    /* From the time, the service manager recognizes the READY=1 that belongs to this reload. */
    sd_notifyf(FALSE,
               "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\nSTATUS=Reloading configuration",
               g_get_monotonic_time());
}


void
md_notify_stopping(const char *status)
{
    sd_notifyf(FALSE, "STOPPING=1\nSTATUS=%s", status);
}


gboolean
md_notify_can_store(void)
{
    const char *max = g_getenv("FDSTORE");

    return g_getenv("NOTIFY_SOCKET") != NULL && max != NULL && g_ascii_strtoull(max, NULL, 10) > 0;
}


gboolean
md_notify_store(const char *name, const int *fds, guint n, GError **error)
{
    g_autofree char *state = g_strdup_printf("FDSTORE=1\nFDNAME=%s", name);
    guint max = MD_NOTIFY_STORED_NAMES / (guint)(strlen(name) + 1);

    if (n > max) {
        g_warning("Keeping only %u of %u descriptors '%s' over the restart", max, n, name);
        n = max;
    }
    for (guint i = 0; i < n; i += STORED_AT_ONCE) {
        int rc = sd_pid_notify_with_fds(0, FALSE, state, &fds[i], MIN(n - i, STORED_AT_ONCE));

        if (rc <= 0) {
            md_error_set_errno(error, -rc, "cannot leave descriptors with the service manager");
            return FALSE;
        }
    }
    return TRUE;
}


void
md_notify_remove_stored(const char *name)
{
    sd_notifyf(FALSE, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}


void
md_notify_wait(void)
{
    int rc = sd_notify_barrier(FALSE, WAIT_TIMEOUT);

    if (rc < 0)
        g_debug("The service manager has not confirmed the notifications: %s", g_strerror(-rc));
}


static gboolean
on_watchdog(gpointer data G_GNUC_UNUSED)
{
    sd_notify(FALSE, "WATCHDOG=1");
    return G_SOURCE_CONTINUE;
}


GSource *
md_notify_start_watchdog(void)
{
    guint64 interval = 0;

    if (sd_watchdog_enabled(FALSE, &interval) <= 0)
        return NULL;
    return md_source_attach(g_timeout_source_new((guint)MAX(interval / 2000, 1)), on_watchdog,
                            NULL);
}
