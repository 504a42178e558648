/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/event-loop.h"
#include "libvirtd/subscription.h"

/* A flag of virConnectListAllNodeDevices() since libvirt 10.1. The daemon always knows it. */
#define LIST_PERSISTENT (1U << 28)
#define LIST_ACTIVE     VIR_CONNECT_LIST_NODE_DEVICES_ACTIVE
#define LIST_ANY        (LIST_ACTIVE | VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE)

/* The data of a callback that libvirt calls. */
typedef struct {
    MdEventRelay *relay;
    guint connection;
    MdStates *states; /* for md_event_relay_resume(); else NULL */
} Source;


static Source *
source_new(MdEventRelay *relay, guint connection, MdStates *states)
{
    Source *self = g_new0(Source, 1);

    self->relay = md_event_relay_ref(relay);
    self->connection = connection;
    self->states = states;
    return self;
}


static void
source_free(gpointer data)
{
    Source *self = data;

    g_clear_pointer(&self->states, g_hash_table_unref);
    md_event_relay_unref(self->relay);
    g_free(self);
}


static void
on_lifecycle(virConnectPtr conn G_GNUC_UNUSED,
             virNodeDevicePtr device,
             int event,
             int detail G_GNUC_UNUSED,
             void *data)
{
    Source *self = data;

    md_event_relay_notify(self->relay, self->connection, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                          virNodeDeviceGetName(device), event);
}


static void
on_update(virConnectPtr conn G_GNUC_UNUSED, virNodeDevicePtr device, void *data)
{
    Source *self = data;

    md_event_relay_notify(self->relay, self->connection, VIR_NODE_DEVICE_EVENT_ID_UPDATE,
                          virNodeDeviceGetName(device), 0);
}


static void
resume_relay(gpointer data, gpointer unused G_GNUC_UNUSED)
{
    Source *self = data;

    md_event_relay_resume(self->relay, self->connection, self->states);
}


/* Applies `event` to each device of the list. */
static gboolean
states_read_list(MdStates *states, virConnectPtr conn, guint flags, int event)
{
    virNodeDevicePtr *devices = NULL;
    int n = virConnectListAllNodeDevices(conn, &devices, flags);

    for (int i = 0; i < n; i++) {
        md_states_apply(states, virNodeDeviceGetName(devices[i]), event);
        virNodeDeviceFree(devices[i]);
    }
    free(devices);
    return n >= 0;
}


/* NULL: failed. */
static MdStates *
read_states(virConnectPtr conn)
{
    MdStates *states = md_states_new();

    if (states_read_list(states, conn, LIST_ACTIVE, VIR_NODE_DEVICE_EVENT_CREATED) &&
        states_read_list(states, conn, LIST_ANY | LIST_PERSISTENT, VIR_NODE_DEVICE_EVENT_DEFINED))
        return states;
    g_hash_table_unref(states);
    return NULL;
}


static int
register_source(virConnectPtr conn,
                int event,
                virConnectNodeDeviceEventGenericCallback func,
                Source *source)
{
    int id = virConnectNodeDeviceEventRegisterAny(conn, NULL, event, func, source, source_free);

    if (id < 0)
        source_free(source);
    return id;
}


gboolean
md_subscription_begin(MdSubscription *self, virConnectPtr conn, MdEventRelay *relay)
{
    guint connection = md_event_relay_hold(relay);
    MdStates *states = NULL;
    Source *source = NULL;

    self->lifecycle = register_source(conn, VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE,
                                      VIR_NODE_DEVICE_EVENT_CALLBACK(on_lifecycle),
                                      source_new(relay, connection, NULL));
    if (self->lifecycle < 0)
        return FALSE;
    self->update = register_source(conn, VIR_NODE_DEVICE_EVENT_ID_UPDATE, on_update,
                                   source_new(relay, connection, NULL));
    if (self->update < 0)
        return FALSE;
    states = read_states(conn);
    if (states == NULL)
        return FALSE;
    source = source_new(relay, connection, states);
    if (!md_event_loop_run(resume_relay, source, source_free)) {
        source_free(source);
        return FALSE;
    }
    return TRUE;
}


void
md_subscription_end(MdSubscription *self, virConnectPtr conn)
{
    if (self->lifecycle >= 0)
        virConnectNodeDeviceEventDeregisterAny(conn, self->lifecycle);
    if (self->update >= 0)
        virConnectNodeDeviceEventDeregisterAny(conn, self->update);
    *self = (MdSubscription)MD_SUBSCRIPTION_NONE;
}
