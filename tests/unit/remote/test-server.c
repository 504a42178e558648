/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resource limits of a client, the end of a client, and the end of the server. */
#include "config.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "peer.h"
#include "util/names.h"

static const md_text_args document = { (char *)"<device/>", 0 };


static guint32
create(Peer *peer)
{
    return peer_call(peer, MD_PROC_CREATE_XML, MD_XDR(md_text_args), &document);
}


static void
expect_created(Peer *peer, guint32 serial)
{
    md_text_ret ret = { 0 };

    peer_expect_reply(peer, serial, MD_XDR(md_text_ret), &ret);
    g_assert_cmpstr(ret.text, ==, document.text);
    md_message_clear(MD_XDR(md_text_ret), &ret);
}


static void
send_ping(Peer *peer)
{
    const md_header ping = { .prog = MD_PROGRAM_KEEPALIVE,
                             .vers = MD_PROGRAM_VERSION,
                             .proc = MD_KEEPALIVE_PING,
                             .type = MD_MESSAGE_EVENT };

    peer_send(peer, &ping, NULL, NULL);
}


static void
expect_keepalive(Peer *peer, int procedure)
{
    g_autoptr(MdMessage) message = peer_receive(peer);

    g_assert_cmphex(message->header.prog, ==, MD_PROGRAM_KEEPALIVE);
    g_assert_cmpint(message->header.proc, ==, procedure);
    g_assert_cmpint(message->header.type, ==, MD_MESSAGE_EVENT);
}


/* A malformed frame disconnects its client, and no other. */
static void
test_bad_frames(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const guint32 lengths[] = { 0, 3, 27, 0x80000000, 33554433 };
    g_autoptr(Peer) other = NULL;

    host_start(host);
    other = peer_new_open(host, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(Peer) peer = peer_new_open(host, FALSE);
        guint32 word = GUINT32_TO_BE(lengths[i]);

        peer_send_bytes(peer, &word, sizeof(word));
        peer_expect_end(peer);
        peer_expect_alive(other);
    }
    wait_until(md_server_count_clients(host->server) == 1);
}


static void
test_half_frame(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) silent = NULL;
    g_autoptr(Peer) half = NULL;

    host->settings->frame_timeout = 20;
    host_start(host);
    silent = peer_new_open(host, FALSE);
    half = peer_new_open(host, FALSE);
    peer_send_bytes(half, "\0\0\0\x1c", 4);
    peer_expect_end(half);
    peer_expect_alive(silent);
}


/* The third call waits for one of the first two; pings do not. */
static void
test_max_client_requests(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    g_autoptr(Peer) other = NULL;
    guint32 serials[3] = { 0 };

    host->settings->max_client_requests = 2;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    other = peer_new_open(host, FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(serials); i++)
        serials[i] = create(peer);
    send_ping(peer);
    expect_keepalive(peer, MD_KEEPALIVE_PONG);
    peer_expect_alive(other);
    g_assert_cmpuint(fake_driver_count_waiting(host->driver), ==, 2);

    fake_driver_end(host->driver, 0);
    expect_created(peer, serials[0]);
    wait_until(fake_driver_count_waiting(host->driver) == 2);
    fake_driver_end(host->driver, 0);
    expect_created(peer, serials[1]);
    fake_driver_end(host->driver, 0);
    expect_created(peer, serials[2]);
}


/* The client has sent more calls than are read ahead; its disconnection is noticed all the same. */
static void
test_leaves_while_held_back(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    g_autoptr(Peer) other = NULL;

    host->settings->max_client_requests = 1;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    other = peer_new_open(host, FALSE);
    for (guint i = 0; i < 100; i++)
        create(peer);
    wait_until(fake_driver_count_waiting(host->driver) == 1);
    g_clear_pointer(&peer, peer_free);
    wait_until(md_server_count_clients(host->server) == 1);
    peer_expect_alive(other);
    fake_driver_end(host->driver, 0);
    g_assert_cmpuint(fake_driver_count_waiting(host->driver), ==, 0);
}


