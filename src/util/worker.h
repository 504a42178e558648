/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs what may block (a driver behind a sysfs attribute, a disk) or take long on a thread of its
 * own and brings the result back to the main loop. Jobs of one kind on one object share a few
 * threads and wait for each other when those are taken, in a queue that is fair between users; jobs
 * on different objects never do, and no write waits for reads.
 */
#pragma once

#include <glib.h>

#include "util/owner.h"

/* Jobs of one kind on one object: how many run at once, blocked ones included, and wait behind.
 * Readers together, and any one user, leave some threads to others. */
#define MD_WORKER_MAX_RUNNING     16
#define MD_WORKER_RESERVED        4
#define MD_WORKER_MAX_PER_READER  8
#define MD_WORKER_MAX_WAITING     1024
#define MD_WORKER_MAX_OWN_WAITING 256

/* Documents at once: they keep a processor busy. One user's take one thread. */
#define MD_WORKER_MAX_DOCUMENTS 2

typedef enum {
    MD_WORKER_READ,
    MD_WORKER_WRITE,
    MD_WORKER_DOCUMENT, /* the object is 0 */
    MD_WORKER_FILES,    /* on a disk that may hang; the object is an MdWorkerFiles */
    MD_WORKER_N_KINDS,
} MdWorkerKind;

/* Objects of MD_WORKER_FILES, as disks hang apart from each other. */
typedef enum {
    MD_WORKER_SCRIPTS,  /* looked for */
    MD_WORKER_SPAWN,    /* scripts started */
    MD_WORKER_SETTINGS, /* read again */
    MD_WORKER_SCHEMA,   /* that documents are checked against */
} MdWorkerFiles;

/* Runs on the thread; `data` belongs to it until the call has returned. */
typedef gboolean (*MdWorkerFunc)(gpointer data, GError **error);

/* `data` is that of the job, borrowed; NULL with `error`, which is taken over. */
typedef void (*MdWorkerEndFunc)(gpointer data, GError *error, gpointer user_data);

/*
 * Runs func(data) and then calls `end` on the main loop of the caller, exactly once and never
 * before the call has returned: with the result, or after `deadline` milliseconds with
 * VIR_ERR_OPERATION_TIMEOUT, or with VIR_ERR_RESOURCE_BUSY if too many wait already, or with
 * VIR_ERR_OPERATION_ABORTED if the client goes before it has begun. A job that has not begun by
 * then never will; one that has goes on (the kernel cannot be told to give up), and its late result
 * is dropped. `data` is freed when job and `end` are both through. `object` tells which jobs are on
 * the same one.
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

/* Whether a job has not ended by its deadline, so that another one would hardly either. */
gboolean md_worker_is_overdue(MdWorkerKind kind, guint64 object);

/* One line in the log for each object and kind of which a job runs or waits. */
void md_worker_log_state(void);
