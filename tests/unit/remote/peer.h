/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server on a private socket, and clients that exchange frames with it. */
#pragma once

#include <gio/gio.h>

#include "fake-driver.h"
#include "remote/server.h"
#include "rpc/connections.h"
#include "rpc/message.h"

#include "../settle.h"

/* One server with its fake driver. Settings may be changed before host_start(). */
typedef struct {
    char *dir;
    MdSettings *settings;
    MdDriver *driver;
    MdServer *server;
} Host;

void host_set_up(Host *host, gconstpointer data);
void host_tear_down(Host *host, gconstpointer data);
void host_start(Host *host);

/* Runs the main loop until `condition` is true; fails the test after some seconds. */
#define wait_until(condition)                                                                      \
    G_STMT_START                                                                                   \
    {                                                                                              \
        gint64 end_ = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;                                \
        while (!(condition) && g_get_monotonic_time() < end_)                                      \
            run_briefly();                                                                         \
        g_assert_true(condition);                                                                  \
    }                                                                                              \
    G_STMT_END

/* Runs one iteration of the main loop, limited to some milliseconds. */
void run_briefly(void);

typedef struct {
    GSocket *socket;
    MdMessageReader *reader;
    guint32 serial; /* of the last call */
} Peer;

Peer *peer_new(Host *host, gboolean read_only);

/* Connects a client and opens its connection. */
Peer *peer_new_open(Host *host, gboolean read_only);
void peer_free(Peer *peer);

void peer_send_bytes(Peer *peer, gconstpointer bytes, gsize size);
void peer_send(Peer *peer, const md_header *header, xdrproc_t type, gconstpointer args);

/* Sends a call and returns its serial. */
guint32 peer_call(Peer *peer, int procedure, xdrproc_t type, gconstpointer args);

/* Receives the next message; fails the test if none arrives. */
MdMessage *peer_receive(Peer *peer);

/* Returns a message that has already arrived, or NULL. */
MdMessage *peer_poll(Peer *peer);

/* Receives the successful reply to a call; decodes it into `ret` if there is a `type`. */
void peer_expect_reply(Peer *peer, guint32 serial, xdrproc_t type, gpointer ret);

/* Receives the error reply to a call, and checks it. */
void peer_expect_error(Peer *peer, guint32 serial, int code, int domain, const char *text);

/* Waits until the server closes the connection. */
void peer_expect_end(Peer *peer);

/* Checks that the connection works. */
void peer_expect_alive(Peer *peer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Peer, peer_free)
