/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "registry/events.h"

#include "registry/event-line.h"
#include "util/source.h"

/* Maximum number of calls of one user's subscribers in a row. Then other users, and other work of
 * the main loop, have their turn. */
#define CALLS_PER_TURN 32

/* Maximum number of pending events for the subscribers of one user. */
#define PENDING_MAX 1024

struct _MdEvents {
    MdRegistry *registry;
    GHashTable *lines; /* share → MdEventLine, of users with subscriptions or pending events */
    GQueue turns;      /* of MdEventLine with pending events, the next one first */
    gboolean delivering;
    GSource *source; /* always ready; exists while events are pending */
};


/* Frees a line without subscribers and pending events. A line in `turns` is freed when its turn
 * comes. */
static void
drop_if_unused(MdEvents *self, MdEventLine *line)
{
    guint64 share = md_event_line_get_share(line);

    if (!self->delivering && md_event_line_is_unused(line) &&
        g_queue_find(&self->turns, line) == NULL)
        g_hash_table_remove(self->lines, &share);
}


static MdEventLine *
find_line(MdEvents *self, guint64 share)
{
    return g_hash_table_lookup(self->lines, &share);
}


static void
deliver_line(MdEvents *self, MdEventLine *line)
{
    self->delivering = TRUE;
    md_event_line_deliver(line, CALLS_PER_TURN);
    self->delivering = FALSE;
}


/* Calls the subscribers of the next user, up to the limit. */
static void
deliver_next(MdEvents *self)
{
    MdEventLine *line = g_queue_peek_head(&self->turns);

    deliver_line(self, line);
    g_queue_pop_head(&self->turns);
    if (md_event_line_count(line) > 0)
        g_queue_push_tail(&self->turns, line);
    else
        drop_if_unused(self, line);
}


static gboolean
on_turn(gpointer data)
{
    MdEvents *self = data;

    deliver_next(self);
    if (!g_queue_is_empty(&self->turns))
        return G_SOURCE_CONTINUE;
    md_source_clear(&self->source);
    return G_SOURCE_REMOVE;
}


static void
queue_line(MdEvents *self, MdEventLine *line)
{
    if (g_queue_find(&self->turns, line) == NULL)
        g_queue_push_tail(&self->turns, line);
}


static void
attach_source(MdEvents *self)
{
    if (self->source == NULL && !g_queue_is_empty(&self->turns))
        self->source = md_source_attach_turns(on_turn, self);
}


/* The line of a user with too many pending events; NULL: there is none. */
static MdEventLine *
find_full(MdEvents *self)
{
    for (GList *link = self->turns.head; link != NULL; link = link->next) {
        if (md_event_line_count(link->data) > PENDING_MAX)
            return link->data;
    }
    return NULL;
}


void
md_events_report(MdEvents *self, const char *device, int event, int detail)
{
    GHashTableIter iter;
    MdEventLine *line = NULL;

    g_hash_table_iter_init(&iter, self->lines);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&line)) {
        if (md_event_line_add(line, device, event, detail))
            queue_line(self, line);
    }
    if (self->delivering)
        return;

    for (guint n = self->source == NULL ? self->turns.length : 0; n > 0; n--)
        deliver_next(self);
    while ((line = find_full(self)) != NULL)
        deliver_line(self, line);
    attach_source(self);
}


static void
deliver_lifecycle(MdEvents *self, MdNodeDevice *device, virNodeDeviceEventLifecycleType detail)
{
    md_events_report(self, device->def->name, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, (int)detail);
}


static void
on_created(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdEvents *self)
{
    deliver_lifecycle(self, device, VIR_NODE_DEVICE_EVENT_CREATED);
}


static void
on_deleted(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdEvents *self)
{
    deliver_lifecycle(self, device, VIR_NODE_DEVICE_EVENT_DELETED);
}


static void
on_defined(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdEvents *self)
{
    deliver_lifecycle(self, device, VIR_NODE_DEVICE_EVENT_DEFINED);
}


static void
on_undefined(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdEvents *self)
{
    deliver_lifecycle(self, device, VIR_NODE_DEVICE_EVENT_UNDEFINED);
}


static void
on_updated(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdEvents *self)
{
    md_events_report(self, device->def->name, VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
}


MdEvents *
md_events_new(MdRegistry *registry)
{
    MdEvents *self = g_new0(MdEvents, 1);

    self->registry = g_object_ref(registry);
    self->lines = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free,
                                        (GDestroyNotify)md_event_line_free);
    g_queue_init(&self->turns);
    g_signal_connect(registry, "created", G_CALLBACK(on_created), self);
    g_signal_connect(registry, "deleted", G_CALLBACK(on_deleted), self);
    g_signal_connect(registry, "defined", G_CALLBACK(on_defined), self);
    g_signal_connect(registry, "undefined", G_CALLBACK(on_undefined), self);
    g_signal_connect(registry, "updated", G_CALLBACK(on_updated), self);
    return self;
}


void
md_events_free(MdEvents *self)
{
    if (self == NULL)
        return;

    g_signal_handlers_disconnect_by_data(self->registry, self);
    md_source_clear(&self->source);
    g_queue_clear(&self->turns);
    g_hash_table_unref(self->lines);
    g_object_unref(self->registry);
    g_free(self);
}


MdEventSubscription *
md_events_subscribe(
    MdEvents *self, guint64 share, int event, const char *device, MdEventFunc func, gpointer data)
{
    MdEventLine *line = find_line(self, share);

    if (line == NULL) {
        line = md_event_line_new(share);
        g_hash_table_insert(self->lines, g_memdup2(&share, sizeof(share)), line);
    }
    return md_event_line_subscribe(line, event, device, func, data);
}


void
md_events_unsubscribe(MdEvents *self, MdEventSubscription *subscription)
{
    MdEventLine *line = md_event_subscription_get_line(subscription);

    md_event_line_unsubscribe(line, subscription);
    drop_if_unused(self, line);
}


void
md_events_catch_up(MdEvents *self, guint64 share, guint64 *until, MdEventsFind find, gpointer data)
{
    MdEventLine *line = find_line(self, share);

    if (self->delivering || line == NULL)
        return;

    self->delivering = TRUE;
    md_event_line_catch_up(line, until, find, data);
    self->delivering = FALSE;
}


void
md_events_call_when_notified(MdEvents *self,
                             guint64 share,
                             void (*func)(gpointer data),
                             gpointer func_data)
{
    MdEventLine *line = find_line(self, share);

    if (line != NULL && md_event_line_count(line) > 0)
        md_event_line_mark(line, func, func_data);
    else
        func(func_data);
}
