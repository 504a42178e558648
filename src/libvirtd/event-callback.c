/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/event-callback.h"


MdEventCallback *
md_event_callback_new(virConnectPtr conn,
                      virNodeDevicePtr device,
                      int event,
                      virConnectNodeDeviceEventGenericCallback func,
                      gpointer data,
                      virFreeCallback free_data)
{
    static gint last_id;
    MdEventCallback *self = g_atomic_rc_box_new0(MdEventCallback);

    self->id = g_atomic_int_add(&last_id, 1) & G_MAXINT;
    virConnectRef(conn);
    self->conn = conn;
    self->device = device == NULL ? NULL : g_strdup(virNodeDeviceGetName(device));
    self->event = event;
    self->func = func;
    self->data = data;
    self->free_data = free_data;
    return self;
}


MdEventCallback *
md_event_callback_ref(MdEventCallback *self)
{
    return g_atomic_rc_box_acquire(self);
}


static void
callback_clear(gpointer data)
{
    MdEventCallback *self = data;

    if (self->free_data != NULL)
        self->free_data(self->data);
    virConnectClose(self->conn);
    g_free(self->device);
}


void
md_event_callback_unref(MdEventCallback *self)
{
    g_atomic_rc_box_release_full(self, callback_clear);
}


void
md_event_callback_stop(MdEventCallback *self)
{
    g_atomic_int_set(&self->is_stopped, TRUE);
}


void
md_event_callback_invoke(
    MdEventCallback *self, const MdSymbols *symbols, int event, const char *device, int lifecycle)
{
    virNodeDevicePtr object = NULL;

    if (event != self->event || g_atomic_int_get(&self->is_stopped) ||
        (self->device != NULL && !g_str_equal(self->device, device)))
        return;
    object = symbols->get_node_device(self->conn, device);
    if (object == NULL)
        return;
    if (event == VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE)
        ((virConnectNodeDeviceEventLifecycleCallback)(void (*)(void))self->func)(self->conn, object,
                                                                                 lifecycle, 0,
                                                                                 self->data);
    else
        self->func(self->conn, object, self->data);
    virNodeDeviceFree(object);
}
