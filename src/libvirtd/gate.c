/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/gate.h"


gboolean
md_gate_enter(MdGate *self)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    if (self->n_running == 0)
        self->last_answer = g_get_monotonic_time();
    while (self->n_running >= self->max) {
        gint64 end = self->last_answer + self->timeout;

        if (g_get_monotonic_time() >= end)
            return FALSE;
        g_cond_wait_until(&self->cond, &self->mutex, end);
    }
    self->n_running++;
    return TRUE;
}


void
md_gate_leave(MdGate *self)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    self->n_running--;
    self->last_answer = g_get_monotonic_time();
    g_cond_signal(&self->cond);
}
