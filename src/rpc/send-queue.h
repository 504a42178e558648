/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames on their way to one client, in order. */
#pragma once

#include <gio/gio.h>

typedef struct _MdSendQueue MdSendQueue;

/* `socket` must not block. */
MdSendQueue *md_send_queue_new(GSocket *socket);
void md_send_queue_free(MdSendQueue *self);

void md_send_queue_push(MdSendQueue *self, GBytes *frame);

/* Sends as much as the socket takes. FALSE: the client cannot be reached any more. */
gboolean md_send_queue_flush(MdSendQueue *self, GError **error);

/* Drops all frames. */
void md_send_queue_clear(MdSendQueue *self);

/* NULL if there is none. */
GBytes *md_send_queue_peek_last(MdSendQueue *self);

/* Frames that have not been sent to their end. */
guint md_send_queue_count(MdSendQueue *self);

/* Bytes of memory that the queue takes, and that one frame would. Frames that several queues share
 * are counted for each. */
gsize md_send_queue_get_cost(MdSendQueue *self);
gsize md_send_queue_get_frame_cost(GBytes *frame);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSendQueue, md_send_queue_free)
