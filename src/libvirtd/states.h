/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client has been told about devices: which exist, and whether they are active and
 * persistent. From two such states follow the events that lead from one to the other.
 */
#pragma once

#include <glib.h>

typedef enum {
    MD_STATE_ACTIVE = 1 << 0,
    MD_STATE_PERSISTENT = 1 << 1,
} MdStateFlags;

/* name (GRefString) -> MdStateFlags, at least one of them */
typedef GHashTable MdStates;

MdStates *md_states_new(void);

/* `event` is one of virNodeDeviceEventLifecycleType. FALSE: it changes nothing. */
gboolean md_states_apply(MdStates *self, const char *name, int event);

typedef void (*MdStatesFunc)(const char *name, int event, gpointer data);

/* Calls func(name, event, data) for each event that leads from one state to the other: first those
 * of devices that are gone. */
void md_states_compare(MdStates *before, MdStates *after, MdStatesFunc func, gpointer data);
