/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection from within: client.c has its frames and turns, client-keepalive.c its pings. */
#pragma once

#include "rpc/client.h"
#include "rpc/keepalive.h"
#include "rpc/receive-queue.h"
#include "rpc/rounds.h"
#include "rpc/send-queue.h"
#include "util/deadline.h"
#include "util/polled.h"

struct _MdClient {
    GObject parent;

    const MdSettings *settings;
    const MdClientFuncs *funcs;
    gpointer data;
    GSocket *socket;
    gboolean closed;
    guint64 share; /* whose turn it uses */

    MdConnection *connection;
    gsize counted; /* of what is held, as the connection knows it */

    MdReceiveQueue *received;
    gsize in_hand; /* what the message that is being handed out costs */
    guint n_calls;
    gboolean started;
    gboolean reading; /* messages may be handed out */
    gboolean ended;   /* the client sends no more, and waits for its answers */
    gboolean alone;   /* until a call has been answered */
    gboolean in_turn; /* what has changed is looked at when the turn ends */
    MdPolled polled;
    MdRoundsPlace place; /* among those that have something to go on with */
    GIOCondition ready;  /* what the socket is ready for since the last turn */
    MdDeadline half_frame;

    GBytes *pong;
    MdSendQueue *queue;
    MdDeadline unread;         /* the client has to read before anything goes on */
    const MdDeadline *overdue; /* has passed; whether it still holds shows when the turn ends */
    gboolean close_when_sent;

    gboolean has_keepalive;
    MdKeepalive *keepalive; /* NULL: no pings */
};

/* The answer to all pings. */
GBytes *md_client_make_pong(void);

/* FALSE if a message is not the keepalive's. */
gboolean md_client_handle_keepalive(MdClient *self, const md_header *header);

/* The settings have changed, or the client has agreed to be pinged. */
void md_client_restart_keepalive(MdClient *self);
