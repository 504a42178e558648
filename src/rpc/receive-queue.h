/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The input of one client: bytes of an incomplete message, and messages waiting to be handed out.
 * Messages are read ahead so that pings of a client with many slow calls are answered.
 */
#pragma once

#include "protocol/handover.h"
#include "rpc/message.h"

typedef struct _MdReceiveQueue MdReceiveQueue;

MdReceiveQueue *md_receive_queue_new(void);
void md_receive_queue_free(MdReceiveQueue *self);

/* See md_message_reader_set_limit(). */
void md_receive_queue_set_limit(MdReceiveQueue *self, gsize limit);

void md_receive_queue_feed(MdReceiveQueue *self, const guint8 *bytes, gsize size);

/*
 * Returns the next message. NULL with an error: invalid frame. NULL without an error: more bytes
 * are needed, or the next frame is deferred. A frame is deferred while the queue is full, and while
 * the frame exceeds the limit but a queued message may raise the limit. `fixed` FALSE: a running
 * call may raise the limit as well, so a frame beyond the limit is deferred even if the queue is
 * empty.
 */
MdMessage *md_receive_queue_parse(MdReceiveQueue *self, gboolean fixed, GError **error);

/* Appends a message; puts one before all others; removes the first one, NULL if the queue is
 * empty. */
void md_receive_queue_push(MdReceiveQueue *self, MdMessage *message);
void md_receive_queue_put_back(MdReceiveQueue *self, MdMessage *message);
MdMessage *md_receive_queue_pop(MdReceiveQueue *self);

gboolean md_receive_queue_is_empty(MdReceiveQueue *self);

/* Whether the next frame is deferred. If so, feed no more bytes. */
gboolean md_receive_queue_is_deferred(MdReceiveQueue *self);

/* Whether a frame has been received partially. */
gboolean md_receive_queue_has_partial_frame(MdReceiveQueue *self);

/* Memory of the queue, and of one message, in bytes. */
gsize md_receive_queue_get_cost(MdReceiveQueue *self);
gsize md_receive_queue_get_message_cost(const MdMessage *message);

/* Adds the input to the state for the next daemon. */
void md_receive_queue_save(MdReceiveQueue *self, md_handover_client *state);

/* Continues with the input left by the previous daemon; the queue must be new. Fails if no client
 * can have sent this input. */
gboolean
md_receive_queue_restore(MdReceiveQueue *self, const md_handover_client *state, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdReceiveQueue, md_receive_queue_free)
