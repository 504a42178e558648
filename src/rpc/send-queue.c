/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/send-queue.h"

/* What a frame costs beside its bytes: a node of the queue, a GBytes, and what the allocator adds
 * to these and to the bytes. */
#define FRAME_COST 128

struct _MdSendQueue {
    GSocket *socket;
    GQueue frames;     /* of GBytes */
    gsize cost;        /* of the frames */
    gsize head_offset; /* bytes of the first one that have been sent */
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
pop(MdSendQueue *self)
{
    g_autoptr(GBytes) frame = g_queue_pop_head(&self->frames);

    self->cost -= md_send_queue_get_frame_cost(frame);
    self->head_offset = 0;
}


gboolean
md_send_queue_flush(MdSendQueue *self, GError **error)
{
    while (!g_queue_is_empty(&self->frames)) {
        g_autoptr(GError) err = NULL;
        gsize size = 0;
        const char *bytes = g_bytes_get_data(g_queue_peek_head(&self->frames), &size);
        gssize taken = g_socket_send(self->socket, bytes + self->head_offset,
                                     size - self->head_offset, NULL, &err);

        if (taken < 0) {
            if (g_error_matches(err, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
                return TRUE;
            g_propagate_error(error, g_steal_pointer(&err));
            return FALSE;
        }
        self->head_offset += (gsize)taken;
        if (self->head_offset == size)
            pop(self);
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
