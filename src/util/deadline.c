/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/deadline.h"

#include "util/source.h"

/* Of MdDeadline by their links, the next one first. */
static GQueue deadlines = G_QUEUE_INIT;

/* Ready when the first one has passed, or earlier: that costs less than to put it off each time.
 * NULL while there is none. */
static GSource *alarm_source;


/* Whoever is called may set and clear any of them. */
static gboolean
on_alarm(gpointer data G_GNUC_UNUSED)
{
    MdDeadline *first = NULL;
    gint64 now = g_get_monotonic_time();

    while ((first = g_queue_peek_head(&deadlines)) != NULL && first->due <= now) {
        md_deadline_clear(first);
        first->passed(first->data);
    }
    if (first != NULL)
        g_source_set_ready_time(alarm_source, first->due);
    return G_SOURCE_CONTINUE;
}


static gboolean
alarm_dispatch(GSource *source G_GNUC_UNUSED, GSourceFunc func, gpointer data)
{
    return func(data);
}


static void
set_alarm(gint64 due)
{
    static GSourceFuncs funcs = { .dispatch = alarm_dispatch };

    if (alarm_source == NULL) {
        alarm_source = g_source_new(&funcs, sizeof(GSource));
        g_source_set_ready_time(alarm_source, due);
        md_source_attach(alarm_source, on_alarm, NULL);
    } else if (due < g_source_get_ready_time(alarm_source)) {
        g_source_set_ready_time(alarm_source, due);
    }
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
    set_alarm(self->due);
}


void
md_deadline_clear(MdDeadline *self)
{
    if (self->due == 0)
        return;

    self->due = 0;
    g_queue_unlink(&deadlines, &self->link);
    if (g_queue_is_empty(&deadlines))
        md_source_clear(&alarm_source);
}