/* More replies than all buffers hold: none is lost or reordered. */
static void
test_pipelined(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const guint n = 5000;
    g_autoptr(Peer) peer = NULL;
    g_autoptr(Peer) other = NULL;
    guint32 first = 0;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    other = peer_new_open(host, FALSE);
    first = peer->serial + 1;
    for (guint i = 0; i < n; i++)
        peer_call(peer, MD_PROC_IS_SECURE, NULL, NULL);
    peer_expect_alive(other);
    for (guint i = 0; i < n; i++) {
        md_int_ret ret = { 0 };

        peer_expect_reply(peer, first + i, MD_XDR(md_int_ret), &ret);
        g_assert_cmpint(ret.value, ==, 1);
    }
}


/* A client that closes its sending side receives all replies, including late ones, and then the
 * end. */
static void
test_half_closed(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    guint32 first = 0;
    guint32 created = 0;

    host->settings->max_client_requests = 1;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    created = create(peer);
    first = peer->serial + 1;
    for (guint i = 0; i < 100; i++)
        peer_call(peer, MD_PROC_IS_SECURE, NULL, NULL);
    peer_send_bytes(peer, "\0\0", 2);
    g_assert_true(g_socket_shutdown(peer->socket, FALSE, TRUE, NULL));
    wait_until(fake_driver_count_waiting(host->driver) == 1);

    fake_driver_end(host->driver, 0);
    expect_created(peer, created);
    for (guint i = 0; i < 100; i++) {
        md_int_ret ret = { 0 };

        peer_expect_reply(peer, first + i, MD_XDR(md_int_ret), &ret);
    }
    peer_expect_end(peer);
    wait_until(md_server_count_clients(host->server) == 0);
}


/* A client disconnects during its call. */
static void
test_half_closed_vanishes(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    create(peer);
    g_assert_true(g_socket_shutdown(peer->socket, FALSE, TRUE, NULL));
    wait_until(fake_driver_count_waiting(host->driver) == 1);
    settle();
    g_assert_cmpuint(md_server_count_clients(host->server), ==, 1);
    g_clear_pointer(&peer, peer_free);
    wait_until(md_server_count_clients(host->server) == 0);
    fake_driver_end(host->driver, 0);
}


/* The client does not read replies either. */
static void
test_half_closed_unread(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;

    host->settings->frame_timeout = 50;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    for (guint i = 0; i < 3000; i++)
        peer_call(peer, MD_PROC_IS_SECURE, NULL, NULL);
    g_assert_true(g_socket_shutdown(peer->socket, FALSE, TRUE, NULL));
    wait_until(md_server_count_clients(host->server) == 0);
}


static void
test_client_vanishes(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_register_args all = { VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, NULL };
    g_autoptr(Peer) other = NULL;
    Peer *peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    other = peer_new_open(host, FALSE);
    peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &all);
    create(peer);
    wait_until(fake_driver_count_waiting(host->driver) == 1);
    g_assert_cmpuint(fake_driver_count_subscriptions(host->driver), ==, 1);
    peer_free(peer);
    wait_until(md_server_count_clients(host->server) == 1);
    g_assert_cmpuint(fake_driver_count_subscriptions(host->driver), ==, 0);

    fake_driver_end(host->driver, 0);
    peer_expect_alive(other);
}


/* Events for a client that does not read. */
static void
test_max_queued_bytes(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_register_args all = { VIR_NODE_DEVICE_EVENT_ID_UPDATE, NULL };
    g_autoptr(Peer) peer = NULL;
    g_autoptr(Peer) other = NULL;
    g_autofree char *name = g_strnfill(1000, 'x');
    md_int_ret ret = { 0 };
    guint n = 0;

    host->settings->max_queued_bytes = 1 << 16;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    other = peer_new_open(host, FALSE);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &all),
                      MD_XDR(md_int_ret), &ret);
    while (md_server_count_clients(host->server) == 2 && n++ < 100000)
        fake_driver_emit(host->driver, name, VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);

    g_assert_cmpuint(md_server_count_clients(host->server), ==, 1);
    g_assert_cmpuint(fake_driver_count_subscriptions(host->driver), ==, 0);
    peer_expect_alive(other);
}


