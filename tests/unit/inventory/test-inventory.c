/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The registry follows a temporary tree: at the start, by events, without events, and after late
 * events. */
#include "config.h"

#include "inventory/inventory.h"

#include <glib/gstdio.h>
#include <unistd.h>

#include "../fake-host.h"
#include "util/names.h"

typedef struct {
    FakeHost *host;
    MdRegistry *registry;
    MdInventory *inventory;
    gboolean started;
    GString *changes; /* +NAME for each device added, -NAME for each one removed */
} Fixture;


static void
on_created(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    g_string_append_printf(fixture->changes, "+%s ", device->def->name);
}


static void
on_deleted(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    g_string_append_printf(fixture->changes, "-%s ", device->def->name);
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->host = fake_host_new();
    fixture->registry = md_registry_new();
    fixture->inventory = md_inventory_new(fixture->registry, fixture->host->settings);
    fixture->changes = g_string_new(NULL);
    g_signal_connect(fixture->registry, "created", G_CALLBACK(on_created), fixture);
    g_signal_connect(fixture->registry, "deleted", G_CALLBACK(on_deleted), fixture);
    fake_host_add_parent(fixture->host);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_object_unref(fixture->inventory);
    g_object_unref(fixture->registry);
    g_string_free(fixture->changes, TRUE);
    fake_host_free(fixture->host);
}


static void
on_started(GObject *source, GAsyncResult *result, gpointer data)
{
    Fixture *fixture = data;

    fixture->started = md_inventory_start_finish(MD_INVENTORY(source), result, NULL);
    g_assert_true(fixture->started);
}


static gboolean
is_started(gpointer data)
{
    return ((Fixture *)data)->started;
}


static void
start(Fixture *fixture)
{
    md_inventory_start_async(fixture->inventory, on_started, fixture);
    fake_host_wait(is_started, fixture);
}


/* Checks the changes since the last call. */
static void
assert_changes(Fixture *fixture, const char *expected)
{
    g_assert_cmpstr(fixture->changes->str, ==, expected);
    g_string_truncate(fixture->changes, 0);
}


static const char *
get_parent(Fixture *fixture, const char *name)
{
    return md_registry_find(fixture->registry, name)->def->parent;
}


static void
test_start(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fake_host_add_mdev(fixture->host);
    start(fixture);
    assert_changes(fixture, "+computer +" FAKE_PARENT_NAME " +" FAKE_MDEV_NAME " ");
    g_assert_cmpstr(get_parent(fixture, FAKE_PARENT_NAME), ==, MD_NAME_COMPUTER);
    g_assert_cmpstr(get_parent(fixture, FAKE_MDEV_NAME), ==, FAKE_PARENT_NAME);
}


static void
test_events(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    start(fixture);
    assert_changes(fixture, "+computer +" FAKE_PARENT_NAME " ");

    fake_host_add_mdev(fixture->host);
    fake_host_emit(fixture->host, "add", FAKE_MDEV);
    assert_changes(fixture, "+" FAKE_MDEV_NAME " ");
    fake_host_emit(fixture->host, "bind", FAKE_MDEV);
    assert_changes(fixture, "");

    fake_host_remove(fixture->host, FAKE_MDEV);
    fake_host_emit(fixture->host, "remove", FAKE_MDEV);
    assert_changes(fixture, "-" FAKE_MDEV_NAME " ");
    fake_host_emit(fixture->host, "remove", FAKE_MDEV);
    assert_changes(fixture, "");
}


/* Each device is signalled as added and as removed, whatever sysfs contains when the events
 * arrive. */
static void
test_late_events(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdUdevDevice *removal = NULL;
    MdUdevDevice *addition = NULL;

    fake_host_add_mdev(fixture->host);
    start(fixture);
    assert_changes(fixture, "+computer +" FAKE_PARENT_NAME " +" FAKE_MDEV_NAME " ");

    fake_host_remove(fixture->host, FAKE_MDEV);
    removal = fake_host_queue_event(fixture->host, "remove", FAKE_MDEV);
    fake_host_add_mdev(fixture->host);
    addition = fake_host_queue_event(fixture->host, "add", FAKE_MDEV);
    fake_host_deliver(removal);
    assert_changes(fixture, "-" FAKE_MDEV_NAME " ");
    fake_host_deliver(addition);
    assert_changes(fixture, "+" FAKE_MDEV_NAME " ");
}


