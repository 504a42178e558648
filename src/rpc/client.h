/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One connection: incoming and outgoing frames, and the limits on the resources of a client.
 * Messages are interpreted elsewhere (remote/dispatch.h), except those of the keepalive program.
 *
 * A client may disconnect at any time. Its object remains valid as long as it is referenced; frames
 * sent to a disconnected client are dropped.
 */
#pragma once

#include <gio/gio.h>

#include "protocol/handover.h"
#include "rpc/connections.h"
#include "rpc/message.h"
#include "util/settings.h"

#define MD_TYPE_CLIENT (md_client_get_type())
G_DECLARE_FINAL_TYPE(MdClient, md_client, MD, CLIENT, GObject)

typedef struct {
    void (*message)(MdClient *client, const MdMessage *message, gpointer data);
    /* Called once when the connection has ended; nothing is called afterwards. */
    void (*closed)(MdClient *client, gpointer data);
} MdClientFuncs;

/*
 * `settings` and `funcs` must outlive the client. Its memory is accounted to `connection`, which is
 * closed with it.
 */
MdClient *md_client_new(GSocket *socket,
                        const MdSettings *settings,
                        MdConnection *connection,
                        const MdClientFuncs *funcs,
                        gpointer data);

/* Starts reading. */
void md_client_start(MdClient *self);

/* Sets the user whose turns the client uses, see rounds.h. */
void md_client_set_share(MdClient *self, guint64 share);

/* The same, and accounts the connection to this user, see md_connection_act_for(). */
gboolean md_client_act_for(MdClient *self, guint64 share, gboolean privileged, GError **error);

/* Of longer frames, only the header is kept. Also applies to frames that have been received but not
 * parsed yet. */
void md_client_set_frame_limit(MdClient *self, gsize limit);

/*
 * Sends a frame after all earlier ones. A client with more than `max_queued_bytes` of unread output
 * is disconnected within this call.
 */
void md_client_send(MdClient *self, GBytes *frame);

/*
 * While `max_client_requests` calls are running, from begin to end, no further message is handed
 * out. Begin must be called from `message`, and returns the memory cost of the message, to be
 * passed to end.
 */
gsize md_client_begin_call(MdClient *self);
void md_client_end_call(MdClient *self, gsize cost);
guint md_client_count_calls(MdClient *self);

/* Accounts memory that other objects use on behalf of the client. Beyond the limits,
 * md_client_hold() disconnects this client or others before it returns. */
void md_client_hold(MdClient *self, gsize size);
void md_client_release(MdClient *self, gsize size);

/* While TRUE, no further message is handed out, because later messages depend on a running call. */
void md_client_set_alone(MdClient *self, gboolean alone);

/* From now on, a silent client is pinged. */
void md_client_enable_keepalive(MdClient *self);

/* Applies changed settings. */
void md_client_reload(MdClient *self);

/* Hands out at once all messages that have been read, without waiting for a turn. */
void md_client_hand_out(MdClient *self);

/* Hands out no further messages. */
void md_client_stop_reading(MdClient *self);

/* Ends the connection: at once, at once with a log message that states the cause, or after all
 * output has been sent. */
void md_client_close(MdClient *self);
void md_client_cut_off(MdClient *self, const char *cause);
void md_client_close_when_sent(MdClient *self);

/*
 * For a restart of the service. A client that is saved has no running calls, except those put back
 * or answered without a result, and is closed next: the next daemon continues with a copy of its
 * socket. A client is restored before it is started; errors name the invalid part of the state.
 */
void md_client_put_back(MdClient *self, const md_header *header, GBytes *frame);
void md_client_save(MdClient *self, md_handover_client *state);
gboolean md_client_restore(MdClient *self, const md_handover_client *state, GError **error);
gboolean md_client_is_closing(MdClient *self);
int md_client_get_fd(MdClient *self);
