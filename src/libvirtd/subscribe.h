/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Subscribes to the daemon's events for the client that the current thread acts for.
 *
 * While a client registers a callback, libvirtd holds a lock of this client. The client's other
 * registrations wait for this lock, each on a thread of libvirtd. In newer releases, libvirtd's
 * event loop also waits for this lock when the client disconnects. Therefore the registration must
 * end even if the daemon does not answer: the subscription runs on a thread of its own, and the
 * registration waits for this thread at most MD_SUBSCRIBE_TIMEOUT.
 */
#pragma once

#include "libvirtd/forward.h"

/* In microseconds. */
#define MD_SUBSCRIBE_TIMEOUT (3 * G_USEC_PER_SEC)

/* Returns the uplink, referenced until md_forward_release_uplink(). NULL: failed; the reason is the
 * thread's last error. */
MdUplink *md_subscribe_current(const MdSymbols *symbols);