/* Small frames count by their memory, not by their bytes. */
static void
test_queue_cost(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const md_register_args all = { VIR_NODE_DEVICE_EVENT_ID_UPDATE, NULL };
    g_autoptr(Peer) peer = NULL;
    md_int_ret ret = { 0 };
    guint sent = 0;
    guint received = 0;

    host->settings->max_queued_bytes = 1 << 16;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &all),
                      MD_XDR(md_int_ret), &ret);
    while (md_server_count_clients(host->server) == 1 && sent < 100000) {
        fake_driver_emit(host->driver, "x", VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
        sent++;
    }
    for (;;) {
        g_autoptr(MdMessage) message = peer_poll(peer);

        if (message == NULL)
            break;
        received++;
    }
    /* The remaining frames were queued; their bytes alone are a third of its limit. */
    g_assert_cmpuint(sent - received, >, 100);
    g_assert_cmpuint(sent - received, <, host->settings->max_queued_bytes / 128);
}


/* A client that sends pings and reads nothing does not exhaust memory. */
static void
test_ping_flood(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    guint pongs = 0;

    host->settings->max_queued_bytes = 1 << 16;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    for (guint i = 0; i < 50000; i++)
        send_ping(peer);
    for (;;) {
        g_autoptr(MdMessage) message = peer_poll(peer);

        if (message == NULL)
            break;
        pongs++;
    }
    g_assert_cmpuint(pongs, >, 0);
    peer_expect_alive(peer);
}


static void
enable_keepalive(Peer *peer)
{
    const md_int_args feature = { 10 };
    md_int_ret ret = { 0 };

    peer_expect_reply(peer,
                      peer_call(peer, MD_PROC_SUPPORTS_FEATURE, MD_XDR(md_int_args), &feature),
                      MD_XDR(md_int_ret), &ret);
    g_assert_cmpint(ret.value, ==, 1);
}


/* Only a client that has requested pings gets them, and must answer. */
static void
test_keepalive(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    g_autoptr(Peer) other = NULL;

    host->settings->keepalive_interval = 20;
    host->settings->keepalive_count = 2;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    other = peer_new_open(host, FALSE);
    enable_keepalive(peer);
    expect_keepalive(peer, MD_KEEPALIVE_PING);
    send_ping(peer);
    expect_keepalive(peer, MD_KEEPALIVE_PONG);
    expect_keepalive(peer, MD_KEEPALIVE_PING);
    expect_keepalive(peer, MD_KEEPALIVE_PING);
    peer_expect_end(peer);
    peer_expect_alive(other);
    g_assert_null(peer_poll(other));
}


/* Connects clients of the daemon's user, who may also use the reserved places. */
static GPtrArray *
fill_up(Host *host)
{
    GPtrArray *peers = g_ptr_array_new_with_free_func((GDestroyNotify)peer_free);

    for (guint i = md_server_count_clients(host->server);
         i < host->settings->max_clients + MD_CONNECTIONS_ROOT_RESERVE; i++)
        g_ptr_array_add(peers, peer_new_open(host, i % 2 == 0));
    return peers;
}


/* New settings apply to existing clients. */
static void
test_reload(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    g_autoptr(Peer) refused = NULL;
    g_autoptr(Peer) late = NULL;
    g_autoptr(GPtrArray) peers = NULL;

    host->settings->keepalive_interval = 0;
    host->settings->max_clients = 1;
    host_start(host);
    peer = peer_new_open(host, FALSE);
    enable_keepalive(peer);
    peers = fill_up(host);
    refused = peer_new(host, FALSE);
    peer_expect_end(refused);
    peer_expect_alive(peer);

    host->settings->keepalive_interval = 20;
    host->settings->max_clients = 2;
    md_server_reload(host->server);
    expect_keepalive(peer, MD_KEEPALIVE_PING);
    late = peer_new_open(host, FALSE);
    peer_expect_alive(late);
}


/* The limit of unauthenticated clients also applies to clients in reserved places. */
static void
test_max_clients(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) peers = NULL;
    g_autoptr(Peer) refused = NULL;
    g_autoptr(Peer) late = NULL;

    host->settings->max_clients = 2;
    host_start(host);
    peers = fill_up(host);
    refused = peer_new(host, FALSE);
    peer_expect_end(refused);
    peer_expect_alive(peers->pdata[0]);

    g_ptr_array_remove_index(peers, 1);
    wait_until(md_server_count_clients(host->server) == peers->len);
    late = peer_new_open(host, FALSE);
    peer_expect_alive(late);
}


