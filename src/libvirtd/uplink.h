/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection to the daemon on behalf of one client of libvirtd. It is opened on first use, and
 * reopened after the daemon has closed it. Thread-safe.
 */
#pragma once

#include "libvirtd/caller.h"
#include "libvirtd/event-relay.h"

typedef struct MdUplink MdUplink;

/* Called on any thread when a connection with subscribed events is lost; must not block. */
typedef void (*MdUplinkLostFunc)(gpointer data);

/* Owns the caller. `socket` must outlive the uplink. */
MdUplink *
md_uplink_new(MdCaller *caller, const char *socket, MdUplinkLostFunc on_lost, gpointer data);

/* Closes the connection, which may block. The uplink must not be in use. */
void md_uplink_free(MdUplink *self);

/* The key of the caller, see MdCaller; valid as long as the uplink. */
const char *md_uplink_get_key(MdUplink *self);

/*
 * Returns an open connection, to be released with virConnectClose(). May block. NULL: the
 * connection cannot be opened, for the reason in the thread's last error.
 */
virConnectPtr md_uplink_connect(MdUplink *self);

/*
 * Subscribes to the daemon's events, on a new connection if the last one is lost. May block. FALSE:
 * failed, for the reason in the thread's last error.
 */
gboolean md_uplink_subscribe(MdUplink *self);

/* Whether the connection of a subscribed client is lost, so that it must be subscribed again. */
gboolean md_uplink_is_lost(MdUplink *self);

/* Whether the client subscribes to events: a change must then wait until its events have been
 * delivered. */
gboolean md_uplink_wants_events(MdUplink *self);

/* Valid as long as the uplink. */
MdEventRelay *md_uplink_get_relay(MdUplink *self);

/*
 * Whether the path leads to a socket that belongs to root or to the user of this process. If not,
 * sets `reason` to a new string.
 */
gboolean md_uplink_is_trusted_socket(const char *path, char **reason);
