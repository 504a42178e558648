/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who wants to hear what. Subscribers are called in the order of the facts, one call per fact,
 * before the call that caused the fact is answered.
 */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

#include "node_device/registry.h"

typedef struct _MdEvents MdEvents;

/*
 * `event` is a virNodeDeviceEventID. For VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE `detail` is a
 * virNodeDeviceEventLifecycleType, for VIR_NODE_DEVICE_EVENT_ID_UPDATE it is 0.
 */
typedef void (*MdEventFunc)(const char *device, int event, int detail, gpointer data);

/* Listens to a registry. */
MdEvents *md_events_new(MdRegistry *registry);
void md_events_free(MdEvents *self);

/* `device` NULL: all devices. Returns an id that is not 0, unique among all subscribers. */
guint
md_events_subscribe(MdEvents *self, int event, const char *device, MdEventFunc func, gpointer data);

/* A subscriber may leave at any time, from within its own call too; it is not called afterwards. */
void md_events_unsubscribe(MdEvents *self, guint id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdEvents, md_events_free)
