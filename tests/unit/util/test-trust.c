/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that other users can change, by any component of the path. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "../scratch.h"
#include "util/trust.h"

typedef struct {
    char *root;
    char *directory; /* <root>/a */
    char *file;      /* <root>/a/file */
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->root = g_dir_make_tmp("trust-XXXXXX", NULL);
    fixture->directory = g_build_filename(fixture->root, "a", NULL);
    fixture->file = g_build_filename(fixture->directory, "file", NULL);
    g_assert_cmpint(g_mkdir(fixture->directory, 0755), ==, 0);
    g_assert_true(g_file_set_contents(fixture->file, "", 0, NULL));
    g_assert_cmpint(g_chmod(fixture->file, 0755), ==, 0);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    scratch_remove(fixture->root);
    g_free(fixture->directory);
    g_free(fixture->file);
}


static void
assert_trusted(const char *path)
{
    int errnum = -1;
    g_autofree char *why = md_trust_explain(path, &errnum);

    g_assert_cmpstr(why, ==, NULL);
    g_assert_cmpint(errnum, ==, 0);
}


/* Checks that the reason names the insecure component. */
static void
assert_not_trusted(const char *path, const char *culprit, const char *words)
{
    int errnum = -1;
    g_autofree char *why = md_trust_explain(path, &errnum);

    g_assert_nonnull(why);
    g_assert_nonnull(strstr(why, culprit));
    g_assert_nonnull(strstr(why, words));
}


static void
test_modes(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    assert_trusted(fixture->file);
    g_assert_cmpint(g_chmod(fixture->file, 0775), ==, 0);
    assert_not_trusted(fixture->file, fixture->file, "its group");
    g_assert_cmpint(g_chmod(fixture->file, 0757), ==, 0);
    assert_not_trusted(fixture->file, fixture->file, "everybody");
    g_assert_cmpint(g_chmod(fixture->file, 0555), ==, 0);
    assert_trusted(fixture->file);
}


static void
test_directories(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const char *const directories[] = { fixture->directory, fixture->root };

    for (gsize i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_assert_cmpint(g_chmod(directories[i], 0775), ==, 0);
        assert_not_trusted(fixture->file, directories[i], "its group");
        g_assert_cmpint(g_chmod(directories[i], 0777), ==, 0);
        assert_not_trusted(fixture->file, directories[i], "everybody");
        g_assert_cmpint(g_chmod(directories[i], 0755), ==, 0);
    }
}


/* In a directory writable for others, a file of root may have been moved or linked by anybody. */
static void
test_sticky(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *foreign = g_build_filename(fixture->root, "foreign", NULL);
    g_autofree char *linked = g_build_filename(fixture->directory, "linked", NULL);
    g_autofree char *symlinked = g_build_filename(fixture->directory, "symlinked", NULL);

    g_assert_cmpint(g_chmod(fixture->root, 01777), ==, 0);
    assert_trusted(fixture->file);

    g_assert_true(g_file_set_contents(foreign, "", -1, NULL));
    g_assert_cmpint(link(foreign, linked), ==, 0);
    g_assert_cmpint(symlink("/bin/sh", symlinked), ==, 0);
    assert_trusted(linked);
    assert_trusted(symlinked);
    for (guint mode = 01770; mode <= 01777; mode += 7) {
        g_assert_cmpint(g_chmod(fixture->directory, mode), ==, 0);
        assert_not_trusted(linked, linked, "in a directory writable by others");
        assert_not_trusted(symlinked, symlinked, "in a directory writable by others");
        assert_not_trusted(fixture->file, fixture->file, "in a directory writable by others");
    }
}


static void
test_owners(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const char *const paths[] = { fixture->file, fixture->directory, fixture->root };

    for (gsize i = 0; geteuid() == 0 && i < G_N_ELEMENTS(paths); i++) {
        g_assert_cmpint(chown(paths[i], 65534, (gid_t)-1), ==, 0);
        assert_not_trusted(fixture->file, paths[i], "65534");
        g_assert_cmpint(chown(paths[i], 0, (gid_t)-1), ==, 0);
    }
    assert_trusted(fixture->file);
}


