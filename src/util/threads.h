/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Threads that take jobs from the main loop. A job goes to the thread that became idle last, and to
 * a new one if none is idle; their number has no bound of its own. GLib's pool would do the same,
 * but it wakes a thread up while it holds the lock that this thread takes next, which costs both
 * sides another wake-up for each job.
 */
#pragma once

#include <glib.h>

typedef void (*MdThreadFunc)(gpointer data);

/* Calls func(data) on a thread. Without a new one (EAGAIN) the job waits for one of the others. */
void md_threads_run(MdThreadFunc func, gpointer data);
