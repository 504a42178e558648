/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon as its clients see it: sockets, connections, calls. */
#pragma once

#include <gio/gio.h>

#include "node_device/driver.h"
#include "util/settings.h"

#define MD_TYPE_SERVER (md_server_get_type())
G_DECLARE_FINAL_TYPE(MdServer, md_server, MD, SERVER, GObject)

/* Holds the driver; `settings` must outlive the server. */
MdServer *md_server_new(MdDriver *driver, const MdSettings *settings);

/* Opens the sockets; clients are served from the main loop. Errors name the socket. */
gboolean md_server_listen(MdServer *self, GError **error);

/* While the list of devices is made, clients may connect, and what they ask about devices waits. */
void md_server_hold(MdServer *self);
void md_server_release(MdServer *self);

guint md_server_count_clients(MdServer *self);

/* `func` is called when there have been no client and no call under way for `timeout` milliseconds;
 * not after the stop has begun. 0: never. */
typedef void (*MdServerFunc)(gpointer data);
void md_server_set_idle_func(MdServer *self, guint timeout, MdServerFunc func, gpointer data);

/* The settings have changed: has the clients that are there, and those that wait, feel it. */
void md_server_reload(MdServer *self);

/* Logs the clients, up to MD_SERVER_LOGGED_MAX of them, calls under way, and totals. */
#define MD_SERVER_LOGGED_MAX 256
void md_server_log_state(MdServer *self);

/*
 * Removes the sockets, lets the calls under way end and be answered, tells the clients that asked
 * for it that the daemon goes, and closes all connections. Calls back once, when that is done; a
 * client that does not read its last answers holds it up for five seconds. Must not be called
 * again.
 */
void md_server_stop_async(MdServer *self, GAsyncReadyCallback callback, gpointer user_data);
void md_server_stop_finish(MdServer *self, GAsyncResult *result);
