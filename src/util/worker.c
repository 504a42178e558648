/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/worker.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "util/deadline.h"
#include "util/error.h"
#include "util/fair-queue.h"
#include "util/polled.h"
#include "util/source.h"
#include "util/threads.h"

/* Microseconds for delivering results before the main loop serves others. */
#define TURN_TIME 50

/* Maximum pause in milliseconds before a user's next document is parsed. */
#define MAX_REST 500

/* The jobs of one kind on one object. Main loop only. */
typedef struct {
    guint64 key;
    MdWorkerKind kind;
    guint n_overdue;    /* running jobs past their deadline */
    MdFairQueue *queue; /* of Job, each referenced */
} Lane;

/* One job. One reference belongs to its lane or thread, the other to the pending call of `end`. */
typedef struct {
    MdWorkerFunc func;
    gpointer data;
    GDestroyNotify data_free;

    Lane *lane;          /* main loop only */
    MdWorkerEndFunc end; /* main loop only; NULL once called */
    gpointer user_data;
    MdDeadline deadline; /* main loop only */
    MdDeadline rest;     /* main loop only; pause of the lane after the job */
    MdFairEntry entry;   /* main loop only */
    gboolean ok;         /* written by the thread, read after it has ended */
    gint64 took;         /* microseconds; as `ok` */
    GError *error;
    GList link; /* in `ended` */
} Job;

/* key -> Lane. One table per process, because the limits are on its threads. Main loop only. */
static GHashTable *lanes;

/*
 * Finished jobs, and the descriptor that wakes up the main loop for the first of them. A main loop
 * source per job is avoided: when a thread attaches one, GLib wakes up the loop while holding a
 * lock that the loop needs next.
 */
static struct {
    GMutex mutex;
    GQueue jobs; /* of Job, linked by `link` */
    int fd;
} ended;

static const MdFairLimits device_limits = {
    .running = MD_WORKER_MAX_RUNNING,
    .running_per_owner = MD_WORKER_MAX_RUNNING - MD_WORKER_RESERVED,
    .running_readers = MD_WORKER_MAX_RUNNING - MD_WORKER_RESERVED,
    .running_per_reader = MD_WORKER_MAX_PER_READER,
    .waiting = MD_WORKER_MAX_WAITING,
    .waiting_per_owner = MD_WORKER_MAX_OWN_WAITING,
};

static const MdFairLimits document_limits = {
    .running = MD_WORKER_MAX_DOCUMENTS,
    .running_per_owner = MD_WORKER_MAX_DOCUMENTS - 1,
    .running_readers = MD_WORKER_MAX_DOCUMENTS - 1,
    .running_per_reader = MD_WORKER_MAX_DOCUMENTS - 1,
    .waiting = MD_WORKER_MAX_WAITING,
    .waiting_per_owner = MD_WORKER_MAX_OWN_WAITING,
};

/* The properties of each kind; the strings are for messages. */
static const struct {
    const MdFairLimits *limits;
    const char *jobs;
    const char *overdue;
    const char *not_begun;
} kinds[MD_WORKER_N_KINDS] = {
    [MD_WORKER_READ] = { &device_limits, "operations on the device",
                         "the driver did not answer in time; the operation continues",
                         "earlier operations of the driver did not finish in time" },
    [MD_WORKER_WRITE] = { &device_limits, "operations on the device",
                          "the driver did not answer in time; the operation continues",
                          "earlier operations of the driver did not finish in time" },
    [MD_WORKER_DOCUMENT] = { &document_limits, "documents", "the document was not parsed in time",
                             "earlier documents were not parsed in time" },
    [MD_WORKER_FILES] = { &device_limits, "file operations",
                          "the disk did not answer in time; the operation continues",
                          "earlier file operations did not finish in time" },
};


static void
job_clear(Job *job)
{
    if (job->data_free != NULL)
        job->data_free(job->data);
    g_clear_error(&job->error);
}


static void
job_unref(Job *job)
{
    g_atomic_rc_box_release_full(job, (GDestroyNotify)job_clear);
}


