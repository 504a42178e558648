/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lookups and signals; a signal follows the change that it reports. */
#include "config.h"

#include <malloc.h>

#include "conf/cap-mdev.h"
#include "conf/cap-pci.h"
#include "registry/registry.h"

typedef struct {
    MdRegistry *registry;
    GString *log; /* "created:name " ... */
} Fixture;


/* The registry contains a change before any signal of it. */
static void
check(Fixture *fixture, const char *what, MdNodeDevice *device)
{
    gboolean listed = md_registry_find(fixture->registry, device->def->name) == device;

    if (g_str_equal(what, "created"))
        g_assert_true(listed && device->active);
    else if (g_str_equal(what, "deleted"))
        g_assert_true(!device->active && listed == (device->definition != NULL));
    else if (g_str_equal(what, "defined"))
        g_assert_true(listed && device->definition != NULL);
    else if (g_str_equal(what, "undefined"))
        g_assert_true(device->definition == NULL && listed == device->active);
    else
        g_assert_true(listed);
}


static void
on_signal(Fixture *fixture, MdNodeDevice *device, const char *what)
{
    check(fixture, what, device);
    g_string_append_printf(fixture->log, "%s:%s ", what, device->def->name);
}


static void
on_created(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    on_signal(fixture, device, "created");
}


static void
on_deleted(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    on_signal(fixture, device, "deleted");
}


static void
on_defined(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    on_signal(fixture, device, "defined");
}


static void
on_undefined(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    on_signal(fixture, device, "undefined");
}


static void
on_updated(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Fixture *fixture)
{
    on_signal(fixture, device, "updated");
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->registry = md_registry_new();
    fixture->log = g_string_new(NULL);
    g_signal_connect(fixture->registry, "created", G_CALLBACK(on_created), fixture);
    g_signal_connect(fixture->registry, "deleted", G_CALLBACK(on_deleted), fixture);
    g_signal_connect(fixture->registry, "defined", G_CALLBACK(on_defined), fixture);
    g_signal_connect(fixture->registry, "undefined", G_CALLBACK(on_undefined), fixture);
    g_signal_connect(fixture->registry, "updated", G_CALLBACK(on_updated), fixture);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_object_unref(fixture->registry);
    g_string_free(fixture->log, TRUE);
}


/* Checks the signals since the last call. */
static void
assert_log(Fixture *fixture, const char *expected)
{
    g_assert_cmpstr(fixture->log->str, ==, expected);
    g_string_truncate(fixture->log, 0);
}


static MdNodeDeviceDef *
new_def(const char *name, const char *path, const char *parent, const MdCapKind *kind)
{
    MdNodeDeviceDef *def = md_node_device_def_new();

    def->name = g_strdup(name);
    def->path = g_strdup(path);
    def->parent = g_strdup(parent);
    md_node_device_def_add_cap(def, kind);
    return def;
}


static void
add(Fixture *fixture, const char *name, const char *path, const char *parent)
{
    md_registry_activate(fixture->registry, new_def(name, path, parent, &md_cap_kind_pci), 0);
}


static void
add_mdev(Fixture *fixture, const char *name, const char *path, const char *parent)
{
    md_registry_activate(fixture->registry, new_def(name, path, parent, &md_cap_kind_mdev), 0);
}


static void
add_scsi_host(Fixture *fixture, const char *name, const char *path, const char *parent)
{
    md_registry_activate(fixture->registry, new_def(name, path, parent, &md_cap_kind_scsi_host), 0);
}


static void
deactivate(Fixture *fixture, const char *name)
{
    md_registry_deactivate(fixture->registry, md_registry_find(fixture->registry, name));
}


static void
test_tree(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    add(fixture, "computer", NULL, NULL);
    add(fixture, "gpu", "/sys/devices/gpu", "computer");
    add_mdev(fixture, "vgpu", "/sys/devices/gpu/vgpu", "gpu");
    assert_log(fixture, "created:computer created:gpu created:vgpu updated:gpu ");
    g_assert_cmpuint(md_registry_size(fixture->registry), ==, 3);

    deactivate(fixture, "vgpu");
    assert_log(fixture, "deleted:vgpu updated:gpu ");
    g_assert_null(md_registry_find(fixture->registry, "vgpu"));
    g_assert_null(md_registry_find_path(fixture->registry, "/sys/devices/gpu/vgpu"));
    g_assert_nonnull(md_registry_find_path(fixture->registry, "/sys/devices/gpu"));
}


static void
on_created_drop(MdRegistry *registry, MdNodeDevice *device, gpointer data G_GNUC_UNUSED)
{
    md_registry_deactivate(registry, device);
}


