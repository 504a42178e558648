/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Directory handles on a small tree of files: what is read, and which attribute names of clients
 * are refused. */
#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "../scratch.h"
#include "kernel/sysfs.h"
#include "util/error.h"

typedef struct {
    char *root;
    MdSysfsDir *dir; /* of root/device */
} Fixture;


static void
put(Fixture *fixture, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(fixture->root, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}


static char *
get(Fixture *fixture, const char *name)
{
    g_autofree char *path = g_build_filename(fixture->root, name, NULL);
    char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *sub = NULL;
    g_autofree char *link = NULL;
    g_autofree char *path = NULL;
    GError *error = NULL;

    fixture->root = g_dir_make_tmp("mediated-sysfs-XXXXXX", &error);
    g_assert_no_error(error);
    sub = g_build_filename(fixture->root, "device", "nvidia", NULL);
    g_assert_cmpint(g_mkdir_with_parents(sub, 0755), ==, 0);
    link = g_build_filename(fixture->root, "device", "subsystem", NULL);
    g_assert_cmpint(symlink("../outside", link), ==, 0);
    path = g_build_filename(fixture->root, "outside", NULL);
    g_assert_cmpint(g_mkdir(path, 0755), ==, 0);

    put(fixture, "remove", "");
    put(fixture, "outside/attr", "");
    put(fixture, "device/uevent", "");
    put(fixture, "device/name", "GRID M60-0B\n");
    put(fixture, "device/number", "16\n");
    put(fixture, "device/long",
        "00000000000000000000000000000000000000000000000000000000000000001\n");
    put(fixture, "device/hex", "0x10de\n");
    put(fixture, "device/nvidia/vgpu_params", "");

    g_free(path);
    path = g_build_filename(fixture->root, "device", NULL);
    fixture->dir = md_sysfs_dir_open(path, &error);
    g_assert_no_error(error);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_sysfs_dir_free(fixture->dir);
    scratch_remove(fixture->root);
}


static void
test_read(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = md_sysfs_dir_read(fixture->dir, "name", &error);
    g_autofree char *missing = NULL;
    g_autofree char *link = md_sysfs_dir_read_link(fixture->dir, "subsystem");
    gint64 number = 0;

    g_assert_no_error(error);
    g_assert_cmpstr(name, ==, "GRID M60-0B");
    g_assert_cmpstr(link, ==, "outside");
    g_assert_true(md_sysfs_dir_read_int(fixture->dir, "number", &number));
    g_assert_cmpint(number, ==, 16);
    g_assert_true(md_sysfs_dir_read_int(fixture->dir, "hex", &number));
    g_assert_cmpint(number, ==, 0x10de);
    g_assert_false(md_sysfs_dir_read_int(fixture->dir, "name", &number));
    g_assert_false(md_sysfs_dir_read_int(fixture->dir, "long", &number));
    g_assert_false(md_sysfs_dir_read_int(fixture->dir, "absent", &number));
    g_assert_cmpint(number, ==, 0x10de);

    missing = md_sysfs_dir_read(fixture->dir, "absent", &error);
    g_assert_null(missing);
    g_assert_cmpint(md_error_get_errno(error), ==, ENOENT);
    g_assert_true(md_error_is_gone(error));
}


static void
test_huge(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *huge = g_strnfill(MD_SYSFS_ATTRIBUTE_MAX * 2, 'x');
    g_autofree char *text = NULL;

    put(fixture, "device/huge", huge);
    text = md_sysfs_dir_read(fixture->dir, "huge", NULL);
    g_assert_cmpuint(strlen(text), ==, MD_SYSFS_ATTRIBUTE_MAX);
}


/* The result must equal that of a stat per entry. */
static void
test_list_entries(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) names = md_sysfs_dir_list(fixture->dir, ".");
    g_autoptr(GPtrArray) entries = md_sysfs_dir_list_entries(fixture->dir, ".");
    g_autoptr(GPtrArray) none = md_sysfs_dir_list_entries(fixture->dir, "absent");

    g_assert_cmpuint(none->len, ==, 0);
    g_assert_cmpuint(entries->len, ==, names->len);
    g_assert_cmpuint(entries->len, >, 0);
    for (guint i = 0; i < entries->len; i++) {
        const MdSysfsEntry *entry = g_ptr_array_index(entries, i);
        g_autofree char *path =
            g_build_filename(md_sysfs_dir_get_path(fixture->dir), entry->name, NULL);
        GStatBuf st;

        g_assert_cmpstr(entry->name, ==, g_ptr_array_index(names, i));
        g_assert_cmpint(g_lstat(path, &st), ==, 0);
        g_assert_cmpuint(entry->inode, ==, st.st_ino);
    }
}


