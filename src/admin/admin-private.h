/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of the administration, shared by admin.c (connections) and the handlers of calls. */
#pragma once

#include "access/identity.h"
#include "admin/admin.h"
#include "rpc/client.h"
#include "rpc/listener.h"

/* A connection that has been admitted. A running call may keep a reference after the end of the
 * connection. */
typedef struct {
    MdAdmin *admin;
    guint64 number;
    gint64 since; /* seconds since 1970 */
    MdIdentity *peer;
    MdClient *client;
    MdConnection *connection;
    GList link; /* of `entries` */
} MdAdminEntry;

struct _MdAdmin {
    MdServer *server;
    const MdSettings *settings; /* of the daemon */
    const MdAdminFuncs *funcs;
    gpointer data;
    MdSettings limits; /* of these connections; its strings are borrowed from `settings` */
    MdConnections *connections;
    MdListener *listener; /* NULL: not listening */
    GQueue entries;       /* of MdAdminEntry, in the order of their admission */
    guint64 n_ever;
};

void md_admin_entry_unref(MdAdminEntry *entry);
