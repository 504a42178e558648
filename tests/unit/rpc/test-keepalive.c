/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When pings are due. Nothing is measured: each is compared with a timer of the test that is due
 * shortly after it should be, so that a slow machine delays both.
 */
#include "config.h"

#include <string.h>

#include "rpc/keepalive.h"
#include "util/source.h"

/* Milliseconds; the margin between a ping and the timer that it must not miss is half of it. */
#define INTERVAL 500

typedef struct {
    MdKeepalive *keepalive;
    GString *log; /* a letter for everything that happens, in order */
} Fixture;


static void
on_ping(gpointer data)
{
    g_string_append_c(((Fixture *)data)->log, 'p');
}


static void
on_dead(gpointer data)
{
    g_string_append_c(((Fixture *)data)->log, 'd');
}


static gboolean
on_touch(gpointer data)
{
    Fixture *fixture = data;

    g_string_append_c(fixture->log, 't');
    md_keepalive_touch(fixture->keepalive);
    return G_SOURCE_REMOVE;
}


static gboolean
on_late(gpointer data)
{
    g_string_append_c(((Fixture *)data)->log, '|');
    return G_SOURCE_REMOVE;
}


static void
set_up(Fixture *fixture, gconstpointer data)
{
    static const MdKeepaliveFuncs funcs = { on_ping, on_dead };

    fixture->log = g_string_new(NULL);
    fixture->keepalive = md_keepalive_new(INTERVAL, GPOINTER_TO_UINT(data), &funcs, fixture);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_keepalive_free(fixture->keepalive);
    g_string_free(fixture->log, TRUE);
}


static GSource *
after(guint timeout, GSourceFunc func, Fixture *fixture)
{
    return md_source_attach(g_timeout_source_new(timeout), func, fixture);
}


/* Until as many things as in `expected` have happened. */
static void
expect(Fixture *fixture, const char *expected)
{
    while (fixture->log->len < strlen(expected))
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(fixture->log->str, ==, expected);
}


/* A byte in the middle of an interval puts the ping off to one interval later, not to two. */
static void
test_after_byte(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    GSource *touch = after(INTERVAL / 4, on_touch, fixture);
    GSource *late = NULL;

    expect(fixture, "t");
    late = after(INTERVAL * 3 / 2, on_late, fixture);
    expect(fixture, "tp|");
    md_source_clear(&touch);
    md_source_clear(&late);
}


/* The same when an answer to a ping comes. */
static void
test_after_answer(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    GSource *touch = NULL;
    GSource *late = NULL;

    expect(fixture, "p");
    touch = after(INTERVAL / 4, on_touch, fixture);
    expect(fixture, "pt");
    late = after(INTERVAL * 3 / 2, on_late, fixture);
    expect(fixture, "ptp|");
    md_source_clear(&touch);
    md_source_clear(&late);
}


static void
test_dead(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    expect(fixture, "ppd");
}


/* Silence of our own making does not count. */
static void
test_paused(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    GSource *late = after(INTERVAL * 7 / 2, on_late, fixture);

    md_keepalive_set_paused(fixture->keepalive, TRUE);
    expect(fixture, "|");
    md_keepalive_set_paused(fixture->keepalive, FALSE);
    md_source_clear(&late);
    late = after(INTERVAL * 3 / 2, on_late, fixture);
    expect(fixture, "|p|");
    md_source_clear(&late);
}


int
main(int argc, char **argv)
{
#define ADD(path, count, func)                                                                     \
    g_test_add("/keepalive/" path, Fixture, GUINT_TO_POINTER(count), set_up, func, tear_down)

    g_test_init(&argc, &argv, NULL);
    ADD("after-byte", 9, test_after_byte);
    ADD("after-answer", 9, test_after_answer);
    ADD("dead", 2, test_dead);
    ADD("paused", 2, test_paused);
    return g_test_run();
}
