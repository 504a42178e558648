/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Which data of devices is cached, for which device, and until when. */
#include "config.h"

#include "probe/kept.h"

#define INODE 42

typedef struct {
    MdNodeDeviceDef *origin;
    MdNodeDeviceDef *description;
    guint64 stamp;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->origin = md_node_device_def_new();
    fixture->description = md_node_device_def_new();
    g_assert_null(md_kept_find(INODE, fixture->origin, &fixture->stamp));
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_kept_drop_all();
    md_node_device_def_unref(fixture->origin);
    md_node_device_def_unref(fixture->description);
}


static void
store(Fixture *fixture)
{
    md_kept_store(INODE, fixture->origin, fixture->stamp, fixture->description);
}


static gboolean
is_kept(guint64 inode, const MdNodeDeviceDef *origin)
{
    guint64 stamp = 0;
    g_autoptr(MdNodeDeviceDef) found = md_kept_find(inode, origin, &stamp);

    g_assert_cmpuint(stamp, !=, 0);
    return found != NULL;
}


static void
test_stored(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    guint64 stamp = 0;
    g_autoptr(MdNodeDeviceDef) found = NULL;

    store(fixture);
    found = md_kept_find(INODE, fixture->origin, &stamp);
    g_assert_true(found == fixture->description);
    g_assert_cmpuint(stamp, ==, fixture->stamp);
}


static void
test_of_another(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdNodeDeviceDef) other = md_node_device_def_new();

    store(fixture);
    g_assert_false(is_kept(INODE + 1, fixture->origin));
    g_assert_false(is_kept(INODE, other));
    g_assert_true(is_kept(INODE, fixture->origin));
}


static void
test_dropped(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store(fixture);
    md_kept_drop(INODE + 1);
    g_assert_true(is_kept(INODE, fixture->origin));
    md_kept_drop(INODE);
    g_assert_false(is_kept(INODE, fixture->origin));
}


/* Data read before an event is not cached after it, even if other reads occur in between. */
static void
test_dropped_while_it_is_read(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_kept_drop(INODE);
    store(fixture);
    g_assert_false(is_kept(INODE, fixture->origin));
    store(fixture);
    g_assert_false(is_kept(INODE, fixture->origin));
    md_kept_drop_all();
    store(fixture);
    g_assert_false(is_kept(INODE, fixture->origin));
}


static void
test_bound(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store(fixture);
    for (guint64 i = 1; i < MD_KEPT_MAX; i++)
        g_assert_false(is_kept(INODE + i, fixture->origin));
    g_assert_true(is_kept(INODE, fixture->origin));
    g_assert_false(is_kept(INODE + MD_KEPT_MAX, fixture->origin));
    g_assert_false(is_kept(INODE, fixture->origin));
}


static void
add(const char *path, void (*func)(Fixture *fixture, gconstpointer data))
{
    g_test_add(path, Fixture, NULL, set_up, func, tear_down);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    add("/kept/stored", test_stored);
    add("/kept/of-another", test_of_another);
    add("/kept/dropped", test_dropped);
    add("/kept/dropped-while-it-is-read", test_dropped_while_it_is_read);
    add("/kept/bound", test_bound);
    return g_test_run();
}
