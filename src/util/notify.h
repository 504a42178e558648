/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the service manager is told, see sd_notify(3). Without one that asks to be told nothing
 * happens.
 */
#pragma once

#include <glib.h>

/* Clients are served, for the first time or again; `status` is a line for people. */
void md_notify_ready(const char *status);

/* The settings are being read again; md_notify_ready() ends it. */
void md_notify_reloading(void);

/* The end has begun. */
void md_notify_stopping(const char *status);

/*
 * From now on the caller's main loop shows that it turns, twice in the time that the service
 * manager gives it. NULL if that is not asked for; else clear it with md_source_clear().
 */
GSource *md_notify_start_watchdog(void);
