/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deadlines expire in order, each once, and not early. */
#include "config.h"

#include "util/deadline.h"

#define MANY 100000

typedef struct {
    MdDeadline deadline;
    char name;
    gint64 due;
    MdDeadline *other;
} Timer;

static GString *story;


static void
on_passed(gpointer data)
{
    Timer *timer = data;

    g_assert_cmpint(g_get_monotonic_time(), >=, timer->due);
    g_string_append_c(story, timer->name);
    if (timer->other != NULL)
        md_deadline_clear(timer->other);
}


static void
set(Timer *timer, char name, guint milliseconds)
{
    timer->name = name;
    timer->due = g_get_monotonic_time() + milliseconds * G_GINT64_CONSTANT(1000);
    md_deadline_set(&timer->deadline, milliseconds, on_passed, timer);
}


static void
wait_for(gsize length)
{
    while (story->len < length)
        g_main_context_iteration(NULL, TRUE);
}


static void
test_order(void)
{
    Timer timers[6] = { 0 };

    story = g_string_new(NULL);
    set(&timers[0], 'c', 30);
    set(&timers[1], 'd', 60000);
    set(&timers[2], 'b', 20);
    set(&timers[3], 'a', 10);
    set(&timers[4], 'x', 15);
    md_deadline_clear(&timers[4].deadline);
    md_deadline_clear(&timers[4].deadline);
    wait_for(3);
    g_assert_cmpstr(story->str, ==, "abc");

    /* Expires before the remaining ones. */
    set(&timers[5], 'e', 1);
    wait_for(4);
    g_assert_cmpstr(story->str, ==, "abce");
    md_deadline_clear(&timers[1].deadline);
    g_assert_false(g_main_context_pending(NULL));
    g_string_free(story, TRUE);
}


static void
test_cleared_by_another(void)
{
    Timer timers[3] = { 0 };

    story = g_string_new(NULL);
    set(&timers[0], 'a', 0);
    set(&timers[1], 'b', 0);
    set(&timers[2], 'c', 0);
    timers[0].other = &timers[1].deadline;
    wait_for(2);
    g_assert_cmpstr(story->str, ==, "ac");
    g_string_free(story, TRUE);
}


/* The main loop checks one source for any number of deadlines. */
static void
test_many(void)
{
    g_autofree Timer *timers = g_new0(Timer, MANY);

    story = g_string_new(NULL);
    for (guint i = 0; i < MANY; i++)
        set(&timers[i], 'a', 60000);
    for (guint i = 0; i < MANY; i++)
        md_deadline_clear(&timers[i].deadline);
    for (guint i = 0; i < MANY; i++)
        set(&timers[i], 'a', 0);
    wait_for(MANY);
    g_assert_cmpuint(story->len, ==, MANY);
    g_string_free(story, TRUE);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/deadline/order", test_order);
    g_test_add_func("/deadline/cleared-by-another", test_cleared_by_another);
    g_test_add_func("/deadline/many", test_many);
    return g_test_run();
}