static void
on_stopped(GObject *source, GAsyncResult *result, gpointer data)
{
    gboolean *stopped = data;

    g_assert_false(*stopped);
    md_server_stop_finish(MD_SERVER(source), result);
    *stopped = TRUE;
}


static void
expect_closed_event(Peer *peer)
{
    g_autoptr(MdMessage) message = peer_receive(peer);
    md_closed_event closed = { -1 };

    g_assert_cmpint(message->header.proc, ==, MD_PROC_EVENT_CLOSED);
    g_assert_cmpint(message->header.type, ==, MD_MESSAGE_EVENT);
    g_assert_true(md_message_decode(message, MD_XDR(md_closed_event), &closed, NULL));
    g_assert_cmpint(closed.reason, ==, VIR_CONNECT_CLOSE_REASON_EOF);
}


/* Stopping closes the sockets, completes the running call, then closes connections. */
static void
test_stop(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(host->dir, MD_SOCKET_RW, NULL);
    g_autoptr(Peer) peer = NULL;
    g_autoptr(Peer) other = NULL;
    gboolean stopped = FALSE;
    guint32 serial = 0;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    other = peer_new_open(host, FALSE);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_REGISTER_CLOSE_CALLBACK, NULL, NULL), NULL,
                      NULL);
    serial = create(peer);
    wait_until(fake_driver_count_waiting(host->driver) == 1);

    md_server_stop_async(host->server, on_stopped, &stopped);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    create(peer);
    settle();
    g_assert_false(stopped);
    g_assert_cmpuint(fake_driver_count_waiting(host->driver), ==, 1);

    fake_driver_end(host->driver, 0);
    expect_created(peer, serial);
    expect_closed_event(peer);
    peer_expect_end(peer);
    peer_expect_end(other);
    wait_until(stopped);
    g_assert_cmpuint(md_server_count_clients(host->server), ==, 0);
}


/* All calls read are answered, even if the client's turns covered only some. */
static void
test_stop_between_turns(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) peer = NULL;
    guint32 serials[200] = { 0 };
    gboolean stopped = FALSE;
    md_int_ret ret = { 0 };

    host_start(host);
    peer = peer_new_open(host, FALSE);
    for (guint i = 0; i < G_N_ELEMENTS(serials); i++)
        serials[i] = peer_call(peer, MD_PROC_IS_SECURE, NULL, NULL);
    while (g_socket_get_available_bytes(peer->socket) == 0)
        g_main_context_iteration(NULL, TRUE);
    md_server_stop_async(host->server, on_stopped, &stopped);
    for (guint i = 0; i < G_N_ELEMENTS(serials); i++)
        peer_expect_reply(peer, serials[i], MD_XDR(md_int_ret), &ret);
    peer_expect_end(peer);
    wait_until(stopped);
}


static void
test_stop_idle(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    gboolean stopped = FALSE;

    host_start(host);
    md_server_stop_async(host->server, on_stopped, &stopped);
    wait_until(stopped);
}


/* The client of the last call has already disconnected. */
static void
test_stop_abandoned(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    gboolean stopped = FALSE;
    Peer *peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    create(peer);
    wait_until(fake_driver_count_waiting(host->driver) == 1);
    peer_free(peer);
    wait_until(md_server_count_clients(host->server) == 0);

    md_server_stop_async(host->server, on_stopped, &stopped);
    settle();
    g_assert_false(stopped);
    fake_driver_end(host->driver, 0);
    wait_until(stopped);
}


/* A client that receives events and the final message, and does not read. */
static Peer *
peer_new_listening(Host *host)
{
    const md_register_args all = { VIR_NODE_DEVICE_EVENT_ID_UPDATE, NULL };
    Peer *peer = peer_new_open(host, FALSE);
    md_int_ret ret = { 0 };

    peer_expect_reply(peer, peer_call(peer, MD_PROC_REGISTER_CLOSE_CALLBACK, NULL, NULL), NULL,
                      NULL);
    peer_expect_reply(peer, peer_call(peer, MD_PROC_REGISTER_EVENT, MD_XDR(md_register_args), &all),
                      MD_XDR(md_int_ret), &ret);
    return peer;
}


