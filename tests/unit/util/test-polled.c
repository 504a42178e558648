/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many descriptors on one main loop source. */
#include "config.h"

#include "util/polled.h"

#include "../settle.h"

#include <glib-unix.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* Exceeds the number handled in one turn of the loop. */
#define MANY 1500

typedef struct {
    MdPolled polled;
    int fds[2];
    guint n;                /* calls */
    GIOCondition condition; /* of the last call */
} Peer;

static Peer *others; /* removed by the next call; NULL: none */
static guint n_others;


static void
set(Peer *peer, GIOCondition wanted, void (*func)(GIOCondition condition, gpointer data))
{
    g_autoptr(GError) error = NULL;

    g_assert_true(md_polled_set(&peer->polled, peer->fds[0], wanted, func, peer, &error));
    g_assert_no_error(error);
}


static void
on_ready(GIOCondition condition, gpointer data)
{
    Peer *peer = data;
    char byte = 0;

    peer->n++;
    peer->condition = condition;
    if ((condition & G_IO_IN) != 0 && read(peer->fds[0], &byte, 1) != 1)
        set(peer, 0, NULL);
    if ((condition & G_IO_OUT) != 0)
        set(peer, G_IO_IN, on_ready);
}


static void
on_ready_alone(GIOCondition condition, gpointer data)
{
    on_ready(condition, data);
    for (guint i = 0; i < n_others; i++) {
        if (&others[i] != data)
            set(&others[i], 0, NULL);
    }
}


static void
open_peer(Peer *peer, void (*func)(GIOCondition condition, gpointer data))
{
    *peer = (Peer){ 0 };
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peer->fds), ==, 0);
    set(peer, G_IO_IN, func);
}


static void
close_peer(Peer *peer)
{
    set(peer, 0, NULL);
    close(peer->fds[0]);
    close(peer->fds[1]);
}


static void
speak(Peer *peer)
{
    g_assert_cmpint(write(peer->fds[1], "x", 1), ==, 1);
}


static void
test_conditions(void)
{
    Peer peer;

    open_peer(&peer, on_ready);
    settle();
    g_assert_cmpuint(peer.n, ==, 0);
    speak(&peer);
    settle();
    g_assert_cmpuint(peer.n, ==, 1);
    g_assert_cmpint(peer.condition, ==, G_IO_IN);
    set(&peer, G_IO_IN | G_IO_OUT, on_ready);
    settle();
    g_assert_cmpuint(peer.n, ==, 2);
    g_assert_cmpint(peer.condition, ==, G_IO_OUT);
    set(&peer, 0, NULL);
    speak(&peer);
    settle();
    g_assert_cmpuint(peer.n, ==, 2);
    close_peer(&peer);
}


/* Only the requested events are reported; without a request, none. */
static void
test_hang_up(void)
{
    Peer peers[2];

    for (guint i = 0; i < 2; i++)
        open_peer(&peers[i], on_ready);
    set(&peers[1], 0, NULL);
    for (guint i = 0; i < 2; i++)
        shutdown(peers[i].fds[1], SHUT_RDWR);
    settle();
    g_assert_cmpuint(peers[0].n, ==, 1);
    g_assert_cmpint(peers[0].condition, ==, G_IO_IN);
    g_assert_cmpuint(peers[1].n, ==, 0);
    for (guint i = 0; i < 2; i++)
        close_peer(&peers[i]);
}


static void
on_hang_up(GIOCondition condition, gpointer data)
{
    Peer *peer = data;

    peer->n++;
    peer->condition = condition;
    set(peer, 0, NULL);
}


static void
test_nothing_but_a_hang_up(void)
{
    Peer peer;

    open_peer(&peer, on_ready);
    set(&peer, G_IO_HUP, on_hang_up);
    speak(&peer);
    settle();
    g_assert_cmpuint(peer.n, ==, 0);
    shutdown(peer.fds[1], SHUT_RDWR);
    settle();
    g_assert_cmpuint(peer.n, ==, 1);
    g_assert_cmpint(peer.condition, ==, G_IO_HUP);
    close_peer(&peer);
}


