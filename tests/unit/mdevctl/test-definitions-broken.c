/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Invalid files in place of a definition are skipped, reported once, and affect nothing else. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store-disk.h"
#include "store-fixture.h"


typedef struct {
    const char *name;
    const char *file; /* path below the store's directory */
    void (*make)(StoreFixture *fixture, const char *file);
    const char *cause;
} Broken;


static void
make_half(StoreFixture *fixture, const char *file)
{
    store_put(fixture, file, "{\"mdev_type\":\"nvidia-11\",\"sta");
}


static void
make_wrong_type(StoreFixture *fixture, const char *file)
{
    store_put(fixture, file, "{\"mdev_type\":11,\"start\":\"auto\"}");
}


static void
make_empty(StoreFixture *fixture, const char *file)
{
    store_put(fixture, file, "");
}


static void
make_large(StoreFixture *fixture, const char *file)
{
    g_autofree char *path = store_path_of(fixture, file);

    store_put(fixture, file, TEXT("nvidia-11"));
    g_assert_cmpint(truncate(path, MD_DEFINITION_SIZE_MAX + 1), ==, 0);
    /* inotify does not report the end of writing for truncation alone. */
    g_assert_cmpint(close(open(path, O_WRONLY | O_CLOEXEC)), ==, 0);
}


static void
make_good(StoreFixture *fixture, const char *file)
{
    store_put(fixture, file, TEXT("nvidia-11"));
}


static void
make_link(StoreFixture *fixture, const char *file)
{
    store_put(fixture, "../outside/" UUID, TEXT("nvidia-11"));
    store_put_link(fixture, file, "../../outside/" UUID);
}


static void
make_pipe(StoreFixture *fixture, const char *file)
{
    g_autofree char *path = store_path_of(fixture, file);

    store_make_directory(fixture, PARENT);
    g_assert_cmpint(mkfifo(path, 0644), ==, 0);
}


static void
make_linked_parent(StoreFixture *fixture, const char *file)
{
    store_put(fixture, "../outside/" UUID, TEXT("nvidia-11"));
    store_put_link(fixture, file, "../outside");
}


#define BAD_NAME "not a lower-case UUID with dashes"

static const Broken brokens[] = {
    { "half", FILE_OF, make_half, "invalid JSON" },
    { "wrong-type", FILE_OF, make_wrong_type, "'mdev_type' is missing or not a string" },
    { "empty", FILE_OF, make_empty, "empty" },
    { "large", FILE_OF, make_large, "too large" },
    { "link", FILE_OF, make_link, "symbolic link" },
    { "pipe", FILE_OF, make_pipe, "not a regular file" },
    { "directory", FILE_OF, store_make_directory, "not a regular file" },
    { "linked-parent", PARENT, make_linked_parent, "symbolic link" },
    { "no-uuid", PARENT "/readme", make_good, BAD_NAME },
    { "upper-case", PARENT "/0695D332-7831-493F-9E71-1C85C8911A08", make_good, BAD_NAME },
    { "no-dashes", PARENT "/0695d3327831493f9e711c85c8911a08", make_good, BAD_NAME },
    { "extension", FILE_OF ".json", make_good, BAD_NAME },
};


/* The file is reported once and hides no other; after its removal, the name can be used again. */
static void
test_broken(StoreFixture *fixture, gconstpointer data)
{
    const Broken *broken = data;

    store_put(fixture, "mtty/" UUID, TEXT("mtty-1"));
    broken->make(fixture, broken->file);
    store_start(fixture);
    store_assert_list(fixture, "mtty/" UUID "=mtty-1 ");
    store_assert_logged(fixture, broken->file, broken->cause);
    store_rescan(fixture);
    store_assert_logged(fixture, "", "");

    store_erase(fixture, broken->file);
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_assert_reports(fixture, "mtty/" UUID "=mtty-1 " PARENT "/" UUID "=nvidia-11 ");
    store_assert_logged(fixture, "", "");
}


/* The same while the store watches, with a valid file replaced. */
static void
test_breaks(StoreFixture *fixture, gconstpointer data)
{
    const Broken *broken = data;
    gboolean is_definition = g_str_equal(broken->file, FILE_OF);

    store_put(fixture, PARENT "/" OTHER, TEXT("nvidia-12"));
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    if (g_str_equal(broken->file, PARENT))
        store_move(fixture, PARENT, "../away");
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);

    if (is_definition)
        store_erase(fixture, FILE_OF);
    broken->make(fixture, broken->file);
    store_wait_for_report(fixture, is_definition ? PARENT "/" UUID "= " : "");
    g_string_truncate(fixture->reports, 0);
    store_assert_reports(fixture, "");
    g_assert_true((md_definitions_find(fixture->store, PARENT, OTHER) == NULL) ==
                  g_str_equal(broken->file, PARENT));
    g_assert_true((md_definitions_find(fixture->store, PARENT, UUID) != NULL) ==
                  (!is_definition && !g_str_equal(broken->file, PARENT)));
    if (broken->make == make_large)
        g_ptr_array_set_size(fixture->logged, 1);
    store_assert_logged(fixture, broken->file, broken->cause);
}