static void
lane_free(Lane *lane)
{
    md_fair_queue_free(lane->queue);
    g_free(lane);
}


static void
lane_drop_if_unused(Lane *lane)
{
    if (md_fair_queue_count_running(lane->queue) == 0 &&
        md_fair_queue_count_waiting(lane->queue) == 0)
        g_hash_table_remove(lanes, &lane->key);
}


/* Calls `end`, unless it has been called before; must be the last access to the job. Takes
 * ownership of `error`, which is set if `data` is NULL. */
static void
job_complete(Job *job, gpointer data, GError *error)
{
    MdWorkerEndFunc end = g_steal_pointer(&job->end);

    md_deadline_clear(&job->deadline);
    if (end == NULL)
        return;
    end(data, error, job->user_data);
    job_unref(job);
}


static void
leave_lane(gpointer data)
{
    Job *job = data;
    Lane *lane = job->lane;

    md_fair_entry_leave(&job->entry);
    lane_drop_if_unused(lane);
    job_unref(job);
}


/* The slot of a document job, which is CPU-bound, stays occupied after the job for as long as the
 * job took, so that one user's documents use at most half of a processor. */
static void
leave_lane_after_rest(Job *job)
{
    gint64 rest = job->took / 1000;

    g_atomic_rc_box_acquire(job);
    if (job->lane->kind == MD_WORKER_DOCUMENT && rest > 0)
        md_deadline_set(&job->rest, (guint)MIN(rest, MAX_REST), leave_lane, job);
    else
        leave_lane(job);
}


/* Called on the main loop when the thread has finished the job. */
static void
end_job(Job *job)
{
    if (job->end == NULL)
        job->lane->n_overdue--;
    leave_lane_after_rest(job);

    if (job->end == NULL)
        g_debug("A job ended after its deadline: %s",
                job->error != NULL ? job->error->message : "it succeeded");
    else if (job->ok)
        job_complete(job, job->data, NULL);
    else
        job_complete(job, NULL, g_steal_pointer(&job->error));
}


/* NULL: no job has finished. `more`: whether further jobs have. */
static Job *
pop_ended(gboolean *more)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&ended.mutex);
    GList *link = g_queue_pop_head_link(&ended.jobs);

    *more = !g_queue_is_empty(&ended.jobs);
    return link != NULL ? link->data : NULL;
}


static void
on_ended(GIOCondition condition G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
    gint64 end = g_get_monotonic_time() + TURN_TIME;
    gboolean more = TRUE;

    while (more && g_get_monotonic_time() < end) {
        Job *job = pop_ended(&more);

        if (job != NULL) {
            end_job(job);
            job_unref(job);
        }
    }
    /* The threads signal only the first job of the queue. */
    if (more)
        eventfd_write(ended.fd, 1);
}


static void
on_deadline(gpointer user_data)
{
    Job *job = user_data;
    gboolean has_begun = md_fair_entry_is_running(&job->entry);
    MdWorkerKind kind = job->lane->kind;
    GError *error = NULL;

    md_error_set(&error, VIR_ERR_OPERATION_TIMEOUT, "%s",
                 has_begun ? kinds[kind].overdue : kinds[kind].not_begun);
    if (has_begun) {
        job->lane->n_overdue++;
    } else {
        md_fair_entry_leave(&job->entry);
        job_unref(job);
    }
    job_complete(job, NULL, error);
}


static void
run_job(gpointer data)
{
    Job *job = data;
    gboolean is_first = FALSE;

    job->took = -g_get_monotonic_time();
    job->ok = job->func(job->data, &job->error);
    job->took += g_get_monotonic_time();

    g_mutex_lock(&ended.mutex);
    is_first = g_queue_is_empty(&ended.jobs);
    job->link.data = job;
    g_queue_push_tail_link(&ended.jobs, &job->link);
    g_mutex_unlock(&ended.mutex);
    if (is_first)
        eventfd_write(ended.fd, 1);
}


