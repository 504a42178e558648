/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/subscriptions.h"

#include <string.h>

#include "protocol/text.h"
#include "registry/event-topic.h"
#include "util/error.h"

/* Memory of a callback in bytes, without the device's name: structures here and in MdEvents, table
 * entries, and the allocator's overhead. The name is stored twice. */
#define CALLBACK_COST 448

/* The tables of a client with callbacks. */
#define TABLES_COST 640

typedef struct {
    MdEventTopic topic;
    MdSubscriptions *subscriptions;
    int id;
    MdEventSubscription *subscription;
} Callback;

struct _MdSubscriptions {
    MdDriver *driver;
    MdEventFrames *frames;
    MdSubscriptionsSend send;
    gpointer data;
    GHashTable *by_id;    /* id → Callback; NULL: no callback so far */
    GHashTable *by_topic; /* set of Callback, by topic */
    guint next_id;
    guint64 share;     /* of the client that registered the first callback; used for all events */
    guint64 caught_up; /* see md_events_catch_up() */
    gsize cost;
};


static gsize
callback_get_cost(const Callback *callback)
{
    return CALLBACK_COST +
           (callback->topic.device != NULL ? 2 * strlen(callback->topic.device) : 0);
}


static void
callback_free(Callback *callback)
{
    MdSubscriptions *self = callback->subscriptions;

    md_events_unsubscribe(md_driver_get_events(self->driver), callback->subscription);
    g_free(callback->topic.device);
    g_free(callback);
}


MdSubscriptions *
md_subscriptions_new(MdDriver *driver,
                     MdEventFrames *frames,
                     MdSubscriptionsSend send,
                     gpointer data)
{
    MdSubscriptions *self = g_new0(MdSubscriptions, 1);

    self->driver = driver;
    self->frames = frames;
    self->send = send;
    self->data = data;
    return self;
}


void
md_subscriptions_free(MdSubscriptions *self)
{
    if (self == NULL)
        return;

    md_subscriptions_clear(self);
    g_free(self);
}


void
md_subscriptions_clear(MdSubscriptions *self)
{
    g_clear_pointer(&self->by_topic, g_hash_table_unref);
    g_clear_pointer(&self->by_id, g_hash_table_unref);
    self->cost = 0;
}


static void
on_event(const char *device, int event, int detail, gpointer data)
{
    const Callback *callback = data;
    MdSubscriptions *self = callback->subscriptions;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) frame =
        md_event_frames_get(self->frames, device, event, detail, callback->id, &error);

    if (frame != NULL)
        self->send(frame, device, self->data);
    else
        g_warning("Failed to send an event of '%s': %s", device, error->message);
}


static gboolean
check_subscription(MdSubscriptions *self, int event, const char *device, guint max, GError **error)
{
    const MdEventTopic wanted = { .event = event, .device = (char *)device };

    if (event != VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE && event != VIR_NODE_DEVICE_EVENT_ID_UPDATE) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR,
                          "unsupported node device event ID %d", event);
        return FALSE;
    }
    if (self->by_topic != NULL && g_hash_table_size(self->by_topic) >= max) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_FAILED,
                          "this client already has the maximum of %u event callbacks", max);
        return FALSE;
    }
    if (self->by_topic != NULL && g_hash_table_contains(self->by_topic, &wanted)) {
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_INVALID_ARG,
                          "event callback already tracked");
        return FALSE;
    }
    return TRUE;
}


static void
ensure_tables(MdSubscriptions *self, MdOwner *owner)
{
    if (self->by_id != NULL)
        return;

    self->share = md_owner_get_share(owner);
    self->by_id = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)callback_free);
    self->by_topic = g_hash_table_new(md_event_topic_hash, md_event_topic_equal);
    self->cost += TABLES_COST;
}


/* The next id, skipping those still in use after wrapping around. */
static int
choose_id(MdSubscriptions *self)
{
    int id = (int)(self->next_id++ & G_MAXINT);

    while (g_hash_table_contains(self->by_id, GINT_TO_POINTER(id)))
        id = (int)(self->next_id++ & G_MAXINT);
    return id;
}


