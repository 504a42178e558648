/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All connections by user: admission, eviction, and memory.
 *
 * A user has at most `max_clients_per_user` connections, all users together `max_clients`, readers
 * three quarters of these. Beyond `max_clients`, a connection of the user with the most connections
 * is evicted for a user with fewer: if possible, one that has not been opened, else an idle one,
 * else a busy one. If no user has more than one, the connection that has been silent longest is
 * evicted for a user without a connection. Root has no limit of its own, is always admitted, up to
 * MD_CONNECTIONS_ROOT_RESERVE connections beyond `max_clients`, and is never evicted. A connection
 * of root that acts for a user counts as this user's.
 *
 * Of the unauthenticated connections, `max_anonymous_clients` are served at a time. The others
 * wait; the next one belongs to the user with the fewest being served.
 *
 * While the memory of all connections exceeds `max_memory`, the largest connection of the user with
 * the most memory is evicted; root's connections come last. Memory of a closed connection is
 * accounted to its user until its calls have ended. After much memory has been released, freed
 * memory is returned to the operating system.
 */
#pragma once

#include <glib.h>

#include "util/settings.h"

#define MD_CONNECTIONS_ROOT_RESERVE 64

/* Milliseconds without input after which a connection counts as silent. */
#define MD_CONNECTIONS_GRACE 1000

typedef struct _MdConnections MdConnections;
typedef struct _MdConnection MdConnection;

typedef struct {
    guint64 share;       /* of the user, see util/owner.h */
    gboolean privileged; /* root, or the user that the daemon runs as */
    gboolean read_only;  /* came through the socket for readers */
    gboolean anonymous;  /* has yet to authenticate */
} MdConnectionPeer;

/* In the order of eviction. */
typedef enum {
    MD_CONNECTION_SILENT, /* not opened, no call under way */
    MD_CONNECTION_IDLE,   /* no call under way */
    MD_CONNECTION_BUSY,
} MdConnectionState;

typedef struct {
    /* Serving the connection may begin. */
    void (*start)(gpointer data);
    MdConnectionState (*get_state)(gpointer data);
    /* Ends the connection; md_connection_close() must have been called on return. */
    void (*evict)(gpointer data, const char *cause);
} MdConnectionFuncs;

/* `settings` and `funcs` must outlive the table and its connections. */
MdConnections *md_connections_new(const MdSettings *settings, const MdConnectionFuncs *funcs);
void md_connections_unref(MdConnections *self);

/*
 * Admits a connection, if necessary by evicting another. NULL: no room for this user. `scarce`: the
 * process has no more descriptors, so another connection must be evicted in any case.
 */
MdConnection *md_connections_admit(MdConnections *self,
                                   const MdConnectionPeer *peer,
                                   gboolean scarce,
                                   gpointer data);

/* Number of open connections, and of those that have yet to authenticate. */
guint md_connections_count(MdConnections *self);
guint md_connections_count_anonymous(MdConnections *self);

/* Bytes accounted to connections, including closed ones. */
gsize md_connections_get_held(MdConnections *self);

/* Applies changed settings. */
void md_connections_reload(MdConnections *self);

MdConnection *md_connection_ref(MdConnection *self);
void md_connection_unref(MdConnection *self);

/* Calls `start`: at once, or when the connection may authenticate. */
void md_connection_start(MdConnection *self);

void md_connection_set_authenticated(MdConnection *self);

/*
 * Accounts the connection and its memory to another user. Fails without effect if this user already
 * has `max_clients_per_user` connections.
 */
gboolean
md_connection_act_for(MdConnection *self, guint64 share, gboolean privileged, GError **error);

/* Removes the connection from the table. Its memory remains accounted to the table and to the user
 * until it is released. */
void md_connection_close(MdConnection *self);

gsize md_connection_get_held(const MdConnection *self);

/*
 * Accounts memory held on behalf of the connection. md_connection_hold() may evict any connection,
 * including this one.
 */
void md_connection_hold(MdConnection *self, gsize size);
void md_connection_release(MdConnection *self, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdConnections, md_connections_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdConnection, md_connection_unref)
