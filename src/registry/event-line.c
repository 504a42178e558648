/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "registry/event-line.h"

#include "registry/event-topic.h"

/* A topic with its subscriptions. */
typedef struct {
    MdEventTopic key;
    GQueue subscriptions; /* of Subscription, in order of subscription */
} Topic;

typedef struct _MdEventSubscription {
    guint64 id; /* ascending */
    MdEventLine *line;
    Topic *topic;
    GList link; /* in the topic's queue */
    MdEventFunc func;
    gpointer data;
    guint64 delivered; /* number of the latest event delivered */
} Subscription;

/* An event with the subscribers still to be called; if `passed` is set, a mark. */
typedef struct {
    guint64 number;
    char *device;
    int event;
    int detail;
    guint64 last_id; /* of the newest subscription when the event occurred */
    GList *specific; /* next subscription to the device */
    GList *general;  /* next subscription to all devices */
    void (*passed)(gpointer data);
    gpointer data;
} Fact;

/* Counts the facts of all lines, so that numbers stay unique even when a line is freed and created
 * anew. */
static guint64 n_facts;

struct _MdEventLine {
    guint64 share;
    GHashTable *topics; /* set of Topic, each with subscriptions */
    guint64 last_id;
    GQueue facts; /* of Fact, in order */
};


/* Also frees the remaining subscriptions. */
static void
topic_free(Topic *topic)
{
    GList *link = NULL;

    while ((link = g_queue_pop_head_link(&topic->subscriptions)) != NULL)
        g_free(link->data);
    g_free(topic->key.device);
    g_free(topic);
}


static Topic *
topic_find(MdEventLine *self, int event, const char *device)
{
    const MdEventTopic key = { .event = event, .device = (char *)device };

    return g_hash_table_lookup(self->topics, &key);
}


static Topic *
topic_ensure(MdEventLine *self, int event, const char *device)
{
    Topic *topic = topic_find(self, event, device);

    if (topic == NULL) {
        topic = g_new0(Topic, 1);
        topic->key.event = event;
        topic->key.device = g_strdup(device);
        g_hash_table_add(self->topics, topic);
    }
    return topic;
}


static void
fact_free(Fact *fact)
{
    g_free(fact->device);
    g_free(fact);
}


/* Removes and returns the oldest subscription still to be called; NULL: none. */
static Subscription *
fact_pop_next(Fact *fact)
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


static gboolean
fact_concerns(const Fact *fact, const Subscription *subscription)
{
    return subscription != NULL && subscription->id <= fact->last_id &&
           subscription->delivered < fact->number;
}


/* Calls the subscriber at most once per event. The subscriber may cause events, subscribe and
 * unsubscribe. */
static void
fact_tell(const Fact *fact, Subscription *subscription)
{
    if (!fact_concerns(fact, subscription))
        return;
    subscription->delivered = fact->number;
    subscription->func(fact->device, fact->event, fact->detail, subscription->data);
}


MdEventLine *
md_event_line_new(guint64 share)
{
    MdEventLine *self = g_new0(MdEventLine, 1);

    self->share = share;
    self->topics = g_hash_table_new_full(md_event_topic_hash, md_event_topic_equal,
                                         (GDestroyNotify)topic_free, NULL);
    g_queue_init(&self->facts);
    return self;
}


static void
fact_end(MdEventLine *self)
{
    Fact *fact = g_queue_pop_head(&self->facts);

    if (fact->passed != NULL)
        fact->passed(fact->data);
    fact_free(fact);
}


void
md_event_line_free(MdEventLine *self)
{
    while (!g_queue_is_empty(&self->facts))
        fact_end(self);
    g_hash_table_unref(self->topics);
    g_free(self);
}


guint64
md_event_line_get_share(MdEventLine *self)
{
    return self->share;
}


MdEventLine *
md_event_subscription_get_line(MdEventSubscription *subscription)
{
    return subscription->line;
}


