/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connection to the daemon on behalf of one client of libvirtd. It is opened when it is first
 * needed, and again when the daemon has closed it. Thread-safe.
 */
#pragma once

#include "libvirtd/caller.h"
#include "libvirtd/event-relay.h"

typedef struct MdUplink MdUplink;

/* Called on any thread when a connection is lost whose events somebody wants; must not block. */
typedef void (*MdUplinkLostFunc)(gpointer data);

/* Owns the caller. `socket` must outlive the uplink. */
MdUplink *
md_uplink_new(MdCaller *caller, const char *socket, MdUplinkLostFunc on_lost, gpointer data);

/* Closes the connection, which may block. Nobody may be using the uplink. */
void md_uplink_free(MdUplink *self);

/* Equal for equal callers; valid as long as the uplink. */
const char *md_uplink_get_key(MdUplink *self);

/*
 * An open connection, referenced; the caller ends with virConnectClose(). May block. NULL: it could
 * not be opened; the reason is the thread's last error.
 */
virConnectPtr md_uplink_connect(MdUplink *self);

/*
 * Subscribes to the daemon's events, on a new connection if the last one is lost. May block. FALSE:
 * failed; the reason is the thread's last error.
 */
gboolean md_uplink_subscribe(MdUplink *self);

/* Whether events were subscribed to on a connection that is lost: subscribe again. */
gboolean md_uplink_is_lost(MdUplink *self);

/* Whether events are subscribed to, so that those of a change must be awaited. */
gboolean md_uplink_has_events(MdUplink *self);

/* Valid as long as the uplink. */
MdEventRelay *md_uplink_get_relay(MdUplink *self);

/*
 * Whether the socket is one, and belongs to root or to the user of this process. If not, `reason`
 * is a new string.
 */
gboolean md_uplink_is_trusted_socket(const char *path, char **reason);
