/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of the server, shared by server.c (connections), server-clients.c (information about
 * clients), server-stop.c (the stop) and server-handover.c (restarts). */
#pragma once

#include "access/access.h"
#include "remote/dispatch.h"
#include "remote/server.h"
#include "remote/session.h"
#include "rpc/client.h"
#include "rpc/handover.h"

/* A connection that has been admitted. */
typedef struct {
    MdServer *server;
    guint64 number; /* for the log */
    gint64 since;   /* when it connected, in seconds since 1970 */
    MdClient *client;
    MdIdentity *peer;
    gboolean read_only;
    MdConnection *connection;
    MdSession *session;                   /* NULL: waiting until it may authenticate */
    const md_handover_session *inherited; /* state to be restored; NULL: none */
} MdServerEntry;

struct _MdServer {
    GObject parent;

    MdDriver *driver;
    const MdSettings *settings;
    MdDispatch *dispatch;
    MdAccess *access;
    MdEventFrames *frames;
    MdDeviceList *devices;
    MdConnections *connections;
    GPtrArray *listeners; /* of MdListener; NULL: not listening */
    GHashTable *entries;  /* MdClient → MdServerEntry, which owns it */
    guint64 n_ever;       /* clients admitted so far */
    GTask *stop;          /* NULL: not stopping */
    GSource *deadline;
    gboolean hands_over;  /* a stop leaves the clients to the next daemon */
    GSource *calls_timer; /* of CALLS_TIMEOUT, see server-stop.c */
    gboolean impatient;
    GSource *handing_over;
    md_handover inherited; /* from the previous daemon, until the devices are known */

    guint idle_timeout; /* milliseconds; 0: none */
    gboolean idle_inhibited;
    MdServerFunc idle_func;
    gpointer idle_data;
    GSource *idle; /* set while there are neither clients nor running calls */
};

/*
 * Admits a client and begins to serve it; both may end it. `inherited`: the state of a client of
 * the previous daemon, or NULL. Takes ownership of `peer`, the identity of the other end.
 */
void md_server_admit(MdServer *self,
                     GSocket *socket,
                     MdIdentity *peer,
                     gboolean read_only,
                     gboolean scarce,
                     const md_handover_session *inherited);

/* All clients, borrowed, in the order of their admission. */
GPtrArray *md_server_list_entries(MdServer *self);

/* Describes the user whose share the connection uses, and the peer if that differs. */
char *md_server_describe_entry(const MdServerEntry *entry);

/* Calls `func` for each client. `func` may end any client; ended clients are skipped. */
void md_server_for_each_entry(MdServer *self,
                              void (*func)(MdServerEntry *entry, gpointer data),
                              gpointer data);

/* Closes all connections. */
void md_server_close_clients(MdServer *self);

/* Ends a stop: at once, or unless calls or clients must be waited for. */
void md_server_finish_stop(MdServer *self);
void md_server_end_stop_if_idle(MdServer *self);

/* Takes over the clients of the previous daemon, if there are any. */
void md_server_take_over(MdServer *self, MdPassedFds *passed);

/* To be called once the devices are known: restores the callbacks of these clients, and reports the
 * changes since the previous daemon. */
void md_server_end_take_over(MdServer *self);

/* Leaves all clients to the next daemon. FALSE: their state cannot be stored. */
gboolean md_server_hand_over(MdServer *self);
