/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An event callback registered by a client of libvirtd. Reference-counted, thread-safe. */
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

/* References the connection. Releasing the last reference calls `free_data`. */
MdEventCallback *md_event_callback_new(virConnectPtr conn,
                                       virNodeDevicePtr device,
                                       int event,
                                       virConnectNodeDeviceEventGenericCallback func,
                                       gpointer data,
                                       virFreeCallback free_data);
MdEventCallback *md_event_callback_ref(MdEventCallback *self);
void md_event_callback_unref(MdEventCallback *self);

/* No invocation begins after this; one may still be running. */
void md_event_callback_stop(MdEventCallback *self);

/*
 * Invokes the callback if it is registered for this event of this device. On the event loop only.
 * `lifecycle` is a virNodeDeviceEventLifecycleType, unused for an update.
 */
void md_event_callback_invoke(
    MdEventCallback *self, const MdSymbols *symbols, int event, const char *device, int lifecycle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdEventCallback, md_event_callback_unref)
