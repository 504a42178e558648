/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The connections to the daemon, one per client of libvirtd. A thread does what may block and is
 * part of no call: it closes connections that have not been used for some time, and opens lost ones
 * again whose events somebody wants. Thread-safe.
 */
#pragma once

#include "libvirtd/uplink.h"

/* Connections that nobody uses are closed after this time in microseconds, or if there are more
 * than this number, the one unused for the longest time first. */
#define MD_POOL_IDLE_TIME (5 * G_USEC_PER_SEC)
#define MD_POOL_IDLE_MAX  16

/* Microseconds between attempts to open lost connections. */
#define MD_POOL_RENEWAL_TIME G_USEC_PER_SEC

typedef struct MdPool MdPool;

/* There is one pool, which is never freed, as libvirtd never unloads a module. */
MdPool *md_pool_new(const char *socket);

/* The uplink of this caller, which the function owns. */
MdUplink *md_pool_take(MdPool *self, MdCaller *caller);

/* One more user of an uplink that is being used. */
void md_pool_keep(MdPool *self, MdUplink *uplink);

/* A user no longer needs the uplink. */
void md_pool_give_back(MdPool *self, MdUplink *uplink);
