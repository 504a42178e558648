/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "rpc/call.h"

#include "rpc/wire-error.h"

/* Bytes of an error that are logged. */
#define LOGGED_MAX 512

struct _MdCall {
    MdSession *session;
    const MdProcedure *procedure;
    md_header header;
    MdCallEndedFunc ended;
    gpointer data;
};


MdCall *
md_call_new(MdSession *session,
            const MdProcedure *procedure,
            const md_header *header,
            MdCallEndedFunc ended,
            gpointer data)
{
    MdCall *self = g_new0(MdCall, 1);

    self->session = md_session_ref(session);
    self->procedure = procedure;
    self->header = *header;
    self->ended = ended;
    self->data = data;
    md_client_begin_call(md_session_get_client(session));
    return self;
}


MdSession *
md_call_get_session(MdCall *self)
{
    return self->session;
}


MdDriver *
md_call_get_driver(MdCall *self)
{
    return md_session_get_driver(self->session);
}


static void
end(MdCall *self, GBytes *frame)
{
    MdClient *client = md_session_get_client(self->session);

    md_client_send(client, frame);
    md_client_end_call(client);
    self->ended(self->data);
    md_session_unref(self->session);
    g_free(self);
}


void
md_call_reply(MdCall *self, gconstpointer ret)
{
    g_autoptr(GBytes) frame = NULL;
    GError *error = NULL;
    md_header header = self->header;

    header.type = MD_MESSAGE_REPLY;
    header.status = MD_STATUS_OK;
    frame = md_message_encode(&header, self->procedure->ret, ret, &error);
    if (frame == NULL)
        md_call_fail(self, error);
    else
        end(self, frame);
}


/* A message may quote what the client sent, which must not look like lines of ours. */
static void
log_error(MdCall *self, const GError *error)
{
    g_autofree char *brief = g_strndup(error->message, LOGGED_MAX);
    g_autofree char *escaped = g_strescape(brief, NULL);

    g_debug("%s: %s", self->procedure->function, escaped);
}


void
md_call_fail(MdCall *self, GError *error)
{
    g_autoptr(GBytes) frame = md_wire_error_encode(&self->header, error);

    log_error(self, error);
    g_error_free(error);
    end(self, frame);
}
