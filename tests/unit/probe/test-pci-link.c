/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI Express links by their sysfs attributes, which all users can read. */
#include "config.h"

#include <glib/gstdio.h>

#include "probe/pci-link.h"

typedef struct {
    const char *name;
    const char *texts[4]; /* of the attributes below; NULL: missing */
    gboolean is_express;
    int max[2]; /* speed and width; -1: none */
    int now[2];
} Case;

static const char *const attributes[] = { "max_link_speed", "max_link_width", "current_link_speed",
                                          "current_link_width" };

/* clang-format off */
static const Case cases[] = {
    { "slower", { "16.0 GT/s PCIe\n", "16\n", "8.0 GT/s PCIe\n", "4\n" },
      TRUE, { 4, 16 }, { 3, 4 } },
    { "before-5.10", { "16 GT/s\n", "8\n", "8 GT/s\n", "4\n" }, TRUE, { 4, 8 }, { 3, 4 } },
    { "first", { "2.5 GT/s PCIe\n", "1\n", "2.5 GT/s PCIe\n", "1\n" }, TRUE, { 1, 1 }, { 1, 1 } },
    { "fast", { "64.0 GT/s PCIe\n", "63\n", "5.0 GT/s PCIe\n", "2\n" }, TRUE, { 6, 63 }, { 2, 2 } },
    { "down", { "8.0 GT/s PCIe\n", "4\n", "Unknown\n", "0\n" }, TRUE, { 3, 4 }, { 0, 0 } },
    { "root-complex", { "Unknown\n", "255\n", "Unknown\n", "0\n" }, TRUE, { -1, -1 }, { -1, -1 } },
    { "asleep", { "8.0 GT/s PCIe\n", "4\n", NULL, NULL }, TRUE, { 3, 4 }, { -1, -1 } },
    { "conventional", { NULL, NULL, NULL, NULL }, FALSE, { -1, -1 }, { -1, -1 } },
    { "senseless", { "\n", "-1\n", "fast\n", "many\n" }, TRUE, { -1, -1 }, { -1, -1 } },
};
/* clang-format on */


static void
check(gboolean has, const MdPciLink *link, const int *expected)
{
    g_assert_cmpint(has, ==, expected[0] >= 0);
    if (!has)
        return;
    g_assert_cmpint(link->port, ==, -1);
    g_assert_cmpint((int)link->speed, ==, expected[0]);
    g_assert_cmpint((int)link->width, ==, expected[1]);
}


static void
test_case(gconstpointer data)
{
    const Case *test = data;
    g_autofree char *path = g_dir_make_tmp("pci-link-XXXXXX", NULL);
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, NULL);
    MdCapPci cap = { 0 };

    for (guint i = 0; i < G_N_ELEMENTS(attributes); i++) {
        g_autofree char *file = g_build_filename(path, attributes[i], NULL);

        if (test->texts[i] != NULL)
            g_assert_true(g_file_set_contents(file, test->texts[i], -1, NULL));
    }
    md_pci_link_read(dir, &cap);
    if (cap.has_link_status)
        md_pci_link_read_status(dir, &cap);
    g_assert_cmpint(cap.is_express, ==, test->is_express);
    check(cap.has_link_capability, &cap.link_capability, test->max);
    check(cap.has_link_status, &cap.link_status, test->now);

    for (guint i = 0; i < G_N_ELEMENTS(attributes); i++) {
        g_autofree char *file = g_build_filename(path, attributes[i], NULL);

        g_unlink(file);
    }
    g_assert_cmpint(g_rmdir(path), ==, 0);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/pci-link/%s", cases[i].name);

        g_test_add_data_func(path, &cases[i], test_case);
    }
    return g_test_run();
}
