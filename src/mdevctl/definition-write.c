/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/definition-write.h"

#include "mdevctl/definition-file.h"
#include "util/error.h"
#include "util/key-queue.h"
#include "util/worker.h"

/* The worker's object for definition files; jobs on devices use inodes, which are never 0. */
#define WORKER_OBJECT 0

/* Shared by the task and the worker. */
typedef struct {
    char *directory;
    char *parent_addr;
    char *uuid;
    MdDefinition *definition; /* to write; NULL: the file is removed */
    char *path;
    guint deadline;
    MdOwner *owner; /* main loop only; released when the job has ended */
    int abandoned;  /* atomic: the caller received a timeout, so the file must no longer change */
} Job;

/* Serializes operations per path. Main loop only. */
static MdKeyQueue *paths;


static void
job_clear(Job *job)
{
    g_free(job->directory);
    g_free(job->parent_addr);
    g_free(job->uuid);
    g_clear_pointer(&job->definition, md_definition_unref);
    g_free(job->path);
}


static void
job_unref(Job *job)
{
    g_atomic_rc_box_release_full(job, (GDestroyNotify)job_clear);
}


static gboolean
run_job(gpointer data, GError **error)
{
    const Job *job = data;
    g_autofree char *text = NULL;

    if (job->definition == NULL)
        return md_definition_file_remove(job->directory, job->parent_addr, job->uuid,
                                         &job->abandoned, error);
    text = md_definition_format_for_file(job->definition, error);
    return text != NULL && md_definition_file_write(job->directory, job->parent_addr, job->uuid,
                                                    text, &job->abandoned, error);
}


static void
on_job_ended(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Job *job = g_task_get_task_data(task);

    g_clear_pointer(&job->owner, md_owner_unref);
    if (g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT))
        g_atomic_int_set(&job->abandoned, TRUE);
    md_key_queue_release(paths, job->path);

    /* Errors of the worker itself contain no path. */
    if (g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT) ||
        g_error_matches(error, MD_ERROR, VIR_ERR_RESOURCE_BUSY))
        g_prefix_error(&error, "'%s': ", job->path);
    if (error != NULL)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
}


static void
on_turn(gpointer data)
{
    GTask *task = data;
    Job *job = g_task_get_task_data(task);

    md_worker_run(run_job, g_atomic_rc_box_acquire(job), (GDestroyNotify)job_unref, MD_WORKER_WRITE,
                  WORKER_OBJECT, job->deadline, job->owner, on_job_ended, task);
}


void
md_definition_write_async(const char *directory,
                          const char *parent_addr,
                          const char *uuid,
                          MdDefinition *definition,
                          guint deadline,
                          MdOwner *owner,
                          GAsyncReadyCallback callback,
                          gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    Job *job = g_atomic_rc_box_new0(Job);

    job->directory = g_strdup(directory);
    job->parent_addr = g_strdup(parent_addr);
    job->uuid = g_strdup(uuid);
    job->definition = definition != NULL ? md_definition_ref(definition) : NULL;
    job->path = g_build_filename(directory, parent_addr, uuid, NULL);
    job->deadline = deadline;
    g_task_set_source_tag(task, md_definition_write_async);
    g_task_set_task_data(task, job, (GDestroyNotify)job_unref);

    if (!md_definition_file_is_parent(parent_addr) || !md_definition_file_is_uuid(uuid)) {
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_INVALID_ARG,
                                "'%s' is not a valid path of a definition", job->path);
        return;
    }
    job->owner = md_owner_ref(owner);

    if (paths == NULL)
        paths = md_key_queue_new();
    md_key_queue_acquire(paths, job->path, on_turn, g_steal_pointer(&task));
}


gboolean
md_definition_write_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_definition_write_async), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}
