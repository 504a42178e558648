/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Linked into programs checked by the thread sanitizer. GLib is not compiled with the sanitizer,
 * which therefore does not see synchronization inside GLib. These functions wrap GLib's, and report
 * the synchronization that our threads use: mutexes, conditions and reference counts.
 */
#include "config.h"

#include <dlfcn.h>
#include <glib.h>
#include <sanitizer/tsan_interface.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#undef g_atomic_rc_box_acquire

/* The clear function of the object being released. */
static _Thread_local GDestroyNotify clear_func;


void
g_mutex_lock(GMutex *mutex)
{
    REAL(g_mutex_lock)(mutex);
    __tsan_acquire(mutex);
}


void
g_mutex_unlock(GMutex *mutex)
{
    __tsan_release(mutex);
    REAL(g_mutex_unlock)(mutex);
}


/* GLib's function releases the mutex, and locks it again. */
void
g_cond_wait(GCond *cond, GMutex *mutex)
{
    __tsan_release(mutex);
    REAL(g_cond_wait)(cond, mutex);
    __tsan_acquire(mutex);
}


gboolean
g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time)
{
    gboolean signalled = FALSE;

    __tsan_release(mutex);
    signalled = REAL(g_cond_wait_until)(cond, mutex, end_time);
    __tsan_acquire(mutex);
    return signalled;
}


static void
clear_box(gpointer box)
{
    __tsan_acquire(box);
    clear_func(box);
}


void
g_atomic_rc_box_release_full(gpointer box, GDestroyNotify clear)
{
    GDestroyNotify outer = clear_func;

    clear_func = clear;
    __tsan_release(box);
    REAL(g_atomic_rc_box_release_full)(box, clear_box);
    clear_func = outer;
}
