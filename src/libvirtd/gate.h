/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Limits the calls to the daemon that run at a time, because each occupies a thread of libvirtd,
 * and with it all other drivers. While the daemon answers, further calls wait for their turn. Once
 * it has been silent for some time, further calls are refused at once, so that libvirtd serves its
 * other clients. Thread-safe; initialized with zeros, and the limits.
 */
#pragma once

#include <glib.h>

typedef struct {
    guint max;       /* calls at a time */
    gint64 patience; /* microseconds of silence after which no call waits */

    GMutex mutex;
    GCond cond;
    guint n_running;
    gint64 last_answer; /* monotonic time in microseconds, or when the first call began */
} MdGate;

/* May block for a while. FALSE: refused. After TRUE, the caller must leave. */
gboolean md_gate_enter(MdGate *self);

/* The call has ended. */
void md_gate_leave(MdGate *self);
