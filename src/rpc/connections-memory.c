/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What connections hold in memory, and who loses one when that is too much. */
#include "config.h"

#include "rpc/connections-private.h"

#include <malloc.h>

#include "util/source.h"

/* Bytes that must have been released before the system is given back what is free: so many that
 * looking for them is cheaper than what they were used for, and so few that others do not wait for
 * long meanwhile. */
#define GIVE_BACK_MIN (8 << 20)


gsize
md_connections_get_held(MdConnections *self)
{
    return self->held;
}


/*
 * The user who holds most; those with privileges come last. What open connections hold together
 * may not be too much in any case, so that those who have none are passed over then.
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


/* NULL if all that the user holds is held for closed connections. */
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
 * Evicts the biggest connections until what they held makes up for the excess. The calls of an
 * evicted connection end a little later, so the total is no sign of how many have to go. None
 * goes for what is held for closed connections of a user who holds more.
 */
static void
evict_biggest(MdConnections *self)
{
    gsize wanted = self->held - self->settings->max_memory;
    gsize won = 0;

    while (won < wanted) {
        const MdConnectionUser *user = find_biggest(self);
        MdConnection *connection = user != NULL ? user_find_biggest(user) : NULL;
        g_autofree char *cause = NULL;

        if (connection == NULL)
            return;
        won += connection->held;
        cause = g_strdup_printf("All connections hold %" G_GSIZE_FORMAT
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


/* By itself the C library gives back only what is at the end of the heap, where a few small things
 * keep all that is before them. */
static gboolean
on_give_back(gpointer data)
{
    MdConnections *self = data;

    md_source_clear(&self->giving_back);
    self->high = self->held;
    malloc_trim(0);
    return G_SOURCE_REMOVE;
}


/* Later, as whoever releases something is about to free it, or has more to release. */
static void
give_back_if_much(MdConnections *self)
{
    self->high = MAX(self->high, self->held);
    if (self->giving_back == NULL && self->high - self->held >= GIVE_BACK_MIN)
        self->giving_back = md_source_attach_turns(on_give_back, self);
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
    give_back_if_much(self->table);
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
