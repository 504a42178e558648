/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which changes end a watch on a path, and which do not. */
#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "../scratch.h"
#include "util/fd.h"
#include "util/path-watch.h"

typedef struct {
    char *root;
    MdPathWatch *watch;
} Fixture;


static void
make_link(Fixture *fixture, const char *target, const char *name)
{
    g_autofree char *path = scratch_path(fixture->root, name);

    g_unlink(path);
    g_assert_cmpint(symlink(target, path), ==, 0);
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    /* inotify reports all changes on tmpfs. */
    fixture->root = g_strdup("/dev/shm/path-watch-XXXXXX");
    g_assert_nonnull(g_mkdtemp(fixture->root));
    scratch_make_directory(fixture->root, "a/b");
    fixture->watch = md_path_watch_new();
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_path_watch_free(fixture->watch);
    scratch_remove(fixture->root);
}


/* Starts a new watch. */
static void
watch(Fixture *fixture, const char *name, int errnum)
{
    g_autofree char *path = scratch_path(fixture->root, name);
    g_auto(MdFd) fd = -1;

    md_path_watch_free(fixture->watch);
    fixture->watch = md_path_watch_new();
    errno = 0;
    fd = md_path_watch_add(fixture->watch, path);
    g_assert_cmpint(fd >= 0 ? 0 : errno, ==, errnum);
    g_assert_true(md_path_watch_is_unchanged(fixture->watch));
}


static void
assert_changed(Fixture *fixture)
{
    g_assert_false(md_path_watch_is_unchanged(fixture->watch));
    g_assert_false(md_path_watch_is_unchanged(fixture->watch));
}


static void
test_names(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    watch(fixture, "a", 0);
    scratch_make_directory(fixture->root, "c");
    scratch_make_directory(fixture->root, "a/b/c");
    g_assert_true(md_path_watch_is_unchanged(fixture->watch));
    scratch_make_directory(fixture->root, "a/c");
    assert_changed(fixture);
}


static void
test_missing(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    watch(fixture, "a/b/c/d", ENOENT);
    scratch_make_directory(fixture->root, "a/x");
    g_assert_true(md_path_watch_is_unchanged(fixture->watch));
    scratch_make_directory(fixture->root, "a/b/c");
    assert_changed(fixture);
}


static void
test_links(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    scratch_make_directory(fixture->root, "c/b");
    scratch_make_directory(fixture->root, "links");
    make_link(fixture, "../links/second", "links/first");
    make_link(fixture, "../a", "links/second");
    watch(fixture, "links/first/b", 0);
    make_link(fixture, "../c", "links/second");
    assert_changed(fixture);

    watch(fixture, "links/first/b", 0);
    scratch_make_directory(fixture->root, "a/b/c");
    g_assert_true(md_path_watch_is_unchanged(fixture->watch));
    scratch_make_directory(fixture->root, "c/b/c");
    assert_changed(fixture);

    make_link(fixture, "loop", "links/loop");
    watch(fixture, "links/loop", ELOOP);
}


static void
test_moved_away(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *above = scratch_path(fixture->root, "a");
    g_autofree char *elsewhere = scratch_path(fixture->root, "elsewhere");

    watch(fixture, "a/b", 0);
    g_assert_cmpint(g_rename(above, elsewhere), ==, 0);
    assert_changed(fixture);
}


/* File systems that change without inotify events are never reported as unchanged. */
static void
test_not_local(void)
{
    g_autoptr(MdPathWatch) self = md_path_watch_new();
    g_auto(MdFd) fd = md_path_watch_add(self, "/proc/self");

    g_assert_cmpint(fd, >=, 0);
    g_assert_false(md_path_watch_is_unchanged(self));
}


/* Runs in a mount namespace, if permitted. */
static void
test_mounted_over(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *path = scratch_path(fixture->root, "a");

    if (geteuid() != 0)
        return;
    g_assert_cmpint(unshare(CLONE_NEWNS), ==, 0);
    g_assert_cmpint(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), ==, 0);
    watch(fixture, "a", 0);
    g_assert_cmpint(mount("none", path, "tmpfs", 0, NULL), ==, 0);
    assert_changed(fixture);
    watch(fixture, "a", 0);
    g_assert_cmpint(umount2(path, MNT_DETACH), ==, 0);
    assert_changed(fixture);
}


#define ADD(name, func) g_test_add("/path-watch/" name, Fixture, NULL, set_up, func, tear_down)


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("names", test_names);
    ADD("missing", test_missing);
    ADD("links", test_links);
    ADD("moved-away", test_moved_away);
    g_test_add_func("/path-watch/not-local", test_not_local);
    ADD("mounted-over", test_mounted_over);
    return g_test_run();
}
