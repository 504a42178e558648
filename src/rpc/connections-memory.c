/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of connections, and eviction when it exceeds the limit. */
#include "config.h"

#include "rpc/connections-private.h"

#include <malloc.h>

#include "util/source.h"

/* Bytes to be released before free memory is returned to the system. Returning more at once would
 * delay other clients; returning less would cost more than it saves. */
#define TRIM_MIN (8 << 20)


gsize
md_connections_get_held(MdConnections *self)
{
    return self->held;
}


/*
 * The user with the most memory; privileged users come last. If the open connections alone exceed
 * the limit, users without open connections are skipped.
 */
static const MdConnectionUser *
find_biggest(MdConnections *self)
{
    GHashTableIter iter;
    gpointer value = NULL;
    const MdConnectionUser *biggest = NULL;
    gboolean only_open = self->held - self->left > self->settings->max_memory;

    g_hash_table_iter_init(&iter, self->users);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const MdConnectionUser *user = value;

        if (user->held == 0 || (only_open && user->held == user->left))
            continue;
        if (biggest == NULL || (biggest->privileged && !user->privileged) ||
            (biggest->privileged == user->privileged && user->held > biggest->held))
            biggest = user;
    }
    return biggest;
}


/* NULL if the user's memory belongs to closed connections only. */
static MdConnection *
user_find_biggest(const MdConnectionUser *user)
{
    MdConnection *biggest = NULL;

    for (GList *link = user->connections.head; link != NULL; link = link->next) {
        MdConnection *connection = link->data;

        if (connection->held > (biggest != NULL ? biggest->held : 0))
            biggest = connection;
    }
    return biggest;
}


/*
 * Evicts the largest connections until they account for the memory beyond the limit. This excess is
 * computed only once, because an evicted connection keeps the memory of its calls until they end.
 * Stops at a user with closed connections only, so that their memory does not evict connections of
 * other users.
 */
static void
evict_biggest(MdConnections *self)
{
    gsize wanted = self->held - self->settings->max_memory;
    gsize evicted = 0;

    while (evicted < wanted) {
        const MdConnectionUser *user = find_biggest(self);
        MdConnection *connection = user != NULL ? user_find_biggest(user) : NULL;
        g_autofree char *cause = NULL;

        if (connection == NULL)
            return;
        evicted += connection->held;
        cause = g_strdup_printf("memory limit exceeded: all connections use %" G_GSIZE_FORMAT
                                " bytes, this one %" G_GSIZE_FORMAT,
                                self->held, connection->held);
        self->funcs->evict(connection->data, cause);
    }
}


gsize
md_connection_get_held(const MdConnection *self)
{
    return self->held;
}


/* Calls malloc_trim(), because by itself the C library returns only the free memory at the end of
 * the heap, where a small allocation may be in the way. */
static gboolean
on_trim(gpointer data)
{
    MdConnections *self = data;

    md_source_clear(&self->trimming);
    self->high = self->held;
    malloc_trim(0);
    return G_SOURCE_REMOVE;
}


/* Deferred, because the caller is about to free memory, or has more to release. */
static void
trim_if_much(MdConnections *self)
{
    self->high = MAX(self->high, self->held);
    if (self->trimming == NULL && self->high - self->held >= TRIM_MIN)
        self->trimming = md_source_attach_turns(on_trim, self);
}


static void
connection_change_held(MdConnection *self, gssize change)
{
    self->held += (gsize)change;
    self->user->held += (gsize)change;
    self->table->held += (gsize)change;
    if (self->closed) {
        self->user->left += (gsize)change;
        self->table->left += (gsize)change;
    }
    trim_if_much(self->table);
}


void
md_connection_hold(MdConnection *self, gsize size)
{
    g_autoptr(MdConnection) guard G_GNUC_UNUSED = md_connection_ref(self);
    MdConnections *table = self->table;

    connection_change_held(self, (gssize)size);
    if (!self->closed && table->held > table->settings->max_memory)
        evict_biggest(table);
}


void
md_connection_release(MdConnection *self, gsize size)
{
    connection_change_held(self, -(gssize)size);
    if (self->closed)
        md_connections_drop_if_unused(self->table, self->user);
}
