/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* The store of definitions on a directory changed by other programs: what it reads and reports. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store-fixture.h"
#include "util/fd.h"


static void
test_read(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdDefinition *definition = NULL;

    store_put(fixture, "mtty/" UUID, TEXT("mtty-1"));
    store_put(fixture, PARENT "/" OTHER, TEXT("nvidia-12"));
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_put(fixture, "scripts.d/" UUID, TEXT("script"));
    store_put(fixture, "scripts.d/callouts/" UUID, TEXT("script"));
    store_put(fixture, UUID, TEXT("plain"));
    store_put(fixture, ".hidden/" UUID, TEXT("hidden"));
    store_put(fixture, PARENT "/.hidden", "");
    store_make_directory(fixture, "0000:87:00.0");
    store_start(fixture);

    store_assert_list(fixture, PARENT "/" UUID "=nvidia-11 " PARENT "/" OTHER "=nvidia-12 "
                                      "mtty/" UUID "=mtty-1 ");
    definition = md_definitions_find(fixture->store, "mtty", UUID);
    g_assert_cmpstr(definition->type_id, ==, "mtty-1");
    g_assert_true(definition->autostart);
    g_assert_null(md_definitions_find(fixture->store, "mtty", OTHER));
    g_assert_null(md_definitions_find(fixture->store, "scripts.d", UUID));
    g_assert_null(md_definitions_find(fixture->store, "nobody", UUID));
    store_assert_logged(fixture, "", "");
}


/* Like mdevctl: open and truncate, write, close. */
static void
test_written_by_others(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = store_path_of(fixture, FILE_OF);
    FILE *file = NULL;

    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);

    file = fopen(path, "w");
    g_assert_nonnull(file);
    store_assert_reports(fixture, "");
    fputs("{\"mdev_type\":\"nvidia-12\",", file);
    fflush(file);
    store_assert_reports(fixture, "");
    store_assert_list(fixture, PARENT "/" UUID "=nvidia-11 ");
    fputs("\"start\":\"auto\"}", file);
    fclose(file);
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-12 ");

    /* A different text with the same meaning. */
    store_put(fixture, FILE_OF,
              "{ \"start\": \"auto\", \"mdev_type\": \"nvidia-12\", \"attrs\": null }");
    store_assert_reports(fixture, "");
    store_assert_logged(fixture, "", "");
}


static void
test_moved_by_others(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_start(fixture);
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-11 ");

    store_put(fixture, "aside", TEXT("nvidia-12"));
    store_assert_reports(fixture, "");
    store_move(fixture, "aside", FILE_OF);
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-12 ");

    store_move(fixture, FILE_OF, PARENT "/" OTHER);
    store_assert_reports(fixture, PARENT "/" UUID "= " PARENT "/" OTHER "=nvidia-12 ");
    store_move(fixture, PARENT "/" OTHER, "aside");
    store_assert_reports(fixture, PARENT "/" OTHER "= ");
    store_move(fixture, "aside", FILE_OF);
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-12 ");
    store_erase(fixture, FILE_OF);
    store_assert_reports(fixture, PARENT "/" UUID "= ");
    store_assert_list(fixture, "");
}


