/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Users change definitions in turns: one at a time per user, after the previous change was
 * reported to subscribers, without waiting for other users. */
#include "config.h"

#include <errno.h>

#include "../settle.h"
#include "store-fixture.h"
#include "util/error.h"

#define THIRD "22222222-3333-4444-8555-666666666666"

#define ONE   FILE_OF "=nvidia-11 "
#define TWO   PARENT "/" OTHER "=nvidia-12 "
#define THREE PARENT "/" THIRD "=nvidia-13 "

/* Milliseconds. */
#define SOON 1

typedef struct {
    void (*func)(gpointer data);
    gpointer data;
} Held;


/* Delays the delivery of reports until notify_all(). */
static void
on_change(MdOwner *owner G_GNUC_UNUSED,
          void (*func)(gpointer data),
          gpointer func_data,
          gpointer data)
{
    const Held held = { func, func_data };

    g_array_append_val((GArray *)data, held);
}


static void
notify_all(GArray *held)
{
    for (guint i = 0; i < held->len; i++)
        g_array_index(held, Held, i).func(g_array_index(held, Held, i).data);
    g_array_set_size(held, 0);
}


/* Starts with one unreported definition of the user. */
static GArray *
start(StoreFixture *fixture, MdOwner *owner)
{
    GArray *held = g_array_new(FALSE, FALSE, sizeof(Held));

    store_start(fixture);
    md_definitions_set_when_notified(fixture->store, on_change, held);
    fixture->owner = owner;
    store_write(fixture, "nvidia-11");
    g_assert_no_error(fixture->error);
    g_assert_cmpuint(held->len, ==, 1);
    return held;
}


static void
test_turns(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdOwner) one = md_owner_new(1000);
    g_autoptr(MdOwner) other = md_owner_new(1001);
    g_autoptr(GArray) held = start(fixture, one);

    store_begin_write(fixture, PARENT, OTHER, "nvidia-12");
    fixture->owner = other;
    store_begin_write(fixture, PARENT, THIRD, "nvidia-13");
    store_wait_for_answers(fixture, 1);
    g_assert_no_error(fixture->error);
    settle();
    store_assert_list(fixture, ONE THREE);
    store_assert_content(fixture, PARENT "/" OTHER, NULL);

    notify_all(held);
    store_wait_for_answers(fixture, 1);
    g_assert_no_error(fixture->error);
    store_assert_list(fixture, ONE TWO THREE);
    notify_all(held);
}


/* A failed change also takes a turn, and ends it. */
static void
test_failed(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdOwner) one = md_owner_new(1000);
    g_autoptr(GArray) held = start(fixture, one);

    store_begin_remove(fixture, PARENT, OTHER);
    store_begin_remove(fixture, PARENT, UUID);
    notify_all(held);
    store_wait_for_answers(fixture, 1);
    store_assert_error(fixture, PARENT "/" OTHER, ENOENT);
    settle();
    store_assert_list(fixture, ONE);

    notify_all(held);
    store_wait_for_answers(fixture, 1);
    g_assert_no_error(fixture->error);
    store_assert_list(fixture, "");
    notify_all(held);
}


/* A waiting change times out, and then never happens. */
static void
test_deadline(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdOwner) one = md_owner_new(1000);
    g_autoptr(GArray) held = start(fixture, one);

    fixture->settings.driver_timeout = SOON;
    store_begin_write(fixture, PARENT, OTHER, "nvidia-12");
    store_wait_for_answers(fixture, 1);
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_cmpuint(held->len, ==, 1);
    notify_all(held);
    settle();
    store_assert_list(fixture, ONE);
    store_assert_content(fixture, PARENT "/" OTHER, NULL);
}


/* A change waits for the reports of the previous one for a limited time only, because other
 * programs may cause reports continuously. */
static void
test_held_long(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdOwner) one = md_owner_new(1000);
    g_autoptr(GArray) held = start(fixture, one);

    store_begin_write(fixture, PARENT, OTHER, "nvidia-12");
    store_wait_for_answers(fixture, 1);
    g_assert_no_error(fixture->error);
    store_assert_list(fixture, ONE TWO);
    g_assert_cmpuint(held->len, ==, 2);
    notify_all(held);
    settle();
    store_begin_write(fixture, PARENT, THIRD, "nvidia-13");
    store_wait_for_answers(fixture, 1);
    g_assert_no_error(fixture->error);
    notify_all(held);
}


/* Waiting changes of a client that disconnects are dropped. */
static void
test_gone(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdOwner) one = md_owner_new(1000);
    g_autoptr(MdOwner) leaver = md_owner_new(1000);
    g_autoptr(GArray) held = start(fixture, one);

    fixture->owner = leaver;
    store_begin_write(fixture, PARENT, OTHER, "nvidia-12");
    md_owner_leave(leaver);
    store_wait_for_answers(fixture, 1);
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_OPERATION_ABORTED);
    notify_all(held);
    settle();
    store_assert_list(fixture, ONE);
    store_assert_content(fixture, PARENT "/" OTHER, NULL);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/definitions/turns", NULL, test_turns);
    STORE_TEST("/definitions/turns/failed", NULL, test_failed);
    STORE_TEST("/definitions/turns/deadline", NULL, test_deadline);
    STORE_TEST("/definitions/turns/held-long", NULL, test_held_long);
    STORE_TEST("/definitions/turns/gone", NULL, test_gone);
    return g_test_run();
}
