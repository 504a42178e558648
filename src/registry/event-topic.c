/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "registry/event-topic.h"


guint
md_event_topic_hash(gconstpointer topic)
{
    const MdEventTopic *self = topic;

    return (guint)self->event + (self->device != NULL ? g_str_hash(self->device) : 0);
}


gboolean
md_event_topic_equal(gconstpointer one, gconstpointer other)
{
    const MdEventTopic *a = one;
    const MdEventTopic *b = other;

    return a->event == b->event && g_strcmp0(a->device, b->device) == 0;
}
