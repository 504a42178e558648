/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/fair-queue.h"

#include "util/error.h"

/* The entries of one user. */
typedef struct _MdFairShare {
    guint64 key;
    gboolean privileged;
    guint n_running;
    GQueue waiting; /* of MdFairEntry, linked by `link` */
    GList turn;     /* in `turns` while entries wait */
} Share;

struct _MdFairQueue {
    const char *what;
    const MdFairLimits *limits;
    GHashTable *shares; /* key → Share, of users with entries */
    GQueue turns;       /* of Share, the next one first */
    guint n_running;
    guint n_readers; /* running entries of readers */
    guint n_waiting;
    guint64 n_joined;  /* in total */
    guint64 n_refused; /* of `n_joined` */
    gboolean advancing;
};


MdFairQueue *
md_fair_queue_new(const char *what, const MdFairLimits *limits)
{
    MdFairQueue *self = g_new0(MdFairQueue, 1);

    self->what = what;
    self->limits = limits;
    self->shares = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    g_queue_init(&self->turns);
    return self;
}


void
md_fair_queue_free(MdFairQueue *self)
{
    if (self == NULL)
        return;

    g_warn_if_fail(g_hash_table_size(self->shares) == 0);
    g_hash_table_unref(self->shares);
    g_free(self);
}


static Share *
get_share(MdFairQueue *self, MdOwner *owner)
{
    guint64 key = md_owner_get_share(owner);
    Share *share = g_hash_table_lookup(self->shares, &key);

    if (share == NULL) {
        share = g_new0(Share, 1);
        share->key = key;
        share->privileged = md_owner_is_privileged(owner);
        share->turn.data = share;
        g_queue_init(&share->waiting);
        g_hash_table_insert(self->shares, &share->key, share);
    }
    return share;
}


static void
drop_share_if_unused(MdFairQueue *self, Share *share)
{
    if (share->n_running == 0 && g_queue_is_empty(&share->waiting))
        g_hash_table_remove(self->shares, &share->key);
}


static gboolean
may_begin(const MdFairQueue *self, Share *share)
{
    const MdFairEntry *entry = g_queue_peek_head(&share->waiting);
    const MdFairLimits *limits = self->limits;

    if (entry->writer)
        return self->n_running < limits->running && share->n_running < limits->running_per_owner;
    return self->n_running < limits->running && self->n_readers < limits->running_readers &&
           share->n_running < limits->running_per_reader;
}


/* A share keeps its turn until it has no waiting entries. */
static void
stop_waiting(MdFairEntry *entry)
{
    MdFairQueue *self = entry->queue;
    Share *share = entry->share;

    g_queue_unlink(&share->waiting, &entry->link);
    self->n_waiting--;
    md_owner_unwatch(&entry->watch);
    if (g_queue_is_empty(&share->waiting))
        g_queue_unlink(&self->turns, &share->turn);
}


static void
entry_clear(MdFairEntry *entry)
{
    entry->queue = NULL;
    entry->share = NULL;
    entry->running = FALSE;
    g_clear_pointer(&entry->owner, md_owner_unref);
}


static void
entry_begin(MdFairEntry *entry)
{
    MdFairQueue *self = entry->queue;
    Share *share = entry->share;

    stop_waiting(entry);
    if (!g_queue_is_empty(&share->waiting)) {
        g_queue_unlink(&self->turns, &share->turn);
        g_queue_push_tail_link(&self->turns, &share->turn);
    }
    entry->running = TRUE;
    share->n_running++;
    self->n_running++;
    if (!entry->writer)
        self->n_readers++;
    md_owner_set_begun(entry->owner);
    entry->funcs->begin(entry->data);
}


static MdFairEntry *
find_next(MdFairQueue *self)
{
    for (GList *link = self->turns.head; link != NULL; link = link->next) {
        Share *share = link->data;

        if (may_begin(self, share))
            return g_queue_peek_head(&share->waiting);
    }
    return NULL;
}


/* begin() may add and remove entries; the loop already running handles these changes. */
static void
begin_entries(MdFairQueue *self)
{
    MdFairEntry *entry = NULL;

    if (self->advancing)
        return;
    self->advancing = TRUE;
    while ((entry = find_next(self)) != NULL)
        entry_begin(entry);
    self->advancing = FALSE;
}


/* Removes a waiting entry. Entries of the same share queued behind it may be allowed to begin
 * then. */
static void
entry_withdraw(MdFairEntry *entry)
{
    MdFairQueue *self = entry->queue;
    Share *share = entry->share;

    stop_waiting(entry);
    drop_share_if_unused(self, share);
    entry_clear(entry);
    begin_entries(self);
}


/* Must be the last access to the entry. */
static void
entry_refuse(MdFairEntry *entry, GError *error)
{
    const MdFairFuncs *funcs = entry->funcs;
    gpointer data = entry->data;

    entry_withdraw(entry);
    funcs->refuse(data, error);
}


static void
set_gone(GError **error, const MdFairQueue *self)
{
    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_ABORTED,
                      "the client disconnected while waiting in the queue of %s", self->what);
}


static void
on_owner_gone(gpointer data)
{
    MdFairEntry *entry = data;
    GError *error = NULL;

    set_gone(&error, entry->queue);
    entry_refuse(entry, error);
}


