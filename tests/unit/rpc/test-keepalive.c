/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When pings are due. Compares each ping with a timer that expires shortly after the ping is due,
 * instead of measuring time, so that a slow machine delays both.
 */
#include "config.h"

#include <string.h>

#include "rpc/keepalive.h"
#include "util/source.h"

/* Milliseconds; a ping must come at most half an interval before its reference timer. */
#define INTERVAL 500

typedef struct {
    MdKeepalive *keepalive;
    GString *log; /* one letter for each event, in order */
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


/* Waits until as many events as in `expected` have occurred. */
static void
expect(Fixture *fixture, const char *expected)
{
    while (fixture->log->len < strlen(expected))
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(fixture->log->str, ==, expected);
}


/* A byte in the middle of an interval delays the ping to one interval later, not two. */
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


/* The same for the reply to a ping. */
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


/* Silence while the daemon does not read does not count. */
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