static void
watch_ended(void)
{
    static MdPolled polled;
    g_autoptr(GError) error = NULL;

    if (polled.wanted != 0)
        return;
    ended.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ended.fd < 0)
        g_error("Unable to create an eventfd: %s", g_strerror(errno));
    if (!md_polled_set_eventfd(&polled, ended.fd, on_ended, NULL, &error))
        g_error("%s", error->message);
}


/* Passes the lane's reference to the thread. Jobs are queued in their lanes, so a thread is
 * available. */
static void
on_turn(gpointer user_data)
{
    watch_ended();
    md_threads_run(run_job, user_data);
}


static void
on_refused(gpointer user_data, GError *error)
{
    Job *job = user_data;

    job_unref(job);
    job_complete(job, NULL, error);
}


static gboolean
on_refusal_due(gpointer user_data)
{
    Job *job = user_data;

    job_complete(job, NULL, g_steal_pointer(&job->error));
    return G_SOURCE_REMOVE;
}


/* Deferred to the next iteration of the main loop, because `end` is never called before
 * md_worker_run() returns. */
static void
refuse_later(Job *job, GError *error)
{
    md_deadline_clear(&job->deadline);
    job->error = error;
    g_source_unref(md_source_attach_turns(on_refusal_due, job));
    job_unref(job);
}


static guint64
make_key(MdWorkerKind kind, guint64 object)
{
    return object * MD_WORKER_N_KINDS + kind;
}


static Lane *
get_lane(MdWorkerKind kind, guint64 object)
{
    guint64 key = make_key(kind, object);
    Lane *lane = NULL;

    if (lanes == NULL)
        lanes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, (GDestroyNotify)lane_free);

    lane = g_hash_table_lookup(lanes, &key);
    if (lane == NULL) {
        lane = g_new0(Lane, 1);
        lane->key = key;
        lane->kind = kind;
        lane->queue = md_fair_queue_new(kinds[kind].jobs, kinds[kind].limits);
        g_hash_table_insert(lanes, &lane->key, lane);
    }
    return lane;
}


static void
job_start(Job *job, MdWorkerKind kind, guint64 object, guint deadline, MdOwner *owner)
{
    static const MdFairFuncs funcs = { on_turn, on_refused };
    Lane *lane = get_lane(kind, object);
    GError *error = NULL;

    job->lane = lane;
    md_deadline_set(&job->deadline, deadline, on_deadline, job);
    if (!md_fair_queue_join(lane->queue, &job->entry, owner, &funcs, job, &error)) {
        lane_drop_if_unused(lane);
        refuse_later(job, error);
    }
}


void
md_worker_run(MdWorkerFunc func,
              gpointer data,
              GDestroyNotify data_free,
              MdWorkerKind kind,
              guint64 object,
              guint deadline,
              MdOwner *owner,
              MdWorkerEndFunc end,
              gpointer user_data)
{
    Job *job = g_atomic_rc_box_new0(Job);

    job->func = func;
    job->data = data;
    job->data_free = data_free;
    job->end = end;
    job->user_data = user_data;
    /* One reference for the lane, one for the caller. */
    job_start(g_atomic_rc_box_acquire(job), kind, object, deadline, owner);
}


gboolean
md_worker_is_overdue(MdWorkerKind kind, guint64 object)
{
    guint64 key = make_key(kind, object);
    const Lane *lane = lanes != NULL ? g_hash_table_lookup(lanes, &key) : NULL;

    return lane != NULL && lane->n_overdue > 0;
}


guint
md_worker_count_waiting(void)
{
    GHashTableIter iter;
    gpointer lane = NULL;
    guint n = 0;

    if (lanes == NULL)
        return 0;
    g_hash_table_iter_init(&iter, lanes);
    while (g_hash_table_iter_next(&iter, NULL, &lane))
        n += md_fair_queue_count_waiting(((Lane *)lane)->queue);
    return n;
}


void
md_worker_log_state(void)
{
    GHashTableIter iter;
    Lane *lane = NULL;

    if (lanes == NULL)
        return;
    g_hash_table_iter_init(&iter, lanes);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&lane)) {
        md_fair_queue_log(lane->queue);
        if (lane->n_overdue > 0)
            g_message("%u of these operations are overdue", lane->n_overdue);
    }
}
