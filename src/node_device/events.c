/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/events.h"

/* What is subscribed to. */
typedef struct {
    int event;
    char *device;         /* NULL: all */
    GQueue subscriptions; /* of Subscription, in the order of their coming */
} Topic;

typedef struct {
    guint64 id;
    Topic *topic;
    GList link; /* of the topic's queue */
    MdEventFunc func;
    gpointer data;
    gboolean dead; /* left while events were being delivered */
} Subscription;

struct _MdEvents {
    MdRegistry *registry;
    GHashTable *topics; /* of Topic, each its own key; none without a subscription */
    GHashTable *by_id;  /* of Subscription, each its own key */
    guint64 last_id;
    guint delivering; /* depth of deliver() */
    GPtrArray *dead;  /* of Subscription, forgotten when it is over */
};


static guint
topic_hash(gconstpointer key)
{
    const Topic *topic = key;

    return (guint)topic->event + (topic->device != NULL ? g_str_hash(topic->device) : 0);
}


static gboolean
topic_equal(gconstpointer one, gconstpointer other)
{
    const Topic *a = one;
    const Topic *b = other;

    return a->event == b->event && g_strcmp0(a->device, b->device) == 0;
}


static void
topic_free(Topic *topic)
{
    g_free(topic->device);
    g_free(topic);
}


static Topic *
topic_find(MdEvents *self, int event, const char *device)
{
    const Topic key = { .event = event, .device = (char *)device };

    return g_hash_table_lookup(self->topics, &key);
}


static Topic *
topic_ensure(MdEvents *self, int event, const char *device)
{
    Topic *topic = topic_find(self, event, device);

    if (topic == NULL) {
        topic = g_new0(Topic, 1);
        topic->event = event;
        topic->device = g_strdup(device);
        g_hash_table_add(self->topics, topic);
    }
    return topic;
}


/* Frees the topic, too, if nobody else is subscribed to it. */
static void
subscription_forget(MdEvents *self, Subscription *subscription)
{
    Topic *topic = subscription->topic;

    g_queue_unlink(&topic->subscriptions, &subscription->link);
    if (g_queue_is_empty(&topic->subscriptions))
        g_hash_table_remove(self->topics, topic);
    g_hash_table_remove(self->by_id, subscription);
}


static void
subscriptions_sweep(MdEvents *self)
{
    for (guint i = 0; i < self->dead->len; i++)
        subscription_forget(self, g_ptr_array_index(self->dead, i));
    g_ptr_array_set_size(self->dead, 0);
}


/* The one that came first, taken off its list. */
static Subscription *
take_next(GList **specific, GList **general)
{
    GList **from = specific;
    Subscription *subscription = NULL;

    if (*specific == NULL || (*general != NULL && ((Subscription *)(*general)->data)->id <
                                                      ((Subscription *)(*specific)->data)->id))
        from = general;
    if (*from != NULL) {
        subscription = (*from)->data;
        *from = (*from)->next;
    }
    return subscription;
}


static GList *
topic_get_head(const Topic *topic)
{
    return topic != NULL ? topic->subscriptions.head : NULL;
}


/* Nobody is forgotten in the meantime, so that both lists stay whole; who subscribes in the
 * meantime is not called for this fact. */
static void
deliver(MdEvents *self, const char *device, int event, int detail)
{
    GList *specific = topic_get_head(topic_find(self, event, device));
    GList *general = topic_get_head(topic_find(self, event, NULL));
    guint64 last_id = self->last_id;
    Subscription *subscription = NULL;

    self->delivering++;
    while ((subscription = take_next(&specific, &general)) != NULL) {
        if (!subscription->dead && subscription->id <= last_id)
            subscription->func(device, event, detail, subscription->data);
    }
    self->delivering--;

    if (self->delivering == 0)
        subscriptions_sweep(self);
}


static void
deliver_lifecycle(MdEvents *self, MdNodeDevice *device, virNodeDeviceEventLifecycleType detail)
{
    deliver(self, device->def->name, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, (int)detail);
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
    deliver(self, device->def->name, VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
}


MdEvents *
md_events_new(MdRegistry *registry)
{
    MdEvents *self = g_new0(MdEvents, 1);

    self->registry = g_object_ref(registry);
    self->topics = g_hash_table_new_full(topic_hash, topic_equal, (GDestroyNotify)topic_free, NULL);
    self->by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    self->dead = g_ptr_array_new();
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
    g_object_unref(self->registry);
    g_hash_table_unref(self->by_id);
    g_hash_table_unref(self->topics);
    g_ptr_array_unref(self->dead);
    g_free(self);
}


guint64
md_events_subscribe(MdEvents *self, int event, const char *device, MdEventFunc func, gpointer data)
{
    Subscription *subscription = g_new0(Subscription, 1);

    subscription->id = ++self->last_id;
    subscription->topic = topic_ensure(self, event, device);
    subscription->link.data = subscription;
    subscription->func = func;
    subscription->data = data;
    g_queue_push_tail_link(&subscription->topic->subscriptions, &subscription->link);
    g_hash_table_add(self->by_id, subscription);
    return subscription->id;
}


void
md_events_unsubscribe(MdEvents *self, guint64 id)
{
    Subscription *subscription = g_hash_table_lookup(self->by_id, &id);

    if (subscription == NULL || subscription->dead)
        return;

    if (self->delivering == 0) {
        subscription_forget(self, subscription);
    } else {
        subscription->dead = TRUE;
        g_ptr_array_add(self->dead, subscription);
    }
}
