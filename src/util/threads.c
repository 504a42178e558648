/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/threads.h"

/* Microseconds after which an idle thread ends. */
#define IDLE_TIME (15 * G_USEC_PER_SEC)

typedef struct {
    MdThreadFunc func;
    gpointer data;
    GList link; /* in `jobs` */
} Job;

/* Referenced by the thread itself and by its caller. */
typedef struct {
    GCond cond;
    GList link;      /* in `idle` until `called` */
    gboolean called; /* woken up to fetch a job */
} Thread;

static struct {
    GMutex mutex;
    GQueue jobs; /* of Job, not fetched by a thread yet */
    GQueue idle; /* of Thread, the one that became idle last first */
    guint n;     /* threads that have been created and not ended */
} threads;


static Thread *
thread_new(void)
{
    Thread *self = g_atomic_rc_box_new0(Thread);

    g_cond_init(&self->cond);
    self->link.data = self;
    return self;
}


static void
thread_clear(Thread *self)
{
    g_cond_clear(&self->cond);
}


static void
thread_unref(Thread *self)
{
    g_atomic_rc_box_release_full(self, (GDestroyNotify)thread_clear);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(Thread, thread_unref)


/* Called with the lock held. FALSE: the thread has been idle for IDLE_TIME. */
static gboolean
thread_wait(Thread *self)
{
    gint64 end = g_get_monotonic_time() + IDLE_TIME;
    gboolean in_time = TRUE;

    self->called = FALSE;
    g_queue_push_head_link(&threads.idle, &self->link);
    while (!self->called && in_time)
        in_time = g_cond_wait_until(&self->cond, &threads.mutex, end);
    if (!self->called)
        g_queue_unlink(&threads.idle, &self->link);
    return self->called;
}


/* NULL: the thread must end. */
static Job *
thread_fetch_job(Thread *self)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&threads.mutex);
    GList *link = NULL;

    /* Another thread may have fetched the job meanwhile. */
    while ((link = g_queue_pop_head_link(&threads.jobs)) == NULL) {
        if (!thread_wait(self)) {
            threads.n--;
            return NULL;
        }
    }
    return link->data;
}


static gpointer
run_jobs(gpointer data G_GNUC_UNUSED)
{
    g_autoptr(Thread) self = thread_new();
    Job *job = NULL;

    while ((job = thread_fetch_job(self)) != NULL) {
        job->func(job->data);
        g_free(job);
    }
    return NULL;
}


static void
count_failed(void)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&threads.mutex);

    threads.n--;
}


/* Returns an idle thread, referenced, which the caller must wake up. NULL: no thread is idle, so
 * the caller must create one, which has already been counted. */
static Thread *
add_job(Job *job)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&threads.mutex);
    GList *link = g_queue_pop_head_link(&threads.idle);
    Thread *called = NULL;

    job->link.data = job;
    g_queue_push_tail_link(&threads.jobs, &job->link);
    if (link == NULL) {
        threads.n++;
    } else {
        called = g_atomic_rc_box_acquire(link->data);
        called->called = TRUE;
    }
    return called;
}


void
md_threads_run(MdThreadFunc func, gpointer data)
{
    g_autoptr(Thread) called = NULL;
    g_autoptr(GThread) started = NULL;
    g_autoptr(GError) error = NULL;
    Job *job = g_new0(Job, 1);

    job->func = func;
    job->data = data;
    called = add_job(job);
    /* Signals after releasing the lock, because the woken thread needs it first. */
    if (called != NULL) {
        g_cond_signal(&called->cond);
        return;
    }
    started = g_thread_try_new("worker", run_jobs, NULL, &error);
    if (started == NULL) {
        count_failed();
        g_debug("Unable to start a worker thread, the job stays queued: %s", error->message);
    }
}


void
md_threads_count(guint *n, guint *n_idle)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&threads.mutex);

    *n = threads.n;
    *n_idle = threads.idle.length;
}
