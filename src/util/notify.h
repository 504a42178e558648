/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Notifications to the service manager, see sd_notify(3). These functions do nothing if the service
 * manager did not request notifications.
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
 * Maximum total length in bytes of the names of stored descriptors, with their separators: systemd
 * passes all names in $LISTEN_FDNAMES, and the kernel limits an environment variable to 128 KiB
 * (MAX_ARG_STRLEN).
 */
#define MD_NOTIFY_STORED_NAMES (120 * 1024)

/*
 * Whether the service manager keeps descriptors of this service over a restart ($FDSTORE). systemd
 * sets this variable since version 254; for older versions, our unit sets it.
 */
gboolean md_notify_can_store(void);

/* Leaves copies of descriptors with the service manager under a name. FALSE with an error if the
 * service manager cannot be reached. It does not report whether it has accepted the descriptors.
 * Descriptors beyond MD_NOTIFY_STORED_NAMES are left out. */
gboolean md_notify_store(const char *name, const int *fds, guint n, GError **error);

/* Makes the service manager close the descriptors kept under a name. */
void md_notify_remove_stored(const char *name);

/* Waits, for a limited time, until the service manager has handled all notifications. */
void md_notify_wait(void);

/*
 * Sends keep-alive notifications from the caller's main loop, two per watchdog interval. Returns
 * NULL if the service manager did not request them; else release with md_source_clear().
 */
GSource *md_notify_start_watchdog(void);
