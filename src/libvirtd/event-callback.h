/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One event callback that a client of libvirtd has registered. Reference-counted, thread-safe. */
#pragma once

#include "libvirtd/symbols.h"

typedef struct {
    int id; /* unique, not negative */
    virConnectPtr conn;
    char *device; /* NULL: all devices */
    int event;    /* one of virNodeDeviceEventID */
    virConnectNodeDeviceEventGenericCallback func;
    gpointer data;
    virFreeCallback free_data;
    gint is_stopped;
} MdEventCallback;

/* References the connection. The last reference frees the data. */
MdEventCallback *md_event_callback_new(virConnectPtr conn,
                                       virNodeDevicePtr device,
                                       int event,
                                       virConnectNodeDeviceEventGenericCallback func,
                                       gpointer data,
                                       virFreeCallback free_data);
MdEventCallback *md_event_callback_ref(MdEventCallback *self);
void md_event_callback_unref(MdEventCallback *self);

/* No call begins after this; one may be running. */
void md_event_callback_stop(MdEventCallback *self);

/*
 * Reports an event if the client wants it. On the event loop only. `lifecycle` is the kind of a
 * lifecycle event (virNodeDeviceEventLifecycleType), unused for an update.
 */
void md_event_callback_invoke(
    MdEventCallback *self, const MdSymbols *symbols, int event, const char *device, int lifecycle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdEventCallback, md_event_callback_unref)
