/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of devices being created: written, read by the next daemon, truncated. */
#include "config.h"

#include "mdev/unfinished.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define UUID "6a7b8c9d-0000-4000-8000-000000000001"
#define PATH "/sys/devices/gpu/" UUID

typedef struct {
    char *top;
    char *directory;
    MdRoots *roots;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->top = g_dir_make_tmp("md-unfinished-XXXXXX", NULL);
    fixture->roots = md_roots_new_below("/", FALSE);
    fixture->directory = g_build_filename(fixture->top, "state", NULL);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_rmdir(fixture->directory);
    g_rmdir(fixture->top);
    md_roots_unref(fixture->roots);
    g_free(fixture->directory);
    g_free(fixture->top);
}


static void
test_record(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) records = NULL;
    g_autoptr(GPtrArray) none = NULL;
    const MdUnfinished *record = NULL;

    md_unfinished_begin(fixture->directory, PATH, "nvidia-11");
    records = md_unfinished_list(fixture->roots, fixture->directory);
    g_assert_cmpuint(records->len, ==, 1);
    record = g_ptr_array_index(records, 0);
    g_assert_cmpstr(record->path, ==, PATH);
    g_assert_cmpstr(record->type_id, ==, "nvidia-11");

    md_unfinished_end(fixture->directory, PATH);
    none = md_unfinished_list(fixture->roots, fixture->directory);
    g_assert_cmpuint(none->len, ==, 0);
}


/* A file of another type in place of a record neither blocks the daemon nor is written to. */
static void
test_in_the_way(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *name = g_build_filename(fixture->directory, UUID, NULL);
    g_autofree char *victim = g_build_filename(fixture->top, "victim", NULL);
    g_autofree char *text = NULL;

    g_assert_cmpint(g_mkdir(fixture->directory, 0700), ==, 0);
    g_assert_true(g_file_set_contents(victim, "precious", -1, NULL));
    for (guint i = 0; i < 3; i++) {
        g_autoptr(GPtrArray) records = NULL;

        if (i == 0)
            g_assert_cmpint(mkfifo(name, 0600), ==, 0);
        else if (i == 1)
            g_assert_cmpint(link(victim, name), ==, 0);
        else
            g_assert_cmpint(symlink(victim, name), ==, 0);
        md_unfinished_begin(fixture->directory, PATH, "nvidia-11");
        records = md_unfinished_list(fixture->roots, fixture->directory);
        g_assert_cmpuint(records->len, ==, 1);
        md_unfinished_end(fixture->directory, PATH);
    }
    g_assert_true(g_file_get_contents(victim, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "precious");
    g_unlink(victim);
}


/* A forged record could remove a complete device. */
static void
test_of_another_user(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *name = g_build_filename(fixture->directory, UUID, NULL);
    g_autoptr(GPtrArray) records = NULL;
    uid_t other = geteuid() == 0 ? 65534 : geteuid();

    md_unfinished_begin(fixture->directory, PATH, "nvidia-11");
    g_assert_cmpint(chown(name, other, (gid_t)-1), ==, 0);
    records = md_unfinished_list(fixture->roots, fixture->directory);
    g_assert_cmpuint(records->len, ==, other == geteuid() ? 1 : 0);
    g_unlink(name);
}


/* If no record can be written, the create works without one. */
static void
test_no_directory(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) records = NULL;

    g_assert_true(g_file_set_contents(fixture->directory, "", 0, NULL));
    md_unfinished_begin(fixture->directory, PATH, "nvidia-11");
    md_unfinished_end(fixture->directory, PATH);
    records = md_unfinished_list(fixture->roots, fixture->directory);
    g_assert_cmpuint(records->len, ==, 0);
    g_unlink(fixture->directory);
}


static void
test_no_record(Fixture *fixture, gconstpointer data)
{
    g_autofree char *file = g_build_filename(fixture->directory, UUID, NULL);
    g_autoptr(GPtrArray) records = NULL;

    g_mkdir(fixture->directory, 0700);
    g_assert_true(g_file_set_contents(file, data, -1, NULL));
    records = md_unfinished_list(fixture->roots, fixture->directory);
    g_assert_cmpuint(records->len, ==, 0);
    g_assert_false(g_file_test(file, G_FILE_TEST_EXISTS));
}


/* The directory is also that of the socket of mediated-vfio-users. */
static void
test_of_others(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *name = g_build_filename(fixture->directory, "vfio-users", NULL);
    g_autoptr(GPtrArray) records = NULL;

    g_assert_cmpint(g_mkdir(fixture->directory, 0700), ==, 0);
    g_assert_true(g_file_set_contents(name, "", 0, NULL));
    records = md_unfinished_list(fixture->roots, fixture->directory);
    g_assert_cmpuint(records->len, ==, 0);
    g_assert_cmpint(g_unlink(name), ==, 0);
}


static void
add_no_record(const char *path, const char *text)
{
    g_test_add(path, Fixture, text, set_up, test_no_record, tear_down);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/unfinished/record", Fixture, NULL, set_up, test_record, tear_down);
    g_test_add("/unfinished/no-directory", Fixture, NULL, set_up, test_no_directory, tear_down);
    g_test_add("/unfinished/in-the-way", Fixture, NULL, set_up, test_in_the_way, tear_down);
    g_test_add("/unfinished/of-others", Fixture, NULL, set_up, test_of_others, tear_down);
    g_test_add("/unfinished/of-another-user", Fixture, NULL, set_up, test_of_another_user,
               tear_down);
    add_no_record("/unfinished/empty", "");
    add_no_record("/unfinished/half", PATH);
    add_no_record("/unfinished/half-a-type", PATH "\nnvidia-1");
    add_no_record("/unfinished/more", PATH "\nnvidia-11\nmore\n");
    add_no_record("/unfinished/elsewhere", "/etc/" UUID "\nnvidia-11\n");
    add_no_record("/unfinished/another-device", "/sys/devices/gpu/other\nnvidia-11\n");
    return g_test_run();
}
