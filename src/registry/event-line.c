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
    guint64 delivered; /* number of the last event delivered */
} Subscription;

/* A pending event, with the subscribers still to be called. If `passed` is set, a mark instead. */
typedef struct {
    guint64 number;
    char *device;
    int event;
    int detail;
    guint64 last_id; /* of the newest subscription at the time of the event */
    GList *specific; /* next subscription to the device */
    GList *general;  /* next subscription to all devices */
    void (*passed)(gpointer data);
    gpointer data;
} Entry;

/* The number of the newest entry in all lines. Numbers stay unique even if a line is freed and
 * created again. */
static guint64 last_number;

struct _MdEventLine {
    guint64 share;
    GHashTable *topics; /* set of Topic with at least one subscription */
    guint64 last_id;
    GQueue entries; /* of Entry, in order */
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
entry_free(Entry *entry)
{
    g_free(entry->device);
    g_free(entry);
}


/* Removes and returns the oldest subscription still to be called; NULL: there is none. */
static Subscription *
entry_pop_next(Entry *entry)
{
    GList **from = &entry->specific;
    Subscription *subscription = NULL;

    if (entry->specific == NULL ||
        (entry->general != NULL &&
         ((Subscription *)entry->general->data)->id < ((Subscription *)entry->specific->data)->id))
        from = &entry->general;
    if (*from == NULL)
        return NULL;

    subscription = (*from)->data;
    *from = (*from)->next;
    return subscription->id <= entry->last_id ? subscription : NULL;
}


static void
entry_skip_subscription(Entry *entry, const Subscription *subscription)
{
    if (entry->specific == &subscription->link)
        entry->specific = entry->specific->next;
    if (entry->general == &subscription->link)
        entry->general = entry->general->next;
}


static gboolean
entry_concerns(const Entry *entry, const Subscription *subscription)
{
    return subscription != NULL && subscription->id <= entry->last_id &&
           subscription->delivered < entry->number;
}


/* Calls the subscriber, but only once per event. The subscriber may cause events, subscribe and
 * unsubscribe. */
static void
entry_deliver(const Entry *entry, Subscription *subscription)
{
    if (!entry_concerns(entry, subscription))
        return;
    subscription->delivered = entry->number;
    subscription->func(entry->device, entry->event, entry->detail, subscription->data);
}


MdEventLine *
md_event_line_new(guint64 share)
{
    MdEventLine *self = g_new0(MdEventLine, 1);

    self->share = share;
    self->topics = g_hash_table_new_full(md_event_topic_hash, md_event_topic_equal,
                                         (GDestroyNotify)topic_free, NULL);
    g_queue_init(&self->entries);
    return self;
}


static void
entry_end(MdEventLine *self)
{
    Entry *entry = g_queue_pop_head(&self->entries);

    if (entry->passed != NULL)
        entry->passed(entry->data);
    entry_free(entry);
}


void
md_event_line_free(MdEventLine *self)
{
    while (!g_queue_is_empty(&self->entries))
        entry_end(self);
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

    for (GList *link = self->entries.head; link != NULL; link = link->next)
        entry_skip_subscription(link->data, subscription);
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


static Entry *
entry_new(MdEventLine *self)
{
    Entry *entry = g_new0(Entry, 1);

    entry->number = ++last_number;
    g_queue_push_tail(&self->entries, entry);
    return entry;
}


gboolean
md_event_line_add(MdEventLine *self, const char *device, int event, int detail)
{
    GList *specific = topic_get_head(topic_find(self, event, device));
    GList *general = topic_get_head(topic_find(self, event, NULL));
    Entry *entry = NULL;

    if (specific == NULL && general == NULL)
        return FALSE;

    entry = entry_new(self);
    entry->device = g_strdup(device);
    entry->event = event;
    entry->detail = detail;
    entry->last_id = self->last_id;
    entry->specific = specific;
    entry->general = general;
    return TRUE;
}


void
md_event_line_mark(MdEventLine *self, void (*func)(gpointer data), gpointer data)
{
    Entry *entry = entry_new(self);

    entry->passed = func;
    entry->data = data;
}


guint
md_event_line_count(MdEventLine *self)
{
    return self->entries.length;
}


void
md_event_line_deliver(MdEventLine *self, guint max)
{
    guint n = 0;

    while (n < max && !g_queue_is_empty(&self->entries)) {
        Entry *entry = g_queue_peek_head(&self->entries);
        Subscription *subscription = entry_pop_next(entry);

        if (subscription == NULL) {
            entry_end(self);
        } else {
            entry_deliver(entry, subscription);
            n++;
        }
    }
}


/* The oldest subscription that `find` selects and that is still to be called; NULL: there is
 * none. */
static Subscription *
entry_find_next(const Entry *entry, MdEventsFind find, gpointer data)
{
    Subscription *specific = find(entry->event, entry->device, data);
    Subscription *general = find(entry->event, NULL, data);

    if (!entry_concerns(entry, specific))
        return entry_concerns(entry, general) ? general : NULL;
    return entry_concerns(entry, general) && general->id < specific->id ? general : specific;
}


/* The first entry after a number; NULL: there is none. */
static GList *
find_beyond(MdEventLine *self, guint64 number)
{
    GList *found = NULL;

    for (GList *link = self->entries.tail;
         link != NULL && ((const Entry *)link->data)->number > number; link = link->prev)
        found = link;
    return found;
}


void
md_event_line_catch_up(MdEventLine *self, guint64 *until, MdEventsFind find, gpointer data)
{
    GList *link = find_beyond(self, *until);

    *until = last_number;
    for (; link != NULL; link = link->next) {
        const Entry *entry = link->data;
        Subscription *subscription = NULL;

        while (entry->passed == NULL && (subscription = entry_find_next(entry, find, data)) != NULL)
            entry_deliver(entry, subscription);
    }
}


gboolean
md_event_line_is_unused(MdEventLine *self)
{
    return g_hash_table_size(self->topics) == 0 && g_queue_is_empty(&self->entries);
}