static void
set_full(GError **error, const MdFairQueue *self)
{
    md_error_set(error, VIR_ERR_RESOURCE_BUSY, "too many %s are waiting: %u", self->what,
                 self->limits->waiting);
}


static void
set_share_full(GError **error, const MdFairQueue *self, const Share *share, guint limit)
{
    g_autofree char *who = md_owner_describe_share(share->key);

    md_error_set(error, VIR_ERR_RESOURCE_BUSY, "too many %s are waiting for %s: %u", self->what,
                 who, limit);
}


/* The user whose newest entry is refused if too many wait in total: the newcomer, unless another
 * user has more waiting entries. NULL: all waiting entries are those of privileged users. */
static Share *
find_largest(MdFairQueue *self, Share *newcomer)
{
    Share *largest = newcomer->privileged ? NULL : newcomer;

    for (GList *link = self->turns.head; link != NULL; link = link->next) {
        Share *share = link->data;

        if (!share->privileged &&
            (largest == NULL || share->waiting.length > largest->waiting.length))
            largest = share;
    }
    return largest;
}


/* Whether `entry`, the newest of its user, is within the limits. If it exceeds the limit on all
 * entries, the newest entry of another user may be refused instead. */
static gboolean
check_room(MdFairEntry *entry, GError **error)
{
    MdFairQueue *self = entry->queue;
    Share *share = entry->share;
    const MdFairLimits *limits = self->limits;
    guint own_limit = share->privileged ? limits->waiting : limits->waiting_per_owner;
    Share *largest = NULL;
    GError *full = NULL;

    if (share->waiting.length > own_limit) {
        set_share_full(error, self, share, own_limit);
        return FALSE;
    }
    if (self->n_waiting <= limits->waiting)
        return TRUE;

    largest = find_largest(self, share);
    if (largest == NULL)
        return TRUE;
    if (largest == share) {
        set_full(error, self);
        return FALSE;
    }
    set_full(&full, self);
    self->n_refused++;
    entry_refuse(g_queue_peek_tail(&largest->waiting), full);
    return TRUE;
}


gboolean
md_fair_queue_join(MdFairQueue *self,
                   MdFairEntry *entry,
                   MdOwner *owner,
                   const MdFairFuncs *funcs,
                   gpointer data,
                   GError **error)
{
    Share *share = NULL;

    g_return_val_if_fail(entry->queue == NULL, FALSE);

    if (md_owner_is_gone(owner)) {
        set_gone(error, self);
        return FALSE;
    }
    share = get_share(self, owner);
    entry->queue = self;
    entry->owner = md_owner_ref(owner);
    entry->writer = md_owner_is_writer(owner);
    entry->share = share;
    entry->funcs = funcs;
    entry->data = data;
    entry->link.data = entry;
    if (g_queue_is_empty(&share->waiting))
        g_queue_push_tail_link(&self->turns, &share->turn);
    g_queue_push_tail_link(&share->waiting, &entry->link);
    self->n_waiting++;
    self->n_joined++;
    md_owner_watch(owner, &entry->watch, on_owner_gone, entry);

    if ((share->waiting.length > 1 || !may_begin(self, share)) && !check_room(entry, error)) {
        self->n_refused++;
        entry_withdraw(entry);
        return FALSE;
    }
    begin_entries(self);
    return TRUE;
}


gboolean
md_fair_queue_is_refusal(const GError *error)
{
    return g_error_matches(error, MD_ERROR, VIR_ERR_RESOURCE_BUSY) ||
           g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_ABORTED);
}


void
md_fair_entry_leave(MdFairEntry *entry)
{
    MdFairQueue *self = entry->queue;
    Share *share = entry->share;

    if (self == NULL)
        return;

    if (!entry->running) {
        entry_withdraw(entry);
        return;
    }
    share->n_running--;
    self->n_running--;
    if (!entry->writer)
        self->n_readers--;
    drop_share_if_unused(self, share);
    entry_clear(entry);
    begin_entries(self);
}


gboolean
md_fair_entry_is_running(const MdFairEntry *entry)
{
    return entry->queue != NULL && entry->running;
}


guint
md_fair_queue_count_running(MdFairQueue *self)
{
    return self->n_running;
}


guint
md_fair_queue_count_waiting(MdFairQueue *self)
{
    return self->n_waiting;
}


void
md_fair_queue_foreach(MdFairQueue *self, MdFairShareFunc func, gpointer data)
{
    GHashTableIter iter;
    Share *share = NULL;

    g_hash_table_iter_init(&iter, self->shares);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&share))
        func(share->key, share->n_running, share->waiting.length, data);
}


static void
append_share(guint64 share, guint running, guint waiting, gpointer data)
{
    GString *text = data;
    g_autofree char *who = md_owner_describe_share(share);

    g_string_append_printf(text, "; %s: %u, %u", who, running, waiting);
}


void
md_fair_queue_log(MdFairQueue *self)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (self->n_joined == 0)
        return;
    g_string_append_printf(text,
                           "Queue of %s: %u running, %u waiting, %" G_GUINT64_FORMAT
                           " in total, %" G_GUINT64_FORMAT " refused",
                           self->what, self->n_running, self->n_waiting, self->n_joined,
                           self->n_refused);
    md_fair_queue_foreach(self, append_share, text);
    g_message("%s", text->str);
}
