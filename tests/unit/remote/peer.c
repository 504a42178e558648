/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A server and its clients on one main loop; see the header. */
#include "config.h"

#include "peer.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include "../default-settings.h"
#include "util/names.h"


void
host_set_up(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    host->dir = g_dir_make_tmp("rpc-XXXXXX", NULL);
    g_assert_nonnull(host->dir);
    host->settings = default_settings_load();
    g_free(host->settings->socket_dir);
    host->settings->socket_dir = g_strdup(host->dir);
    host->driver = md_driver_new(host->settings);
    host->server = md_server_new(host->driver, host->settings);
}


void
host_tear_down(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    while (fake_driver_count_waiting(host->driver) > 0)
        fake_driver_end(host->driver, 0);
    settle();
    g_assert_finalize_object(host->server);
    g_assert_finalize_object(host->driver);
    md_settings_free(host->settings);
    g_assert_cmpint(g_rmdir(host->dir), ==, 0);
    g_free(host->dir);
}


void
host_start(Host *host)
{
    g_autoptr(MdPassedFds) passed = md_passed_fds_take();
    g_autoptr(GError) error = NULL;

    md_server_listen(host->server, passed, &error);
    g_assert_no_error(error);
}


void
run_briefly(void)
{
    g_autoptr(GSource) alarm = g_timeout_source_new(5);

    g_source_set_dummy_callback(alarm);
    g_source_attach(alarm, NULL);
    g_main_context_iteration(NULL, TRUE);
    g_source_destroy(alarm);
}


Peer *
peer_new(Host *host, gboolean read_only)
{
    Peer *peer = g_new0(Peer, 1);
    g_autofree char *path =
        g_build_filename(host->dir, read_only ? MD_SOCKET_RO : MD_SOCKET_RW, NULL);
    g_autoptr(GSocketAddress) address = g_unix_socket_address_new(path);
    g_autoptr(GError) error = NULL;

    peer->socket =
        g_socket_new(G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error);
    g_assert_no_error(error);
    g_socket_connect(peer->socket, address, NULL, &error);
    g_assert_no_error(error);
    g_socket_set_blocking(peer->socket, FALSE);
    peer->reader = md_message_reader_new();
    return peer;
}


Peer *
peer_new_open(Host *host, gboolean read_only)
{
    Peer *peer = peer_new(host, read_only);
    const md_open_args args = { NULL, 0 };

    peer_expect_reply(peer, peer_call(peer, MD_PROC_OPEN, MD_XDR(md_open_args), &args), NULL, NULL);
    return peer;
}


void
peer_free(Peer *peer)
{
    g_socket_close(peer->socket, NULL);
    g_object_unref(peer->socket);
    md_message_reader_free(peer->reader);
    g_free(peer);
}


/* Returns FALSE at the end of the connection. */
static gboolean
fill(Peer *peer)
{
    char chunk[65536];
    g_autoptr(GError) error = NULL;
    gssize got = g_socket_receive(peer->socket, chunk, sizeof(chunk), NULL, &error);

    if (got > 0)
        md_message_reader_feed(peer->reader, (const guint8 *)chunk, (gsize)got);
    return got > 0 || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}


void
peer_send_bytes(Peer *peer, gconstpointer bytes, gsize size)
{
    const char *next = bytes;

    while (size > 0) {
        g_autoptr(GError) error = NULL;
        gssize sent = g_socket_send(peer->socket, next, size, NULL, &error);

        /* The server may be waiting for us to read. */
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
            settle();
            fill(peer);
            continue;
        }
        g_assert_no_error(error);
        next += sent;
        size -= (gsize)sent;
    }
}


void
peer_send(Peer *peer, const md_header *header, xdrproc_t type, gconstpointer args)
{
    g_autoptr(GBytes) frame = md_message_encode(header, type, args, NULL);
    gsize size = 0;
    gconstpointer bytes = NULL;

    g_assert_nonnull(frame);
    bytes = g_bytes_get_data(frame, &size);
    peer_send_bytes(peer, bytes, size);
}


guint32
peer_call(Peer *peer, int procedure, xdrproc_t type, gconstpointer args)
{
    const md_header header = { .prog = MD_PROGRAM_REMOTE,
                               .vers = MD_PROGRAM_VERSION,
                               .proc = procedure,
                               .serial = ++peer->serial };

    peer_send(peer, &header, type, args);
    return peer->serial;
}


MdMessage *
peer_poll(Peer *peer)
{
    MdMessage *message = NULL;

    settle();
    message = md_message_reader_next(peer->reader, NULL);
    if (message != NULL || !fill(peer))
        return message;
    return md_message_reader_next(peer->reader, NULL);
}


MdMessage *
peer_receive(Peer *peer)
{
    gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    MdMessage *message = peer_poll(peer);

    while (message == NULL && g_get_monotonic_time() < end) {
        run_briefly();
        message = peer_poll(peer);
    }
    g_assert_nonnull(message);
    return message;
}


static MdMessage *
receive_reply(Peer *peer, guint32 serial, int status)
{
    MdMessage *message = peer_receive(peer);

    g_assert_cmpint(message->header.type, ==, MD_MESSAGE_REPLY);
    g_assert_cmpuint(message->header.serial, ==, serial);
    g_assert_cmpint(message->header.status, ==, status);
    return message;
}


void
peer_expect_reply(Peer *peer, guint32 serial, xdrproc_t type, gpointer ret)
{
    g_autoptr(MdMessage) message = receive_reply(peer, serial, MD_STATUS_OK);

    if (type == NULL)
        g_assert_cmpuint(g_bytes_get_size(message->payload), ==, 0);
    else
        g_assert_true(md_message_decode(message, type, ret, NULL));
}


void
peer_expect_error(Peer *peer, guint32 serial, int code, int domain, const char *text)
{
    g_autoptr(MdMessage) message = receive_reply(peer, serial, MD_STATUS_ERROR);
    md_error error = { 0 };

    g_assert_true(md_message_decode(message, MD_XDR(md_error), &error, NULL));
    g_assert_cmpstr(*error.message, ==, text);
    g_assert_cmpint(error.code, ==, code);
    g_assert_cmpint(error.domain, ==, domain);
    md_message_clear(MD_XDR(md_error), &error);
}


void
peer_expect_end(Peer *peer)
{
    wait_until(!fill(peer));
}


void
peer_expect_alive(Peer *peer)
{
    md_int_ret ret = { 0 };

    peer_expect_reply(peer, peer_call(peer, MD_PROC_IS_SECURE, NULL, NULL), MD_XDR(md_int_ret),
                      &ret);
    g_assert_cmpint(ret.value, ==, 1);
}
