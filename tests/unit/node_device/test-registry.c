/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Look-ups and signals, and that the signals come after the change they tell of. */
#include "config.h"

#include "node_device/registry.h"

typedef struct {
    MdRegistry *registry;
    GString *log; /* "added:name " ... */
} Fixture;


static void
log_signal(Fixture *fixture, const char *what, MdNodeDevice *device)
{
    gboolean listed = md_registry_find(fixture->registry, device->def->name) == device;

    /* A change is in the registry before anybody hears of it. */
    g_assert_true(listed == !g_str_equal(what, "removed"));
    g_string_append_printf(fixture->log, "%s:%s ", what, device->def->name);
}


static void
on_added(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    log_signal(fixture, "added", device);
}


static void
on_removed(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    log_signal(fixture, "removed", device);
}


static void
on_updated(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    log_signal(fixture, "updated", device);
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->registry = md_registry_new();
    fixture->log = g_string_new(NULL);
    g_signal_connect(fixture->registry, "added", G_CALLBACK(on_added), fixture);
    g_signal_connect(fixture->registry, "removed", G_CALLBACK(on_removed), fixture);
    g_signal_connect(fixture->registry, "updated", G_CALLBACK(on_updated), fixture);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_object_unref(fixture->registry);
    g_string_free(fixture->log, TRUE);
}


static MdNodeDeviceDef *
new_def(const char *name, const char *path, const char *parent)
{
    MdNodeDeviceDef *def = md_node_device_def_new();

    def->name = g_strdup(name);
    def->path = g_strdup(path);
    def->parent = g_strdup(parent);
    return def;
}


static void
add(Fixture *fixture, const char *name, const char *path, const char *parent)
{
    g_autoptr(MdNodeDevice) device = md_node_device_new(new_def(name, path, parent), 0);

    md_registry_add(fixture->registry, device);
}


static void
test_tree(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    add(fixture, "computer", NULL, NULL);
    add(fixture, "gpu", "/sys/devices/gpu", "computer");
    add(fixture, "vgpu", "/sys/devices/gpu/vgpu", "gpu");
    g_assert_cmpstr(fixture->log->str, ==, "added:computer added:gpu added:vgpu updated:gpu ");
    g_assert_cmpuint(md_registry_size(fixture->registry), ==, 3);

    g_string_truncate(fixture->log, 0);
    md_registry_remove(fixture->registry, md_registry_find(fixture->registry, "vgpu"));
    g_assert_cmpstr(fixture->log->str, ==, "removed:vgpu updated:gpu ");
    g_assert_null(md_registry_find(fixture->registry, "vgpu"));
    g_assert_null(md_registry_find_path(fixture->registry, "/sys/devices/gpu/vgpu"));
    g_assert_nonnull(md_registry_find_path(fixture->registry, "/sys/devices/gpu"));
}


static void
test_orphan(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    add(fixture, "gpu", "/sys/devices/gpu", "computer");
    add(fixture, "vgpu", "/sys/devices/gpu/vgpu", "gpu");
    md_registry_remove(fixture->registry, md_registry_find(fixture->registry, "gpu"));
    g_string_truncate(fixture->log, 0);
    md_registry_remove(fixture->registry, md_registry_find(fixture->registry, "vgpu"));
    g_assert_cmpstr(fixture->log->str, ==, "removed:vgpu ");
}


static void
test_update(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdNodeDevice *device = NULL;
    MdNodeDeviceDef *def = new_def("gpu", "/sys/devices/gpu", "computer");
    g_autoptr(MdNodeDeviceDef) old = NULL;

    add(fixture, "gpu", "/sys/devices/gpu", "computer");
    device = md_registry_find(fixture->registry, "gpu");
    old = md_node_device_def_ref(device->def);
    def->driver = g_strdup("nvidia");
    g_string_truncate(fixture->log, 0);
    md_registry_update(fixture->registry, device, def);

    g_assert_cmpstr(fixture->log->str, ==, "updated:gpu ");
    g_assert_true(md_registry_find(fixture->registry, "gpu") == device);
    g_assert_true(md_registry_find_path(fixture->registry, "/sys/devices/gpu") == device);
    g_assert_cmpstr(device->def->driver, ==, "nvidia");
    /* Whoever held the old definition still has it as it was. */
    g_assert_null(old->driver);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/registry/tree", Fixture, NULL, set_up, test_tree, tear_down);
    g_test_add("/registry/orphan", Fixture, NULL, set_up, test_orphan, tear_down);
    g_test_add("/registry/update", Fixture, NULL, set_up, test_update, tear_down);
    return g_test_run();
}
