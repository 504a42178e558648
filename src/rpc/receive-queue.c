/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/receive-queue.h"

#include "rpc/handover.h"
#include "util/error.h"

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


void
md_receive_queue_put_back(MdReceiveQueue *self, MdMessage *message)
{
    self->cost += md_receive_queue_get_message_cost(message);
    g_queue_push_head(&self->messages, message);
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
md_receive_queue_has_partial_frame(MdReceiveQueue *self)
{
    return md_message_reader_has_partial_frame(self->reader);
}


gsize
md_receive_queue_get_cost(MdReceiveQueue *self)
{
    return md_message_reader_get_cost(self->reader) + self->cost;
}


static void
save_message(const MdMessage *message, md_handover_message *saved)
{
    saved->header = message->header;
    saved->length = message->length;
    saved->limit = message->limit;
    if (message->payload != NULL) {
        saved->payload = g_new0(md_handover_bytes, 1);
        md_handover_save_bytes(saved->payload, g_bytes_get_data(message->payload, NULL),
                               g_bytes_get_size(message->payload));
    }
}


void
md_receive_queue_save(MdReceiveQueue *self, md_handover_client *state)
{
    MdMessageRest rest = { 0 };
    guint i = 0;

    state->messages.messages_len = self->messages.length;
    state->messages.messages_val = g_new0(md_handover_message, self->messages.length);
    for (GList *link = self->messages.head; link != NULL; link = link->next)
        save_message(link->data, &state->messages.messages_val[i++]);

    md_message_reader_get_rest(self->reader, &rest);
    md_handover_save_bytes(&state->input, rest.bytes, rest.size);
    if (rest.discarded != NULL) {
        state->discarded = g_new0(md_handover_message, 1);
        save_message(rest.discarded, state->discarded);
        state->remaining = rest.remaining;
    }
}


/* NULL: no client can have sent such a message. */
static MdMessage *
restore_message(const md_handover_message *saved)
{
    const md_handover_bytes *payload = saved->payload;
    MdMessage *message = NULL;

    if (saved->length < MD_MESSAGE_LENGTH_MIN || saved->length > MD_MESSAGE_LENGTH_MAX ||
        saved->limit > MD_MESSAGE_LENGTH_MAX ||
        (payload != NULL &&
         payload->md_handover_bytes_len != saved->length - MD_MESSAGE_LENGTH_MIN))
        return NULL;

    message = g_new0(MdMessage, 1);
    message->header = saved->header;
    message->length = (gsize)saved->length;
    message->limit = (gsize)saved->limit;
    if (payload != NULL)
        message->payload =
            g_bytes_new(payload->md_handover_bytes_val, payload->md_handover_bytes_len);
    return message;
}


static gboolean
check_rest(const MdMessageRest *rest, const md_handover_client *state)
{
    if (state->discarded == NULL)
        return rest->remaining == 0;
    return rest->discarded != NULL && rest->discarded->payload == NULL &&
           rest->remaining <= rest->discarded->length && (rest->remaining == 0 || rest->size == 0);
}


gboolean
md_receive_queue_restore(MdReceiveQueue *self, const md_handover_client *state, GError **error)
{
    g_autoptr(MdMessage) discarded =
        state->discarded != NULL ? restore_message(state->discarded) : NULL;
    const MdMessageRest rest = { .bytes = (const guint8 *)state->input.md_handover_bytes_val,
                                 .size = state->input.md_handover_bytes_len,
                                 .discarded = discarded,
                                 .remaining = (gsize)state->remaining };
    gboolean ok = check_rest(&rest, state);

    for (guint i = 0; ok && i < state->messages.messages_len; i++) {
        MdMessage *message = restore_message(&state->messages.messages_val[i]);

        ok = message != NULL;
        if (ok)
            md_receive_queue_push(self, message);
    }
    if (!ok) {
        md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_RPC, "impossible message in the state");
        return FALSE;
    }
    md_message_reader_set_rest(self->reader, &rest);
    /* The client's next turn parses these bytes. */
    self->deferred = rest.size > 0;
    return TRUE;
}