/* A link is as trusted as the directories of its target. */
static void
test_links(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *open_dir = g_build_filename(fixture->root, "open", NULL);
    g_autofree char *middle = g_build_filename(open_dir, "middle", NULL);
    g_autofree char *link = g_build_filename(fixture->directory, "link", NULL);
    g_autofree char *dir_link = g_build_filename(fixture->root, "dir-link", NULL);
    g_autofree char *below = g_build_filename(dir_link, "middle", NULL);

    g_assert_cmpint(g_mkdir(open_dir, 0755), ==, 0);
    g_assert_cmpint(symlink("../a/file", middle), ==, 0);
    g_assert_cmpint(symlink(middle, link), ==, 0);
    g_assert_cmpint(symlink("open", dir_link), ==, 0);
    assert_trusted(link);
    assert_trusted(below);
    g_assert_cmpint(g_chmod(open_dir, 0777), ==, 0);
    assert_not_trusted(link, open_dir, "everybody");
    assert_not_trusted(below, open_dir, "everybody");
    g_assert_cmpint(g_chmod(open_dir, 0755), ==, 0);
    g_assert_cmpint(g_chmod(fixture->file, 0777), ==, 0);
    assert_not_trusted(link, "file", "everybody");
}


/* An insecure directory that is reached only through a link in the middle of the path. */
static void
test_link_on_the_way(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *open_dir = g_build_filename(fixture->root, "open", NULL);
    g_autofree char *hop = g_build_filename(open_dir, "hop", NULL);
    g_autofree char *way = g_build_filename(fixture->root, "way", NULL);
    g_autofree char *path = g_build_filename(way, "file", NULL);

    g_assert_cmpint(g_mkdir(open_dir, 0755), ==, 0);
    g_assert_cmpint(symlink("../a/../a/.", hop), ==, 0);
    g_assert_cmpint(symlink(hop, way), ==, 0);
    assert_trusted(path);
    g_assert_cmpint(g_chmod(open_dir, 0777), ==, 0);
    assert_not_trusted(path, open_dir, "everybody");

    g_assert_cmpint(g_chmod(open_dir, 01777), ==, 0);
    assert_not_trusted(path, hop, "writable by others");
    g_assert_cmpint(g_chmod(open_dir, 0755), ==, 0);
    if (geteuid() != 0)
        return;
    g_assert_cmpint(lchown(hop, 65534, (gid_t)-1), ==, 0);
    assert_not_trusted(path, hop, "65534");
}


static void
test_nowhere(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *loop = g_build_filename(fixture->directory, "loop", NULL);
    g_autofree char *dangling = g_build_filename(fixture->directory, "dangling", NULL);

    g_assert_cmpint(symlink("loop", loop), ==, 0);
    g_assert_cmpint(symlink("nothing", dangling), ==, 0);
    assert_not_trusted(loop, loop, "too many symbolic links");
    assert_not_trusted(dangling, "nothing", "No such file");
}


static void
test_open_to_all(void)
{
    g_assert_true(md_trust_is_open_to_all(&(struct stat){ .st_mode = S_IFREG | 0602 }));
    g_assert_false(md_trust_is_open_to_all(&(struct stat){ .st_mode = S_IFREG | 0775 }));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add(path, Fixture, NULL, set_up, func, tear_down)
    ADD("/trust/modes", test_modes);
    ADD("/trust/directories", test_directories);
    ADD("/trust/sticky", test_sticky);
    ADD("/trust/owners", test_owners);
    ADD("/trust/links", test_links);
    ADD("/trust/link-on-the-way", test_link_on_the_way);
    ADD("/trust/nowhere", test_nowhere);
    g_test_add_func("/trust/open-to-all", test_open_to_all);
    return g_test_run();
}
