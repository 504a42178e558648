/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outgoing frames of one client, in order. */
#pragma once

#include <gio/gio.h>

typedef struct _MdSendQueue MdSendQueue;

/* `socket` must be non-blocking. */
MdSendQueue *md_send_queue_new(GSocket *socket);
void md_send_queue_free(MdSendQueue *self);

void md_send_queue_push(MdSendQueue *self, GBytes *frame);

/* Sends as much as the socket accepts. FALSE: the client is unreachable. */
gboolean md_send_queue_flush(MdSendQueue *self, GError **error);

/* Drops all frames. */
void md_send_queue_clear(MdSendQueue *self);

/* A new array with all bytes not sent yet. */
GByteArray *md_send_queue_get_unsent(MdSendQueue *self);

/* NULL if the queue is empty. */
GBytes *md_send_queue_peek_last(MdSendQueue *self);

/* Number of frames not sent completely. */
guint md_send_queue_count(MdSendQueue *self);

/* Memory of the queue, and of one frame, in bytes. A frame in several queues counts in each. */
gsize md_send_queue_get_cost(MdSendQueue *self);
gsize md_send_queue_get_frame_cost(GBytes *frame);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSendQueue, md_send_queue_free)
