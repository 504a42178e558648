/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which data of a mediated device is read again, and when its parent's driver is queried. */
#include "config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

#include "../scratch.h"
#include "conf/cap-mdev.h"
#include "probe/mdev-types.h"
#include "probe/probe.h"
#include "util/error.h"

typedef struct {
    char *root;
    MdSysfsDir *dir;
    MdNodeDeviceDef *def;
} Fixture;


static void
put_file(Fixture *fixture, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(fixture->root, name, NULL);
    g_autofree char *parent = g_path_get_dirname(path);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}


static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = NULL;

    fixture->root = g_dir_make_tmp("mediated-probe-XXXXXX", NULL);
    g_assert_nonnull(fixture->root);
    path = g_build_filename(fixture->root, data, NULL);
    put_file(fixture, "device/uevent", "");
    g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
    put_file(fixture, g_str_equal(data, "toy-1") ? "toy-1/name" : "device/mdev_type/name", "Toy\n");

    fixture->def = md_node_device_def_new();
    fixture->def->name = g_strdup("mdev_toy");
    fixture->def->path = g_build_filename(fixture->root, "device", NULL);
    md_node_device_def_add_cap(fixture->def, &md_cap_kind_mdev);
    fixture->dir = md_sysfs_dir_open(fixture->def->path, NULL);
    g_assert_nonnull(fixture->dir);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_sysfs_dir_free(fixture->dir);
    md_node_device_def_unref(fixture->def);
    scratch_remove(fixture->root);
}


static MdNodeDeviceDef *
refresh(Fixture *fixture, gboolean may_block, GError **error)
{
    return md_probe_refresh(fixture->def, md_sysfs_dir_get_inode(fixture->dir), may_block, error);
}


static void
assert_would_block(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(refresh(fixture, FALSE, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}


/* The type of a device is read once, and only where reading may block. */
static void
test_type(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *link = g_build_filename(fixture->root, "device/mdev_type", NULL);
    g_autoptr(GFile) file = g_file_new_for_path(link);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) read = NULL;
    g_autoptr(MdNodeDeviceDef) again = NULL;
    const MdCapMdev *cap = NULL;

    g_assert_true(g_file_make_symbolic_link(file, "../toy-1", NULL, &error));
    assert_would_block(fixture);
    read = refresh(fixture, TRUE, &error);
    g_assert_no_error(error);
    cap = md_node_device_def_get_cap(read, &md_cap_kind_mdev);
    g_assert_cmpstr(cap->type_id, ==, "toy-1");
    g_assert_cmpstr(cap->type->name, ==, "Toy");
    again = refresh(fixture, FALSE, &error);
    g_assert_no_error(error);
    g_assert_nonnull(again);
}


/* The link to the type was missing at the first read and has appeared since, and its target is
 * known. Both reads treat a directory in its place in the same way. */
static void
test_type_appears(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    guint64 inode = md_sysfs_dir_find_inode(fixture->dir, "mdev_type");
    g_autoptr(MdMdevType) type = md_mdev_types_read_one(fixture->dir, "mdev_type", inode);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(type);
    assert_would_block(fixture);
    g_assert_null(refresh(fixture, TRUE, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/probe/mdev/type", Fixture, "toy-1", set_up, test_type, tear_down);
    g_test_add("/probe/mdev/type-appears", Fixture, "device/mdev_type", set_up, test_type_appears,
               tear_down);
    return g_test_run();
}
