/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pings of one connection, in both directions. */
#include "config.h"

#include "rpc/client-private.h"


static GBytes *
encode_keepalive(int procedure)
{
    const md_header header = { .prog = MD_PROGRAM_KEEPALIVE,
                               .vers = MD_PROGRAM_VERSION,
                               .proc = procedure,
                               .type = MD_MESSAGE_EVENT };

    return md_message_encode(&header, NULL, NULL, NULL);
}


GBytes *
md_client_make_pong(void)
{
    return encode_keepalive(MD_KEEPALIVE_PONG);
}


gboolean
md_client_handle_keepalive(MdClient *self, const md_header *header)
{
    if (header->prog != MD_PROGRAM_KEEPALIVE || header->vers != MD_PROGRAM_VERSION ||
        header->type != MD_MESSAGE_EVENT)
        return FALSE;

    /* One pong answers all pings received before it was read. */
    if (header->proc == MD_KEEPALIVE_PING && md_send_queue_peek_last(self->queue) != self->pong)
        md_client_send(self, self->pong);
    return TRUE;
}


static void
on_ping_due(gpointer data)
{
    g_autoptr(GBytes) ping = encode_keepalive(MD_KEEPALIVE_PING);

    md_client_send(data, ping);
}


static void
on_dead(gpointer data)
{
    md_client_cut_off(data, "no response to keepalive");
}


void
md_client_restart_keepalive(MdClient *self)
{
    static const MdKeepaliveFuncs funcs = { on_ping_due, on_dead };

    g_clear_pointer(&self->keepalive, md_keepalive_free);
    if (self->has_keepalive && self->settings->keepalive_interval > 0)
        self->keepalive = md_keepalive_new(self->settings->keepalive_interval,
                                           self->settings->keepalive_count, &funcs, self);
}


void
md_client_enable_keepalive(MdClient *self)
{
    if (self->closed || self->has_keepalive)
        return;

    self->has_keepalive = TRUE;
    md_client_restart_keepalive(self);
}
