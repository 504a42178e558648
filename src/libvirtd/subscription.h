/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callbacks that a relay has registered for all events of one connection to the daemon. */
#pragma once

#include "libvirtd/event-relay.h"

typedef struct {
    int lifecycle; /* id of the callback; -1: not registered */
    int update;    /* likewise */
} MdSubscription;

#define MD_SUBSCRIPTION_NONE                                                                       \
    {                                                                                              \
        -1, -1                                                                                     \
    }

/*
 * Registers the callbacks, lists all devices, and resumes the relay with this connection. Blocks.
 * FALSE: failed, for the reason in the thread's last error; md_subscription_end() removes the
 * callbacks registered until then.
 */
gboolean md_subscription_begin(MdSubscription *self, virConnectPtr conn, MdEventRelay *relay);

/* Does nothing without a registration. */
void md_subscription_end(MdSubscription *self, virConnectPtr conn);
