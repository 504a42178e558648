/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One call to the daemon on behalf of the client that the current thread acts for:
 *
 *     MdUpcall call = { MD_UPCALL_QUERY };
 *
 *     while (md_upcall_begin(&call)) {
 *         result = virSomething(call.conn);
 *         md_upcall_end(&call, result != NULL);
 *     }
 *
 * The body runs once; twice if a query has failed because the connection was lost, for example by a
 * restart of the daemon. It does not run if the daemon cannot be reached, or is silent and has too
 * many calls already. After the loop, the error of a failure is the thread's last error.
 */
#pragma once

#include "libvirtd/pool.h"

/*
 * Calls that the daemon may have at a time, and microseconds without an answer after which no
 * further call waits. A change takes as long as the driver of the device, so queries have places of
 * their own.
 *
 * libvirtd starts with five threads (min_workers) that serve any call, and five more for some
 * calls only. It should add threads up to max_workers, but compares two unsigned numbers by their
 * difference, and so adds none while more calls wait than threads are idle. So a burst of calls may
 * find no more than five threads, and one of them must remain for other drivers.
 */
#define MD_UPCALL_QUERIES_MAX      2
#define MD_UPCALL_CHANGES_MAX      2
#define MD_UPCALL_QUERIES_PATIENCE G_USEC_PER_SEC
#define MD_UPCALL_CHANGES_PATIENCE (3 * G_USEC_PER_SEC)

typedef enum {
    MD_UPCALL_QUERY,
    MD_UPCALL_CHANGE, /* must not run twice */
} MdUpcallKind;

typedef struct {
    MdUpcallKind kind;
    virConnectPtr conn; /* to the daemon, in the body */
    MdUplink *uplink;   /* in the body */

    /* Private. */
    virNodeDevicePtr device;
    guint n_attempts;
    gboolean is_done;
} MdUpcall;

/* Before any call, once. */
void md_upcall_init(const MdSymbols *symbols, const char *socket);

gboolean md_upcall_begin(MdUpcall *self);
void md_upcall_end(MdUpcall *self, gboolean success);

/* The same for a call about a client's device: returns the daemon's object of the device, valid in
 * the body. NULL: the body does not run, or not again. */
virNodeDevicePtr md_upcall_begin_on_device(MdUpcall *self, virNodeDevicePtr device);

/*
 * A client's object, to be returned to the connection `conn`, of a device of the daemon, which is
 * freed. NULL: an error, or `device` is NULL.
 */
virNodeDevicePtr md_upcall_return_device(virConnectPtr conn, virNodeDevicePtr device);

/* In the body: the uplink of the call, which remains open until it is given back. */
MdUplink *md_upcall_keep_uplink(MdUpcall *self);
void md_upcall_give_back_uplink(MdUplink *uplink);
