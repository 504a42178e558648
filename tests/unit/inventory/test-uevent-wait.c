/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Completion and event in either order, and the absence of either. */
#include "config.h"

#include "inventory/uevent-wait.h"

#define PATH "/sys/devices/gpu/vgpu"
/* Milliseconds; never reached. */
#define TIMEOUT 60000

static const MdSettings long_timeout = { .event_timeout = TIMEOUT };
static const MdSettings short_timeout = { .event_timeout = 1 };

typedef struct {
    guint n_calls;
    gboolean seen;
    GMainLoop *loop;
} Answer;


static void
on_done(const char *path, gboolean seen, gpointer data)
{
    Answer *answer = data;

    g_assert_cmpstr(path, ==, PATH);
    answer->n_calls++;
    answer->seen = seen;
    if (answer->loop != NULL)
        g_main_loop_quit(answer->loop);
}


static void
test_event_first(void)
{
    g_autoptr(MdUeventWait) waiter = md_uevent_wait_new(&long_timeout);
    Answer answer = { 0 };

    g_assert_true(md_uevent_wait_begin(waiter, PATH, MD_WAIT_ADD));
    g_assert_true(md_uevent_wait_notify(waiter, PATH, MD_WAIT_ADD));
    g_assert_cmpuint(answer.n_calls, ==, 0);
    md_uevent_wait_written(waiter, PATH, on_done, &answer);
    g_assert_cmpuint(answer.n_calls, ==, 1);
    g_assert_true(answer.seen);
    g_assert_false(md_uevent_wait_is_waiting(waiter, PATH, MD_WAIT_ADD));
}


static void
test_write_first(void)
{
    g_autoptr(MdUeventWait) waiter = md_uevent_wait_new(&long_timeout);
    Answer answer = { 0 };

    g_assert_true(md_uevent_wait_begin(waiter, PATH, MD_WAIT_REMOVE));
    md_uevent_wait_written(waiter, PATH, on_done, &answer);
    g_assert_cmpuint(answer.n_calls, ==, 0);
    g_assert_false(md_uevent_wait_notify(waiter, PATH, MD_WAIT_ADD));
    g_assert_false(md_uevent_wait_notify(waiter, PATH "2", MD_WAIT_REMOVE));
    g_assert_cmpuint(answer.n_calls, ==, 0);
    g_assert_true(md_uevent_wait_notify(waiter, PATH, MD_WAIT_REMOVE));
    g_assert_cmpuint(answer.n_calls, ==, 1);
}


static void
test_silence(void)
{
    g_autoptr(MdUeventWait) waiter = md_uevent_wait_new(&short_timeout);
    Answer answer = { .loop = g_main_loop_new(NULL, FALSE) };

    g_assert_true(md_uevent_wait_begin(waiter, PATH, MD_WAIT_ADD));
    md_uevent_wait_written(waiter, PATH, on_done, &answer);
    g_main_loop_run(answer.loop);
    g_assert_cmpuint(answer.n_calls, ==, 1);
    g_assert_false(answer.seen);
    g_assert_false(md_uevent_wait_notify(waiter, PATH, MD_WAIT_ADD));
    g_main_loop_unref(answer.loop);
}


static void
test_twice(void)
{
    g_autoptr(MdUeventWait) waiter = md_uevent_wait_new(&long_timeout);

    g_assert_true(md_uevent_wait_begin(waiter, PATH, MD_WAIT_REMOVE));
    g_assert_false(md_uevent_wait_begin(waiter, PATH, MD_WAIT_REMOVE));
    md_uevent_wait_cancel(waiter, PATH);
    g_assert_true(md_uevent_wait_begin(waiter, PATH, MD_WAIT_ADD));
}


/* Events before md_uevent_wait_expect() have other causes. */
static void
test_nothing_yet(void)
{
    g_autoptr(MdUeventWait) waiter = md_uevent_wait_new(&long_timeout);

    g_assert_true(md_uevent_wait_begin(waiter, PATH, MD_WAIT_NOTHING));
    g_assert_false(md_uevent_wait_begin(waiter, PATH, MD_WAIT_ADD));
    g_assert_false(md_uevent_wait_is_waiting(waiter, PATH, MD_WAIT_ADD));
    g_assert_false(md_uevent_wait_notify(waiter, PATH, MD_WAIT_ADD));
    md_uevent_wait_expect(waiter, PATH, MD_WAIT_ADD);
    g_assert_true(md_uevent_wait_is_waiting(waiter, PATH, MD_WAIT_ADD));
    g_assert_true(md_uevent_wait_notify(waiter, PATH, MD_WAIT_ADD));
}


static void
test_list(void)
{
    g_autoptr(MdUeventWait) waiter = md_uevent_wait_new(&long_timeout);
    g_autoptr(GPtrArray) adds = NULL;
    g_autoptr(GPtrArray) removes = NULL;

    g_assert_true(md_uevent_wait_begin(waiter, PATH, MD_WAIT_ADD));
    adds = md_uevent_wait_list(waiter, MD_WAIT_ADD);
    removes = md_uevent_wait_list(waiter, MD_WAIT_REMOVE);
    g_assert_cmpuint(adds->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(adds, 0), ==, PATH);
    g_assert_cmpuint(removes->len, ==, 0);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/uevent-wait/event-first", test_event_first);
    g_test_add_func("/uevent-wait/write-first", test_write_first);
    g_test_add_func("/uevent-wait/silence", test_silence);
    g_test_add_func("/uevent-wait/twice", test_twice);
    g_test_add_func("/uevent-wait/nothing-yet", test_nothing_yet);
    g_test_add_func("/uevent-wait/list", test_list);
    return g_test_run();
}
