/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits the number of concurrent calls to the daemon, because each occupies a thread of libvirtd,
 * and all of libvirtd's drivers share these threads. While the daemon answers, further calls wait
 * for their turn. Once it has not answered for some time, further calls are refused at once, so
 * that libvirtd still serves its other clients. Thread-safe. Initialize with the limits, then
 * zeros.
 */
#pragma once

#include <glib.h>

typedef struct {
    guint max;      /* maximum number of concurrent calls */
    gint64 timeout; /* microseconds without an answer after which further calls are refused */

    GMutex mutex;
    GCond cond;
    guint n_running;
    gint64 last_answer; /* monotonic time in microseconds, or when the first call began */
} MdGate;

/* Waits for a turn. FALSE: refused. After TRUE, the caller must call md_gate_leave(). */
gboolean md_gate_enter(MdGate *self);

/* To be called when the call has ended. */
void md_gate_leave(MdGate *self);
