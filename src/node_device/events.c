/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/events.h"

#include "util/source.h"

/* Subscribers that are told before others have their turn on the main loop, and facts that may wait
 * for that. */
#define TOLD_PER_TURN 64
#define FACTS_MAX     64

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
    guint64 told; /* the number of the latest fact */
} Subscription;

/* Something that has happened, and who is still to be told. */
typedef struct {
    guint64 number;
    char *device;
    int event;
    int detail;
    guint64 last_id; /* of the subscriptions that there were */
    GList *specific; /* the next one to the device */
    GList *general;  /* the next one to all devices */
} Fact;

struct _MdEvents {
    MdRegistry *registry;
    GHashTable *topics; /* of Topic, each its own key; none without a subscription */
    GHashTable *by_id;  /* of Subscription, each its own key */
    guint64 last_id;
    guint64 n_facts; /* since the start */
    GQueue facts;    /* of Fact, in their order */
    gboolean telling;
    GSource *source; /* always due; there while facts wait */
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
fact_free(Fact *fact)
{
    g_free(fact->device);
    g_free(fact);
}


/* The one that came first, taken off its list; NULL: all that there were have been told. */
static Subscription *
fact_take_next(Fact *fact)
{
    GList **from = &fact->specific;
    Subscription *subscription = NULL;

    if (fact->specific == NULL ||
        (fact->general != NULL &&
         ((Subscription *)fact->general->data)->id < ((Subscription *)fact->specific->data)->id))
        from = &fact->general;
    if (*from == NULL)
        return NULL;

    subscription = (*from)->data;
    *from = (*from)->next;
    return subscription->id <= fact->last_id ? subscription : NULL;
}


static void
fact_leave_out(Fact *fact, const Subscription *subscription)
{
    if (fact->specific == &subscription->link)
        fact->specific = fact->specific->next;
    if (fact->general == &subscription->link)
        fact->general = fact->general->next;
}


/* Once. Whoever is told may cause facts, subscribe and leave. */
static void
fact_tell(const Fact *fact, Subscription *subscription)
{
    if (subscription->id > fact->last_id || subscription->told >= fact->number)
        return;
    subscription->told = fact->number;
    subscription->func(fact->device, fact->event, fact->detail, subscription->data);
}


static void
tell(MdEvents *self)
{
    guint n = 0;

    self->telling = TRUE;
    while (n < TOLD_PER_TURN && !g_queue_is_empty(&self->facts)) {
        Fact *fact = g_queue_peek_head(&self->facts);
        Subscription *subscription = fact_take_next(fact);

        if (subscription == NULL) {
            fact_free(g_queue_pop_head(&self->facts));
            continue;
        }
        fact_tell(fact, subscription);
        n++;
    }
    self->telling = FALSE;
}


static gboolean
on_turn(gpointer data)
{
    MdEvents *self = data;

    tell(self);
    if (!g_queue_is_empty(&self->facts))
        return G_SOURCE_CONTINUE;
    md_source_clear(&self->source);
    return G_SOURCE_REMOVE;
}


static void
need_source(MdEvents *self)
{
    if (self->source == NULL && !g_queue_is_empty(&self->facts))
        self->source = md_source_attach_turns(on_turn, self);
}


static GList *
topic_get_head(const Topic *topic)
{
    return topic != NULL ? topic->subscriptions.head : NULL;
}


static void
deliver(MdEvents *self, const char *device, int event, int detail)
{
    GList *specific = topic_get_head(topic_find(self, event, device));
    GList *general = topic_get_head(topic_find(self, event, NULL));
    Fact *fact = NULL;

    if (specific == NULL && general == NULL)
        return;

    fact = g_new0(Fact, 1);
    fact->number = ++self->n_facts;
    fact->device = g_strdup(device);
    fact->event = event;
    fact->detail = detail;
    fact->last_id = self->last_id;
    fact->specific = specific;
    fact->general = general;
    g_queue_push_tail(&self->facts, fact);
    if (self->telling)
        return;

    if (self->source == NULL)
        tell(self);
    while (self->facts.length > FACTS_MAX)
        tell(self);
    need_source(self);
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
    g_queue_init(&self->facts);
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
    g_queue_clear_full(&self->facts, (GDestroyNotify)fact_free);
    g_object_unref(self->registry);
    g_hash_table_unref(self->by_id);
    g_hash_table_unref(self->topics);
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


static void
fact_catch_up(
    MdEvents *self, const Fact *fact, const char *device, MdEventsFind find, gpointer data)
{
    guint64 id = find(fact->event, device, data);
    Subscription *subscription = g_hash_table_lookup(self->by_id, &id);

    if (subscription != NULL)
        fact_tell(fact, subscription);
}


void
md_events_catch_up(MdEvents *self, MdEventsFind find, gpointer data)
{
    if (self->telling)
        return;

    self->telling = TRUE;
    for (GList *link = self->facts.head; link != NULL; link = link->next) {
        const Fact *fact = link->data;

        fact_catch_up(self, fact, fact->device, find, data);
        fact_catch_up(self, fact, NULL, find, data);
    }
    self->telling = FALSE;
}


void
md_events_unsubscribe(MdEvents *self, guint64 id)
{
    Subscription *subscription = g_hash_table_lookup(self->by_id, &id);

    if (subscription == NULL)
        return;

    for (GList *link = self->facts.head; link != NULL; link = link->next)
        fact_leave_out(link->data, subscription);
    subscription_forget(self, subscription);
}
