/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/thread.h"

#include <signal.h>


gboolean
md_thread_start(GThreadFunc func, gpointer data)
{
    sigset_t all, before;
    GThread *thread = NULL;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread = g_thread_try_new("mediated", func, data, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (thread == NULL)
        return FALSE;
    g_thread_unref(thread);
    return TRUE;
}
