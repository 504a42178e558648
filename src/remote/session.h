/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client's connection object of libvirt's API, with its permissions and event callbacks. It ends
 * when the client disconnects; a running call may keep a reference longer.
 */
#pragma once

#include "access/access.h"
#include "node_device/driver.h"
#include "remote/device-list.h"
#include "remote/event-frames.h"
#include "rpc/client.h"

typedef struct _MdSession MdSession;

/* Shared by all sessions of a server, and borrowed: must outlive the sessions. */
typedef struct {
    MdDriver *driver;
    MdAccess *access;
    MdEventFrames *frames;
    MdDeviceList *devices;
} MdSessionShared;

/* `read_only`: the client connected to a read-only socket. `peer`: its identity. A client that must
 * authenticate is disconnected on timeout. */
MdSession *md_session_new(MdClient *client,
                          const MdSessionShared *shared,
                          MdIdentity *peer,
                          gboolean read_only);
MdSession *md_session_ref(MdSession *self);
void md_session_unref(MdSession *self);

/* The number of the client in the log: 1 for the first client of this daemon; 0 until it is set. */
void md_session_set_number(MdSession *self, guint64 number);
guint64 md_session_get_number(MdSession *self);

MdClient *md_session_get_client(MdSession *self);
MdDriver *md_session_get_driver(MdSession *self);
MdAccess *md_session_get_access(MdSession *self);
MdDeviceList *md_session_get_devices(MdSession *self);

/* The client, with the share of the user it acts for. */
MdOwner *md_session_get_owner(MdSession *self);

/* The client process, and the identity used for authorization: the same until the client acts for
 * another user. */
const MdIdentity *md_session_get_peer(MdSession *self);
MdIdentity *md_session_get_identity(MdSession *self);
/* Makes the client act for another user. The connection then counts as one of this user. Fails if
 * this user has the maximum number of connections. */
gboolean md_session_set_identity(MdSession *self, MdIdentity *identity, GError **error);

/* `func` is called when the client has authenticated. */
void md_session_set_authenticated_func(MdSession *self, void (*func)(gpointer data), gpointer data);
gboolean md_session_is_authenticated(MdSession *self);

/* Authorizes the client to connect. The source object of `callback` is the session's MdAccess. Must
 * not be called again before `callback`. */
void
md_session_authenticate_async(MdSession *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_session_authenticate_finish(MdSession *self, GAsyncResult *result, GError **error);

/* Sends a frame after earlier events. `sent` is called when it has been sent or dropped. */
void md_session_send(MdSession *self, GBytes *frame, void (*sent)(gpointer data), gpointer data);

/* Ends the connection when all frames have been sent. */
void md_session_close_when_sent(MdSession *self);

/*
 * `name`: the URI given by the client, NULL for any. VIR_ERR_NO_CONNECT if the URI is for another
 * driver, VIR_ERR_INTERNAL_ERROR if its path is for another instance.
 */
gboolean md_session_open(MdSession *self, const char *name, gboolean read_only, GError **error);
gboolean md_session_is_open(MdSession *self);
gboolean md_session_is_read_only(MdSession *self);

/* NULL before it is open. */
const char *md_session_get_uri(MdSession *self);

/*
 * Subscribes the client to `event` of `device` (NULL: of all devices). Returns the non-negative id
 * of the callback, or -1. Readers have at most MD_SUBSCRIPTIONS_READER_MAX callbacks.
 */
int md_session_subscribe(MdSession *self, int event, const char *device, GError **error);
gboolean md_session_unsubscribe(MdSession *self, int callback, GError **error);

/* Whether the client is to be notified when the daemon stops. */
void md_session_set_close_callback(MdSession *self, gboolean wanted);

/* Notifies the client, if requested, once. */
void md_session_notify_closed(MdSession *self, int reason);

/* Adds the session to the state for the next daemon. All its calls have been answered. */
void md_session_save(MdSession *self, md_handover_session *state);

/*
 * Continues a session saved by the previous daemon, except for its callbacks, which are restored
 * when the devices are known. Errors name the part of the state that is invalid or no longer
 * allowed.
 */
gboolean md_session_restore(MdSession *self, const md_handover_session *state, GError **error);
gboolean
md_session_restore_callbacks(MdSession *self, const md_handover_session *state, GError **error);

/* Sends pending events of this client now, which it may otherwise receive in a later turn. */
void md_session_catch_up(MdSession *self);

/* The client has disconnected. */
void md_session_end(MdSession *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSession, md_session_unref)
