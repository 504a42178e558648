/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The clients of a server, for its administration. */
#pragma once

#include "access/identity.h"
#include "remote/server.h"

typedef struct {
    guint64 number; /* as in the log: 1 for the first client of this daemon */
    gint64 since;   /* when it connected, in seconds since 1970 */
    gboolean read_only;
    MdIdentity *identity; /* of the user that it acts for, else of its process; borrowed */
} MdServerClient;

/* Calls `func` for each client in the order of their admission. `func` must not end clients. */
typedef void (*MdServerClientFunc)(const MdServerClient *client, gpointer data);
void md_server_for_each_client(MdServer *self, MdServerClientFunc func, gpointer data);

/* FALSE: no client has this number. */
gboolean md_server_find_client(MdServer *self, guint64 number, MdServerClient *client);

/* Disconnects the client with this number, if any, at once. */
void md_server_disconnect_client(MdServer *self, guint64 number);

/* Number of clients that must authenticate and have not done so yet. */
guint md_server_count_anonymous(MdServer *self);
