/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/worker.h"

#include "util/error.h"

/* One job, shared by its thread, its deadline and its task: the last one frees it. */
typedef struct {
    MdWorkerFunc func;
    gpointer data;
    GDestroyNotify data_free;

    GMainContext *context; /* of the caller */
    GTask *task;           /* main loop only; NULL once answered */
    GSource *timer;        /* main loop only */
    gboolean ok;           /* written by the thread, read after it has ended */
    GError *error;
} Job;

/* Main loop only. */
static guint n_jobs;


static void
job_clear(Job *job)
{
    if (job->data_free != NULL)
        job->data_free(job->data);
    g_clear_error(&job->error);
    g_main_context_unref(job->context);
}


static void
job_unref(Job *job)
{
    g_atomic_rc_box_release_full(job, (GDestroyNotify)job_clear);
}


static void
job_stop_timer(Job *job)
{
    if (job->timer == NULL)
        return;

    g_source_destroy(job->timer);
    g_clear_pointer(&job->timer, g_source_unref);
}


/* On the main loop, when the thread is through. */
static gboolean
on_job_ended(gpointer user_data)
{
    Job *job = user_data;
    g_autoptr(GTask) task = g_steal_pointer(&job->task);

    n_jobs--;
    job_stop_timer(job);
    if (task == NULL)
        g_debug("A job ended after its deadline: %s",
                job->error != NULL ? job->error->message : "it succeeded");
    else if (job->ok)
        g_task_return_pointer(task, job->data, NULL);
    else
        g_task_return_error(task, g_steal_pointer(&job->error));
    return G_SOURCE_REMOVE;
}


/* On the main loop, when the caller has waited long enough. */
static gboolean
on_deadline(gpointer user_data)
{
    Job *job = user_data;
    g_autoptr(GTask) task = g_steal_pointer(&job->task);

    job_stop_timer(job);
    g_task_return_new_error(task, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT,
                            "the driver has not answered in time; the operation goes on");
    return G_SOURCE_REMOVE;
}


static void
run_job(gpointer pushed, gpointer user_data G_GNUC_UNUSED)
{
    Job *job = pushed;

    job->ok = job->func(job->data, &job->error);
    g_main_context_invoke_full(job->context, G_PRIORITY_DEFAULT, on_job_ended, job,
                               (GDestroyNotify)job_unref);
}


static GThreadPool *
get_pool(void)
{
    static GThreadPool *pool;

    /* Without a bound of its own: a job waits for no other one. Idle threads are used again. */
    if (pool == NULL)
        pool = g_thread_pool_new(run_job, NULL, -1, FALSE, NULL);
    return pool;
}


void
md_worker_run_async(MdWorkerFunc func,
                    gpointer data,
                    GDestroyNotify data_free,
                    guint deadline,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    g_autoptr(GError) error = NULL;
    Job *job = NULL;

    g_task_set_source_tag(task, md_worker_run_async);
    if (n_jobs >= MD_WORKER_MAX_JOBS) {
        if (data_free != NULL)
            data_free(data);
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_RESOURCE_BUSY,
                                "%u operations wait for drivers already", n_jobs);
        return;
    }

    job = g_atomic_rc_box_new0(Job);
    job->func = func;
    job->data = data;
    job->data_free = data_free;
    job->context = g_main_context_ref_thread_default();
    job->task = g_object_ref(task);
    /* The task keeps the data alive until the callback has seen it. */
    g_task_set_task_data(task, g_atomic_rc_box_acquire(job), (GDestroyNotify)job_unref);

    job->timer = g_timeout_source_new(deadline);
    g_source_set_callback(job->timer, on_deadline, g_atomic_rc_box_acquire(job),
                          (GDestroyNotify)job_unref);
    g_source_attach(job->timer, job->context);

    n_jobs++;
    if (!g_thread_pool_push(get_pool(), job, &error))
        g_debug("Job waits for a thread: %s", error->message);
}


gpointer
md_worker_run_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_worker_run_async), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}
