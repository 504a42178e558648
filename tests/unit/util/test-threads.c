/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Threads run all jobs, are reused, and do not wait for each other. */
#include "config.h"

#include "util/threads.h"

#define N_BLOCKED 40
#define N_MANY    10000

/* Parameters and results of jobs. */
typedef struct {
    GMutex mutex;
    GCond cond;
    gboolean open;
    guint n_begun;
    guint n_ended;
    GHashTable *seen; /* threads */
    gboolean again;   /* a thread has run a second job */
} Jobs;


static void
note(gpointer data)
{
    Jobs *jobs = data;

    g_mutex_lock(&jobs->mutex);
    jobs->n_ended++;
    if (!g_hash_table_add(jobs->seen, g_thread_self()))
        jobs->again = TRUE;
    g_cond_broadcast(&jobs->cond);
    g_mutex_unlock(&jobs->mutex);
}


static void
wait_until_open(gpointer data)
{
    Jobs *jobs = data;

    g_mutex_lock(&jobs->mutex);
    jobs->n_begun++;
    g_cond_broadcast(&jobs->cond);
    while (!jobs->open)
        g_cond_wait(&jobs->cond, &jobs->mutex);
    g_mutex_unlock(&jobs->mutex);
    note(data);
}


static void
wait_for(Jobs *jobs, const guint *count, guint n)
{
    g_mutex_lock(&jobs->mutex);
    while (*count < n)
        g_cond_wait(&jobs->cond, &jobs->mutex);
    g_mutex_unlock(&jobs->mutex);
}


static void
jobs_init(Jobs *jobs)
{
    *jobs = (Jobs){ .seen = g_hash_table_new(NULL, NULL) };
    g_mutex_init(&jobs->mutex);
    g_cond_init(&jobs->cond);
}


static void
jobs_clear(Jobs *jobs)
{
    /* Waits until the last job has released the lock. */
    g_mutex_lock(&jobs->mutex);
    g_mutex_unlock(&jobs->mutex);
    g_hash_table_unref(jobs->seen);
    g_cond_clear(&jobs->cond);
    g_mutex_clear(&jobs->mutex);
}


static void
test_used_again(void)
{
    Jobs jobs;

    jobs_init(&jobs);
    for (guint n = 1; !jobs.again; n++) {
        md_threads_run(note, &jobs);
        wait_for(&jobs, &jobs.n_ended, n);
    }
    jobs_clear(&jobs);
}


static void
test_blocked(void)
{
    Jobs blocked, others;
    guint n = 0;
    guint n_idle = 0;

    jobs_init(&blocked);
    jobs_init(&others);
    for (guint i = 0; i < N_BLOCKED; i++)
        md_threads_run(wait_until_open, &blocked);
    wait_for(&blocked, &blocked.n_begun, N_BLOCKED);
    md_threads_run(note, &others);
    wait_for(&others, &others.n_ended, 1);
    g_assert_cmpuint(blocked.n_ended, ==, 0);
    md_threads_count(&n, &n_idle);
    g_assert_cmpuint(n, >=, N_BLOCKED + n_idle);

    g_mutex_lock(&blocked.mutex);
    blocked.open = TRUE;
    g_cond_broadcast(&blocked.cond);
    g_mutex_unlock(&blocked.mutex);
    wait_for(&blocked, &blocked.n_ended, N_BLOCKED);
    jobs_clear(&blocked);
    jobs_clear(&others);

    /* All become idle, and none ends before some seconds. */
    while (n_idle < n)
        md_threads_count(&n, &n_idle);
    g_assert_cmpuint(n, >=, N_BLOCKED);
}


/* A job that arrives while threads are idle, becoming idle or busy is never lost. */
static void
test_many(void)
{
    Jobs jobs;

    jobs_init(&jobs);
    for (guint i = 1; i <= N_MANY; i++) {
        md_threads_run(note, &jobs);
        if (i % 3 == 0)
            wait_for(&jobs, &jobs.n_ended, i);
    }
    wait_for(&jobs, &jobs.n_ended, N_MANY);
    jobs_clear(&jobs);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/threads/used-again", test_used_again);
    g_test_add_func("/threads/blocked", test_blocked);
    g_test_add_func("/threads/many", test_many);
    return g_test_run();
}