/* Directories of parents are created, renamed and removed. */
static void
test_parents(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_start(fixture);
    store_assert_reports(fixture, "");
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-11 ");

    store_move(fixture, PARENT, "mtty");
    store_assert_reports(fixture, PARENT "/" UUID "= mtty/" UUID "=nvidia-11 ");
    store_put(fixture, "mtty/" UUID, TEXT("mtty-1"));
    store_assert_reports(fixture, "mtty/" UUID "=mtty-1 ");

    /* The old name is used again. */
    store_put(fixture, FILE_OF, TEXT("nvidia-12"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-12 ");
    store_put(fixture, FILE_OF, TEXT("nvidia-13"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-13 ");

    /* All at once, before the store has seen any of it. */
    store_erase(fixture, FILE_OF);
    store_erase(fixture, PARENT);
    store_move(fixture, "mtty", PARENT);
    store_assert_reports(fixture, PARENT "/" UUID "=mtty-1 mtty/" UUID "= ");
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-11 ");

    store_move(fixture, PARENT, "../elsewhere");
    store_assert_reports(fixture, PARENT "/" UUID "= ");
    store_put(fixture, "../elsewhere/" UUID, TEXT("nvidia-12"));
    store_assert_reports(fixture, "");
    store_assert_list(fixture, "");
}


static void
test_removed_and_made_again(StoreFixture *fixture, gconstpointer data)
{
    g_auto(MdFd) held = -1;

    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);
    /* Like a shell's current directory: the kernel reports the removal of the directory only
     * when it is closed. */
    if (data != NULL)
        held = open(fixture->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    store_erase(fixture, FILE_OF);
    store_erase(fixture, PARENT);
    store_erase(fixture, "");
    store_wait_for_report(fixture, PARENT "/" UUID "= ");
    store_assert_list(fixture, "");
    store_put(fixture, FILE_OF, TEXT("nvidia-12"));
    store_wait_for_report(fixture, PARENT "/" UUID "=nvidia-12 ");
    store_assert_reports(fixture, PARENT "/" UUID "= " PARENT "/" UUID "=nvidia-12 ");

    store_move(fixture, "", "../aside");
    store_wait_for_report(fixture, PARENT "/" UUID "= ");
    store_put(fixture, FILE_OF, TEXT("nvidia-13"));
    store_assert_reports(fixture, PARENT "/" UUID "= " PARENT "/" UUID "=nvidia-13 ");
}


/* The directory cannot be created, and is watched for from several levels above. */
static void
test_appears_later(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *blocker = g_build_filename(fixture->root, "etc", NULL);

    g_free(fixture->path);
    fixture->path = g_build_filename(blocker, "local", "mdevctl.d", NULL);
    fixture->settings.definitions_dir = fixture->path;
    g_assert_true(g_file_set_contents(blocker, "", 0, NULL));
    store_start(fixture);
    store_assert_list(fixture, "");
    store_assert_logged(fixture, "", "Not a directory");

    store_begin_write(fixture, PARENT, UUID, "nvidia-11");
    store_wait_for_answers(fixture, 1);
    store_assert_error(fixture, FILE_OF, ENOTDIR);

    g_assert_cmpint(g_unlink(blocker), ==, 0);
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-11 ");
}


static void
test_directory_is_made(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    struct stat st;

    store_start(fixture);
    g_assert_cmpint(stat(fixture->path, &st), ==, 0);
    g_assert_cmpint(st.st_mode, ==, S_IFDIR | 0755);

    /* A write creates the directory, too. */
    store_erase(fixture, "");
    store_write(fixture, "nvidia-11");
    g_assert_no_error(fixture->error);
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-11 ");
}


static guint
get_queue_size(void)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents("/proc/sys/fs/inotify/max_queued_events", &text, NULL, NULL));
    return (guint)strtoul(text, NULL, 10);
}


static void
test_overflow(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_put(fixture, PARENT "/" OTHER, TEXT("nvidia-11"));
    store_put(fixture, "mtty/" UUID, TEXT("mtty-1"));
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);

    for (guint i = 0; i <= get_queue_size() / 2; i++) {
        store_make_directory(fixture, "flood");
        store_erase(fixture, "flood");
    }
    store_erase(fixture, FILE_OF);
    store_put(fixture, PARENT "/" OTHER, TEXT("nvidia-12"));
    store_put(fixture, "matrix/" UUID, TEXT("vfio_ap"));
    store_move(fixture, "mtty", "apple");
    store_wait_for_report(fixture, "mtty/" UUID "= ");
    store_assert_list(fixture,
                      PARENT "/" OTHER "=nvidia-12 apple/" UUID "=mtty-1 matrix/" UUID "=vfio_ap ");
    g_assert_cmpuint(fixture->logged->len, ==, 1);
    g_string_truncate(fixture->reports, 0);
    store_assert_reports(fixture, "");

    store_put(fixture, "apple/" UUID, TEXT("mtty-2"));
    store_put(fixture, "matrix/" UUID, TEXT("vfio_ap-2"));
    store_put(fixture, FILE_OF, TEXT("nvidia-13"));
    store_assert_reports(fixture, "apple/" UUID "=mtty-2 matrix/" UUID "=vfio_ap-2 " PARENT "/" UUID
                                  "=nvidia-13 ");
}


/* A lack of resources does not drop known definitions. */
static void
test_no_descriptors(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    struct rlimit limit;
    struct rlimit none;

    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    g_string_truncate(fixture->reports, 0);

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    none = limit;
    none.rlim_cur = 3;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &none), ==, 0);
    store_rescan(fixture);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    g_assert_cmpstr(fixture->reports->str, ==, "");
    store_assert_list(fixture, PARENT "/" UUID "=nvidia-11 ");
    g_assert_cmpuint(fixture->logged->len, >, 0);

    /* Nor does it end the watch. */
    store_put(fixture, FILE_OF, TEXT("nvidia-12"));
    store_assert_reports(fixture, PARENT "/" UUID "=nvidia-12 ");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/definitions/read", NULL, test_read);
    STORE_TEST("/definitions/written-by-others", NULL, test_written_by_others);
    STORE_TEST("/definitions/moved-by-others", NULL, test_moved_by_others);
    STORE_TEST("/definitions/parents", NULL, test_parents);
    STORE_TEST("/definitions/made-again", NULL, test_removed_and_made_again);
    STORE_TEST("/definitions/made-again-while-held", "held", test_removed_and_made_again);
    STORE_TEST("/definitions/appears-later", NULL, test_appears_later);
    STORE_TEST("/definitions/directory-is-made", NULL, test_directory_is_made);
    STORE_TEST("/definitions/overflow", NULL, test_overflow);
    STORE_TEST("/definitions/no-descriptors", NULL, test_no_descriptors);
    return g_test_run();
}
