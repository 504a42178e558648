/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connections from within: connections.c has who comes and goes, connections-memory.c what they
 * hold. */
#pragma once

#include "rpc/connections.h"

typedef struct {
    guint64 share;
    gboolean privileged;
    GQueue connections; /* of MdConnection, in the order of their coming */
    guint n_readers;
    guint n_authenticating;
    gsize held; /* for those connections, and for closed ones */
    gsize left; /* of that, for closed ones */
} MdConnectionUser;

struct _MdConnection {
    MdConnections *table;
    MdConnectionUser *user;
    gboolean closed;
    gpointer data;
    gint64 since;  /* monotonic time of its coming, or of its start */
    GList link;    /* of the user's queue */
    GList waiting; /* of the table's queue, with data only while it is there */
    gboolean read_only;
    gboolean anonymous;
    gboolean started;
    gsize held;
};

struct _MdConnections {
    const MdSettings *settings;
    const MdConnectionFuncs *funcs;
    GHashTable *users; /* share → MdConnectionUser, those who have a connection or for whom
                          something is held */
    guint n_connections;
    guint n_authenticating;
    GQueue waiting; /* of MdConnection: to be started, in the order of their coming */
    GSource *retry; /* while some wait: others may have been silent for too long by then */
    gsize held;
    gsize left;           /* of that, for closed connections */
    gsize high;           /* the most that has been held since memory was given back */
    GSource *giving_back; /* NULL: nothing is to be given back */
};

/* Forgets a user who has no connection and for whom nothing is held. */
void md_connections_drop_if_unused(MdConnections *self, MdConnectionUser *user);