/* A signal handler may remove the new device. */
static void
test_dropped_by_listener(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    add(fixture, "gpu", "/sys/devices/gpu", "computer");
    assert_log(fixture, "created:gpu ");
    g_signal_connect(fixture->registry, "created", G_CALLBACK(on_created_drop), NULL);
    g_assert_null(md_registry_activate(
        fixture->registry, new_def("vgpu", "/sys/devices/gpu/vgpu", "gpu", &md_cap_kind_mdev), 0));
    assert_log(fixture, "created:vgpu deleted:vgpu updated:gpu updated:gpu ");
    g_assert_null(md_registry_find(fixture->registry, "vgpu"));
    g_assert_cmpuint(md_registry_size(fixture->registry), ==, 1);
}


/* Only devices created from the parent change its available instances. */
static void
test_parents(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    add(fixture, "bridge", "/sys/devices/bridge", "computer");
    add(fixture, "hba", "/sys/devices/bridge/hba", "bridge");
    add_scsi_host(fixture, "host0", "/sys/devices/bridge/hba/host0", "hba");
    assert_log(fixture, "created:bridge created:hba created:host0 ");

    add_scsi_host(fixture, "host1", "/sys/devices/bridge/hba/host0/vport/host1", "host0");
    assert_log(fixture, "created:host1 updated:host0 ");
    deactivate(fixture, "host1");
    assert_log(fixture, "deleted:host1 updated:host0 ");
}


static void
test_orphan(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    add(fixture, "gpu", "/sys/devices/gpu", "computer");
    add_mdev(fixture, "vgpu", "/sys/devices/gpu/vgpu", "gpu");
    deactivate(fixture, "gpu");
    g_string_truncate(fixture->log, 0);
    deactivate(fixture, "vgpu");
    assert_log(fixture, "deleted:vgpu ");
}


static void
assert_below(Fixture *fixture, const char *path, const char *expected)
{
    g_autoptr(GPtrArray) paths = md_registry_list_below(fixture->registry, path);
    g_autofree char *joined = NULL;

    g_ptr_array_add(paths, NULL);
    joined = g_strjoinv(" ", (char **)paths->pdata);
    g_assert_cmpstr(joined, ==, expected);
}


/* A device whose path merely starts with the same characters is not a descendant, whatever the
 * sort order. */
static void
test_below(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    add(fixture, "fn", "/sys/devices/gpu/fn", "gpu");
    add(fixture, "gpu", "/sys/devices/gpu", "computer");
    add(fixture, "gpu1", "/sys/devices/gpu-1", "computer");
    add(fixture, "gpu2", "/sys/devices/gpu2", "computer");
    add_mdev(fixture, "vgpu", "/sys/devices/gpu/fn/vgpu", "fn");
    assert_below(fixture, "/sys/devices/gpu", "/sys/devices/gpu/fn /sys/devices/gpu/fn/vgpu");
    assert_below(fixture, "/sys/devices/gpu2", "");
    assert_below(fixture, "/sys/devices/gp", "");
    deactivate(fixture, "fn");
    assert_below(fixture, "/sys/devices/gpu", "/sys/devices/gpu/fn/vgpu");
}


#define PARENT "0000:86:00.0"
#define PATH   "/sys/devices/" PARENT
#define UUID   "0695d332-7831-493f-9e71-1c85c8911a08"
#define PCI    "pci_0000_86_00_0"
#define MDEV   "mdev_0695d332_7831_493f_9e71_1c85c8911a08_0000_86_00_0"
#define TYPE   "nvidia-11"


static MdDefinition *
new_definition(gboolean autostart, const char *attr)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();

    if (attr != NULL)
        md_mdev_attrs_add(attrs, attr, "1");
    return md_definition_new(PARENT, UUID, TYPE, autostart, attrs);
}


static void
define(Fixture *fixture, gboolean autostart, const char *attr)
{
    g_autoptr(MdDefinition) definition = new_definition(autostart, attr);

    md_registry_define(fixture->registry, definition);
}


static MdNodeDevice *
activate_mdev(Fixture *fixture)
{
    g_autoptr(MdDefinition) definition = new_definition(FALSE, NULL);
    MdNodeDeviceDef *def = md_definition_to_device(definition, PCI);

    def->path = g_strdup(PATH "/" UUID);
    return md_registry_activate(fixture->registry, def, 7);
}


static guint
count_attrs(MdNodeDevice *device)
{
    return ((MdCapMdev *)md_node_device_def_get_cap(device->def, &md_cap_kind_mdev))->attrs->len;
}


static void
assert_defined(Fixture *fixture, guint n)
{
    g_autoptr(GList) defined = md_registry_list_defined(fixture->registry, PARENT);

    g_assert_cmpuint(g_list_length(defined), ==, n);
    if (n > 0)
        g_assert_true(defined->data == md_registry_find(fixture->registry, MDEV));
}


