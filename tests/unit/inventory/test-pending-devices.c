/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that are announced before they are complete are checked repeatedly, until they are
 * complete or gone. */
#include "config.h"

#include "inventory/pending-devices.h"

#define PATH "/sys/devices/gpu/vgpu"
/* Milliseconds; never reached. */
#define TIMEOUT 60000

static const MdSettings long_timeout = { .event_timeout = TIMEOUT };
static const MdSettings short_timeout = { .event_timeout = 1 };

/* Stands in for the inventory. */
typedef struct {
    MdPendingDevices *incomplete;
    guint n_checks;
    guint whole_at; /* number of the check that finds the device complete; 0: none does */
    gboolean last;  /* the latest check was the last one */
    gboolean again; /* the device becomes pending again when it is registered */
    guint n_taken;
} Host;


static gboolean
try_register(const char *path, gboolean last, gpointer data)
{
    Host *host = data;

    g_assert_cmpstr(path, ==, PATH);
    g_assert_false(host->last);
    host->n_checks++;
    host->last = last;
    if (host->whole_at == 0 || host->n_checks < host->whole_at)
        return FALSE;
    if (host->again)
        md_pending_devices_add(host->incomplete, path);
    host->n_taken++;
    return TRUE;
}


static gboolean
is_waiting(Host *host)
{
    g_autoptr(GPtrArray) paths = md_pending_devices_list(host->incomplete);

    g_assert_cmpuint(paths->len, <=, 1);
    return paths->len == 1;
}


/* Runs the main loop until the device has been checked this often. */
static void
run_until_checked(Host *host, guint n_checks)
{
    while (host->n_checks < n_checks)
        g_main_context_iteration(NULL, TRUE);
}


static void
assert_quiet(void)
{
    g_assert_false(g_main_context_pending(NULL));
}


/* A device that is incomplete, or vanishes during a check, is checked again. */
static void
test_whole_in_the_end(void)
{
    Host host = { .whole_at = 4 };
    g_autoptr(MdPendingDevices) incomplete =
        md_pending_devices_new(&long_timeout, try_register, &host);

    host.incomplete = incomplete;
    md_pending_devices_add(incomplete, PATH);
    md_pending_devices_add(incomplete, PATH);
    g_assert_true(md_pending_devices_set_bound(incomplete, PATH));
    run_until_checked(&host, 3);
    g_assert_true(md_pending_devices_is_bound(incomplete, PATH));
    run_until_checked(&host, 4);
    g_assert_false(is_waiting(&host));
    g_assert_false(md_pending_devices_is_bound(incomplete, PATH));
    g_assert_cmpuint(host.n_taken, ==, 1);
    assert_quiet();
}


static void
test_last_time(void)
{
    Host host = { .whole_at = 1 };
    g_autoptr(MdPendingDevices) incomplete =
        md_pending_devices_new(&short_timeout, try_register, &host);

    host.incomplete = incomplete;
    md_pending_devices_add(incomplete, PATH);
    run_until_checked(&host, 1);
    g_assert_true(host.last);
    g_assert_false(is_waiting(&host));
}


/* No check is pending; only the remove event is awaited. */
static void
test_gone_before_it_was_read(void)
{
    Host host = { 0 };
    g_autoptr(MdPendingDevices) incomplete =
        md_pending_devices_new(&short_timeout, try_register, &host);

    host.incomplete = incomplete;
    md_pending_devices_add_gone(incomplete, PATH);
    g_assert_true(md_pending_devices_is_bound(incomplete, PATH));
    assert_quiet();
    md_pending_devices_remove(incomplete, PATH);
    g_assert_false(is_waiting(&host));
}


/* A device that was never complete nor bound is dropped after the last check. */
static void
test_gone(void)
{
    Host host = { 0 };
    g_autoptr(MdPendingDevices) incomplete =
        md_pending_devices_new(&short_timeout, try_register, &host);

    host.incomplete = incomplete;
    md_pending_devices_add(incomplete, PATH);
    run_until_checked(&host, 1);
    g_assert_false(is_waiting(&host));
    g_assert_false(md_pending_devices_set_bound(incomplete, PATH));
    assert_quiet();
}


/* A device that was bound is kept until its remove event arrives. */
static void
test_gone_after_it_was_bound(void)
{
    Host host = { 0 };
    g_autoptr(MdPendingDevices) incomplete =
        md_pending_devices_new(&short_timeout, try_register, &host);

    host.incomplete = incomplete;
    md_pending_devices_add(incomplete, PATH);
    g_assert_true(md_pending_devices_set_bound(incomplete, PATH));
    run_until_checked(&host, 1);
    g_assert_true(host.last);
    g_assert_true(md_pending_devices_is_bound(incomplete, PATH));
    assert_quiet();

    /* The device is announced again. */
    host.last = FALSE;
    host.whole_at = 2;
    md_pending_devices_add(incomplete, PATH);
    run_until_checked(&host, 2);
    g_assert_cmpuint(host.n_taken, ==, 1);
    g_assert_false(is_waiting(&host));
}


static void
test_removed(void)
{
    Host host = { .whole_at = 1 };
    g_autoptr(MdPendingDevices) incomplete =
        md_pending_devices_new(&short_timeout, try_register, &host);

    host.incomplete = incomplete;
    md_pending_devices_add(incomplete, PATH);
    g_assert_true(md_pending_devices_set_bound(incomplete, PATH));
    md_pending_devices_remove(incomplete, PATH);
    g_assert_false(md_pending_devices_is_bound(incomplete, PATH));
    g_assert_false(is_waiting(&host));
    g_assert_false(g_main_context_iteration(NULL, FALSE));
    g_assert_cmpuint(host.n_checks, ==, 0);
}


/* Registering the device makes another, incomplete one pending at the same path. */
static void
test_again_from_within(void)
{
    Host host = { .whole_at = 1, .again = TRUE };
    g_autoptr(MdPendingDevices) incomplete =
        md_pending_devices_new(&long_timeout, try_register, &host);

    host.incomplete = incomplete;
    md_pending_devices_add(incomplete, PATH);
    g_assert_true(md_pending_devices_set_bound(incomplete, PATH));
    run_until_checked(&host, 1);
    g_assert_true(is_waiting(&host));
    g_assert_false(md_pending_devices_is_bound(incomplete, PATH));
    host.again = FALSE;
    run_until_checked(&host, 2);
    g_assert_false(is_waiting(&host));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pending-devices/whole-in-the-end", test_whole_in_the_end);
    g_test_add_func("/pending-devices/last-time", test_last_time);
    g_test_add_func("/pending-devices/gone-before-read", test_gone_before_it_was_read);
    g_test_add_func("/pending-devices/gone", test_gone);
    g_test_add_func("/pending-devices/gone-after-it-was-bound", test_gone_after_it_was_bound);
    g_test_add_func("/pending-devices/removed", test_removed);
    g_test_add_func("/pending-devices/again-from-within", test_again_from_within);
    return g_test_run();
}