static void
test_reported_once_per_cause(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_start(fixture);
    store_put(fixture, FILE_OF, "[]");
    store_assert_reports(fixture, "");
    store_assert_logged(fixture, FILE_OF, "not an object");
    store_put(fixture, FILE_OF, "[1]");
    store_assert_reports(fixture, "");
    store_assert_logged(fixture, "", "");
    store_put(fixture, FILE_OF, "{}");
    store_assert_reports(fixture, "");
    store_assert_logged(fixture, FILE_OF, "'mdev_type'");
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-11 ");
    store_assert_logged(fixture, "", "");
    store_put(fixture, FILE_OF, "[]");
    store_assert_reports(fixture, PARENT "/" UUID "= ");
    store_assert_logged(fixture, FILE_OF, "not an object");
}


static void
test_unreadable(StoreFixture *fixture, gconstpointer data)
{
    const char *name = data;
    const char *last = strrchr(name, '/');
    g_autofree char *path = store_path_of(fixture, name);

    store_put(fixture, "mtty/" OTHER, TEXT("mtty-1"));
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_disk_refuse(last != NULL ? last + 1 : name, EACCES, 0, G_MAXUINT);
    store_start(fixture);
    store_assert_list(fixture, "mtty/" OTHER "=mtty-1 ");
    store_assert_logged(fixture, name, "Permission denied");
    g_assert_null(md_definitions_find(fixture->store, PARENT, UUID));
    g_string_truncate(fixture->reports, 0);

    store_disk_refuse(NULL, 0, 0, 0);
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    store_wait_for_report(fixture, PARENT "/" UUID "=nvidia-11 ");
    store_disk_refuse(last != NULL ? last + 1 : name, EACCES, 0, G_MAXUINT);
    g_assert_cmpint(g_chmod(path, 0700), ==, 0);
    store_wait_for_report(fixture, PARENT "/" UUID "= ");
    store_wait_for_quiet(fixture);
    store_assert_logged(fixture, name, "Permission denied");
    store_disk_refuse(NULL, 0, 0, 0);
}


/* A definition writable for others is used, because that may be intended, with a warning. */
static void
test_open_to_all(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = store_path_of(fixture, FILE_OF);

    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    g_assert_cmpint(g_chmod(path, 0646), ==, 0);
    store_start(fixture);
    store_assert_list(fixture, PARENT "/" UUID "=nvidia-11 ");
    store_assert_logged(fixture, FILE_OF, "world-writable");
    store_rescan(fixture);
    store_assert_logged(fixture, "", "");
}


typedef struct {
    void (*make)(StoreFixture *fixture, const char *file);
    const char *file;
    int write_errno; /* 0: the write replaces the obstacle */
    int remove_errno;
} Obstacle;

static const Obstacle obstacles[] = {
    { make_good, PARENT, ENOTDIR, ENOTDIR },
    { make_linked_parent, PARENT, ENOTDIR, ENOTDIR },
    { store_make_directory, FILE_OF, EISDIR, EISDIR },
    { make_link, FILE_OF, 0, 0 },
    { make_pipe, FILE_OF, 0, 0 },
    { make_half, FILE_OF, 0, 0 },
};


/* Files outside of the directory are neither written nor removed. */
static void
test_obstacle(StoreFixture *fixture, gconstpointer data)
{
    const Obstacle *obstacle = data;

    store_put(fixture, "../outside/" UUID, TEXT("nvidia-11"));
    obstacle->make(fixture, obstacle->file);
    store_start(fixture);

    store_write(fixture, "nvidia-12");
    if (obstacle->write_errno != 0)
        store_assert_error(fixture, FILE_OF, obstacle->write_errno);
    else
        g_assert_no_error(fixture->error);
    g_assert_true((md_definitions_find(fixture->store, PARENT, UUID) != NULL) ==
                  (obstacle->write_errno == 0));
    store_remove(fixture);
    if (obstacle->remove_errno != 0)
        store_assert_error(fixture, FILE_OF, obstacle->remove_errno);
    else
        g_assert_no_error(fixture->error);
    g_assert_null(md_definitions_find(fixture->store, PARENT, UUID));
    store_assert_content(fixture, "../outside/" UUID, TEXT("nvidia-11"));
    store_assert_names(fixture, PARENT);
}


static void
add_rows(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(brokens); i++) {
        g_autofree char *broken = g_strconcat("/definitions/broken/", brokens[i].name, NULL);
        g_autofree char *breaks = g_strconcat("/definitions/breaks/", brokens[i].name, NULL);

        STORE_TEST(broken, &brokens[i], test_broken);
        STORE_TEST(breaks, &brokens[i], test_breaks);
    }
    for (guint i = 0; i < G_N_ELEMENTS(obstacles); i++) {
        g_autofree char *path = g_strdup_printf("/definitions/obstacle/%u", i);

        STORE_TEST(path, &obstacles[i], test_obstacle);
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/definitions/reported-once-per-cause", NULL, test_reported_once_per_cause);
    STORE_TEST("/definitions/unreadable-file", FILE_OF, test_unreadable);
    STORE_TEST("/definitions/unreadable-parent", PARENT, test_unreadable);
    STORE_TEST("/definitions/open-to-all", NULL, test_open_to_all);
    add_rows();
    return g_test_run();
}
