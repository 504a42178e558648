/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connections to the daemon, one per client of libvirtd. A thread of the pool does the
 * blocking work that belongs to no call: it closes connections that have been unused for some time,
 * and reopens lost connections of clients that subscribe to events. Thread-safe.
 */
#pragma once

#include "libvirtd/uplink.h"

/* An unused connection is closed after this time in microseconds. If more than this number are
 * unused, the one that has been unused longest is closed at once. */
#define MD_POOL_IDLE_TIME (5 * G_USEC_PER_SEC)
#define MD_POOL_IDLE_MAX  16

/* Microseconds between attempts to reopen lost connections. */
#define MD_POOL_RENEWAL_TIME G_USEC_PER_SEC

typedef struct MdPool MdPool;

/* The only pool, which is never freed, because libvirtd never unloads a module. */
MdPool *md_pool_new(const char *socket);

/* Returns the uplink of the caller, with one more user. Takes ownership of `caller`. */
MdUplink *md_pool_acquire(MdPool *self, MdCaller *caller);

/* Adds a user to an uplink that is in use. */
void md_pool_ref(MdPool *self, MdUplink *uplink);

/* Removes a user of the uplink. */
void md_pool_release(MdPool *self, MdUplink *uplink);