/* A client that does not read has no room for the final message. */
static void
test_stop_unread(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(Peer) first = NULL;
    g_autoptr(Peer) second = NULL;
    gboolean stopped = FALSE;
    guint n = 0;

    host->settings->max_queued_bytes = 1 << 16;
    host_start(host);
    first = peer_new_listening(host);
    while (md_server_count_clients(host->server) == 1 && n++ < 100000)
        fake_driver_emit(host->driver, "x", VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
    g_assert_cmpuint(md_server_count_clients(host->server), ==, 0);

    second = peer_new_listening(host);
    for (guint i = 0; i < n - 1; i++)
        fake_driver_emit(host->driver, "x", VIR_NODE_DEVICE_EVENT_ID_UPDATE, 0);
    g_assert_cmpuint(md_server_count_clients(host->server), ==, 1);
    md_server_stop_async(host->server, on_stopped, &stopped);
    g_assert_cmpuint(md_server_count_clients(host->server), ==, 0);
    wait_until(stopped);
}


static void
count(gpointer data)
{
    (*(guint *)data)++;
}


static gboolean
on_time(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}


/* Exceeds a timeout that must not run meanwhile. */
static void
outlast(guint timeout)
{
    gboolean over = FALSE;

    g_timeout_add(timeout * 3, on_time, &over);
    wait_until(over);
}


/* The server is not idle with a client, nor with a call whose client has disconnected. */
static void
test_idle(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const guint timeout = 20;
    guint n_idle = 0;
    Peer *peer = NULL;

    host_start(host);
    peer = peer_new_open(host, FALSE);
    md_server_set_idle_func(host->server, timeout, count, &n_idle);
    outlast(timeout);
    g_assert_cmpuint(n_idle, ==, 0);

    create(peer);
    wait_until(fake_driver_count_waiting(host->driver) == 1);
    peer_free(peer);
    wait_until(md_server_count_clients(host->server) == 0);
    outlast(timeout);
    g_assert_cmpuint(n_idle, ==, 0);

    fake_driver_end(host->driver, 0);
    wait_until(n_idle == 1);
}


/* A slow stop is not idleness. */
static void
test_idle_in_stop(Host *host, gconstpointer data G_GNUC_UNUSED)
{
    const guint timeout = 20;
    guint n_idle = 0;
    gboolean stopped = FALSE;

    host_start(host);
    md_server_set_idle_func(host->server, timeout, count, &n_idle);
    md_server_stop_async(host->server, on_stopped, &stopped);
    outlast(timeout);
    g_assert_true(stopped);
    g_assert_cmpuint(n_idle, ==, 0);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add(path, Host, NULL, host_set_up, func, host_tear_down)
    ADD("/server/bad-frames", test_bad_frames);
    ADD("/server/half-frame", test_half_frame);
    ADD("/server/max-client-requests", test_max_client_requests);
    ADD("/server/leaves-while-held-back", test_leaves_while_held_back);
    ADD("/server/pipelined", test_pipelined);
    ADD("/server/half-closed", test_half_closed);
    ADD("/server/half-closed-vanishes", test_half_closed_vanishes);
    ADD("/server/half-closed-unread", test_half_closed_unread);
    ADD("/server/client-vanishes", test_client_vanishes);
    ADD("/server/max-queued-bytes", test_max_queued_bytes);
    ADD("/server/ping-flood", test_ping_flood);
    ADD("/server/keepalive", test_keepalive);
    ADD("/server/max-clients", test_max_clients);
    ADD("/server/queue-cost", test_queue_cost);
    ADD("/server/idle", test_idle);
    ADD("/server/idle/in-stop", test_idle_in_stop);
    ADD("/server/reload", test_reload);
    ADD("/server/stop", test_stop);
    ADD("/server/stop/between-turns", test_stop_between_turns);
    ADD("/server/stop/idle", test_stop_idle);
    ADD("/server/stop/abandoned", test_stop_abandoned);
    ADD("/server/stop/unread", test_stop_unread);
    return g_test_run();
}
