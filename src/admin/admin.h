/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Administration of the running daemon by libvirt's clients (virt-admin): a socket of its own, for
 * the daemon's own user only. Connections to this socket have their own limits, and never take the
 * place of connections to other sockets.
 *
 * Two servers can be inspected: MD_ADMIN_MAIN_SERVER has the ordinary clients, MD_ADMIN_OWN_SERVER
 * the connections to this socket.
 */
#pragma once

#include "remote/server.h"

#define MD_ADMIN_MAIN_SERVER "virtnodedevd"
#define MD_ADMIN_OWN_SERVER  "admin"

/* Maximum number of connections to this socket. */
#define MD_ADMIN_CONNECTIONS_MAX 64

/* Longest frame in bytes; longer ones are discarded and answered with an error. */
#define MD_ADMIN_FRAME_MAX 65536

/* Changes of the daemon. Errors name the value. */
typedef struct {
    gboolean (*set_limits)(guint max_clients,
                           guint max_anonymous_clients,
                           gpointer data,
                           GError **error);
    /* `seconds` without clients after which the daemon exits; 0: never. */
    gboolean (*set_timeout)(guint seconds, gpointer data, GError **error);
} MdAdminFuncs;

typedef struct _MdAdmin MdAdmin;

/* All arguments must outlive the object. */
MdAdmin *md_admin_new(MdServer *server,
                      const MdSettings *settings,
                      const MdAdminFuncs *funcs,
                      gpointer data);
void md_admin_free(MdAdmin *self);

/* To be called after md_server_listen(): opens the socket, or takes the passed one. If only other
 * sockets have been passed, the daemon serves no administration clients. */
gboolean md_admin_listen(MdAdmin *self, MdPassedFds *passed, GError **error);

/* Removes the socket, and closes all connections to it. */
void md_admin_stop(MdAdmin *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdAdmin, md_admin_free)
