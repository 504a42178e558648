/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/deadline.h"

#include "util/source.h"

/* Of MdDeadline, linked by `link`, the earliest first. The process has one main loop, so there is
 * one queue. */
static GQueue deadlines = G_QUEUE_INIT;


static gboolean
alarm_check(GSource *source)
{
    const MdDeadline *first = g_queue_peek_head(&deadlines);

    return first != NULL && first->due <= g_source_get_time(source);
}


static gboolean
alarm_prepare(GSource *source, gint *timeout)
{
    const MdDeadline *first = g_queue_peek_head(&deadlines);
    gint64 left = first != NULL ? first->due - g_source_get_time(source) : -1;

    *timeout = first != NULL ? (gint)CLAMP((left + 999) / 1000, 0, G_MAXINT) : -1;
    return first != NULL && left <= 0;
}


/* `passed` may set and clear any deadline. */
static gboolean
alarm_dispatch(GSource *source G_GNUC_UNUSED,
               GSourceFunc func G_GNUC_UNUSED,
               gpointer data G_GNUC_UNUSED)
{
    MdDeadline *first = NULL;
    gint64 now = g_get_monotonic_time();

    while ((first = g_queue_peek_head(&deadlines)) != NULL && first->due <= now) {
        md_deadline_clear(first);
        first->passed(first->data);
    }
    return G_SOURCE_CONTINUE;
}


/* The source checks the first deadline on each iteration of the loop, because updating a ready time
 * on each change would wake up the loop. */
static void
need_alarm(void)
{
    static GSourceFuncs funcs = {
        .prepare = alarm_prepare,
        .check = alarm_check,
        .dispatch = alarm_dispatch,
    };
    static GSource *alarm_source;

    if (alarm_source == NULL)
        alarm_source = md_source_attach(g_source_new(&funcs, sizeof(GSource)), NULL, NULL);
}


void
md_deadline_set(MdDeadline *self, guint milliseconds, void (*passed)(gpointer data), gpointer data)
{
    GList *before = deadlines.tail;

    g_return_if_fail(self->due == 0);

    self->due = g_get_monotonic_time() + (gint64)milliseconds * 1000;
    self->passed = passed;
    self->data = data;
    self->link.data = self;
    while (before != NULL && ((const MdDeadline *)before->data)->due > self->due)
        before = before->prev;
    if (before != NULL)
        g_queue_insert_after_link(&deadlines, before, &self->link);
    else
        g_queue_push_head_link(&deadlines, &self->link);
    need_alarm();
}


void
md_deadline_clear(MdDeadline *self)
{
    if (self->due == 0)
        return;

    self->due = 0;
    g_queue_unlink(&deadlines, &self->link);
}