static void
test_list(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) names = md_sysfs_dir_list(fixture->dir, ".");
    g_autoptr(GPtrArray) none = md_sysfs_dir_list(fixture->dir, "absent");

    g_assert_cmpuint(names->len, ==, 7);
    g_assert_cmpstr(g_ptr_array_index(names, 0), ==, "hex");
    g_assert_cmpstr(g_ptr_array_index(names, 6), ==, "uevent");
    g_assert_cmpuint(none->len, ==, 0);
}


static void
test_find_directory(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    guint n = 0;

    g_assert_cmpuint(md_sysfs_dir_find_directory(fixture->dir, ".", &n), ==,
                     md_sysfs_dir_get_inode(fixture->dir));
    g_assert_cmpuint(n, ==, 1);
    g_assert_cmpuint(md_sysfs_dir_find_directory(fixture->dir, "nvidia", &n), ==,
                     md_sysfs_dir_find_inode(fixture->dir, "nvidia"));
    g_assert_cmpuint(n, ==, 0);
    g_assert_cmpuint(md_sysfs_dir_find_directory(fixture->dir, "uevent", &n), ==, 0);
    g_assert_cmpuint(md_sysfs_dir_find_directory(fixture->dir, "absent", &n), ==, 0);
}


/* More entries than the kernel returns at once. */
static void
test_list_long(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) names = NULL;

    for (guint i = 0; i < 500; i++) {
        g_autofree char *name = g_strdup_printf("device/nvidia/%0100u", i);

        put(fixture, name, "");
    }
    names = md_sysfs_dir_list(fixture->dir, "nvidia");
    g_assert_cmpuint(names->len, ==, 501);
    for (guint i = 0; i < 500; i++) {
        g_autofree char *name = g_strdup_printf("%0100u", i);

        g_assert_cmpstr(g_ptr_array_index(names, i), ==, name);
    }
}


static void
on_alarm(int number G_GNUC_UNUSED)
{
}


/* The kernel returns fewer entries after a signal, or if the process is stopped or frozen. */
static void
test_list_interrupted(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
    const struct itimerval often = { { 0, 50 }, { 0, 50 } };
    const struct itimerval never = { 0 };

    for (guint i = 0; i < 150; i++) {
        g_autofree char *name = g_strdup_printf("device/nvidia/%u", i);

        put(fixture, name, "");
    }
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (guint i = 0; i < 2000; i++) {
        g_autoptr(GPtrArray) names = md_sysfs_dir_list(fixture->dir, "nvidia");

        g_assert_cmpuint(names->len, ==, 151);
    }
    setitimer(ITIMER_REAL, &never, NULL);
}


