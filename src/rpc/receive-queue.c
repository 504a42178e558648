/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/receive-queue.h"

/* Limits of the queue, except for a single message. */
#define MESSAGES_MAX 64
#define BYTES_MAX    (256 * 1024)

/* Overhead of a message beside its payload: its structure, a GBytes, a queue node, and the
 * allocator's overhead. */
#define MESSAGE_COST 224

struct _MdReceiveQueue {
    MdMessageReader *reader;
    GQueue messages; /* of MdMessage */
    gsize cost;      /* of the messages */
    gboolean deferred;
};


MdReceiveQueue *
md_receive_queue_new(void)
{
    MdReceiveQueue *self = g_new0(MdReceiveQueue, 1);

    self->reader = md_message_reader_new();
    g_queue_init(&self->messages);
    return self;
}


void
md_receive_queue_free(MdReceiveQueue *self)
{
    if (self == NULL)
        return;

    g_queue_clear_full(&self->messages, (GDestroyNotify)md_message_free);
    md_message_reader_free(self->reader);
    g_free(self);
}


void
md_receive_queue_set_limit(MdReceiveQueue *self, gsize limit)
{
    md_message_reader_set_limit(self->reader, limit);
}


void
md_receive_queue_feed(MdReceiveQueue *self, const guint8 *bytes, gsize size)
{
    md_message_reader_feed(self->reader, bytes, size);
}


/* Whether the next frame must not be parsed yet, see md_receive_queue_parse(). */
static gboolean
must_defer(MdReceiveQueue *self, gboolean fixed)
{
    gboolean beyond = md_message_reader_is_beyond_limit(self->reader);

    if (g_queue_is_empty(&self->messages))
        return beyond && !fixed;
    return beyond || self->messages.length >= MESSAGES_MAX ||
           self->cost + MESSAGE_COST + md_message_reader_peek_length(self->reader) > BYTES_MAX;
}


MdMessage *
md_receive_queue_parse(MdReceiveQueue *self, gboolean fixed, GError **error)
{
    self->deferred = must_defer(self, fixed);
    return self->deferred ? NULL : md_message_reader_next(self->reader, error);
}


gsize
md_receive_queue_get_message_cost(const MdMessage *message)
{
    return MESSAGE_COST + (message->payload != NULL ? g_bytes_get_size(message->payload) : 0);
}


void
md_receive_queue_push(MdReceiveQueue *self, MdMessage *message)
{
    self->cost += md_receive_queue_get_message_cost(message);
    g_queue_push_tail(&self->messages, message);
}


MdMessage *
md_receive_queue_pop(MdReceiveQueue *self)
{
    MdMessage *message = g_queue_pop_head(&self->messages);

    if (message != NULL)
        self->cost -= md_receive_queue_get_message_cost(message);
    return message;
}


gboolean
md_receive_queue_is_empty(MdReceiveQueue *self)
{
    return g_queue_is_empty(&self->messages);
}


gboolean
md_receive_queue_is_deferred(MdReceiveQueue *self)
{
    return self->deferred;
}


gboolean
md_receive_queue_is_midway(MdReceiveQueue *self)
{
    return md_message_reader_is_midway(self->reader);
}


gsize
md_receive_queue_get_cost(MdReceiveQueue *self)
{
    return md_message_reader_get_cost(self->reader) + self->cost;
}
