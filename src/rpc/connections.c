/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/connections-private.h"

#include "util/error.h"
#include "util/owner.h"
#include "util/source.h"

/* 1/READERS_LEAVE of `max_clients` is reserved for read-write connections. */
#define READERS_LEAVE 4

/* A class of connections with a limit. */
typedef struct {
    guint (*count)(const MdConnectionUser *user);
    gboolean (*has)(const MdConnection *connection);
    MdConnectionState worst; /* connections in a higher state are not evicted */
} Kind;


static guint
count_all(const MdConnectionUser *user)
{
    return user->connections.length;
}


static gboolean
is_any(const MdConnection *connection G_GNUC_UNUSED)
{
    return TRUE;
}


static guint
count_readers(const MdConnectionUser *user)
{
    return user->n_readers;
}


static gboolean
is_reader(const MdConnection *connection)
{
    return connection->read_only;
}


static guint
count_authenticating(const MdConnectionUser *user)
{
    return user->n_authenticating;
}


static gboolean
is_authenticating(const MdConnection *connection)
{
    return connection->anonymous && connection->started;
}


static const Kind any_kind = { count_all, is_any, MD_CONNECTION_BUSY };
static const Kind reader_kind = { count_readers, is_reader, MD_CONNECTION_BUSY };
static const Kind authenticating_kind = { count_authenticating, is_authenticating,
                                          MD_CONNECTION_SILENT };


static void
user_unref(MdConnectionUser *user)
{
    g_rc_box_release(user);
}


MdConnections *
md_connections_new(const MdSettings *settings, const MdConnectionFuncs *funcs)
{
    MdConnections *self = g_rc_box_new0(MdConnections);

    self->settings = settings;
    self->funcs = funcs;
    self->users =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)user_unref);
    g_queue_init(&self->waiting);
    return self;
}


static void
connections_clear(MdConnections *self)
{
    md_source_clear(&self->retry);
    md_source_clear(&self->trimming);
    g_hash_table_unref(self->users);
}


void
md_connections_unref(MdConnections *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)connections_clear);
}


/* NULL if the user has neither connections nor held memory. */
static MdConnectionUser *
user_find(MdConnections *self, guint64 share)
{
    return g_hash_table_lookup(self->users, &share);
}


static MdConnectionUser *
user_ensure(MdConnections *self, guint64 share, gboolean privileged)
{
    MdConnectionUser *user = user_find(self, share);

    if (user == NULL) {
        user = g_rc_box_new0(MdConnectionUser);
        user->share = share;
        user->privileged = privileged;
        g_queue_init(&user->connections);
        g_hash_table_insert(self->users, &user->share, user);
    }
    return user;
}


void
md_connections_drop_if_unused(MdConnections *self, MdConnectionUser *user)
{
    if (g_queue_is_empty(&user->connections) && user->held == 0 &&
        user_find(self, user->share) == user)
        g_hash_table_remove(self->users, &user->share);
}


/* A client counts as silent only after MD_CONNECTIONS_GRACE. */
static MdConnectionState
connection_get_state(const MdConnection *self)
{
    MdConnectionState state = MD_CONNECTION_SILENT;

    if (self->started)
        state = self->table->funcs->get_state(self->data);
    if (state == MD_CONNECTION_SILENT &&
        g_get_monotonic_time() - self->since < MD_CONNECTIONS_GRACE * 1000)
        return MD_CONNECTION_IDLE;
    return state;
}


/*
 * The user's connection to be evicted first, NULL if none: the one that has been silent longest,
 * else the newest in the lowest state.
 */
static MdConnection *
user_choose(const MdConnectionUser *user, const Kind *kind)
{
    MdConnection *chosen = NULL;
    guint lowest = (guint)kind->worst + 1;

    for (GList *link = user->connections.tail; link != NULL; link = link->prev) {
        MdConnection *connection = link->data;
        guint state = kind->has(connection) ? connection_get_state(connection) : G_MAXUINT;

        if (state < lowest || state == MD_CONNECTION_SILENT) {
            lowest = state;
            chosen = connection;
        }
    }
    return chosen;
}


