/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The model: kinds, capabilities, names, references. */
#include "config.h"

#include <libvirt/libvirt.h>

#include "conf/cap-mdev.h"
#include "conf/cap-pci.h"
#include "conf/node-device.h"


static void
test_kinds(void)
{
    static const struct {
        const char *name;
        guint32 flag;
    } rows[] = {
        { "system", VIR_CONNECT_LIST_NODE_DEVICES_CAP_SYSTEM },
        { "pci", VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV },
        { "css", VIR_CONNECT_LIST_NODE_DEVICES_CAP_CSS_DEV },
        { "ap_matrix", VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_MATRIX },
        { "ccw", VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCW_DEV },
        { "ap_card", VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_CARD },
        { "ap_queue", VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_QUEUE },
        { "net", VIR_CONNECT_LIST_NODE_DEVICES_CAP_NET },
        { "storage", VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE },
        { "vdpa", VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA },
        { "mdev_types", VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES },
        { "mdev", VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const MdCapKind *kind = md_cap_kind_find(rows[i].name);

        g_assert_nonnull(kind);
        g_assert_cmpstr(kind->name, ==, rows[i].name);
        g_assert_cmphex(kind->flag, ==, rows[i].flag);
    }
    g_assert_null(md_cap_kind_find("toaster"));
    g_assert_null(md_cap_kind_find(""));
}


static void
test_empty_caps(void)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    const MdCapPci *pci = md_node_device_def_add_cap(def, &md_cap_kind_pci);
    const MdCapMdev *mdev = md_node_device_def_add_cap(def, &md_cap_kind_mdev);

    g_assert_cmpint(pci->class_code, ==, -1);
    g_assert_cmpint(pci->iommu_group, ==, -1);
    g_assert_cmpint(pci->numa_node, ==, -1);
    g_assert_cmpint(mdev->iommu_group, ==, -1);
    g_assert_nonnull(mdev->attrs);
    g_assert_true(md_node_device_def_get_cap(def, &md_cap_kind_mdev) == mdev);
    g_assert_null(md_node_device_def_get_cap(def, &md_cap_kind_css));
}


static void
test_list_caps(void)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    g_autoptr(GPtrArray) alone = NULL;
    g_autoptr(GPtrArray) nested = NULL;

    md_node_device_def_add_cap(def, &md_cap_kind_pci);
    alone = md_node_device_def_list_caps(def);
    g_assert_cmpuint(alone->len, ==, 1);
    g_assert_cmphex(md_node_device_def_get_flags(def), ==,
                    VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV);

    def->mdev_types = md_mdev_types_new();
    nested = md_node_device_def_list_caps(def);
    g_assert_cmpuint(nested->len, ==, 2);
    g_assert_true(g_ptr_array_index(nested, 0) == &md_cap_kind_pci);
    g_assert_true(g_ptr_array_index(nested, 1) == &md_cap_kind_mdev_types);
    g_assert_cmphex(md_node_device_def_get_flags(def), ==,
                    VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV |
                        VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES);
}


static void
test_make_name(void)
{
    g_autofree char *mdev = md_node_device_make_name("mdev", "c6b1f2c0-1111-4222-8333-444455556666",
                                                     "0000:86:00.0", NULL);
    g_autofree char *css = md_node_device_make_name("css", "0.0.0062", NULL);
    g_autofree char *odd = md_node_device_make_name("a b\xc3\xbc", "/", NULL);
    g_autofree char *single = md_node_device_make_name("computer", NULL);

    g_assert_cmpstr(mdev, ==, "mdev_c6b1f2c0_1111_4222_8333_444455556666_0000_86_00_0");
    g_assert_cmpstr(css, ==, "css_0_0_0062");
    g_assert_cmpstr(odd, ==, "a_b____");
    g_assert_cmpstr(single, ==, "computer");
}


/* A copy can be changed without affecting the original. */
static void
test_copy(void)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    g_autoptr(MdNodeDeviceDef) held = md_node_device_def_ref(def);
    g_autoptr(MdNodeDeviceDef) copy = NULL;
    const char *const links[] = { "/dev/one", "/dev/two", NULL };

    def->name = g_strdup("x");
    def->devlinks = g_strdupv((char **)links);
    copy = md_node_device_def_copy(def);
    g_free(copy->name);
    copy->name = g_strdup("y");
    md_node_device_def_add_cap(copy, &md_cap_kind_pci);

    g_assert_true(held == def);
    g_assert_cmpstr(held->name, ==, "x");
    g_assert_cmpuint(held->caps->len, ==, 0);
    g_assert_cmpuint(g_strv_length(copy->devlinks), ==, 2);
    g_assert_true(copy->devlinks != def->devlinks);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/conf/node-device/kinds", test_kinds);
    g_test_add_func("/conf/node-device/empty-caps", test_empty_caps);
    g_test_add_func("/conf/node-device/list-caps", test_list_caps);
    g_test_add_func("/conf/node-device/make-name", test_make_name);
    g_test_add_func("/conf/node-device/copy", test_copy);
    return g_test_run();
}
