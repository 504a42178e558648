/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/send-queue.h"

/* Overhead of a frame beside its bytes: a queue node, a GBytes, and the allocator's overhead. */
#define FRAME_COST 128

/* Frames sent by one system call. */
#define FRAMES_AT_ONCE 16

struct _MdSendQueue {
    GSocket *socket;
    GQueue frames;     /* of GBytes */
    gsize cost;        /* of the frames */
    gsize head_offset; /* bytes of the first frame that have been sent */
};


MdSendQueue *
md_send_queue_new(GSocket *socket)
{
    MdSendQueue *self = g_new0(MdSendQueue, 1);

    self->socket = g_object_ref(socket);
    g_queue_init(&self->frames);
    return self;
}


void
md_send_queue_free(MdSendQueue *self)
{
    if (self == NULL)
        return;

    md_send_queue_clear(self);
    g_object_unref(self->socket);
    g_free(self);
}


gsize
md_send_queue_get_frame_cost(GBytes *frame)
{
    return g_bytes_get_size(frame) + FRAME_COST;
}


void
md_send_queue_push(MdSendQueue *self, GBytes *frame)
{
    g_queue_push_tail(&self->frames, g_bytes_ref(frame));
    self->cost += md_send_queue_get_frame_cost(frame);
}


static void
pop_frame(MdSendQueue *self)
{
    g_autoptr(GBytes) frame = g_queue_pop_head(&self->frames);

    self->cost -= md_send_queue_get_frame_cost(frame);
    self->head_offset = 0;
}


/* Removes bytes that the socket has accepted. */
static void
pop_sent(MdSendQueue *self, gsize taken)
{
    self->head_offset += taken;
    while (!g_queue_is_empty(&self->frames)) {
        gsize size = g_bytes_get_size(g_queue_peek_head(&self->frames));
        gsize sent = self->head_offset;

        if (sent < size)
            return;
        pop_frame(self);
        self->head_offset = sent - size;
    }
}


/* Collects frames for one call, without the sent part of the first. */
static int
collect_frames(MdSendQueue *self, GOutputVector *vectors)
{
    gsize offset = self->head_offset;
    int n = 0;

    for (GList *link = self->frames.head; link != NULL && n < FRAMES_AT_ONCE; link = link->next) {
        gsize size = 0;
        const char *bytes = g_bytes_get_data(link->data, &size);

        vectors[n].buffer = bytes + offset;
        vectors[n++].size = size - offset;
        offset = 0;
    }
    return n;
}


/* Returns the number of bytes accepted by the socket, or -1. */
static gssize
send_frames(MdSendQueue *self, GError **error)
{
    GOutputVector vectors[FRAMES_AT_ONCE];
    int n = collect_frames(self, vectors);

    if (n == 1)
        return g_socket_send(self->socket, vectors->buffer, vectors->size, NULL, error);
    return g_socket_send_message(self->socket, NULL, vectors, n, NULL, 0, G_SOCKET_MSG_NONE, NULL,
                                 error);
}


gboolean
md_send_queue_flush(MdSendQueue *self, GError **error)
{
    while (!g_queue_is_empty(&self->frames)) {
        g_autoptr(GError) err = NULL;
        gssize taken = send_frames(self, &err);

        if (taken < 0) {
            if (g_error_matches(err, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
                return TRUE;
            g_propagate_error(error, g_steal_pointer(&err));
            return FALSE;
        }
        pop_sent(self, (gsize)taken);
    }
    return TRUE;
}


void
md_send_queue_clear(MdSendQueue *self)
{
    g_queue_clear_full(&self->frames, (GDestroyNotify)g_bytes_unref);
    self->cost = 0;
    self->head_offset = 0;
}


GByteArray *
md_send_queue_get_unsent(MdSendQueue *self)
{
    GByteArray *unsent = g_byte_array_new();
    gsize offset = self->head_offset;

    for (GList *link = self->frames.head; link != NULL; link = link->next) {
        gsize size = 0;
        const guint8 *bytes = g_bytes_get_data(link->data, &size);

        g_byte_array_append(unsent, bytes + offset, (guint)(size - offset));
        offset = 0;
    }
    return unsent;
}


GBytes *
md_send_queue_peek_last(MdSendQueue *self)
{
    return g_queue_peek_tail(&self->frames);
}


guint
md_send_queue_count(MdSendQueue *self)
{
    return self->frames.length;
}


gsize
md_send_queue_get_cost(MdSendQueue *self)
{
    return self->cost;
}