static gboolean
is_registered(gpointer data)
{
    return md_registry_find(((Fixture *)data)->registry, FAKE_MDEV_NAME) != NULL;
}


/* The kernel announces a device before it is complete, and sends no later event. */
static void
test_pending(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *directory = fake_host_path(fixture->host, FAKE_MDEV);
    g_autofree char *link = g_build_filename(directory, MD_ATTR_MDEV_TYPE, NULL);
    g_autofree char *target = NULL;

    start(fixture);
    fake_host_add_mdev(fixture->host);
    target = g_file_read_link(link, NULL);
    g_assert_cmpint(g_unlink(link), ==, 0);
    fake_host_emit(fixture->host, "add", FAKE_MDEV);
    g_assert_null(md_registry_find(fixture->registry, FAKE_MDEV_NAME));

    g_assert_cmpint(symlink(target, link), ==, 0);
    fake_host_wait(is_registered, fixture);
    assert_changes(fixture, "+computer +" FAKE_PARENT_NAME " +" FAKE_MDEV_NAME " ");
}


static void
test_lost(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fake_host_add_mdev(fixture->host);
    start(fixture);
    assert_changes(fixture, "+computer +" FAKE_PARENT_NAME " +" FAKE_MDEV_NAME " ");

    fake_host_remove(fixture->host, FAKE_MDEV);
    fake_host_add(fixture->host, "virtual/toy/toy1", "toy", NULL);
    fake_host_set(fixture->host, "virtual/toy/toy1", FAKE_CREATE, "");
    fake_host_emit_lost();
    assert_changes(fixture, "-" FAKE_MDEV_NAME " +toy_toy1 ");
    fake_host_emit_lost();
    assert_changes(fixture, "");
}


/* Another device at the same path, detected by two reads of sysfs, is a separate device. */
static void
test_check(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = fake_host_path(fixture->host, FAKE_MDEV);

    start(fixture);
    g_assert_null(md_inventory_reconcile(fixture->inventory, path));
    fake_host_add_mdev(fixture->host);
    g_assert_nonnull(md_inventory_reconcile(fixture->inventory, path));
    g_assert_nonnull(md_inventory_reconcile(fixture->inventory, path));
    assert_changes(fixture, "+computer +" FAKE_PARENT_NAME " +" FAKE_MDEV_NAME " ");

    fake_host_remove(fixture->host, FAKE_MDEV);
    g_assert_null(md_inventory_reconcile(fixture->inventory, path));
    assert_changes(fixture, "-" FAKE_MDEV_NAME " ");
    /* The event of a change that was already reported is ignored. */
    fake_host_emit(fixture->host, "remove", FAKE_MDEV);
    assert_changes(fixture, "");
}


/* A device that a create command is waiting for is not registered by the inventory. */
static void
test_awaited(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = fake_host_path(fixture->host, FAKE_MDEV);
    MdUeventWait *wait = md_inventory_get_uevent_wait(fixture->inventory);

    start(fixture);
    assert_changes(fixture, "+computer +" FAKE_PARENT_NAME " ");
    g_assert_true(md_uevent_wait_begin(wait, path, MD_WAIT_ADD));
    fake_host_add_mdev(fixture->host);
    fake_host_emit(fixture->host, "add", FAKE_MDEV);
    g_assert_null(md_inventory_reconcile(fixture->inventory, path));
    assert_changes(fixture, "");

    md_uevent_wait_cancel(wait, path);
    g_assert_nonnull(md_inventory_reconcile(fixture->inventory, path));
    assert_changes(fixture, "+" FAKE_MDEV_NAME " ");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

#define ADD(name, func) g_test_add("/inventory/" name, Fixture, NULL, set_up, func, tear_down)

    ADD("start", test_start);
    ADD("events", test_events);
    ADD("late-events", test_late_events);
    ADD("pending", test_pending);
    ADD("lost", test_lost);
    ADD("check", test_check);
    ADD("awaited", test_awaited);
    return g_test_run();
}
