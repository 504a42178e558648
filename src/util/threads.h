/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that run jobs for the main loop. A job goes to the thread that became idle last, or to a
 * new one if none is idle; callers limit the number. GThreadPool is not used because it wakes a
 * thread while holding the lock that this thread takes next, which costs an extra wake-up per job.
 */
#pragma once

#include <glib.h>

typedef void (*MdThreadFunc)(gpointer data);

/* Calls func(data) on a thread. If no thread can be created (EAGAIN), the job waits for an existing
 * one. */
void md_threads_run(MdThreadFunc func, gpointer data);

/* Number of threads, and of those without a job. */
void md_threads_count(guint *n, guint *n_idle);
