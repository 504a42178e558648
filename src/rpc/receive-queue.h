/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has come from one client: bytes that are not a message yet, and messages that wait for their
 * turn. Messages are read ahead of it so that a client with many slow calls has its pings answered.
 */
#pragma once

#include "rpc/message.h"

typedef struct _MdReceiveQueue MdReceiveQueue;

MdReceiveQueue *md_receive_queue_new(void);
void md_receive_queue_free(MdReceiveQueue *self);

/* See md_message_reader_set_limit(). */
void md_receive_queue_set_limit(MdReceiveQueue *self, gsize limit);

void md_receive_queue_feed(MdReceiveQueue *self, const guint8 *bytes, gsize size);

/*
 * The next message that has come. NULL with an error: what comes is no frame. NULL without: more
 * bytes are needed, or messages in the queue have to be taken out first, as they fill it or may
 * change the limit that the next frame exceeds. `fixed` FALSE: so may something else.
 */
MdMessage *md_receive_queue_parse(MdReceiveQueue *self, gboolean fixed, GError **error);

/* Appends a message, and takes out the first one, NULL if there is none. */
void md_receive_queue_push(MdReceiveQueue *self, MdMessage *message);
MdMessage *md_receive_queue_pop(MdReceiveQueue *self);

gboolean md_receive_queue_is_empty(MdReceiveQueue *self);

/* Whether the next frame has been put off: nothing more should be fed before messages have been
 * taken out. */
gboolean md_receive_queue_is_deferred(MdReceiveQueue *self);

/* Whether a frame has come in part. */
gboolean md_receive_queue_is_midway(MdReceiveQueue *self);

/* Bytes of memory that all this takes, and that one message does. */
gsize md_receive_queue_get_cost(MdReceiveQueue *self);
gsize md_receive_queue_get_message_cost(const MdMessage *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdReceiveQueue, md_receive_queue_free)
