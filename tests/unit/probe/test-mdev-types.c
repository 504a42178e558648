/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Types of a parent: their attributes, and the lookup of a client's name for a type. */
#include "config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "../scratch.h"
#include "probe/mdev-types.h"
#include "util/error.h"

typedef struct {
    char *root;
    MdSysfsDir *parent;
} Fixture;

/* Directories of completed tests. */
static GPtrArray *roots;


static void
put_type(Fixture *fixture, const char *id, const char *name, const char *available)
{
    g_autofree char *dir = g_build_filename(fixture->root, "mdev_supported_types", id, NULL);
    const char *files[][2] = { { "name", name },
                               { "available_instances", available },
                               { "device_api", "vfio-pci\n" } };

    g_assert_cmpint(g_mkdir_with_parents(dir, 0755), ==, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(dir, files[i][0], NULL);

        if (files[i][1] != NULL)
            g_assert_true(g_file_set_contents(path, files[i][1], -1, NULL));
    }
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->root = g_dir_make_tmp("mediated-types-XXXXXX", NULL);
    g_assert_nonnull(fixture->root);
    put_type(fixture, "nvidia-11", "GRID M60-0B\n", "16\n");
    put_type(fixture, "nvidia-12", "GRID M60-0Q\n", "0\n");
    put_type(fixture, "other-12", "GRID M60-0Q\n", "nonsense\n");
    put_type(fixture, "i915-GVTg_V5_4", NULL, "1\n");
    fixture->parent = md_sysfs_dir_open(fixture->root, NULL);
    g_assert_nonnull(fixture->parent);
}


/* Keeps directories until all tests have run: sysfs never reuses an inode number, but the file
 * system of the tests does. */
static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_sysfs_dir_free(fixture->parent);
    g_ptr_array_add(roots, fixture->root);
}


static void
test_read(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) types = md_mdev_types_read(fixture->parent);
    const MdMdevType *type = NULL;

    g_assert_cmpuint(types->len, ==, 4);
    type = g_ptr_array_index(types, 0);
    g_assert_cmpstr(type->id, ==, "i915-GVTg_V5_4");
    g_assert_null(type->name);
    type = g_ptr_array_index(types, 1);
    g_assert_cmpstr(type->id, ==, "nvidia-11");
    g_assert_cmpstr(type->name, ==, "GRID M60-0B");
    g_assert_cmpstr(type->device_api, ==, "vfio-pci");
    g_assert_cmpuint(type->available, ==, 16);
    type = g_ptr_array_index(types, 3);
    g_assert_cmpuint(type->available, ==, 0);
}


static void
assert_types(Fixture *fixture, guint n, const char *last)
{
    g_autoptr(GPtrArray) types = md_mdev_types_read(fixture->parent);
    const MdMdevType *type = NULL;

    g_assert_cmpuint(types->len, ==, n);
    type = g_ptr_array_index(types, n - 1);
    g_assert_cmpstr(type->id, ==, last);
}


/* One type is added while a driver registers, and all are replaced when it registers again. */
static void
test_changed(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *set = g_build_filename(fixture->root, "mdev_supported_types", NULL);
    g_autofree char *old = g_build_filename(fixture->root, "old", NULL);

    assert_types(fixture, 4, "other-12");
    assert_types(fixture, 4, "other-12");
    put_type(fixture, "z-1", "Z\n", "1\n");
    assert_types(fixture, 5, "z-1");

    g_assert_cmpint(g_rename(set, old), ==, 0);
    for (guint i = 1; i <= 5; i++) {
        g_autofree char *id = g_strdup_printf("new-%u", i);

        put_type(fixture, id, "New\n", "1\n");
    }
    assert_types(fixture, 5, "new-5");
}


static void
test_no_parent(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSysfsDir) dir =
        md_sysfs_dir_open_child(fixture->parent, "mdev_supported_types", NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *id = NULL;

    g_assert_null(md_mdev_types_read(dir));
    id = md_mdev_types_resolve(dir, "nvidia-11", NULL, &error);
    g_assert_null(id);
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "does not support mediated devices"));
}


/* A name without printable characters counts as missing. */
static void
test_unprintable(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdMdevType) type = NULL;

    put_type(fixture, "odd-1", "\x01\x02\n", "1\n");
    type = md_mdev_types_read_one(fixture->parent, "mdev_supported_types/odd-1", 4711);
    g_assert_nonnull(type);
    g_assert_null(type->name);
    g_assert_cmpstr(type->device_api, ==, "vfio-pci");
}


typedef struct {
    const char *id;
    const char *name;
    const char *expected; /* the type, or what the error says */
} Wish;


static void
test_resolve(Fixture *fixture, gconstpointer data)
{
    const Wish *wish = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *id = md_mdev_types_resolve(fixture->parent, wish->id, wish->name, &error);

    if (id != NULL) {
        g_assert_no_error(error);
        g_assert_cmpstr(id, ==, wish->expected);
    } else {
        g_assert_cmpint(md_error_get_code(error), ==, VIR_ERR_INTERNAL_ERROR);
        g_assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND) ==
                      (strstr(wish->expected, "has no type") != NULL));
        g_assert_nonnull(strstr(error->message, wish->expected));
    }
}


int
main(int argc, char **argv)
{
    static const Wish wishes[] = {
        { "nvidia-11", NULL, "nvidia-11" },
        { "11", NULL, "nvidia-11" },
        { "12", NULL, "type '12' is ambiguous: it matches 'nvidia-12' and 'other-12'" },
        { NULL, "GRID M60-0B", "nvidia-11" },
        { NULL, "GRID M60-0Q", "type 'GRID M60-0Q' is ambiguous" },
        { NULL, "GRID", "the parent has no type 'GRID', only i915-GVTg_V5_4, nvidia-11" },
        { "1", NULL, "the parent has no type '1'" },
        { "../../nvidia-11", NULL, "the parent has no type '../../nvidia-11'" },
    };
    int result = 0;

    roots = g_ptr_array_new_with_free_func((GDestroyNotify)scratch_remove);
    g_test_init(&argc, &argv, NULL);
    g_test_add("/mdev-types/read", Fixture, NULL, set_up, test_read, tear_down);
    g_test_add("/mdev-types/changed", Fixture, NULL, set_up, test_changed, tear_down);
    g_test_add("/mdev-types/unprintable", Fixture, NULL, set_up, test_unprintable, tear_down);
    g_test_add("/mdev-types/no-parent", Fixture, NULL, set_up, test_no_parent, tear_down);
    for (gsize i = 0; i < G_N_ELEMENTS(wishes); i++) {
        g_autofree char *name = g_strdup_printf("/mdev-types/resolve/%zu", i);

        g_test_add(name, Fixture, &wishes[i], set_up, test_resolve, tear_down);
    }
    result = g_test_run();
    g_ptr_array_unref(roots);
    return result;
}
