/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients subscribe to: an event of one device, or of all devices. A structure that begins
 * with a topic can be its own key in a hash table; it then owns `device`. */
#pragma once

#include <glib.h>

typedef struct {
    int event;    /* a virNodeDeviceEventID */
    char *device; /* NULL: all devices */
} MdEventTopic;

guint md_event_topic_hash(gconstpointer topic);
gboolean md_event_topic_equal(gconstpointer one, gconstpointer other);
