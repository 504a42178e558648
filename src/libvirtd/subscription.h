/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A feed's registration for the events of one connection to the daemon. */
#pragma once

#include "libvirtd/event-relay.h"

typedef struct {
    int lifecycle; /* of the registrations; -1: none */
    int update;
} MdSubscription;

#define MD_SUBSCRIPTION_NONE                                                                       \
    {                                                                                              \
        -1, -1                                                                                     \
    }

/*
 * Registers for all events, and makes the feed go on with this connection. Blocks. FALSE: failed;
 * the reason is the thread's last error.
 */
gboolean md_subscription_begin(MdSubscription *self, virConnectPtr conn, MdFeed *feed);

/* Does nothing without a registration. */
void md_subscription_end(MdSubscription *self, virConnectPtr conn);
