/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/pool.h"
#include "libvirtd/thread.h"

typedef struct {
    MdUplink *uplink;
    guint n_users;
    GList idle; /* in the pool's queue while the uplink is unused */
    gint64 idle_since;
} Entry;

struct MdPool {
    char *socket;
    GMutex mutex;
    GCond cond;          /* wakes the thread after a change of the members below */
    GHashTable *entries; /* key of the uplink -> Entry */
    GQueue idle;         /* of Entry, the one unused longest first */
    gint64 renewal;      /* monotonic time when lost uplinks are renewed */
    gint64 renewed;      /* when this last happened */
    gboolean has_thread;
};


MdPool *
md_pool_new(const char *socket)
{
    MdPool *self = g_new0(MdPool, 1);

    self->socket = g_strdup(socket);
    g_mutex_init(&self->mutex);
    g_cond_init(&self->cond);
    self->entries = g_hash_table_new(g_str_hash, g_str_equal);
    self->renewal = G_MAXINT64;
    return self;
}


/* With the lock held. The time to close the uplink that has been unused longest. */
static gint64
pool_get_closing_time(MdPool *self)
{
    Entry *entry = g_queue_peek_head(&self->idle);

    if (entry == NULL)
        return G_MAXINT64;
    return self->idle.length > MD_POOL_IDLE_MAX ? 0 : entry->idle_since + MD_POOL_IDLE_TIME;
}


/* With the lock held. */
static MdUplink *
pool_remove_idle(MdPool *self)
{
    GList *link = g_queue_pop_head_link(&self->idle);
    g_autofree Entry *entry = link->data;

    g_hash_table_remove(self->entries, md_uplink_get_key(entry->uplink));
    return entry->uplink;
}


/* With the lock held. The lost uplinks that have users; the caller becomes a user of each. */
static GPtrArray *
pool_list_lost(MdPool *self)
{
    GPtrArray *lost = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value = NULL;

    self->renewal = G_MAXINT64;
    self->renewed = g_get_monotonic_time();
    g_hash_table_iter_init(&iter, self->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        Entry *entry = value;

        if (entry->n_users > 0 && md_uplink_is_lost(entry->uplink)) {
            entry->n_users++;
            g_ptr_array_add(lost, entry->uplink);
        }
    }
    return lost;
}


/* At most one renewal per MD_POOL_RENEWAL_TIME: a daemon that closes each new connection must not
 * keep the thread busy. */
static void
pool_plan_renewal(MdPool *self)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    self->renewal = MIN(self->renewal, self->renewed + MD_POOL_RENEWAL_TIME);
    g_cond_signal(&self->cond);
}


/* Gives up after the first failure, because the other attempts would fail as well. */
static void
pool_renew(MdPool *self, GPtrArray *lost)
{
    gboolean success = TRUE;

    for (guint i = 0; i < lost->len; i++) {
        success = success && md_uplink_subscribe(lost->pdata[i]);
        md_pool_release(self, lost->pdata[i]);
    }
    if (!success)
        pool_plan_renewal(self);
}


static gpointer
run_pool(gpointer data)
{
    MdPool *self = data;

    for (;;) {
        g_autoptr(GPtrArray) lost = NULL;
        MdUplink *idle = NULL;
        gint64 next = 0;

        g_mutex_lock(&self->mutex);
        next = MIN(pool_get_closing_time(self), self->renewal);
        if (next > g_get_monotonic_time())
            g_cond_wait_until(&self->cond, &self->mutex, next);
        else if (next == self->renewal)
            lost = pool_list_lost(self);
        else
            idle = pool_remove_idle(self);
        g_mutex_unlock(&self->mutex);

        if (lost != NULL)
            pool_renew(self, lost);
        if (idle != NULL)
            md_uplink_free(idle);
    }
    return NULL;
}


static void
on_lost(gpointer data)
{
    pool_plan_renewal(data);
}


MdUplink *
md_pool_acquire(MdPool *self, MdCaller *caller)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);
    Entry *entry = g_hash_table_lookup(self->entries, caller->key);

    if (entry == NULL) {
        entry = g_new0(Entry, 1);
        entry->idle.data = entry;
        entry->uplink = md_uplink_new(caller, self->socket, on_lost, self);
        g_hash_table_insert(self->entries, (gpointer)md_uplink_get_key(entry->uplink), entry);
    } else {
        md_caller_free(caller);
        if (entry->n_users == 0)
            g_queue_unlink(&self->idle, &entry->idle);
    }
    entry->n_users++;
    /* If it cannot be started, the next call tries again. */
    if (!self->has_thread)
        self->has_thread = md_thread_start(run_pool, self);
    return entry->uplink;
}


void
md_pool_ref(MdPool *self, MdUplink *uplink)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);
    Entry *entry = g_hash_table_lookup(self->entries, md_uplink_get_key(uplink));

    entry->n_users++;
}


void
md_pool_release(MdPool *self, MdUplink *uplink)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);
    Entry *entry = g_hash_table_lookup(self->entries, md_uplink_get_key(uplink));

    if (--entry->n_users > 0)
        return;
    entry->idle_since = g_get_monotonic_time();
    g_queue_push_tail_link(&self->idle, &entry->idle);
    g_cond_signal(&self->cond);
}
