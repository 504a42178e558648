/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What definitions of vGPUs and updates of active ones need, with a vendor that has no files. */
#include "config.h"

#include "vgpu/vgpu-definition.h"

#include <errno.h>

#include "conf/cap-mdev.h"
#include "fake-vendor.h"
#include "util/error.h"

typedef struct {
    FakeVendor *vendor;
    MdSysfsDir *dir; /* of the first function */
    GPtrArray *attrs;
    GError *error;
    guint n_written;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor = fake_vendor_new();
    fixture->dir = md_sysfs_dir_open(fixture->vendor->functions[0]->def->path, NULL);
    g_assert_nonnull(fixture->dir);
    fixture->attrs = md_mdev_attrs_new();
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_clear_error(&fixture->error);
    g_ptr_array_unref(fixture->attrs);
    md_sysfs_dir_free(fixture->dir);
    fake_vendor_free(fixture->vendor);
}


/* Updates the vGPU of the first function, which the daemon knows with the large type. */
static gboolean
update(Fixture *fixture)
{
    const MdNodeDevice *function = fixture->vendor->functions[0];
    g_autoptr(MdNodeDeviceDef) def = fake_vendor_make_def("toy-7", NULL);
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    def->path = g_strdup(function->def->path);
    g_free(def->parent);
    def->parent = g_strdup(function->def->name);
    g_free(cap->parent_addr);
    cap->parent_addr = g_path_get_basename(def->path);
    fixture->n_written = 0;
    g_clear_error(&fixture->error);
    return md_vgpu_definition_ops.write_attrs(fixture->dir, def, fixture->attrs,
                                              &fixture->n_written, &fixture->error);
}


static void
test_update(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor->assigned[0] = FAKE_TYPE_LARGE;
    md_mdev_attrs_add(fixture->attrs, FAKE_PARAMETER, "on");
    md_mdev_attrs_add(fixture->attrs, FAKE_PARAMETER, "off");
    g_assert_true(update(fixture));
    g_assert_no_error(fixture->error);
    g_assert_cmpuint(fixture->n_written, ==, 2);
    g_assert_cmpstr(fixture->vendor->parameters[0], ==, "off");

    fixture->vendor->parameter_error = EPERM;
    g_assert_false(update(fixture));
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_SYSTEM_ERROR);
    g_assert_nonnull(strstr(fixture->error->message, FAKE_PARAMETER));
    g_assert_cmpuint(fixture->n_written, ==, 0);
}


/* Another program has replaced the vGPU or taken it away. */
static void
test_update_of_another(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const guint32 numbers[] = { 0, FAKE_TYPE_SMALL };

    md_mdev_attrs_add(fixture->attrs, FAKE_PARAMETER, "on");
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        fixture->vendor->assigned[0] = numbers[i];
        g_assert_false(update(fixture));
        g_assert_error(fixture->error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE);
        g_assert_null(fixture->vendor->parameters[0]);
    }
}


static void
test_types(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *by_id = md_vgpu_definition_ops.resolve_type(fixture->dir, "toy-7", NULL, NULL);
    g_autofree char *by_number = md_vgpu_definition_ops.resolve_type(fixture->dir, "8", NULL, NULL);
    g_autofree char *unknown =
        md_vgpu_definition_ops.resolve_type(fixture->dir, "toy-9", NULL, &fixture->error);

    g_assert_cmpstr(by_id, ==, "toy-7");
    g_assert_cmpstr(by_number, ==, "toy-8");
    g_assert_null(unknown);
    g_assert_error(fixture->error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}


static void
test_names(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(md_vgpu_definition_ops.check_attrs(fixture->attrs, NULL));
    md_mdev_attrs_add(fixture->attrs, FAKE_PARAMETER, "on");
    g_assert_true(md_vgpu_definition_ops.check_attrs(fixture->attrs, NULL));
    md_mdev_attrs_add(fixture->attrs, "driver_override", "vfio-pci");
    g_assert_false(md_vgpu_definition_ops.check_attrs(fixture->attrs, &fixture->error));
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

#define ADD(name, func) g_test_add("/vgpu-definition/" name, Fixture, NULL, set_up, func, tear_down)

    ADD("update", test_update);
    ADD("update-of-another", test_update_of_another);
    ADD("types", test_types);
    ADD("names", test_names);
    return g_test_run();
}