/* The unprivileged user with the most connections of a kind, NULL if none. */
static MdConnectionUser *
find_user_with_most(MdConnections *self, const Kind *kind)
{
    GHashTableIter iter;
    gpointer value = NULL;
    MdConnectionUser *largest = NULL;
    guint most = 0;

    g_hash_table_iter_init(&iter, self->users);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        MdConnectionUser *user = value;

        if (!user->privileged && kind->count(user) > most) {
            most = kind->count(user);
            largest = user;
        }
    }
    return largest;
}


/* The unprivileged connection that has been silent longest, NULL if none. */
static MdConnection *
find_longest_silent(MdConnections *self, const Kind *kind)
{
    const Kind silent = { kind->count, kind->has, MD_CONNECTION_SILENT };
    GHashTableIter iter;
    gpointer value = NULL;
    MdConnection *longest = NULL;

    g_hash_table_iter_init(&iter, self->users);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MdConnectionUser *user = value;
        MdConnection *connection = user->privileged ? NULL : user_choose(user, &silent);

        if (connection != NULL && (longest == NULL || connection->since < longest->since))
            longest = connection;
    }
    return longest;
}


/*
 * Evicts a connection of a user with more connections of this kind. For a user without connections,
 * evicts a silent connection even if no user has more than one, because these users may be the same
 * person. FALSE: no connection may be evicted.
 */
static gboolean
make_room(MdConnections *self, const Kind *kind, gboolean privileged, guint n_own)
{
    const MdConnectionUser *largest = find_user_with_most(self, kind);
    MdConnection *evicted = NULL;

    if (largest != NULL && (privileged || kind->count(largest) > n_own + 1))
        evicted = user_choose(largest, kind);
    if (evicted == NULL && n_own == 0)
        evicted = find_longest_silent(self, kind);
    if (evicted == NULL)
        return FALSE;

    self->funcs->evict(evicted->data, "making room for another user");
    return TRUE;
}


static gboolean
has_room(MdConnections *self, const MdConnectionPeer *peer)
{
    guint most = self->settings->max_clients;

    return self->n_connections <
           (peer->read_only && !peer->privileged ? most - most / READERS_LEAVE : most);
}


static gboolean
user_is_full(MdConnections *self, const MdConnectionUser *user)
{
    return user != NULL && count_all(user) >= self->settings->max_clients_per_user;
}


static gboolean
is_admitted(MdConnections *self, const MdConnectionPeer *peer, gboolean scarce)
{
    const MdConnectionUser *user = user_find(self, peer->share);
    const Kind *kind = peer->read_only && !peer->privileged ? &reader_kind : &any_kind;
    guint n_own = user != NULL ? kind->count(user) : 0;

    if (!peer->privileged && user_is_full(self, user))
        return FALSE;
    if (!scarce && has_room(self, peer))
        return TRUE;
    if (make_room(self, kind, peer->privileged, n_own))
        return TRUE;
    return peer->privileged &&
           self->n_connections < self->settings->max_clients + MD_CONNECTIONS_ROOT_RESERVE;
}


MdConnection *
md_connections_admit(MdConnections *self,
                     const MdConnectionPeer *peer,
                     gboolean scarce,
                     gpointer data)
{
    MdConnection *connection = NULL;

    if (!is_admitted(self, peer, scarce))
        return NULL;

    connection = g_rc_box_new0(MdConnection);
    connection->table = g_rc_box_acquire(self);
    connection->user = g_rc_box_acquire(user_ensure(self, peer->share, peer->privileged));
    connection->data = data;
    connection->since = g_get_monotonic_time();
    connection->link.data = connection;
    connection->read_only = peer->read_only;
    connection->anonymous = peer->anonymous;
    g_queue_push_tail_link(&connection->user->connections, &connection->link);
    connection->user->n_readers += peer->read_only ? 1 : 0;
    self->n_connections++;
    return connection;
}


guint
md_connections_count(MdConnections *self)
{
    return self->n_connections;
}


guint
md_connections_count_anonymous(MdConnections *self)
{
    return self->n_authenticating + self->waiting.length;
}


MdConnection *
md_connection_ref(MdConnection *self)
{
    return g_rc_box_acquire(self);
}


static void
connection_clear(MdConnection *self)
{
    user_unref(self->user);
    md_connections_unref(self->table);
}


void
md_connection_unref(MdConnection *self)
{
    if (self != NULL)
        g_rc_box_release_full(self, (GDestroyNotify)connection_clear);
}


/* The waiting connection of the user with the fewest authenticating connections, NULL if none
 * waits. */