/* Found by the address of the parent, whether or not the parent exists and the device is active. */
static void
test_defined(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    assert_defined(fixture, 0);
    define(fixture, TRUE, NULL);
    assert_defined(fixture, 1);
    add(fixture, PCI, PATH, "computer");
    activate_mdev(fixture);
    assert_defined(fixture, 1);
    define(fixture, FALSE, "attr");
    assert_defined(fixture, 1);
    deactivate(fixture, MDEV);
    assert_defined(fixture, 1);
    activate_mdev(fixture);
    md_registry_undefine(fixture->registry, md_registry_find(fixture->registry, MDEV));
    assert_defined(fixture, 0);
}


static void
test_life(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdNodeDevice *device = NULL;

    add(fixture, PCI, PATH, "computer");
    define(fixture, FALSE, "scratch");
    assert_log(fixture, "created:" PCI " defined:" MDEV " ");
    device = md_registry_find(fixture->registry, MDEV);
    g_assert_false(device->active);
    g_assert_true(md_node_device_is_persistent(device));
    g_assert_null(device->def->path);
    g_assert_cmpstr(device->def->parent, ==, PCI);

    g_assert_true(activate_mdev(fixture) == device);
    assert_log(fixture, "created:" MDEV " updated:" PCI " ");
    g_assert_true(md_registry_find_path(fixture->registry, PATH "/" UUID) == device);
    /* The device was started from this definition. */
    g_assert_cmpuint(count_attrs(device), ==, 1);

    define(fixture, TRUE, "scratch");
    assert_log(fixture, "updated:" MDEV " ");
    g_assert_true(md_node_device_is_autostart(device));

    deactivate(fixture, MDEV);
    assert_log(fixture, "deleted:" MDEV " updated:" PCI " ");
    g_assert_true(md_registry_find(fixture->registry, MDEV) == device);
    g_assert_null(md_registry_find_path(fixture->registry, PATH "/" UUID));

    md_registry_undefine(fixture->registry, device);
    assert_log(fixture, "undefined:" MDEV " ");
    g_assert_null(md_registry_find(fixture->registry, MDEV));
}


/* A device started with other attributes does not follow the definition. */
static void
test_another_type(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
    g_autoptr(MdDefinition) definition = NULL;

    md_mdev_attrs_add(attrs, "scratch", "1");
    definition = md_definition_new(PARENT, UUID, "nvidia-12", FALSE, attrs);
    md_registry_define(fixture->registry, definition);
    g_assert_cmpuint(count_attrs(activate_mdev(fixture)), ==, 0);
}


static void
test_transient(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdNodeDevice *device = activate_mdev(fixture);
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();

    md_mdev_attrs_add(attrs, "scratch", "1");
    g_assert_false(md_node_device_is_persistent(device));
    g_assert_false(md_node_device_is_autostart(device));
    define(fixture, FALSE, NULL);
    g_assert_true(md_node_device_is_persistent(device));
    md_registry_undefine(fixture->registry, device);
    assert_log(fixture, "created:" MDEV " defined:" MDEV " undefined:" MDEV " ");
    g_assert_true(md_registry_find(fixture->registry, MDEV) == device);
    md_registry_set_attrs(fixture->registry, device, attrs);
    assert_log(fixture, "");
    g_assert_cmpuint(count_attrs(device), ==, 1);
    g_assert_true(md_registry_find_path(fixture->registry, PATH "/" UUID) == device);
}


static void
test_parent_comes_and_goes(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdNodeDevice *device = NULL;

    define(fixture, FALSE, NULL);
    device = md_registry_find(fixture->registry, MDEV);
    g_assert_cmpstr(device->def->parent, ==, "computer");
    g_string_truncate(fixture->log, 0);
    add(fixture, PCI, PATH, "computer");
    assert_log(fixture, "created:" PCI " updated:" MDEV " ");
    g_assert_cmpstr(device->def->parent, ==, PCI);
    g_assert_true(md_registry_find_address(fixture->registry, PARENT) ==
                  md_registry_find(fixture->registry, PCI));
    deactivate(fixture, PCI);
    assert_log(fixture, "deleted:" PCI " updated:" MDEV " ");
    g_assert_cmpstr(device->def->parent, ==, "computer");
    g_assert_null(md_registry_find_address(fixture->registry, PARENT));
}


