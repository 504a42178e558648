/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/event-relay.h"

typedef struct {
    int event;
    char *device;
    int lifecycle;
} Event;

struct MdEventRelay {
    const MdSymbols *symbols;
    GMutex mutex; /* not held while a callback runs */
    GPtrArray *callbacks;
    MdStates *states; /* as reported; NULL before the first connection; event loop only */
    guint connection; /* number of the newest connection */
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


MdEventRelay *
md_event_relay_new(const MdSymbols *symbols)
{
    MdEventRelay *self = g_atomic_rc_box_new0(MdEventRelay);

    self->symbols = symbols;
    g_mutex_init(&self->mutex);
    self->callbacks = g_ptr_array_new_with_free_func((GDestroyNotify)md_event_callback_unref);
    return self;
}


MdEventRelay *
md_event_relay_ref(MdEventRelay *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
relay_clear(gpointer data)
{
    MdEventRelay *self = data;

    g_clear_pointer(&self->callbacks, g_ptr_array_unref);
    g_clear_pointer(&self->states, g_hash_table_unref);
    g_queue_clear_full(&self->waiting, event_free);
    g_mutex_clear(&self->mutex);
}


void
md_event_relay_unref(MdEventRelay *self)
{
    g_atomic_rc_box_release_full(self, relay_clear);
}


void
md_event_relay_add(MdEventRelay *self, MdEventCallback *callback)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    g_ptr_array_add(self->callbacks, md_event_callback_ref(callback));
}


void
md_event_relay_remove(MdEventRelay *self, MdEventCallback *callback)
{
    guint index = 0;
    gboolean is_found = FALSE;

    md_event_callback_stop(callback);
    g_mutex_lock(&self->mutex);
    is_found = g_ptr_array_find(self->callbacks, callback, &index);
    if (is_found)
        g_ptr_array_steal_index(self->callbacks, index);
    g_mutex_unlock(&self->mutex);
    /* Not with the lock held: this may call the client's function that frees its data. */
    if (is_found)
        md_event_callback_unref(callback);
}


guint
md_event_relay_hold(MdEventRelay *self)
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


/* Copies the list, because callbacks may be added and removed while one of them runs. */
static void
relay_invoke_callbacks(MdEventRelay *self, int event, const char *device, int lifecycle)
{
    g_autoptr(GPtrArray) callbacks = NULL;

    g_mutex_lock(&self->mutex);
    callbacks = g_ptr_array_copy(self->callbacks, copy_callback, NULL);
    g_mutex_unlock(&self->mutex);
    for (guint i = 0; i < callbacks->len; i++)
        md_event_callback_invoke(callbacks->pdata[i], self->symbols, event, device, lifecycle);
}


/* Records an event as reported. FALSE: the states already reflect it. On the event loop only. */
static gboolean
relay_record(MdEventRelay *self, int event, const char *device, int lifecycle)
{
    return event != VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE ||
           md_states_apply(self->states, device, lifecycle);
}


static void
relay_notify_change(const char *device, int lifecycle, gpointer data)
{
    relay_invoke_callbacks(data, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, device, lifecycle);
}


static void
relay_notify_update(const char *device, gpointer data)
{
    relay_invoke_callbacks(data, VIR_NODE_DEVICE_EVENT_ID_UPDATE, device, 0);
}


/* Reports an update of each device that still exists, because the device may have changed or even
 * been replaced. */
static void
relay_report_missed(MdEventRelay *self, MdStates *before, MdStates *after)
{
    md_states_compare(before, after, relay_notify_change, self);
    md_states_for_each_in_both(before, after, relay_notify_update, self);
}


/* Removes and returns the oldest held event. NULL: none is left, and further events are not held;
 * or there is a newer connection. */
static Event *
relay_pop_waiting(MdEventRelay *self, guint connection)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);
    Event *event = NULL;

    /* A newer connection may have been opened meanwhile. */
    if (connection != self->connection)
        return NULL;
    event = g_queue_pop_head(&self->waiting);
    self->is_held = event != NULL;
    return event;
}


void
md_event_relay_resume(MdEventRelay *self, guint connection, MdStates *states)
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
        relay_report_missed(self, before, states);
    while ((event = relay_pop_waiting(self, connection)) != NULL) {
        if (relay_record(self, event->event, event->device, event->lifecycle))
            relay_invoke_callbacks(self, event->event, event->device, event->lifecycle);
        event_free(event);
    }
}


/* FALSE: the event is held, or ignored. */
static gboolean
relay_accept(MdEventRelay *self, guint connection, int event, const char *device, int lifecycle)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    if (connection != self->connection)
        return FALSE;
    if (self->is_held)
        g_queue_push_tail(&self->waiting, event_new(event, device, lifecycle));
    return !self->is_held;
}


void
md_event_relay_notify(
    MdEventRelay *self, guint connection, int event, const char *device, int lifecycle)
{
    if (!relay_accept(self, connection, event, device, lifecycle))
        return;
    relay_record(self, event, device, lifecycle);
    relay_invoke_callbacks(self, event, device, lifecycle);
}
