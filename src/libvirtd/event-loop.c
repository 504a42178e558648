/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <libvirt/libvirt.h>

#include "libvirtd/event-loop.h"

/* In microseconds. */
#define WAIT_MAX (2 * G_USEC_PER_SEC)

typedef struct {
    GFunc func;
    gpointer data;
    GDestroyNotify free_data;
} Job;

/* Referenced by the event loop and by the waiting thread. */
typedef struct {
    GMutex mutex;
    GCond cond;
    gboolean has_passed;
} Barrier;


static void
job_free(gpointer data)
{
    Job *job = data;

    if (job->free_data != NULL)
        job->free_data(job->data);
    g_free(job);
}


static void
run_job(int timer, void *data)
{
    Job *job = data;

    virEventRemoveTimeout(timer);
    job->func(job->data, NULL);
}


gboolean
md_event_loop_run(GFunc func, gpointer data, GDestroyNotify free_data)
{
    Job *job = g_new0(Job, 1);

    job->func = func;
    job->data = data;
    job->free_data = free_data;
    /* libvirt's event loop runs timers without delay in the order in which they were added. */
    if (virEventAddTimeout(0, run_job, job, job_free) < 0) {
        g_free(job);
        return FALSE;
    }
    return TRUE;
}


static void
barrier_clear(gpointer data)
{
    Barrier *self = data;

    g_mutex_clear(&self->mutex);
    g_cond_clear(&self->cond);
}


static void
barrier_unref(gpointer data)
{
    g_atomic_rc_box_release_full(data, barrier_clear);
}


static void
barrier_pass(gpointer data, gpointer unused G_GNUC_UNUSED)
{
    Barrier *self = data;
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    self->has_passed = TRUE;
    g_cond_signal(&self->cond);
}


void
md_event_loop_wait(void)
{
    Barrier *self = g_atomic_rc_box_new0(Barrier);
    gint64 end = g_get_monotonic_time() + WAIT_MAX;

    g_mutex_init(&self->mutex);
    g_cond_init(&self->cond);
    if (md_event_loop_run(barrier_pass, g_atomic_rc_box_acquire(self), barrier_unref)) {
        g_mutex_lock(&self->mutex);
        while (!self->has_passed && g_cond_wait_until(&self->cond, &self->mutex, end))
            continue;
        g_mutex_unlock(&self->mutex);
    } else {
        barrier_unref(self);
    }
    barrier_unref(self);
}
