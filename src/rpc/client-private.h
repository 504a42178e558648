/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of a connection, shared by client.c (frames and turns), client-keepalive.c (pings) and
 * client-handover.c (restarts of the service). */
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
    guint64 share; /* of the user whose turns the client uses */

    MdConnection *connection;
    gsize counted; /* memory of both queues, as accounted to `connection` */

    MdReceiveQueue *received;
    gsize in_hand; /* cost of the message being handed out */
    guint n_calls;
    gboolean started;
    gboolean reading; /* FALSE: no further messages are handed out */
    gboolean ended;   /* the client has shut down its writing side and waits for replies */
    gboolean alone;   /* no further messages until a call has been answered */
    gboolean in_turn; /* changes are handled when the turn ends */
    MdPolled polled;
    MdRoundsPlace place; /* among the clients with something to do */
    GIOCondition ready;  /* readiness of the socket since the last turn */
    MdDeadline half_frame;

    GBytes *pong;
    MdSendQueue *queue;
    MdDeadline unread;         /* the client must read some of its output until then */
    const MdDeadline *overdue; /* expired; checked again when the turn ends */
    gboolean close_when_sent;

    gboolean has_keepalive;
    MdKeepalive *keepalive; /* NULL: no pings */
};

/* Reports the held memory to the connection; may end this client. */
void md_client_update_count(MdClient *self);

/* The reply to all pings. */
GBytes *md_client_make_pong(void);

/* FALSE if the message does not belong to the keepalive program. */
gboolean md_client_handle_keepalive(MdClient *self, const md_header *header);

/* After a change of the settings, or when the client has agreed to pings. */
void md_client_restart_keepalive(MdClient *self);