/* All descriptors are ready in one turn of the loop, and the first callback removes the others. */
static void
test_taken_away(void)
{
    Peer peers[10];
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS(peers); i++) {
        open_peer(&peers[i], on_ready_alone);
        speak(&peers[i]);
    }
    others = peers;
    n_others = G_N_ELEMENTS(peers);
    settle();
    for (guint i = 0; i < G_N_ELEMENTS(peers); i++) {
        n += peers[i].n;
        close_peer(&peers[i]);
    }
    g_assert_cmpuint(n, ==, 1);
}


static void
test_many(void)
{
    g_autofree Peer *peers = g_new(Peer, MANY);

    for (guint i = 0; i < MANY; i++) {
        open_peer(&peers[i], on_ready);
        speak(&peers[i]);
    }
    settle();
    for (guint i = 0; i < MANY; i++) {
        g_assert_cmpuint(peers[i].n, ==, 1);
        close_peer(&peers[i]);
    }
}


/* A descriptor that cannot be watched causes an error, and changes nothing. */
static void
test_no_descriptor(void)
{
    g_autoptr(GError) error = NULL;
    MdPolled polled = { 0 };

    g_assert_false(md_polled_set(&polled, -1, G_IO_IN, on_ready, NULL, &error));
    g_assert_nonnull(error);
    g_assert_true(md_polled_set(&polled, -1, 0, NULL, NULL, NULL));
}


static void
count(GIOCondition condition, gpointer data)
{
    g_assert_cmpint(condition, ==, G_IO_IN);
    (*(guint *)data)++;
}


/* Each event is reported once, even if the descriptor is not read. */
static void
test_eventfd(void)
{
    MdPolled polled = { 0 };
    g_autoptr(GError) error = NULL;
    guint n = 0;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    g_assert_true(md_polled_set_eventfd(&polled, fd, count, &n, &error));
    g_assert_no_error(error);
    settle();
    g_assert_cmpuint(n, ==, 0);
    for (guint i = 1; i <= 3; i++) {
        g_assert_cmpint(eventfd_write(fd, 1), ==, 0);
        settle();
        g_assert_cmpuint(n, ==, i);
    }
    g_assert_true(md_polled_set(&polled, fd, 0, NULL, NULL, &error));
    g_assert_cmpint(eventfd_write(fd, 1), ==, 0);
    settle();
    g_assert_cmpuint(n, ==, 3);
    close(fd);
}


static Peer *first; /* the first one called */


static void
on_ready_first(GIOCondition condition, gpointer data)
{
    if (first == NULL)
        first = data;
    on_ready(condition, data);
}


/* A seldom ready descriptor is served before others of the same iteration. */
static void
test_seldom(void)
{
    g_autoptr(GError) error = NULL;
    Peer often;
    Peer seldom;

    open_peer(&often, on_ready_first);
    open_peer(&seldom, on_ready_first);
    set(&seldom, 0, NULL);
    g_assert_true(
        md_polled_set_seldom(&seldom.polled, seldom.fds[0], on_ready_first, &seldom, &error));
    g_assert_no_error(error);
    speak(&often);
    speak(&seldom);
    settle();
    g_assert_true(first == &seldom);
    g_assert_cmpuint(seldom.n, ==, 1);
    g_assert_cmpuint(often.n, ==, 1);

    speak(&often);
    speak(&seldom);
    md_polled_process();
    g_assert_cmpuint(seldom.n, ==, 1);
    g_assert_cmpuint(often.n, ==, 2);
    close_peer(&seldom);
    close_peer(&often);
    settle();
    g_assert_cmpuint(seldom.n, ==, 1);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/polled/conditions", test_conditions);
    g_test_add_func("/polled/hang-up", test_hang_up);
    g_test_add_func("/polled/nothing-but-a-hang-up", test_nothing_but_a_hang_up);
    g_test_add_func("/polled/taken-away", test_taken_away);
    g_test_add_func("/polled/many", test_many);
    g_test_add_func("/polled/eventfd", test_eventfd);
    g_test_add_func("/polled/seldom", test_seldom);
    g_test_add_func("/polled/no-descriptor", test_no_descriptor);
    return g_test_run();
}
