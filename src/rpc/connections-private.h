/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of the connections, shared by connections.c (admission) and connections-memory.c
 * (memory). */
#pragma once

#include "rpc/connections.h"

typedef struct {
    guint64 share;
    gboolean privileged;
    GQueue connections; /* of MdConnection, oldest first */
    guint n_readers;
    guint n_authenticating;
    gsize held; /* bytes accounted to open and closed connections */
    gsize left; /* part of `held`: of closed connections */
} MdConnectionUser;

struct _MdConnection {
    MdConnections *table;
    MdConnectionUser *user;
    gboolean closed;
    gpointer data;
    gint64 since;  /* monotonic time of its admission, or of its start */
    GList link;    /* of the user's queue */
    GList waiting; /* in the table's queue; `data` is set only while queued */
    gboolean read_only;
    gboolean anonymous;
    gboolean started;
    gsize held;
};

struct _MdConnections {
    const MdSettings *settings;
    const MdConnectionFuncs *funcs;
    GHashTable *users; /* share → MdConnectionUser, with a connection or accounted memory */
    guint n_connections;
    guint n_authenticating;
    GQueue waiting; /* of MdConnection: to be started, oldest first */
    GSource *retry; /* set while connections wait for others to count as silent */
    gsize held;
    gsize left;        /* part of `held`: of closed connections */
    gsize high;        /* peak of `held` since memory was last returned to the system */
    GSource *trimming; /* NULL: no memory is to be returned to the system */
};

/* Drops a user who has neither connections nor accounted memory. */
void md_connections_drop_if_unused(MdConnections *self, MdConnectionUser *user);
