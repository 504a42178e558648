/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices with autostart start with their parent, on a temporary tree. */
#include "config.h"

#include "node_device/autostart.h"

#include "../driver-context.h"
#include "../settle.h"
#include "conf/cap-mdev.h"

typedef struct {
    DriverContext driver;
    MdAutostart *autostart;
} Fixture;


static void
define(Fixture *fixture, const char *type_id, gboolean autostart)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
    g_autoptr(MdDefinition) definition =
        md_definition_new(FAKE_PARENT_ADDR, FAKE_UUID, type_id, autostart, attrs);

    md_registry_define(fixture->driver.context.registry, definition);
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    driver_context_set_up(&fixture->driver, fake_host_new());
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_clear_pointer(&fixture->autostart, md_autostart_free);
    driver_context_tear_down(&fixture->driver);
}


/* The kernel adds a device, and the inventory scans it. */
static void
bring_parent(Fixture *fixture)
{
    g_autofree char *path = fake_host_path(fixture->driver.host, FAKE_PARENT);

    fake_host_add_parent(fixture->driver.host);
    g_assert_nonnull(md_inventory_reconcile(fixture->driver.context.inventory, path));
}


static void
remove_parent(Fixture *fixture)
{
    fake_host_remove(fixture->driver.host, FAKE_PARENT);
    fake_host_emit(fixture->driver.host, "remove", FAKE_PARENT);
}


static void
begin(Fixture *fixture)
{
    fixture->autostart = md_autostart_new(&fixture->driver.context);
}


static gboolean
is_idle(gpointer data)
{
    return !md_autostart_is_busy(data);
}


/* Simulates the kernel's reaction to a write. */
static void
make_device(Fixture *fixture)
{
    FakeHost *host = fixture->driver.host;

    fake_host_wait_written(host, FAKE_PARENT, FAKE_CREATE);
    fake_host_add_mdev(host);
    fake_host_emit(host, "add", FAKE_MDEV);
    fake_host_wait(is_idle, fixture->autostart);
}


static gboolean
is_active(Fixture *fixture)
{
    MdNodeDevice *device = md_registry_find(fixture->driver.context.registry, FAKE_MDEV_NAME);

    return device != NULL && device->active;
}


static gboolean
is_written(Fixture *fixture)
{
    g_autofree char *text = fake_host_get(fixture->driver.host, FAKE_PARENT, FAKE_CREATE);

    return text != NULL && *text != '\0';
}


static void
test_parent_is_there(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    define(fixture, FAKE_TYPE, TRUE);
    bring_parent(fixture);
    begin(fixture);
    g_assert_true(md_autostart_is_busy(fixture->autostart));
    make_device(fixture);
    g_assert_true(is_active(fixture));
}


/* Devices start each time the parent appears. */
static void
test_parent_comes(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    define(fixture, FAKE_TYPE, TRUE);
    begin(fixture);
    g_assert_false(md_autostart_is_busy(fixture->autostart));
    for (guint i = 0; i < 2; i++) {
        bring_parent(fixture);
        g_assert_true(md_autostart_is_busy(fixture->autostart));
        make_device(fixture);
        g_assert_true(is_active(fixture));

        fake_host_remove(fixture->driver.host, FAKE_MDEV);
        fake_host_emit(fixture->driver.host, "remove", FAKE_MDEV);
        remove_parent(fixture);
        g_assert_false(is_active(fixture));
    }
}


/* A definition added while the parent exists waits for its next appearance; a definition without
 * autostart is never started. */
static void
test_not_started(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    define(fixture, FAKE_TYPE, FALSE);
    bring_parent(fixture);
    begin(fixture);
    g_assert_false(md_autostart_is_busy(fixture->autostart));
    define(fixture, FAKE_TYPE, TRUE);
    settle();
    g_assert_false(md_autostart_is_busy(fixture->autostart));
    g_assert_false(is_written(fixture));
}


static void
test_retry(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    define(fixture, "toy-2", TRUE);
    bring_parent(fixture);
    begin(fixture);
    fake_host_wait(is_idle, fixture->autostart);
    g_assert_false(is_written(fixture));

    define(fixture, FAKE_TYPE, TRUE);
    md_autostart_retry(fixture->autostart, FAKE_PARENT_ADDR);
    g_assert_true(md_autostart_is_busy(fixture->autostart));
    make_device(fixture);
    g_assert_true(is_active(fixture));
}


static void
on_stopped(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    gboolean *stopped = data;

    md_autostart_stop_finish(result);
    *stopped = TRUE;
}


/* The running start is completed, and no other begins. */
static void
test_stop(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    gboolean stopped = FALSE;

    define(fixture, FAKE_TYPE, TRUE);
    bring_parent(fixture);
    begin(fixture);
    md_autostart_stop_async(fixture->autostart, on_stopped, &stopped);
    fake_host_wait_written(fixture->driver.host, FAKE_PARENT, FAKE_CREATE);
    g_assert_false(stopped);
    make_device(fixture);
    settle();
    g_assert_true(stopped);

    fake_host_remove(fixture->driver.host, FAKE_MDEV);
    fake_host_emit(fixture->driver.host, "remove", FAKE_MDEV);
    md_autostart_retry(fixture->autostart, FAKE_PARENT_ADDR);
    g_assert_false(md_autostart_is_busy(fixture->autostart));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

#define ADD(name, func) g_test_add("/autostart/" name, Fixture, NULL, set_up, func, tear_down)

    ADD("parent-is-there", test_parent_is_there);
    ADD("parent-comes", test_parent_comes);
    ADD("not-started", test_not_started);
    ADD("retry", test_retry);
    ADD("stop", test_stop);
    return g_test_run();
}