MdEventSubscription *
md_event_line_subscribe(
    MdEventLine *self, int event, const char *device, MdEventFunc func, gpointer data)
{
    Subscription *subscription = g_new0(Subscription, 1);

    subscription->id = ++self->last_id;
    subscription->line = self;
    subscription->topic = topic_ensure(self, event, device);
    subscription->link.data = subscription;
    subscription->func = func;
    subscription->data = data;
    g_queue_push_tail_link(&subscription->topic->subscriptions, &subscription->link);
    return subscription;
}


void
md_event_line_unsubscribe(MdEventLine *self, MdEventSubscription *subscription)
{
    Topic *topic = subscription->topic;

    for (GList *link = self->facts.head; link != NULL; link = link->next)
        fact_leave_out(link->data, subscription);
    g_queue_unlink(&topic->subscriptions, &subscription->link);
    if (g_queue_is_empty(&topic->subscriptions))
        g_hash_table_remove(self->topics, topic);
    g_free(subscription);
}


static GList *
topic_get_head(const Topic *topic)
{
    return topic != NULL ? topic->subscriptions.head : NULL;
}


static Fact *
fact_new(MdEventLine *self)
{
    Fact *fact = g_new0(Fact, 1);

    fact->number = ++n_facts;
    g_queue_push_tail(&self->facts, fact);
    return fact;
}


gboolean
md_event_line_add(MdEventLine *self, const char *device, int event, int detail)
{
    GList *specific = topic_get_head(topic_find(self, event, device));
    GList *general = topic_get_head(topic_find(self, event, NULL));
    Fact *fact = NULL;

    if (specific == NULL && general == NULL)
        return FALSE;

    fact = fact_new(self);
    fact->device = g_strdup(device);
    fact->event = event;
    fact->detail = detail;
    fact->last_id = self->last_id;
    fact->specific = specific;
    fact->general = general;
    return TRUE;
}


void
md_event_line_mark(MdEventLine *self, void (*func)(gpointer data), gpointer data)
{
    Fact *fact = fact_new(self);

    fact->passed = func;
    fact->data = data;
}


guint
md_event_line_count(MdEventLine *self)
{
    return self->facts.length;
}


void
md_event_line_tell(MdEventLine *self, guint max)
{
    guint n = 0;

    while (n < max && !g_queue_is_empty(&self->facts)) {
        Fact *fact = g_queue_peek_head(&self->facts);
        Subscription *subscription = fact_pop_next(fact);

        if (subscription == NULL) {
            fact_end(self);
        } else {
            fact_tell(fact, subscription);
            n++;
        }
    }
}


/* The oldest subscription selected by `find` that is still to be called; NULL: none. */
static Subscription *
fact_find_next(const Fact *fact, MdEventsFind find, gpointer data)
{
    Subscription *specific = find(fact->event, fact->device, data);
    Subscription *general = find(fact->event, NULL, data);

    if (!fact_concerns(fact, specific))
        return fact_concerns(fact, general) ? general : NULL;
    return fact_concerns(fact, general) && general->id < specific->id ? general : specific;
}


/* The first event after a number; NULL: none. */
static GList *
find_beyond(MdEventLine *self, guint64 number)
{
    GList *found = NULL;

    for (GList *link = self->facts.tail;
         link != NULL && ((const Fact *)link->data)->number > number; link = link->prev)
        found = link;
    return found;
}


void
md_event_line_catch_up(MdEventLine *self, guint64 *until, MdEventsFind find, gpointer data)
{
    GList *link = find_beyond(self, *until);

    *until = n_facts;
    for (; link != NULL; link = link->next) {
        const Fact *fact = link->data;
        Subscription *subscription = NULL;

        while (fact->passed == NULL && (subscription = fact_find_next(fact, find, data)) != NULL)
            fact_tell(fact, subscription);
    }
}


gboolean
md_event_line_is_unused(MdEventLine *self)
{
    return g_hash_table_size(self->topics) == 0 && g_queue_is_empty(&self->facts);
}
