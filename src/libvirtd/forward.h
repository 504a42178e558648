/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Forwards one call to the daemon on behalf of the client that the current thread acts for:
 *
 *     MdForward call = { MD_FORWARD_QUERY };
 *
 *     while (md_forward_begin(&call)) {
 *         result = virSomething(call.conn);
 *         md_forward_end(&call, result != NULL);
 *     }
 *
 * The body runs once, or twice if a query fails because the connection was lost, for example by a
 * restart of the daemon. The body does not run if the daemon cannot be reached, or if gate.h
 * refuses the call. After the loop, the error of a failure is the thread's last error.
 */
#pragma once

#include "libvirtd/pool.h"

/*
 * Maximum number of concurrent calls, and the microseconds without an answer after which further
 * calls are refused. Queries have a limit of their own, because a change takes as long as the
 * hardware driver of the device.
 *
 * libvirtd starts five threads for all calls (min_workers), and five for certain calls only
 * (prio_workers). It should add threads up to max_workers, but because of an unsigned subtraction,
 * it adds no thread while more calls are queued than threads are idle. A burst of calls may
 * therefore find only five threads, one of which must remain for other drivers.
 */
#define MD_FORWARD_QUERIES_MAX     2
#define MD_FORWARD_CHANGES_MAX     2
#define MD_FORWARD_QUERIES_TIMEOUT G_USEC_PER_SEC
#define MD_FORWARD_CHANGES_TIMEOUT (3 * G_USEC_PER_SEC)

typedef enum {
    MD_FORWARD_QUERY,
    MD_FORWARD_CHANGE, /* must not run twice */
} MdForwardKind;

typedef struct {
    MdForwardKind kind;
    virConnectPtr conn; /* connection to the daemon; valid in the body */
    MdUplink *uplink;   /* likewise */

    /* Private. */
    virNodeDevicePtr device;
    guint n_attempts;
    gboolean is_entered;
    gboolean is_done;
} MdForward;

/* To be called once, before any other function. */
void md_forward_init(const MdSymbols *symbols, const char *socket);

/*
 * For a loop that runs on another thread: the thread that acts for the client first calls
 * md_forward_enter(), which may block for a while. FALSE: the body will not run; the reason is the
 * thread's last error. After TRUE, either the loop runs, or md_forward_leave() ends the call.
 */
gboolean md_forward_enter(MdForward *self);
void md_forward_leave(MdForward *self);

gboolean md_forward_begin(MdForward *self);
void md_forward_end(MdForward *self, gboolean success);

/* The same for a call about a client's device: returns the daemon's object of the device, valid in
 * the body. NULL: the body does not run, or not again. */
virNodeDevicePtr md_forward_begin_on_device(MdForward *self, virNodeDevicePtr device);

/*
 * Converts the daemon's object of a device, which is freed, to an object of the client's connection
 * `conn`. NULL: an error, or `device` is NULL.
 */
virNodeDevicePtr md_forward_convert_device(virConnectPtr conn, virNodeDevicePtr device);

/* In the body: the uplink of the call, referenced until md_forward_release_uplink(). */
MdUplink *md_forward_ref_uplink(MdForward *self);
void md_forward_release_uplink(MdUplink *uplink);