static void
add_callback(MdSubscriptions *self, int id, int event, const char *device)
{
    Callback *callback = g_new0(Callback, 1);

    callback->subscriptions = self;
    callback->id = id;
    callback->topic.event = event;
    callback->topic.device = g_strdup(device);
    callback->subscription = md_events_subscribe(md_driver_get_events(self->driver), self->share,
                                                 event, device, on_event, callback);
    g_hash_table_insert(self->by_id, GINT_TO_POINTER(callback->id), callback);
    g_hash_table_add(self->by_topic, callback);
    self->cost += callback_get_cost(callback);
}


int
md_subscriptions_add(
    MdSubscriptions *self, MdOwner *owner, int event, const char *device, guint max, GError **error)
{
    int id = -1;

    if (!check_subscription(self, event, device, max, error) ||
        (device != NULL && md_driver_look_up(self->driver, device, error) == NULL))
        return -1;

    ensure_tables(self, owner);
    id = choose_id(self);
    add_callback(self, id, event, device);
    g_debug("Client subscribed to event %d of %s", event, device != NULL ? device : "all devices");
    return id;
}


static int
compare_ids(gconstpointer one, gconstpointer other)
{
    return ((const Callback *)one)->id - ((const Callback *)other)->id;
}


void
md_subscriptions_save(MdSubscriptions *self, md_handover_session *state)
{
    guint n = self->by_id != NULL ? g_hash_table_size(self->by_id) : 0;
    g_autoptr(GList) callbacks = n > 0 ? g_hash_table_get_values(self->by_id) : NULL;
    md_handover_callback *saved = g_new0(md_handover_callback, n);

    /* For one event, callbacks are called in the order of subscription. */
    callbacks = g_list_sort(callbacks, compare_ids);
    state->next_callback = self->next_id;
    state->callbacks.callbacks_len = n;
    state->callbacks.callbacks_val = saved;
    for (GList *link = callbacks; link != NULL; link = link->next, saved++) {
        const Callback *callback = link->data;

        saved->id = callback->id;
        saved->event = callback->topic.event;
        saved->device = md_maybe_text_new(callback->topic.device);
    }
}


static gboolean
restore_callback(MdSubscriptions *self,
                 const md_handover_callback *saved,
                 guint max,
                 GError **error)
{
    const char *device = md_maybe_text_get(saved->device);

    if (!check_subscription(self, saved->event, device, max, error))
        return FALSE;
    if (saved->id < 0 || g_hash_table_contains(self->by_id, GINT_TO_POINTER(saved->id))) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "impossible callback id %d", saved->id);
        return FALSE;
    }
    add_callback(self, saved->id, saved->event, device);
    return TRUE;
}


gboolean
md_subscriptions_restore(MdSubscriptions *self,
                         MdOwner *owner,
                         const md_handover_session *state,
                         guint max,
                         GError **error)
{
    self->next_id = state->next_callback;
    if (state->callbacks.callbacks_len == 0)
        return TRUE;

    ensure_tables(self, owner);
    for (guint i = 0; i < state->callbacks.callbacks_len; i++) {
        if (!restore_callback(self, &state->callbacks.callbacks_val[i], max, error))
            return FALSE;
    }
    return TRUE;
}


gboolean
md_subscriptions_remove(MdSubscriptions *self, int id, GError **error)
{
    Callback *callback =
        self->by_id != NULL ? g_hash_table_lookup(self->by_id, GINT_TO_POINTER(id)) : NULL;

    if (callback == NULL) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_INTERNAL_ERROR,
                          "node device event callback %d not registered", id);
        return FALSE;
    }
    self->cost -= callback_get_cost(callback);
    g_hash_table_remove(self->by_topic, callback);
    g_hash_table_remove(self->by_id, GINT_TO_POINTER(id));
    return TRUE;
}


static MdEventSubscription *
find_subscription(int event, const char *device, gpointer data)
{
    const MdSubscriptions *self = data;
    const MdEventTopic wanted = { .event = event, .device = (char *)device };
    const Callback *callback =
        self->by_topic != NULL ? g_hash_table_lookup(self->by_topic, &wanted) : NULL;

    return callback != NULL ? callback->subscription : NULL;
}


void
md_subscriptions_catch_up(MdSubscriptions *self)
{
    if (self->by_topic != NULL)
        md_events_catch_up(md_driver_get_events(self->driver), self->share, &self->caught_up,
                           find_subscription, self);
}


gsize
md_subscriptions_get_cost(MdSubscriptions *self)
{
    return self->cost;
}
