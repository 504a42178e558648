/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/notify.h"

#include <systemd/sd-daemon.h>

#include "util/source.h"


void
md_notify_ready(const char *status)
{
    sd_notifyf(FALSE, "READY=1\nSTATUS=%s", status);
}


void
md_notify_reloading(void)
{
    /* The time tells the manager that the next READY=1 belongs to this reload. */
    sd_notifyf(FALSE,
               "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\nSTATUS=Reloading configuration",
               g_get_monotonic_time());
}


void
md_notify_stopping(const char *status)
{
    sd_notifyf(FALSE, "STOPPING=1\nSTATUS=%s", status);
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