static MdConnection *
find_next(MdConnections *self)
{
    MdConnection *next = NULL;

    for (GList *link = self->waiting.head; link != NULL; link = link->next) {
        MdConnection *connection = link->data;

        if (next == NULL || connection->user->n_authenticating < next->user->n_authenticating)
            next = connection;
    }
    return next;
}


static void
connection_leave_queue(MdConnection *self)
{
    if (self->waiting.data == NULL)
        return;

    g_queue_unlink(&self->table->waiting, &self->waiting);
    self->waiting.data = NULL;
}


static void
connection_begin(MdConnection *self)
{
    connection_leave_queue(self);
    self->started = TRUE;
    self->since = g_get_monotonic_time();
    if (self->anonymous) {
        self->user->n_authenticating++;
        self->table->n_authenticating++;
    }
    self->table->funcs->start(self->data);
}


static gboolean on_retry(gpointer user_data);


/* Starts waiting connections while there is room or others can be evicted. */
static void
start_waiting(MdConnections *self)
{
    MdConnection *next = NULL;

    while ((next = find_next(self)) != NULL) {
        if (self->n_authenticating < self->settings->max_anonymous_clients)
            connection_begin(next);
        else if (!make_room(self, &authenticating_kind, FALSE, next->user->n_authenticating))
            break;
    }

    if (next == NULL)
        md_source_clear(&self->retry);
    else if (self->retry == NULL)
        self->retry = md_source_attach(g_timeout_source_new(MD_CONNECTIONS_GRACE), on_retry, self);
}


static gboolean
on_retry(gpointer user_data)
{
    MdConnections *self = user_data;

    md_source_clear(&self->retry);
    start_waiting(self);
    return G_SOURCE_REMOVE;
}


void
md_connection_start(MdConnection *self)
{
    if (!self->anonymous) {
        connection_begin(self);
        return;
    }
    self->waiting.data = self;
    g_queue_push_tail_link(&self->table->waiting, &self->waiting);
    start_waiting(self->table);
}


void
md_connections_reload(MdConnections *self)
{
    start_waiting(self);
}


static void
connection_end_authenticating(MdConnection *self)
{
    if (is_authenticating(self)) {
        self->user->n_authenticating--;
        self->table->n_authenticating--;
    }
    self->anonymous = FALSE;
}


void
md_connection_set_authenticated(MdConnection *self)
{
    if (self->closed)
        return;

    connection_end_authenticating(self);
    start_waiting(self->table);
}


/* Moves the connection and its memory to another user. */
static void
connection_move(MdConnection *self, MdConnectionUser *user)
{
    MdConnectionUser *before = self->user;
    guint n_readers = self->read_only ? 1 : 0;
    guint n_authenticating = is_authenticating(self) ? 1 : 0;

    g_queue_unlink(&before->connections, &self->link);
    before->n_readers -= n_readers;
    before->n_authenticating -= n_authenticating;
    before->held -= self->held;

    g_queue_push_tail_link(&user->connections, &self->link);
    user->n_readers += n_readers;
    user->n_authenticating += n_authenticating;
    user->held += self->held;

    self->user = g_rc_box_acquire(user);
    md_connections_drop_if_unused(self->table, before);
    user_unref(before);
}


gboolean
md_connection_act_for(MdConnection *self, guint64 share, gboolean privileged, GError **error)
{
    MdConnections *table = self->table;

    if (self->closed || self->user->share == share)
        return TRUE;

    if (!privileged && user_is_full(table, user_find(table, share))) {
        g_autofree char *who = md_owner_describe_share(share);

        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RESOURCE_BUSY,
                          "%s already has the maximum of %u connections", who,
                          table->settings->max_clients_per_user);
        return FALSE;
    }
    connection_move(self, user_ensure(table, share, privileged));
    return TRUE;
}


void
md_connection_close(MdConnection *self)
{
    MdConnectionUser *user = self->user;

    if (self->closed)
        return;

    self->closed = TRUE;
    connection_leave_queue(self);
    connection_end_authenticating(self);
    g_queue_unlink(&user->connections, &self->link);
    user->n_readers -= self->read_only ? 1 : 0;
    user->left += self->held;
    self->table->left += self->held;
    self->table->n_connections--;
    md_connections_drop_if_unused(self->table, user);
    start_waiting(self->table);
}
