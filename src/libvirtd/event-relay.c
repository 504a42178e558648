/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/event-relay.h"

typedef struct {
    int event;
    char *device;
    int lifecycle;
} Event;

struct MdFeed {
    const MdSymbols *symbols;
    GMutex mutex; /* not held while a client is told something */
    GPtrArray *callbacks;
    MdStates *states; /* NULL before the first connection; of the event loop */
    guint connection; /* the last one */
    gboolean is_held;
    GQueue waiting; /* of Event, while held */
};


static Event *
event_new(int event, const char *device, int lifecycle)
{
    Event *self = g_new0(Event, 1);

    self->event = event;
    self->device = g_strdup(device);
    self->lifecycle = lifecycle;
    return self;
}


static void
event_free(gpointer data)
{
    Event *self = data;

    g_free(self->device);
    g_free(self);
}


MdFeed *
md_feed_new(const MdSymbols *symbols)
{
    MdFeed *self = g_atomic_rc_box_new0(MdFeed);

    self->symbols = symbols;
    g_mutex_init(&self->mutex);
    self->callbacks = g_ptr_array_new_with_free_func((GDestroyNotify)md_event_callback_unref);
    return self;
}


MdFeed *
md_feed_ref(MdFeed *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
feed_clear(gpointer data)
{
    MdFeed *self = data;

    g_clear_pointer(&self->callbacks, g_ptr_array_unref);
    g_clear_pointer(&self->states, g_hash_table_unref);
    g_queue_clear_full(&self->waiting, event_free);
    g_mutex_clear(&self->mutex);
}


void
md_feed_unref(MdFeed *self)
{
    g_atomic_rc_box_release_full(self, feed_clear);
}


void
md_feed_add(MdFeed *self, MdEventCallback *callback)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    g_ptr_array_add(self->callbacks, md_event_callback_ref(callback));
}


void
md_feed_remove(MdFeed *self, MdEventCallback *callback)
{
    guint index = 0;
    gboolean is_found = FALSE;

    md_event_callback_stop(callback);
    g_mutex_lock(&self->mutex);
    is_found = g_ptr_array_find(self->callbacks, callback, &index);
    if (is_found)
        g_ptr_array_steal_index(self->callbacks, index);
    g_mutex_unlock(&self->mutex);
    /* Frees the client's data, which is not ours, so not with the lock held. */
    if (is_found)
        md_event_callback_unref(callback);
}


guint
md_feed_hold(MdFeed *self)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    self->is_held = TRUE;
    g_queue_clear_full(&self->waiting, event_free);
    return ++self->connection;
}


static gpointer
copy_callback(gconstpointer callback, gpointer unused G_GNUC_UNUSED)
{
    return md_event_callback_ref((MdEventCallback *)callback);
}


/* Listeners may come and go while one of them is called. */
static void
feed_invoke_callbacks(MdFeed *self, int event, const char *device, int lifecycle)
{
    g_autoptr(GPtrArray) callbacks = NULL;

    g_mutex_lock(&self->mutex);
    callbacks = g_ptr_array_copy(self->callbacks, copy_callback, NULL);
    g_mutex_unlock(&self->mutex);
    for (guint i = 0; i < callbacks->len; i++)
        md_event_callback_invoke(callbacks->pdata[i], self->symbols, event, device, lifecycle);
}


/* Notes what clients know after this event. FALSE: they know it already. On the event loop. */
static gboolean
feed_note(MdFeed *self, int event, const char *device, int lifecycle)
{
    return event != VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE ||
           md_states_apply(self->states, device, lifecycle);
}


static void
feed_tell_difference(const char *device, int lifecycle, gpointer data)
{
    feed_invoke_callbacks(data, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, device, lifecycle);
}


/* NULL: no event is waiting, and none will. */
static Event *
feed_take_waiting(MdFeed *self, guint connection)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);
    Event *event = NULL;

    /* Meanwhile there may be yet another connection. */
    if (connection != self->connection)
        return NULL;
    event = g_queue_pop_head(&self->waiting);
    self->is_held = event != NULL;
    return event;
}


void
md_feed_go_on(MdFeed *self, guint connection, MdStates *states)
{
    g_autoptr(GHashTable) before = NULL;
    Event *event = NULL;
    gboolean is_last = FALSE;

    g_mutex_lock(&self->mutex);
    is_last = connection == self->connection;
    g_mutex_unlock(&self->mutex);
    if (!is_last)
        return;

    before = g_steal_pointer(&self->states);
    self->states = g_hash_table_ref(states);
    if (before != NULL)
        md_states_compare(before, states, feed_tell_difference, self);
    while ((event = feed_take_waiting(self, connection)) != NULL) {
        if (feed_note(self, event->event, event->device, event->lifecycle))
            feed_invoke_callbacks(self, event->event, event->device, event->lifecycle);
        event_free(event);
    }
}


/* FALSE: the event waits, or is ignored. */
static gboolean
feed_accept(MdFeed *self, guint connection, int event, const char *device, int lifecycle)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    if (connection != self->connection)
        return FALSE;
    if (self->is_held)
        g_queue_push_tail(&self->waiting, event_new(event, device, lifecycle));
    return !self->is_held;
}


void
md_feed_tell(MdFeed *self, guint connection, int event, const char *device, int lifecycle)
{
    if (!feed_accept(self, connection, event, device, lifecycle))
        return;
    feed_note(self, event, device, lifecycle);
    feed_invoke_callbacks(self, event, device, lifecycle);
}
