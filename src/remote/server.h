/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sockets, connections and calls of the daemon. */
#pragma once

#include <gio/gio.h>

#include "node_device/driver.h"
#include "rpc/passed-fds.h"
#include "util/settings.h"

#define MD_TYPE_SERVER (md_server_get_type())
G_DECLARE_FINAL_TYPE(MdServer, md_server, MD, SERVER, GObject)

/* References the driver; `settings` must outlive the server. */
MdServer *md_server_new(MdDriver *driver, const MdSettings *settings);

/* Opens the sockets, or takes the passed ones, with the clients of the previous daemon; clients are
 * served by the main loop. Errors name the socket. */
gboolean md_server_listen(MdServer *self, MdPassedFds *passed, GError **error);

/* While the device list is being built, clients may connect, and calls about devices wait. */
void md_server_hold(MdServer *self);
void md_server_release(MdServer *self);

guint md_server_count_clients(MdServer *self);

/* Calls `func` after `timeout` milliseconds without clients and running calls, unless a stop has
 * begun. 0: never. */
typedef void (*MdServerFunc)(gpointer data);
void md_server_set_idle_func(MdServer *self, guint timeout, MdServerFunc func, gpointer data);

/* While inhibited, the daemon does not exit when it has no clients, because it is in use for
 * another reason. */
void md_server_inhibit_idle(MdServer *self, gboolean inhibited);

/* Applies changed settings to existing and waiting clients. */
void md_server_reload(MdServer *self);

/* Logs up to MD_SERVER_LOGGED_MAX clients, running calls, and totals. */
#define MD_SERVER_LOGGED_MAX 256
void md_server_log_state(MdServer *self);

/*
 * Removes the sockets, and finishes and answers running calls. Then leaves all clients to the next
 * daemon, if the service manager keeps descriptors; if not, notifies clients that requested it, and
 * closes all connections. Then calls back once. A client that does not read its last replies delays
 * this by up to five seconds. Must not be called again.
 */
void md_server_stop_async(MdServer *self, GAsyncReadyCallback callback, gpointer user_data);
void md_server_stop_finish(MdServer *self, GAsyncResult *result);
