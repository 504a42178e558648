/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Operations on one key are serialized in FIFO order; different keys are independent. */
#include "config.h"

#include "util/key-queue.h"

static GString *story;


static void
on_turn(gpointer data)
{
    g_string_append(story, data);
}


static void
test_order(void)
{
    g_autoptr(MdKeyQueue) turns = md_key_queue_new();

    story = g_string_new(NULL);
    md_key_queue_acquire(turns, "a", on_turn, (gpointer) "1");
    md_key_queue_acquire(turns, "a", on_turn, (gpointer) "2");
    md_key_queue_acquire(turns, "a", on_turn, (gpointer) "3");
    md_key_queue_acquire(turns, "b", on_turn, (gpointer) "x");
    g_assert_cmpstr(story->str, ==, "1x");
    md_key_queue_release(turns, "a");
    g_assert_cmpstr(story->str, ==, "1x2");
    md_key_queue_release(turns, "a");
    md_key_queue_release(turns, "a");
    g_assert_cmpstr(story->str, ==, "1x23");
    md_key_queue_acquire(turns, "a", on_turn, (gpointer) "4");
    g_assert_cmpstr(story->str, ==, "1x234");
    g_string_free(story, TRUE);
}


/* Would overflow the stack if each operation started the next recursively. */
#define MANY 1000000

typedef struct {
    MdKeyQueue *turns;
    guint n;
} Releaser;


/* Ends its operation during the call. */
static void
on_key_release_at_once(gpointer data)
{
    Releaser *releaser = data;

    releaser->n++;
    md_key_queue_release(releaser->turns, "a");
}


static void
test_ends_at_once(void)
{
    g_autoptr(MdKeyQueue) turns = md_key_queue_new();
    Releaser releaser = { turns, 0 };

    story = g_string_new(NULL);
    md_key_queue_acquire(turns, "a", on_turn, (gpointer) "1");
    for (guint i = 0; i < MANY; i++)
        md_key_queue_acquire(turns, "a", on_key_release_at_once, &releaser);
    g_assert_cmpuint(releaser.n, ==, 0);
    md_key_queue_release(turns, "a");
    g_assert_cmpuint(releaser.n, ==, MANY);
    md_key_queue_acquire(turns, "a", on_key_release_at_once, &releaser);
    g_assert_cmpuint(releaser.n, ==, MANY + 1);
    g_string_free(story, TRUE);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/key-queue/order", test_order);
    g_test_add_func("/key-queue/ends-at-once", test_ends_at_once);
    return g_test_run();
}
