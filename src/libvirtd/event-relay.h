/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The events that one client of libvirtd receives, whichever connection to the daemon they come
 * from. A new connection after a restart of the daemon goes on where the lost one has ended: the
 * client is told what has changed meanwhile. Reference-counted, thread-safe.
 */
#pragma once

#include "libvirtd/event-callback.h"
#include "libvirtd/states.h"

typedef struct MdFeed MdFeed;

MdFeed *md_feed_new(const MdSymbols *symbols);
MdFeed *md_feed_ref(MdFeed *self);
void md_feed_unref(MdFeed *self);

void md_feed_add(MdFeed *self, MdEventCallback *callback);
void md_feed_remove(MdFeed *self, MdEventCallback *callback);

/*
 * A new connection is about to be subscribed to. Its events wait for md_feed_go_on(), and those of
 * earlier connections are ignored. Returns the number of the connection.
 */
guint md_feed_hold(MdFeed *self);

/*
 * Tells how the client's devices differ from `states`: those that exist now. Then tells the events
 * that have waited, but for those that `states` already contains. On the event loop only.
 */
void md_feed_go_on(MdFeed *self, guint connection, MdStates *states);

/* An event of the daemon has come; the last arguments are those of md_event_callback_invoke(). On
 * the event loop only. */
void md_feed_tell(MdFeed *self, guint connection, int event, const char *device, int lifecycle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdFeed, md_feed_unref)
