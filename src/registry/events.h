/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Event subscriptions. Subscribers are called in the order of the events, once per event; for one
 * event, the subscribers of one user are called in the order of subscription. If a user has only a
 * few subscribers, all of them are called immediately. If a user has many, other users take turns
 * in between, so that the subscribers of one user need not wait for all subscribers of another.
 */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

#include "registry/registry.h"

typedef struct _MdEvents MdEvents;
typedef struct _MdEventSubscription MdEventSubscription;

/*
 * `event` is a virNodeDeviceEventID. For VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE `detail` is a
 * virNodeDeviceEventLifecycleType, for VIR_NODE_DEVICE_EVENT_ID_UPDATE it is 0.
 */
typedef void (*MdEventFunc)(const char *device, int event, int detail, gpointer data);

/* Reports the changes of a registry as events from now on. */
MdEvents *md_events_new(MdRegistry *registry);
/* Frees all subscriptions, and calls the pending functions of md_events_call_when_notified(). */
void md_events_free(MdEvents *self);

/* Reports an event that is not a change of the registry, because it occurred before this daemon
 * started. */
void md_events_report(MdEvents *self, const char *device, int event, int detail);

/* `share`: the share of the user, see md_owner_get_share(). `device` NULL: all devices. */
MdEventSubscription *md_events_subscribe(
    MdEvents *self, guint64 share, int event, const char *device, MdEventFunc func, gpointer data);

/* May be called at any time, even by the subscriber itself, which is not called afterwards. */
void md_events_unsubscribe(MdEvents *self, MdEventSubscription *subscription);

/* Finds the subscription for an event, or NULL. `device` NULL: all devices. */
typedef MdEventSubscription *(*MdEventsFind)(int event, const char *device, gpointer data);

/* Delivers the pending events immediately to those subscribers of a user that `find` selects.
 * `until` is 0 at first; later calls for the same subscribers use it to skip events that have been
 * delivered already. */
void
md_events_catch_up(MdEvents *self, guint64 share, guint64 *until, MdEventsFind find, gpointer data);

/* Calls `func` once, possibly before it returns, when the subscribers of a user have received all
 * events so far. */
void md_events_call_when_notified(MdEvents *self,
                                  guint64 share,
                                  void (*func)(gpointer data),
                                  gpointer func_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdEvents, md_events_free)
