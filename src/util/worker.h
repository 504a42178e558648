/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs blocking work (a driver behind a sysfs attribute, a disk) and long computations on threads,
 * and returns results to the main loop. Jobs of one kind on one object share a few threads; further
 * jobs wait in a queue that is fair between users. Jobs on different objects never wait for each
 * other, and writes never wait for reads.
 */
#pragma once

#include <glib.h>

#include "util/owner.h"

/* Limits for jobs of one kind on one object: running jobs, including hung ones, and queued jobs.
 * All readers together, and each user, leave MD_WORKER_RESERVED threads to others. */
#define MD_WORKER_MAX_RUNNING     16
#define MD_WORKER_RESERVED        4
#define MD_WORKER_MAX_PER_READER  8
#define MD_WORKER_MAX_WAITING     1024
#define MD_WORKER_MAX_OWN_WAITING 256

/* Maximum number of concurrent document jobs, which are CPU-bound; each user has at most one. */
#define MD_WORKER_MAX_DOCUMENTS 2

typedef enum {
    MD_WORKER_READ,
    MD_WORKER_WRITE,
    MD_WORKER_DOCUMENT, /* the object is 0 */
    MD_WORKER_FILES,    /* on a disk that may hang; the object is an MdWorkerFiles */
    MD_WORKER_N_KINDS,
} MdWorkerKind;

/* Objects of MD_WORKER_FILES: disks hang independently of each other. */
typedef enum {
    MD_WORKER_SCRIPTS,  /* searches for scripts */
    MD_WORKER_SPAWN,    /* starts of scripts */
    MD_WORKER_SETTINGS, /* reloads of the configuration */
    MD_WORKER_SCHEMA,   /* loads of the RELAX NG schema */
    MD_WORKER_NAMES,    /* look-ups of names of users and groups */
} MdWorkerFiles;

/* Runs on the thread, which owns `data` until the call returns. */
typedef gboolean (*MdWorkerFunc)(gpointer data, GError **error);

/* `data` is the job's, borrowed; NULL if there is an `error`, whose ownership is transferred. */
typedef void (*MdWorkerEndFunc)(gpointer data, GError *error, gpointer user_data);

/*
 * Runs func(data) on a thread, then calls `end` exactly once on the caller's main loop, never
 * before this function returns: with the result, with VIR_ERR_OPERATION_TIMEOUT after `deadline`
 * milliseconds, with VIR_ERR_RESOURCE_BUSY if too many jobs are queued, or with
 * VIR_ERR_OPERATION_ABORTED if the client disconnects before the job begins. On timeout, a queued
 * job is cancelled; a running job continues, because it may be blocked in the kernel,
 * and its result is dropped. `data` is freed after both the job and `end`. `object` identifies the
 * object of the job.
 */
void md_worker_run(MdWorkerFunc func,
                   gpointer data,
                   GDestroyNotify data_free,
                   MdWorkerKind kind,
                   guint64 object,
                   guint deadline,
                   MdOwner *owner,
                   MdWorkerEndFunc end,
                   gpointer user_data);

/* Whether a job on this object has exceeded its deadline and not ended, so that another job
 * would likely hang as well. */
gboolean md_worker_is_overdue(MdWorkerKind kind, guint64 object);

/* Number of jobs on all objects that have not begun. */
guint md_worker_count_waiting(void);

/* Logs one line for each object and kind with running or queued jobs. */
void md_worker_log_state(void);
