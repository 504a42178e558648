/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client has opened: the connection object of libvirt's API, with its rights and its event
 * callbacks. It ends with the client; a call under way may hold it longer.
 */
#pragma once

#include "access/access.h"
#include "node_device/driver.h"
#include "remote/event-frames.h"
#include "rpc/client.h"

typedef struct _MdSession MdSession;

/*
 * `read_only`: the client came through a socket for readers. `peer`: who it is. `driver` and
 * `frames` must outlive the session. A client that must authenticate is cut off if it takes too
 * long.
 */
MdSession *md_session_new(MdClient *client,
                          MdDriver *driver,
                          MdAccess *access,
                          MdEventFrames *frames,
                          MdIdentity *peer,
                          gboolean read_only);
MdSession *md_session_ref(MdSession *self);
void md_session_unref(MdSession *self);

/* What the log calls the client: 1 for the first one of this daemon; 0 until it is set. */
void md_session_set_number(MdSession *self, guint64 number);
guint64 md_session_get_number(MdSession *self);

MdClient *md_session_get_client(MdSession *self);
MdDriver *md_session_get_driver(MdSession *self);
MdAccess *md_session_get_access(MdSession *self);

/* The client, with the share of whom it acts for. */
MdOwner *md_session_get_owner(MdSession *self);

/* Who is at the other end, and who is judged: the same until the client says whom it acts for. */
const MdIdentity *md_session_get_peer(MdSession *self);
MdIdentity *md_session_get_identity(MdSession *self);
/* Its connection counts as one of the user it acts for. Fails if this user may have no more. */
gboolean md_session_set_identity(MdSession *self, MdIdentity *identity, GError **error);

/* `func` is called when the client has authenticated. */
void md_session_set_authenticated_func(MdSession *self, void (*func)(gpointer data), gpointer data);
gboolean md_session_is_authenticated(MdSession *self);

/* Asks whether the client may connect; `callback` has the session's access as its source. Once at a
 * time. */
void
md_session_authenticate_async(MdSession *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_session_authenticate_finish(MdSession *self, GAsyncResult *result, GError **error);

/* Sends a frame after the events before it. `sent` is called when it has left, or has been dropped.
 */
void md_session_send(MdSession *self, GBytes *frame, void (*sent)(gpointer data), gpointer data);

/* Ends the connection when all has been sent. */
void md_session_close_when_sent(MdSession *self);

/*
 * `name`: the URI as the client wrote it, NULL for any. VIR_ERR_NO_CONNECT if it is not for us,
 * VIR_ERR_INTERNAL_ERROR if its path is another instance's.
 */
gboolean md_session_open(MdSession *self, const char *name, gboolean read_only, GError **error);
gboolean md_session_is_open(MdSession *self);
gboolean md_session_is_read_only(MdSession *self);

/* NULL before it is open. */
const char *md_session_get_uri(MdSession *self);

/*
 * Sends the client `event` of `device` (NULL: of all) as it happens. Returns the id of the
 * callback, which is not negative, or -1. Readers have at most MD_SUBSCRIPTIONS_READER_MAX of them.
 */
int md_session_subscribe(MdSession *self, int event, const char *device, GError **error);
gboolean md_session_unsubscribe(MdSession *self, int callback, GError **error);

/* Whether the client wants to be told when the daemon stops. */
void md_session_set_close_callback(MdSession *self, gboolean wanted);

/* Tells it, if so, once. */
void md_session_notify_closed(MdSession *self, int reason);

/* The client has gone. */
void md_session_end(MdSession *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSession, md_session_unref)
