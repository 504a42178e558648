/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a client has opened: the connection object of libvirt's API, with its rights and its event
 * callbacks. It ends with the client; a call under way may hold it longer.
 */
#pragma once

#include "node_device/driver.h"
#include "rpc/client.h"

typedef struct _MdSession MdSession;

/* `read_only`: the client came through a socket for readers. `driver` must outlive the session. */
MdSession *md_session_new(MdClient *client, MdDriver *driver, gboolean read_only);
MdSession *md_session_ref(MdSession *self);
void md_session_unref(MdSession *self);

MdClient *md_session_get_client(MdSession *self);
MdDriver *md_session_get_driver(MdSession *self);

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
 * callback, which is not negative, or -1.
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
