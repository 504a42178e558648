/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs what may block (a driver behind a sysfs attribute) on a thread of its own and brings the
 * result back to the main loop. Slow jobs cannot starve others: every job gets a thread at once, up
 * to MD_WORKER_MAX_JOBS.
 */
#pragma once

#include <gio/gio.h>

/* Jobs that may be under way at once, blocked ones included; one more is refused
 * (VIR_ERR_RESOURCE_BUSY). */
#define MD_WORKER_MAX_JOBS 512

/* Runs on the thread; `data` belongs to it until the call has returned. */
typedef gboolean (*MdWorkerFunc)(gpointer data, GError **error);

/*
 * Runs func(data) and then calls `callback` on the main loop of the caller, exactly once: with the
 * result, or after `deadline` milliseconds with VIR_ERR_OPERATION_TIMEOUT. In that case the job
 * itself goes on (the kernel cannot be told to give up) and its late result is dropped. `data` is
 * freed when job and callback are both through.
 */
void md_worker_run_async(MdWorkerFunc func,
                         gpointer data,
                         GDestroyNotify data_free,
                         guint deadline,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/* The `data` of the job, borrowed, or NULL with an error. */
gpointer md_worker_run_finish(GAsyncResult *result, GError **error);
