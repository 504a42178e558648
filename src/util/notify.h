/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notifications to the service manager, see sd_notify(3). These functions do nothing if it did not
 * request notifications.
 */
#pragma once

#include <glib.h>

/* The daemon serves clients, after start or reload. `status` is shown to users. */
void md_notify_ready(const char *status);

/* A reload has begun; md_notify_ready() ends it. */
void md_notify_reloading(void);

/* The shutdown has begun. */
void md_notify_stopping(const char *status);

/*
 * Sends keep-alive notifications from the caller's main loop, two per watchdog interval. Returns
 * NULL if the service manager did not request them; else release with md_source_clear().
 */
GSource *md_notify_start_watchdog(void);
