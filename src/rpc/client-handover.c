/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Saves and restores one connection at a restart of the service. */
#include "config.h"

#include "rpc/client-private.h"


/* The next daemon handles the message again, before all messages that have not been handed out. */
void
md_client_put_back(MdClient *self, const md_header *header, GBytes *frame)
{
    if (!self->closed)
        md_receive_queue_put_back(self->received, md_message_new(header, frame));
}


/* Output that the socket still accepts is sent instead of saved. A failure is ignored here: the
 * next daemon detects it. */
static void
save_output(MdClient *self, md_handover_bytes *output)
{
    g_autoptr(GByteArray) unsent = NULL;
    gsize size = 0;

    md_send_queue_flush(self->queue, NULL);
    unsent = md_send_queue_get_unsent(self->queue);
    output->md_handover_bytes_val = (char *)g_byte_array_steal(unsent, &size);
    output->md_handover_bytes_len = (guint)size;
}


void
md_client_save(MdClient *self, md_handover_client *state)
{
    md_receive_queue_save(self->received, state);
    save_output(self, &state->output);
    state->keepalive = self->has_keepalive;
}


gboolean
md_client_restore(MdClient *self, const md_handover_client *state, GError **error)
{
    const md_handover_bytes *output = &state->output;
    g_autoptr(GBytes) unsent =
        g_bytes_new(output->md_handover_bytes_val, output->md_handover_bytes_len);

    if (!md_receive_queue_restore(self->received, state, error))
        return FALSE;
    if (output->md_handover_bytes_len > 0)
        md_send_queue_push(self->queue, unsent);
    if (state->keepalive)
        md_client_enable_keepalive(self);
    return TRUE;
}


gboolean
md_client_is_closing(MdClient *self)
{
    return self->close_when_sent;
}


int
md_client_get_fd(MdClient *self)
{
    return g_socket_get_fd(self->socket);
}
