/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Passes events of the daemon on to the callbacks of one client of libvirtd. A relay outlasts the
 * connections to the daemon: once a lost connection has been replaced, the relay reports the
 * changes that the client has missed. Reference-counted, thread-safe.
 */
#pragma once

#include "libvirtd/event-callback.h"
#include "libvirtd/states.h"

typedef struct MdEventRelay MdEventRelay;

MdEventRelay *md_event_relay_new(const MdSymbols *symbols);
MdEventRelay *md_event_relay_ref(MdEventRelay *self);
void md_event_relay_unref(MdEventRelay *self);

void md_event_relay_add(MdEventRelay *self, MdEventCallback *callback);
void md_event_relay_remove(MdEventRelay *self, MdEventCallback *callback);

/*
 * Announces a new connection and returns its number. From now on, events of earlier connections are
 * ignored, and those of this connection are held until md_event_relay_resume().
 */
guint md_event_relay_hold(MdEventRelay *self);

/*
 * `states`: the devices as listed through this connection. Reports their differences from what the
 * client knows, then an update of each known device that still exists, then the held events that
 * `states` does not reflect yet. The first call only records `states`, and reports no differences.
 * On the event loop only.
 */
void md_event_relay_resume(MdEventRelay *self, guint connection, MdStates *states);

/* Handles an event of the daemon; the last three arguments are those of md_event_callback_invoke().
 * On the event loop only. */
void md_event_relay_notify(
    MdEventRelay *self, guint connection, int event, const char *device, int lifecycle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdEventRelay, md_event_relay_unref)
