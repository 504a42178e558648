/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/events.h"

typedef struct {
    guint id;
    int event;
    char *device; /* NULL: all */
    MdEventFunc func;
    gpointer data;
    gboolean dead; /* left while events were being delivered */
} Subscription;

struct _MdEvents {
    MdRegistry *registry;
    GQueue subscriptions; /* of Subscription, in the order of their coming */
    GHashTable *by_id;    /* id -> link of `subscriptions` */
    guint last_id;
    guint delivering; /* depth of deliver() */
    guint n_dead;     /* subscriptions to be swept when it is over */
};


static void
subscription_free(Subscription *subscription)
{
    g_free(subscription->device);
    g_free(subscription);
}


static void
forget(MdEvents *self, GList *link)
{
    Subscription *subscription = link->data;

    g_hash_table_remove(self->by_id, GUINT_TO_POINTER(subscription->id));
    g_queue_delete_link(&self->subscriptions, link);
    subscription_free(subscription);
}


static void
sweep(MdEvents *self)
{
    GList *next = NULL;

    for (GList *link = self->subscriptions.head; link != NULL && self->n_dead > 0; link = next) {
        next = link->next;
        if (((Subscription *)link->data)->dead) {
            forget(self, link);
            self->n_dead--;
        }
    }
}


static void
deliver(MdEvents *self, const char *device, int event, int detail)
{
    self->delivering++;
    for (GList *link = self->subscriptions.head; link != NULL; link = link->next) {
        Subscription *subscription = link->data;

        if (subscription->dead || subscription->event != event)
            continue;
        if (subscription->device == NULL || g_str_equal(subscription->device, device))
            subscription->func(device, event, detail, subscription->data);
    }
    self->delivering--;

    if (self->delivering == 0)
        sweep(self);
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
    g_queue_init(&self->subscriptions);
    self->by_id = g_hash_table_new(NULL, NULL);
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
    g_queue_clear_full(&self->subscriptions, (GDestroyNotify)subscription_free);
    g_free(self);
}


guint
md_events_subscribe(MdEvents *self, int event, const char *device, MdEventFunc func, gpointer data)
{
    Subscription *subscription = g_new0(Subscription, 1);

    subscription->id = ++self->last_id;
    subscription->event = event;
    subscription->device = g_strdup(device);
    subscription->func = func;
    subscription->data = data;
    g_queue_push_tail(&self->subscriptions, subscription);
    g_hash_table_insert(self->by_id, GUINT_TO_POINTER(subscription->id), self->subscriptions.tail);
    return subscription->id;
}


void
md_events_unsubscribe(MdEvents *self, guint id)
{
    GList *link = g_hash_table_lookup(self->by_id, GUINT_TO_POINTER(id));
    Subscription *subscription = link != NULL ? link->data : NULL;

    if (subscription == NULL || subscription->dead)
        return;

    if (self->delivering == 0) {
        forget(self, link);
    } else {
        subscription->dead = TRUE;
        self->n_dead++;
    }
}
