/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connection: frames in, frames out, and the limits of what a client may cost. What the
 * messages mean is for others (remote/dispatch.h); of the programs on the wire only the keepalive
 * is answered here.
 *
 * A client may go at any time. Its object stays while somebody holds it, and what is sent to it
 * then is dropped.
 */
#pragma once

#include <gio/gio.h>

#include "rpc/connections.h"
#include "rpc/message.h"
#include "util/settings.h"

#define MD_TYPE_CLIENT (md_client_get_type())
G_DECLARE_FINAL_TYPE(MdClient, md_client, MD, CLIENT, GObject)

typedef struct {
    void (*message)(MdClient *client, const MdMessage *message, gpointer data);
    /* Called once, when the connection has ended; nothing is called afterwards. */
    void (*closed)(MdClient *client, gpointer data);
} MdClientFuncs;

/*
 * `settings` and `funcs` must outlive the client. What it holds in memory is counted for
 * `connection`, which is closed with it.
 */
MdClient *md_client_new(GSocket *socket,
                        const MdSettings *settings,
                        MdConnection *connection,
                        const MdClientFuncs *funcs,
                        gpointer data);

/* Begins to read. */
void md_client_start(MdClient *self);

/* The user whose turns it uses from now on, see rpc/rounds.h. */
void md_client_set_share(MdClient *self, guint64 share);

/* The same, and its connection counts as one of this user, see md_connection_act_for(). */
gboolean md_client_act_for(MdClient *self, guint64 share, gboolean privileged, GError **error);

/* Of longer frames nothing but the header is kept. It counts for all that has not been handed out,
 * too. */
void md_client_set_frame_limit(MdClient *self, gsize limit);

/*
 * Sends a frame after those sent before. A client that leaves more than `max_queued_bytes` unread
 * is cut off, within this call.
 */
void md_client_send(MdClient *self, GBytes *frame);

/*
 * While `max_client_requests` calls are between begin and end no further message is handed out.
 * Begin is to be called from within `message`, and returns what the arguments of the call cost,
 * which end is to be given.
 */
gsize md_client_begin_call(MdClient *self);
void md_client_end_call(MdClient *self, gsize cost);
guint md_client_count_calls(MdClient *self);

/* Memory that others hold on behalf of the client. When there is too much of it, this one or
 * others are cut off, within the first call. */
void md_client_hold(MdClient *self, gsize size);
void md_client_release(MdClient *self, gsize size);

/* While it is TRUE no further message is handed out: they depend on a call that is under way. */
void md_client_set_alone(MdClient *self, gboolean alone);

/* From now on the client is pinged when it is silent. */
void md_client_enable_keepalive(MdClient *self);

/* The settings have changed. */
void md_client_reload(MdClient *self);

/* Hands out at once what has been read already, without waiting for turns. */
void md_client_hand_out(MdClient *self);

/* No further message is handed out. */
void md_client_stop_reading(MdClient *self);

/* Ends the connection: at once, at once with a message in the log that says why, or when all has
 * been sent. */
void md_client_close(MdClient *self);
void md_client_cut_off(MdClient *self, const char *cause);
void md_client_close_when_sent(MdClient *self);
