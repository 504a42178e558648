/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which changes in a directory a watch reports, its end, and an overflow. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/watch.h"

/* Timeout in seconds. */
#define TIMEOUT 25

typedef struct {
    char *root;
    MdWatch *watch;
    int id;
    GString *reports; /* "<name>:<event> " for each report, with a letter per MdWatchEvent */
    guint n_lost;
} Fixture;


static void
on_event(MdWatch *watch G_GNUC_UNUSED, int id, const char *name, int event, gpointer data)
{
    Fixture *fixture = data;

    g_assert_cmpint(id, ==, fixture->id);
    g_string_append_printf(fixture->reports, "%s:%c ", name != NULL ? name : "", "BDG"[event]);
}


static void
on_lost(MdWatch *watch G_GNUC_UNUSED, gpointer data)
{
    ((Fixture *)data)->n_lost++;
}


static gboolean
on_timeout(gpointer data)
{
    g_error("Timed out, got: %s", ((Fixture *)data)->reports->str);
    return G_SOURCE_REMOVE;
}


static char *
path_of(Fixture *fixture, const char *name)
{
    return g_build_filename(fixture->root, name, NULL);
}


static int
watch_directory(Fixture *fixture, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_auto(MdFd) fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int id = md_watch_add(fixture->watch, fd, &error);

    g_assert_no_error(error);
    g_assert_cmpint(id, >, 0);
    return id;
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;

    fixture->root = g_dir_make_tmp("mediated-watch-XXXXXX", NULL);
    g_assert_nonnull(fixture->root);
    fixture->reports = g_string_new(NULL);
    fixture->watch = md_watch_new();
    g_signal_connect(fixture->watch, "event", G_CALLBACK(on_event), fixture);
    g_signal_connect(fixture->watch, "lost", G_CALLBACK(on_lost), fixture);
    g_assert_true(md_watch_start(fixture->watch, &error));
    g_assert_no_error(error);
    fixture->id = watch_directory(fixture, fixture->root);
    g_timeout_add_seconds(TIMEOUT, on_timeout, fixture);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const char *argv[] = { "rm", "-rf", fixture->root, NULL };

    g_source_remove_by_user_data(fixture);
    g_object_unref(fixture->watch);
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
    g_string_free(fixture->reports, TRUE);
    g_free(fixture->root);
}


/* Waits for this number of reports, and checks all since the last call. */
static void
assert_reports(Fixture *fixture, const char *expected)
{
    while (fixture->reports->len < strlen(expected))
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpstr(fixture->reports->str, ==, expected);
    g_string_truncate(fixture->reports, 0);
}


/* A file that is still being written is not reported. */
static void
test_file(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = path_of(fixture, "a");
    g_autofree char *other = path_of(fixture, "b");
    FILE *file = fopen(path, "w");

    g_assert_nonnull(file);
    assert_reports(fixture, "a:B ");
    fputs("half", file);
    fflush(file);
    fputs("whole", file);
    fclose(file);
    assert_reports(fixture, "a:D ");

    g_assert_cmpint(g_rename(path, other), ==, 0);
    assert_reports(fixture, "a:D b:D ");
    g_assert_cmpint(g_chmod(other, 0600), ==, 0);
    assert_reports(fixture, "b:B ");
    g_assert_cmpint(g_unlink(other), ==, 0);
    assert_reports(fixture, "b:D ");
}


static void
test_links_and_directories(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *link = path_of(fixture, "link");
    g_autofree char *directory = path_of(fixture, "directory");

    g_assert_cmpint(symlink("nowhere", link), ==, 0);
    assert_reports(fixture, "link:B ");
    g_assert_cmpint(g_mkdir(directory, 0755), ==, 0);
    assert_reports(fixture, "directory:B ");
    g_assert_cmpint(g_rmdir(directory), ==, 0);
    assert_reports(fixture, "directory:D ");
}


static void
test_gone(Fixture *fixture, gconstpointer data)
{
    g_autofree char *elsewhere = g_strconcat(fixture->root, "-elsewhere", NULL);

    if (data != NULL)
        g_assert_cmpint(g_rename(fixture->root, elsewhere), ==, 0);
    else
        g_assert_cmpint(g_rmdir(fixture->root), ==, 0);
    assert_reports(fixture, ":G ");

    /* Another directory at the same path is not reported. */
    g_assert_cmpint(g_mkdir(fixture->root, 0755), ==, 0);
    g_assert_cmpint(watch_directory(fixture, fixture->root), !=, fixture->id);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpstr(fixture->reports->str, ==, "");
    if (data != NULL)
        g_assert_cmpint(g_rmdir(elsewhere), ==, 0);
}


static void
test_remove(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *one = path_of(fixture, "one");
    int again = watch_directory(fixture, fixture->root);

    g_assert_cmpint(again, ==, fixture->id);
    g_assert_cmpint(g_mkdir(one, 0755), ==, 0);
    md_watch_remove(fixture->watch, fixture->id);
    md_watch_remove(fixture->watch, fixture->id);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpstr(fixture->reports->str, ==, "");
}


static void
test_no_directory(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    g_auto(MdFd) fd = open("/dev/null", O_PATH | O_CLOEXEC);

    g_assert_cmpint(md_watch_add(fixture->watch, fd, &error), ==, -1);
    g_assert_error(error, MD_ERROR, VIR_ERR_SYSTEM_ERROR);
    g_assert_cmpint(md_error_get_errno(error), ==, ENOTDIR);
}


static guint
get_queue_size(void)
{
    g_autofree char *text = NULL;

    g_assert_true(g_file_get_contents("/proc/sys/fs/inotify/max_queued_events", &text, NULL, NULL));
    return (guint)strtoul(text, NULL, 10);
}


/* After an overflow, the watch continues. */
static void
test_overflow(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = path_of(fixture, "a");
    g_autofree char *last = path_of(fixture, "last");

    for (guint i = 0; i <= get_queue_size() / 2; i++) {
        g_assert_cmpint(mkdir(path, 0755), ==, 0);
        g_assert_cmpint(rmdir(path), ==, 0);
    }
    /* These steps are slow on a busy disk; the timeout for the watch begins here. */
    g_source_remove_by_user_data(fixture);
    g_timeout_add_seconds(TIMEOUT, on_timeout, fixture);
    while (fixture->n_lost == 0)
        g_main_context_iteration(NULL, TRUE);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(fixture->n_lost, ==, 1);

    g_string_truncate(fixture->reports, 0);
    g_assert_cmpint(g_mkdir(last, 0755), ==, 0);
    assert_reports(fixture, "last:B ");
}


#define ADD(path, data, func) g_test_add(path, Fixture, data, set_up, func, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/watch/file", NULL, test_file);
    ADD("/watch/links-and-directories", NULL, test_links_and_directories);
    ADD("/watch/removed", NULL, test_gone);
    ADD("/watch/moved", "moved", test_gone);
    ADD("/watch/remove", NULL, test_remove);
    ADD("/watch/no-directory", NULL, test_no_directory);
    ADD("/watch/overflow", NULL, test_overflow);
    return g_test_run();
}
