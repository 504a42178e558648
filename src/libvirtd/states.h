/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The devices that a client knows from events or lists, each with its state: active, persistent or
 * both. Comparing two such tables yields the lifecycle events that lead from one to the other.
 */
#pragma once

#include <glib.h>

typedef enum {
    MD_STATE_ACTIVE = 1 << 0,
    MD_STATE_PERSISTENT = 1 << 1,
} MdStateFlags;

/* name (GRefString) -> MdStateFlags, at least one flag */
typedef GHashTable MdStates;

MdStates *md_states_new(void);

/* Applies a lifecycle event (virNodeDeviceEventLifecycleType). FALSE: the event changes nothing. */
gboolean md_states_apply(MdStates *self, const char *name, int event);

typedef void (*MdStatesFunc)(const char *name, int event, gpointer data);

/* Calls func(name, event, data) for each event that leads from `before` to `after`, in the order
 * deleted, undefined, defined, created. */
void md_states_compare(MdStates *before, MdStates *after, MdStatesFunc func, gpointer data);

/* Calls func(name, data) for each device in both tables. */
void md_states_for_each_in_both(MdStates *one,
                                MdStates *other,
                                void (*func)(const char *name, gpointer data),
                                gpointer data);
