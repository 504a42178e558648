/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All connections by user: who is let in, who gives way, and what they hold in memory together.
 *
 * A user has at most `max_clients_per_user` connections, all users together `max_clients`, readers
 * three quarters of these. When there is no room, the user with most connections loses one to a
 * user who has fewer. Connections that have not been opened go first, then idle ones. Root has no
 * limit of its own, is always let in, up to MD_CONNECTIONS_ROOT_RESERVE connections beyond the
 * others, and never gives way. A connection of root's that acts for a user is one of this user's.
 *
 * Of the connections that must authenticate, `max_anonymous_clients` are served at a time. The
 * others wait; the next one is that of the user with fewest being served.
 *
 * When all connections hold more than `max_memory`, the user who holds most loses the connection
 * that holds most, and so on; root comes last. A user is charged for closed connections, too, until
 * their calls have ended. When much has been released, the system is given back what is free.
 */
#pragma once

#include <glib.h>

#include "util/settings.h"

#define MD_CONNECTIONS_ROOT_RESERVE 64

/* Milliseconds after which a connection through which nothing has come counts as silent. */
#define MD_CONNECTIONS_GRACE 1000

typedef struct _MdConnections MdConnections;
typedef struct _MdConnection MdConnection;

typedef struct {
    guint64 share;       /* of the user, see util/owner.h */
    gboolean privileged; /* root, or the user that the daemon runs as */
    gboolean read_only;  /* came through the socket for readers */
    gboolean anonymous;  /* must authenticate still */
} MdConnectionPeer;

/* In the order of giving way. */
typedef enum {
    MD_CONNECTION_SILENT, /* not opened, no call under way */
    MD_CONNECTION_IDLE,   /* no call under way */
    MD_CONNECTION_BUSY,
} MdConnectionState;

typedef struct {
    /* The connection may be served from now on. */
    void (*start)(gpointer data);
    MdConnectionState (*get_state)(gpointer data);
    /* Ends the connection; md_connection_close() has been called when it returns. */
    void (*evict)(gpointer data, const char *cause);
} MdConnectionFuncs;

/* `settings` and `funcs` must outlive it and its connections. */
MdConnections *md_connections_new(const MdSettings *settings, const MdConnectionFuncs *funcs);
void md_connections_unref(MdConnections *self);

/*
 * Lets a connection in, if need be by evicting another. NULL: there is no room for this user.
 * `scarce`: the process has run out of descriptors, so that somebody has to give way in any case.
 */
MdConnection *md_connections_admit(MdConnections *self,
                                   const MdConnectionPeer *peer,
                                   gboolean scarce,
                                   gpointer data);

/* Open connections. */
guint md_connections_count(MdConnections *self);

/* Bytes held for connections, closed ones included. */
gsize md_connections_get_held(MdConnections *self);

/* The settings have changed. */
void md_connections_reload(MdConnections *self);

MdConnection *md_connection_ref(MdConnection *self);
void md_connection_unref(MdConnection *self);

/* Has `start` called: at once, or when its turn to authenticate has come. */
void md_connection_start(MdConnection *self);

void md_connection_set_authenticated(MdConnection *self);

/*
 * The user whose connection it is from now on, with all that is held for it. Fails if this user has
 * `max_clients_per_user` already; the connection then stays whose it is.
 */
gboolean
md_connection_act_for(MdConnection *self, guint64 share, gboolean privileged, GError **error);

/* Takes it out of the table. What is held for it counts until it is released, for its user, too. */
void md_connection_close(MdConnection *self);

gsize md_connection_get_held(const MdConnection *self);

/*
 * Counts memory that is held on behalf of the connection. md_connection_hold() may evict any
 * connection, this one too.
 */
void md_connection_hold(MdConnection *self, gsize size);
void md_connection_release(MdConnection *self, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdConnections, md_connections_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdConnection, md_connection_unref)
