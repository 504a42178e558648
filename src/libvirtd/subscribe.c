/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "libvirtd/last-error.h"
#include "libvirtd/subscribe.h"
#include "libvirtd/thread.h"

/* Referenced by the thread that subscribes and by the one that waits. */
typedef struct {
    MdForward call;
    GMutex mutex;
    GCond cond;
    gboolean is_done;
    gboolean is_abandoned; /* the waiting thread has given up */
    MdUplink *uplink;      /* referenced; NULL: failed */
    virErrorPtr error;
} Attempt;


static Attempt *
attempt_new(void)
{
    Attempt *self = g_atomic_rc_box_new0(Attempt);

    self->call.kind = MD_FORWARD_QUERY;
    g_mutex_init(&self->mutex);
    g_cond_init(&self->cond);
    return self;
}


static void
attempt_clear(gpointer data)
{
    Attempt *self = data;

    if (self->error != NULL)
        virFreeError(self->error);
    g_mutex_clear(&self->mutex);
    g_cond_clear(&self->cond);
}


static void
attempt_unref(Attempt *self)
{
    g_atomic_rc_box_release_full(self, attempt_clear);
}


G_DEFINE_AUTOPTR_CLEANUP_FUNC(Attempt, attempt_unref)


/* FALSE: nobody waits for the uplink. */
static gboolean
attempt_report(Attempt *self, MdUplink *uplink)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);

    self->is_done = TRUE;
    self->uplink = uplink;
    if (uplink == NULL)
        self->error = virSaveLastError();
    g_cond_signal(&self->cond);
    return !self->is_abandoned;
}


static gpointer
run_attempt(gpointer data)
{
    g_autoptr(Attempt) self = data;
    MdUplink *uplink = NULL;

    while (md_forward_begin(&self->call)) {
        gboolean success = md_uplink_subscribe(self->call.uplink);

        if (success)
            uplink = md_forward_ref_uplink(&self->call);
        md_forward_end(&self->call, success);
    }
    if (!attempt_report(self, uplink) && uplink != NULL)
        md_forward_release_uplink(uplink);
    return NULL;
}


/* FALSE: not done in time. */
static gboolean
attempt_wait(Attempt *self)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&self->mutex);
    gint64 end = g_get_monotonic_time() + MD_SUBSCRIBE_TIMEOUT;

    while (!self->is_done && g_cond_wait_until(&self->cond, &self->mutex, end))
        continue;
    self->is_abandoned = !self->is_done;
    return self->is_done;
}


MdUplink *
md_subscribe_current(const MdSymbols *symbols)
{
    g_autoptr(Attempt) self = attempt_new();

    if (!md_forward_enter(&self->call))
        return NULL;
    if (!md_thread_start(run_attempt, g_atomic_rc_box_acquire(self))) {
        attempt_unref(self);
        md_forward_leave(&self->call);
        md_last_error_raise(symbols, VIR_ERR_INTERNAL_ERROR,
                            "internal error: cannot start a thread for node-device events");
        return NULL;
    }
    if (!attempt_wait(self))
        md_last_error_raise(symbols, VIR_ERR_RESOURCE_BUSY,
                            "resource busy: the node-device daemon has not answered in time");
    else if (self->uplink == NULL)
        md_last_error_restore(symbols, g_steal_pointer(&self->error));
    else
        return self->uplink;
    return NULL;
}
