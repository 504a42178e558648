/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/worker.h"

#include "util/error.h"
#include "util/source.h"

/* The jobs of one kind on one object. Main loop only. */
typedef struct {
    guint64 key;
    guint n_running;
    guint n_overdue; /* of those that run */
    GQueue waiting;  /* of Job, each referenced */
} Lane;

/* One job, shared by its lane, its thread, its deadline and its task: the last one frees it. */
typedef struct {
    MdWorkerFunc func;
    gpointer data;
    GDestroyNotify data_free;

    GMainContext *context; /* of the caller */
    Lane *lane;            /* main loop only */
    GTask *task;           /* main loop only; NULL once answered */
    GSource *timer;        /* main loop only */
    gboolean begun;        /* main loop only */
    gboolean ok;           /* written by the thread, read after it has ended */
    GError *error;
} Job;

/* key -> Lane. Main loop only. */
static GHashTable *lanes;

static void lane_advance(Lane *lane);


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


/* On the main loop, when the thread is through. */
static gboolean
on_job_ended(gpointer user_data)
{
    Job *job = user_data;
    g_autoptr(GTask) task = g_steal_pointer(&job->task);

    md_source_clear(&job->timer);
    job->lane->n_running--;
    if (task == NULL)
        job->lane->n_overdue--;
    lane_advance(job->lane);

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

    md_source_clear(&job->timer);
    if (job->begun)
        job->lane->n_overdue++;
    g_task_return_new_error(task, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT,
                            job->begun
                                ? "the driver has not answered in time; the operation goes on"
                                : "other operations of the driver have not ended in time");
    return G_SOURCE_REMOVE;
}


static void
run_job(gpointer pushed, gpointer user_data G_GNUC_UNUSED)
{
    Job *job = pushed;
    g_autoptr(GSource) source = g_idle_source_new();

    job->ok = job->func(job->data, &job->error);

    /* Always through the loop, also when nobody runs it at this moment. */
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, on_job_ended, job, (GDestroyNotify)job_unref);
    g_source_attach(source, job->context);
}


static GThreadPool *
get_pool(void)
{
    static GThreadPool *pool;

    /* Without a bound of its own: jobs wait in their lanes. Idle threads are used again. */
    if (pool == NULL)
        pool = g_thread_pool_new(run_job, NULL, -1, FALSE, NULL);
    return pool;
}


/* Begins what may begin; a lane without jobs ends. */
static void
lane_advance(Lane *lane)
{
    while (lane->n_running < MD_WORKER_MAX_RUNNING && !g_queue_is_empty(&lane->waiting)) {
        Job *job = g_queue_pop_head(&lane->waiting);
        g_autoptr(GError) error = NULL;

        if (job->task == NULL) {
            job_unref(job);
            continue;
        }
        job->begun = TRUE;
        lane->n_running++;
        if (!g_thread_pool_push(get_pool(), job, &error))
            g_debug("A job waits for a thread: %s", error->message);
    }

    if (lane->n_running == 0)
        g_hash_table_remove(lanes, &lane->key);
}


static guint64
make_key(MdWorkerKind kind, guint64 object)
{
    return object << 1 | kind;
}


static Lane *
get_lane(MdWorkerKind kind, guint64 object)
{
    guint64 key = make_key(kind, object);
    Lane *lane = NULL;

    if (lanes == NULL)
        lanes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);

    lane = g_hash_table_lookup(lanes, &key);
    if (lane == NULL) {
        lane = g_new0(Lane, 1);
        lane->key = key;
        g_queue_init(&lane->waiting);
        g_hash_table_insert(lanes, &lane->key, lane);
    }
    return lane;
}


void
md_worker_run_async(MdWorkerFunc func,
                    gpointer data,
                    GDestroyNotify data_free,
                    MdWorkerKind kind,
                    guint64 object,
                    guint deadline,
                    MdOwner *owner G_GNUC_UNUSED,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
    Lane *lane = get_lane(kind, object);
    Job *job = g_atomic_rc_box_new0(Job);

    job->func = func;
    job->data = data;
    job->data_free = data_free;
    job->context = g_main_context_ref_thread_default();
    job->lane = lane;
    job->task = g_task_new(NULL, NULL, callback, user_data);
    g_task_set_source_tag(job->task, md_worker_run_async);
    /* The task keeps the data alive until the callback has seen it. */
    g_task_set_task_data(job->task, g_atomic_rc_box_acquire(job), (GDestroyNotify)job_unref);

    if (lane->waiting.length >= MD_WORKER_MAX_WAITING) {
        g_autoptr(GTask) task = g_steal_pointer(&job->task);

        job_unref(job);
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_RESOURCE_BUSY,
                                "%d operations wait for the driver already", MD_WORKER_MAX_WAITING);
        return;
    }

    job->timer = g_timeout_source_new(deadline);
    g_source_set_callback(job->timer, on_deadline, g_atomic_rc_box_acquire(job),
                          (GDestroyNotify)job_unref);
    g_source_attach(job->timer, job->context);

    g_queue_push_tail(&lane->waiting, job);
    lane_advance(lane);
}


gboolean
md_worker_is_overdue(MdWorkerKind kind, guint64 object)
{
    guint64 key = make_key(kind, object);
    const Lane *lane = lanes != NULL ? g_hash_table_lookup(lanes, &key) : NULL;

    return lane != NULL && lane->n_overdue > 0;
}


gpointer
md_worker_run_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_worker_run_async), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}
