/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/keepalive.h"

#include "util/deadline.h"

struct _MdKeepalive {
    gint64 interval; /* microseconds */
    guint count;
    const MdKeepaliveFuncs *funcs;
    gpointer data;
    MdDeadline timer;
    gint64 touched; /* monotonic time */
    guint unanswered;
    gboolean paused;
};


static void on_timer(gpointer user_data);


static void
timer_wait(MdKeepalive *self, gint64 since)
{
    gint64 left = since + self->interval - g_get_monotonic_time();

    md_deadline_set(&self->timer, (guint)((MAX(left, 0) + 999) / 1000), on_timer, self);
}


static void
on_timer(gpointer user_data)
{
    MdKeepalive *self = user_data;
    gint64 now = g_get_monotonic_time();

    /* The timer is updated here, not with each byte received. */
    if (self->unanswered == 0 && self->touched + self->interval > now) {
        timer_wait(self, self->touched);
        return;
    }

    timer_wait(self, now);
    if (self->paused)
        return;
    if (self->unanswered >= self->count) {
        self->funcs->dead(self->data);
        return;
    }
    self->unanswered++;
    self->funcs->ping(self->data);
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
    timer_wait(self, self->touched);
    return self;
}


void
md_keepalive_free(MdKeepalive *self)
{
    if (self == NULL)
        return;

    md_deadline_clear(&self->timer);
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