/* A channel device of s390 may have the address of an unrelated subchannel. */
static void
test_same_address(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdNodeDeviceDef *device = new_def("ccw_0_0_0002", "/sys/devices/css0/0.0.0001/0.0.0002",
                                      "css_0_0_0001", &md_cap_kind_ccw);

    md_registry_activate(fixture->registry,
                         new_def("css_0_0_0002", "/sys/devices/css0/0.0.0002", "computer",
                                 &md_cap_kind_css),
                         0);
    md_registry_activate(fixture->registry, device, 0);
    g_assert_true(md_registry_find_address(fixture->registry, "0.0.0002") ==
                  md_registry_find(fixture->registry, "css_0_0_0002"));
    deactivate(fixture, "ccw_0_0_0002");
    g_assert_true(md_registry_find_address(fixture->registry, "0.0.0002") ==
                  md_registry_find(fixture->registry, "css_0_0_0002"));
    deactivate(fixture, "css_0_0_0002");
    g_assert_null(md_registry_find_address(fixture->registry, "0.0.0002"));
}


static void
test_update(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdNodeDevice *device = NULL;
    MdNodeDeviceDef *def = new_def("gpu", "/sys/devices/gpu", "computer", &md_cap_kind_pci);
    g_autoptr(MdNodeDeviceDef) old = NULL;

    add(fixture, "gpu", "/sys/devices/gpu", "computer");
    device = md_registry_find(fixture->registry, "gpu");
    old = md_node_device_def_ref(device->def);
    def->driver = g_strdup("nvidia");
    g_string_truncate(fixture->log, 0);
    md_registry_update(fixture->registry, device, def);

    assert_log(fixture, "updated:gpu ");
    g_assert_true(md_registry_find(fixture->registry, "gpu") == device);
    g_assert_true(md_registry_find_path(fixture->registry, "/sys/devices/gpu") == device);
    g_assert_cmpstr(device->def->driver, ==, "nvidia");
    /* References to the old definition still see it unchanged. */
    g_assert_null(old->driver);
}


/* A vGPU shares the path of its function: the path leads to the function, and the vGPU goes before
 * the function. */
static void
test_shared_path(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdNodeDeviceDef *def = new_def("mdev_1", "/sys/devices/gpu", "gpu", &md_cap_kind_mdev);
    MdNodeDevice *function = NULL;
    MdNodeDevice *vgpu = NULL;

    def->shares_path = TRUE;
    function =
        md_registry_activate(fixture->registry,
                             new_def("gpu", "/sys/devices/gpu", "computer", &md_cap_kind_pci), 1);
    vgpu = md_registry_activate(fixture->registry, def, 1);
    assert_log(fixture, "created:gpu created:mdev_1 updated:gpu ");
    g_assert_true(md_registry_find_path(fixture->registry, "/sys/devices/gpu") == function);
    g_assert_true(md_registry_find_sharing(fixture->registry, "/sys/devices/gpu") == vgpu);

    md_registry_deactivate(fixture->registry, vgpu);
    assert_log(fixture, "deleted:mdev_1 updated:gpu ");
    g_assert_null(md_registry_find_sharing(fixture->registry, "/sys/devices/gpu"));
    g_assert_true(md_registry_find_path(fixture->registry, "/sys/devices/gpu") == function);

    def = new_def("mdev_2", "/sys/devices/gpu", "gpu", &md_cap_kind_mdev);
    def->shares_path = TRUE;
    md_registry_activate(fixture->registry, def, 1);
    g_string_truncate(fixture->log, 0);
    md_registry_deactivate(fixture->registry, function);
    assert_log(fixture, "deleted:mdev_2 updated:gpu deleted:gpu ");
    g_assert_cmpuint(md_registry_size(fixture->registry), ==, 0);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Makes use after free fail. */
    mallopt(M_PERTURB, 0xa5);
    g_test_add("/registry/tree", Fixture, NULL, set_up, test_tree, tear_down);
    g_test_add("/registry/dropped-by-listener", Fixture, NULL, set_up, test_dropped_by_listener,
               tear_down);
    g_test_add("/registry/parents", Fixture, NULL, set_up, test_parents, tear_down);
    g_test_add("/registry/orphan", Fixture, NULL, set_up, test_orphan, tear_down);
    g_test_add("/registry/below", Fixture, NULL, set_up, test_below, tear_down);
    g_test_add("/registry/defined", Fixture, NULL, set_up, test_defined, tear_down);
    g_test_add("/registry/life", Fixture, NULL, set_up, test_life, tear_down);
    g_test_add("/registry/transient", Fixture, NULL, set_up, test_transient, tear_down);
    g_test_add("/registry/another-type", Fixture, NULL, set_up, test_another_type, tear_down);
    g_test_add("/registry/parent-comes-and-goes", Fixture, NULL, set_up, test_parent_comes_and_goes,
               tear_down);
    g_test_add("/registry/same-address", Fixture, NULL, set_up, test_same_address, tear_down);
    g_test_add("/registry/shared-path", Fixture, NULL, set_up, test_shared_path, tear_down);
    g_test_add("/registry/update", Fixture, NULL, set_up, test_update, tear_down);
    return g_test_run();
}