static void
test_identity(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = g_build_filename(fixture->root, "device", NULL);
    g_autofree char *old = g_build_filename(fixture->root, "old", NULL);
    g_autofree char *uevent = g_build_filename(old, "uevent", NULL);
    g_autofree char *other_uevent = g_build_filename(path, "uevent", NULL);
    g_autoptr(MdSysfsDir) other = NULL;
    g_autoptr(GError) error = NULL;

    /* Another device takes the path; the handle still refers to the first one. */
    g_assert_false(md_sysfs_dir_is_in_place(fixture->dir));
    g_assert_true(md_sysfs_dir_is_alive(fixture->dir));
    g_assert_true(md_sysfs_dir_is_in_place(fixture->dir));
    g_assert_cmpint(g_rename(path, old), ==, 0);
    g_assert_false(md_sysfs_dir_is_in_place(fixture->dir));
    g_assert_true(md_sysfs_dir_is_alive(fixture->dir));
    g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
    other = md_sysfs_dir_open(path, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(md_sysfs_dir_get_inode(other), !=, md_sysfs_dir_get_inode(fixture->dir));
    g_assert_true(md_sysfs_dir_has(fixture->dir, "name"));
    g_assert_false(md_sysfs_dir_is_alive(other));
    g_assert_true(g_file_set_contents(other_uevent, "", -1, &error));
    g_assert_true(md_sysfs_dir_is_alive(other));
    g_assert_true(md_sysfs_dir_is_in_place(other));
    g_assert_false(md_sysfs_dir_is_in_place(fixture->dir));
    g_assert_cmpint(g_unlink(uevent), ==, 0);
    g_assert_false(md_sysfs_dir_is_alive(fixture->dir));
}


static void
test_write(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    g_autofree char *params = NULL;

    g_assert_true(md_sysfs_dir_write(fixture->dir, "name", "new", &error));
    g_assert_true(
        md_sysfs_dir_write_beneath(fixture->dir, "nvidia/vgpu_params", "a=1,b=2", &error));
    g_assert_no_error(error);
    name = get(fixture, "device/name");
    params = get(fixture, "device/nvidia/vgpu_params");
    g_assert_true(g_str_has_prefix(name, "new"));
    g_assert_cmpstr(params, ==, "a=1,b=2\n");
}


/* Each name occurs in a test's data: none may lead to a write. */
static void
test_escape(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *outside = NULL;
    g_autofree char *above = NULL;

    g_assert_false(md_sysfs_dir_write_beneath(fixture->dir, data, "1", &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_INVALID_ARG);
    outside = get(fixture, "outside/attr");
    above = get(fixture, "remove");
    g_assert_cmpstr(outside, ==, "");
    g_assert_cmpstr(above, ==, "");
}


/* Also below a driver's group: attributes of another device belong to that device. */
static void
test_write_other_device(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    put(fixture, "device/nvidia/uevent", "");
    g_assert_false(md_sysfs_dir_write_beneath(fixture->dir, "nvidia/vgpu_params", "1", &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_INVALID_ARG);
    text = get(fixture, "device/nvidia/vgpu_params");
    g_assert_cmpstr(text, ==, "");
}


static void
test_write_missing(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_build_filename(fixture->root, "device", "absent", NULL);

    g_assert_false(md_sysfs_dir_write_beneath(fixture->dir, "absent", "1", &error));
    g_assert_cmpint(md_error_get_errno(error), ==, ENOENT);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}


/* Texts of devices. */
static void
test_text(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const texts[][2] = {
        { "Logitech\n", "Logitech" },
        { "  blanks  \n", "  blanks  " },
        { "two\nlines\r\n\n", "two\nlines" },
        { "   \n", "   " },
        { "\x01x\x7f", "\x01x\x7f" },
        { "caf\xe9\n", "caf\xe9" },
        { "", NULL },
        { "\n", NULL },
        { "\x01\x02\x1b\n", NULL },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = NULL;

        put(fixture, "device/name", texts[i][0]);
        text = md_sysfs_dir_read_text(fixture->dir, "name");
        g_assert_cmpstr(text, ==, texts[i][1]);
    }
    g_assert_null(md_sysfs_dir_read_text(fixture->dir, "missing"));
    g_assert_null(md_sysfs_dir_read_text(fixture->dir, "nvidia"));
}


static void
test_hex(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        const char *text;
        guint number;
    } texts[] = {
        { "046d\n", 0x46d }, { "0x10de\n", 0x10de }, { "ff", 0xff }, { "", 0 }, { "no number", 0 },
        { "-1", 0 },         { "1ffffffff\n", 0 },   { "0x", 0 },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        put(fixture, "device/hex", texts[i].text);
        g_assert_cmphex(md_sysfs_dir_read_hex(fixture->dir, "hex"), ==, texts[i].number);
    }
    g_assert_cmphex(md_sysfs_dir_read_hex(fixture->dir, "missing"), ==, 0);
}


int
main(int argc, char **argv)
{
    static const char *const escapes[] = {
        "../remove",           "/etc/hostname",  "",          ".",         "..",
        "nvidia/../../remove", "subsystem/attr", "subsystem", "nvidia//x",
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add("/sysfs/read", Fixture, NULL, set_up, test_read, tear_down);
    g_test_add("/sysfs/text", Fixture, NULL, set_up, test_text, tear_down);
    g_test_add("/sysfs/hex", Fixture, NULL, set_up, test_hex, tear_down);
    g_test_add("/sysfs/huge", Fixture, NULL, set_up, test_huge, tear_down);
    g_test_add("/sysfs/list-entries", Fixture, NULL, set_up, test_list_entries, tear_down);
    g_test_add("/sysfs/list", Fixture, NULL, set_up, test_list, tear_down);
    g_test_add("/sysfs/find-directory", Fixture, NULL, set_up, test_find_directory, tear_down);
    g_test_add("/sysfs/list-long", Fixture, NULL, set_up, test_list_long, tear_down);
    g_test_add("/sysfs/list-interrupted", Fixture, NULL, set_up, test_list_interrupted, tear_down);
    g_test_add("/sysfs/identity", Fixture, NULL, set_up, test_identity, tear_down);
    g_test_add("/sysfs/write", Fixture, NULL, set_up, test_write, tear_down);
    g_test_add("/sysfs/write-missing", Fixture, NULL, set_up, test_write_missing, tear_down);
    g_test_add("/sysfs/write-other-device", Fixture, NULL, set_up, test_write_other_device,
               tear_down);
    for (gsize i = 0; i < G_N_ELEMENTS(escapes); i++) {
        g_autofree char *name = g_strdup_printf("/sysfs/escape/%zu", i);

        g_test_add(name, Fixture, escapes[i], set_up, test_escape, tear_down);
    }
    return g_test_run();
}
