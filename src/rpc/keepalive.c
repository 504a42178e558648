/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/keepalive.h"

#include "util/source.h"

struct _MdKeepalive {
    gint64 interval; /* microseconds */
    guint count;
    const MdKeepaliveFuncs *funcs;
    gpointer data;
    GSource *timer;
    gint64 touched; /* monotonic time */
    guint unanswered;
    gboolean paused;
};


/*
 * A source that keeps the time it is given: that of a timeout starts its interval anew after each
 * call, whatever ready time the callback has set.
 */
static gboolean
timer_dispatch(GSource *source, GSourceFunc callback, gpointer user_data)
{
    g_source_set_ready_time(source, -1);
    return callback(user_data);
}


static GSourceFuncs timer_funcs = { .dispatch = timer_dispatch };


static void
timer_wait(MdKeepalive *self, gint64 since)
{
    g_source_set_ready_time(self->timer, since + self->interval);
}


static gboolean
on_timer(gpointer user_data)
{
    MdKeepalive *self = user_data;
    gint64 now = g_get_monotonic_time();

    /* The timer is not moved at every byte, but here. */
    if (self->unanswered == 0 && self->touched + self->interval > now) {
        timer_wait(self, self->touched);
        return G_SOURCE_CONTINUE;
    }

    timer_wait(self, now);
    if (self->paused)
        return G_SOURCE_CONTINUE;
    if (self->unanswered >= self->count) {
        self->funcs->dead(self->data);
        return G_SOURCE_CONTINUE;
    }
    self->unanswered++;
    self->funcs->ping(self->data);
    return G_SOURCE_CONTINUE;
}


MdKeepalive *
md_keepalive_new(guint interval, guint count, const MdKeepaliveFuncs *funcs, gpointer data)
{
    MdKeepalive *self = g_new0(MdKeepalive, 1);

    self->interval = (gint64)interval * 1000;
    self->count = count;
    self->funcs = funcs;
    self->data = data;
    self->touched = g_get_monotonic_time();
    self->timer = md_source_attach(g_source_new(&timer_funcs, sizeof(GSource)), on_timer, self);
    timer_wait(self, self->touched);
    return self;
}


void
md_keepalive_free(MdKeepalive *self)
{
    if (self == NULL)
        return;

    md_source_clear(&self->timer);
    g_free(self);
}


void
md_keepalive_touch(MdKeepalive *self)
{
    self->touched = g_get_monotonic_time();
    self->unanswered = 0;
}


void
md_keepalive_set_paused(MdKeepalive *self, gboolean paused)
{
    if (self->paused && !paused)
        md_keepalive_touch(self);
    self->paused = paused;
}
