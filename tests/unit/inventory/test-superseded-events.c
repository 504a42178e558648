/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which events are obsolete on arrival, and that the bookkeeping is bounded. */
#include "config.h"

#include "inventory/superseded-events.h"

#define PATH "/sys/devices/gpu/vgpu"


static void
test_late_and_new(void)
{
    g_autoptr(MdSupersededEvents) past = md_superseded_events_new();

    g_assert_false(md_superseded_events_contain(past, PATH, 1));
    md_superseded_events_add(past, PATH, 10);
    g_assert_true(md_superseded_events_contain(past, PATH, 9));
    g_assert_true(md_superseded_events_contain(past, PATH, 10));
    g_assert_false(md_superseded_events_contain(past, PATH "2", 9));
    g_assert_false(md_superseded_events_contain(past, PATH, 11));
    /* The path has a new device, but events of the old one may still arrive. */
    g_assert_true(md_superseded_events_contain(past, PATH, 9));
}


static void
test_closed_again(void)
{
    g_autoptr(MdSupersededEvents) past = md_superseded_events_new();

    md_superseded_events_add(past, PATH, 10);
    md_superseded_events_add(past, PATH, 20);
    g_assert_true(md_superseded_events_contain(past, PATH, 20));
    g_assert_false(md_superseded_events_contain(past, PATH, 21));
    md_superseded_events_add(past, PATH, 15);
    g_assert_true(md_superseded_events_contain(past, PATH, 20));
}


/* A device is found missing before udev's event; earlier events of its path stay superseded. */
static void
test_expected_removal(void)
{
    g_autoptr(MdSupersededEvents) past = md_superseded_events_new();

    g_assert_false(md_superseded_events_expects_removal(past, PATH));
    g_assert_false(md_superseded_events_handle_removal(past, PATH));
    md_superseded_events_expect_removal(past, PATH);
    g_assert_true(md_superseded_events_expects_removal(past, PATH));
    g_assert_false(md_superseded_events_contain(past, PATH, 0));
    g_assert_true(md_superseded_events_handle_removal(past, PATH));
    g_assert_false(md_superseded_events_expects_removal(past, PATH));
    g_assert_false(md_superseded_events_handle_removal(past, PATH));

    md_superseded_events_add(past, PATH, 10);
    md_superseded_events_expect_removal(past, PATH);
    g_assert_true(md_superseded_events_contain(past, PATH, 10));
    /* This supersedes all events up to the number, including the expected removal. */
    md_superseded_events_add(past, PATH, 20);
    g_assert_false(md_superseded_events_expects_removal(past, PATH));
}


/* For most paths, no event ever arrives. */
static void
test_bound(void)
{
    g_autoptr(MdSupersededEvents) past = md_superseded_events_new();

    for (guint i = 0; i <= MD_SUPERSEDED_EVENTS_MAX; i++) {
        g_autofree char *path = g_strdup_printf(PATH "%u", i);

        md_superseded_events_add(past, path, i);
        md_superseded_events_add(past, path, i + 1);
    }
    g_assert_false(md_superseded_events_contain(past, PATH "0", 0));
    g_assert_true(md_superseded_events_contain(past, PATH "1", 2));
    g_assert_true(
        md_superseded_events_contain(past, PATH G_STRINGIFY(MD_SUPERSEDED_EVENTS_MAX), 2));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/superseded-events/late-and-new", test_late_and_new);
    g_test_add_func("/superseded-events/closed-again", test_closed_again);
    g_test_add_func("/superseded-events/expected-removal", test_expected_removal);
    g_test_add_func("/superseded-events/bound", test_bound);

    return g_test_run();
}
