/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The subscribers of one user, and their pending events. Subscribers are called in the order of the
 * events, once per event; for one event, in the order of subscription. The cost of an event depends
 * on its own subscribers only, not on those of other events.
 *
 * While they are called, subscribers may subscribe, unsubscribe and cause events, but not free the
 * line.
 */
#pragma once

#include "registry/events.h"

typedef struct _MdEventLine MdEventLine;

/* `share`: the share of the user, see md_owner_get_share(). */
MdEventLine *md_event_line_new(guint64 share);
/* Also calls the functions passed to md_event_line_mark() that have not been called yet. */
void md_event_line_free(MdEventLine *self);

guint64 md_event_line_get_share(MdEventLine *self);

/* Like md_events_subscribe(). */
MdEventSubscription *md_event_line_subscribe(
    MdEventLine *self, int event, const char *device, MdEventFunc func, gpointer data);
void md_event_line_unsubscribe(MdEventLine *self, MdEventSubscription *subscription);
MdEventLine *md_event_subscription_get_line(MdEventSubscription *subscription);

/* Adds a pending event. FALSE: the event has no subscribers. */
gboolean md_event_line_add(MdEventLine *self, const char *device, int event, int detail);

/* Calls `func` once all events added so far have been delivered. */
void md_event_line_mark(MdEventLine *self, void (*func)(gpointer data), gpointer data);

/* The number of pending events and marks. */
guint md_event_line_count(MdEventLine *self);

/* Calls at most this number of subscribers. */
void md_event_line_deliver(MdEventLine *self, guint max);

/* Like md_events_catch_up(). */
void md_event_line_catch_up(MdEventLine *self, guint64 *until, MdEventsFind find, gpointer data);

/* Whether there are neither subscribers nor pending events. */
gboolean md_event_line_is_unused(MdEventLine *self);
