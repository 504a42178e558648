/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The subscribers of one user, and what they are still to be told. They are called in the order of
 * the facts, one call per fact; those of one fact in the order in which they have subscribed. A
 * fact costs as much as it has subscribers, however many there are for others.
 *
 * Subscribers may subscribe, leave and cause facts from within their calls, but not free the line.
 */
#pragma once

#include "registry/events.h"

typedef struct _MdEventLine MdEventLine;

/* `share`: of the user, see md_owner_get_share(). */
MdEventLine *md_event_line_new(guint64 share);
/* What waits for facts to be told (md_event_line_mark()) is called. */
void md_event_line_free(MdEventLine *self);

guint64 md_event_line_get_share(MdEventLine *self);

/* As md_events_subscribe(). */
MdEventSubscription *md_event_line_subscribe(
    MdEventLine *self, int event, const char *device, MdEventFunc func, gpointer data);
void md_event_line_unsubscribe(MdEventLine *self, MdEventSubscription *subscription);
MdEventLine *md_event_subscription_get_line(MdEventSubscription *subscription);

/* FALSE: nobody is to be told of this. */
gboolean md_event_line_add(MdEventLine *self, const char *device, int event, int detail);

/* Calls `func` once all have been told what has been added so far. */
void md_event_line_mark(MdEventLine *self, void (*func)(gpointer data), gpointer data);

/* Facts and marks that wait. */
guint md_event_line_count(MdEventLine *self);

/* Calls so many subscribers at most. */
void md_event_line_tell(MdEventLine *self, guint max);

/* As md_events_catch_up(). */
void md_event_line_catch_up(MdEventLine *self, guint64 *until, MdEventsFind find, gpointer data);

/* Whether there are neither subscribers nor facts. */
gboolean md_event_line_is_unused(MdEventLine *self);
