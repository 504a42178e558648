/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who wants to hear what. Subscribers are called in the order of the facts, one call per fact;
 * those of one fact in the order in which they have subscribed. If they are few, all of them are
 * called at once; otherwise others have their turns on the main loop in between. A fact costs as
 * much as it has subscribers, however many there are for others.
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
guint64
md_events_subscribe(MdEvents *self, int event, const char *device, MdEventFunc func, gpointer data);

/* A subscriber may leave at any time, from within its own call too; it is not called afterwards.
 * An id that is not in use is ignored. */
void md_events_unsubscribe(MdEvents *self, guint64 id);

/* The id of a subscription to this, 0: there is none. `device` NULL: all devices. */
typedef guint64 (*MdEventsFind)(int event, const char *device, gpointer data);

/* Calls at once those subscribers whom `find` finds, for each fact that they are still to be told
 * of. */
void md_events_catch_up(MdEvents *self, MdEventsFind find, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdEvents, md_events_free)
