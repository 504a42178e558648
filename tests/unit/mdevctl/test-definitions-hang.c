/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* A hung or slow disk of definitions affects only the calls that need it, for a bounded time.
 * Limits on reads and writes. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "conf/cap-mdev.h"
#include "store-disk.h"
#include "store-fixture.h"
#include "util/error.h"

#define ONE PARENT "/" UUID "=nvidia-11 "
#define TWO PARENT "/" OTHER "=nvidia-12 "

/* Milliseconds: short, and long enough. */
#define SOON  1
#define NEVER (1000 * 1000)


static void
assert_timeout(StoreFixture *fixture)
{
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);
    g_assert_cmpint(md_error_get_from(fixture->error), ==, VIR_FROM_NODEDEV);
    g_assert_nonnull(strstr(fixture->error->message, fixture->path));
    g_assert_nonnull(strstr(fixture->error->message, "does not respond"));
}


/* Checks for one message containing this text. */
static void
assert_said(StoreFixture *fixture, const char *words)
{
    g_assert_cmpuint(fixture->logged->len, ==, 1);
    g_assert_nonnull(strstr(g_ptr_array_index(fixture->logged, 0), words));
    g_ptr_array_set_size(fixture->logged, 0);
}


static void
wait_for_hang(void)
{
    while (store_disk_count_waiting() == 0)
        g_main_context_iteration(NULL, FALSE);
}


/* The start has a timeout, and definitions read later are reported as new. */
static void
test_start(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    fixture->settings.driver_timeout = SOON;
    store_disk_hang(UUID);
    store_start(fixture);
    g_assert_false(fixture->loaded);
    store_assert_list(fixture, "");
    assert_said(fixture, "does not respond");

    fixture->settings.driver_timeout = NEVER;
    store_disk_release();
    store_wait_for_report(fixture, ONE);
    store_wait_for_quiet(fixture);
    g_assert_true(fixture->loaded);
    assert_said(fixture, "is readable again");
}


/* Known definitions remain available, and disk operations are refused at once. */
static void
test_rescan(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    fixture->settings.driver_timeout = SOON;
    store_disk_hang(UUID);
    md_definitions_rescan(fixture->store);
    while (fixture->logged->len == 0)
        g_main_context_iteration(NULL, TRUE);
    assert_said(fixture, "does not respond");
    store_assert_list(fixture, ONE);

    fixture->settings.driver_timeout = NEVER;
    store_begin_write(fixture, PARENT, OTHER, "nvidia-12");
    store_wait_for_answers(fixture, 1);
    assert_timeout(fixture);
    store_begin_remove(fixture, PARENT, UUID);
    store_wait_for_answers(fixture, 1);
    assert_timeout(fixture);
    store_assert_content(fixture, PARENT "/" OTHER, NULL);
    store_assert_content(fixture, FILE_OF, TEXT("nvidia-11"));

    /* Changes by other programs are noticed eventually. */
    store_put(fixture, PARENT "/" OTHER, TEXT("nvidia-12"));
    store_disk_release();
    store_wait_for_report(fixture, TWO);
    store_wait_for_quiet(fixture);
    assert_said(fixture, "is readable again");
    store_remove(fixture);
    g_assert_no_error(fixture->error);
    store_assert_list(fixture, TWO);
}


/* The definition is written, but it is unknown whether it is durable. */
static void
test_read_back(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_start(fixture);
    store_disk_hang(UUID);
    fixture->settings.driver_timeout = 100;
    store_write(fixture, "nvidia-11");
    assert_timeout(fixture);
    store_assert_list(fixture, "");
    wait_for_hang();

    fixture->settings.driver_timeout = NEVER;
    store_disk_release();
    store_wait_for_report(fixture, ONE);
    store_wait_for_quiet(fixture);
    g_assert_cmpuint(fixture->n_answers, ==, 0);
}


static gboolean
on_tick(gpointer data)
{
    guint *n_left = data;

    return --*n_left > 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}


/* The main loop runs while the disk is read. */
static void
test_main_loop(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    guint n_left = 1000;

    store_start(fixture);
    store_disk_hang(UUID);
    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    wait_for_hang();
    g_idle_add(on_tick, &n_left);
    while (n_left > 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(store_disk_count_waiting(), ==, 1);
    store_assert_list(fixture, "");

    store_disk_release();
    store_wait_for_report(fixture, ONE);
    store_wait_for_quiet(fixture);
}


/* Without descriptors, a parent's directory cannot be opened although its file was written: parent
 * and files are known nevertheless. */
static void
test_unknown_parent(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_start(fixture);
    store_disk_refuse(PARENT, EMFILE, 0, 1);
    store_make_directory(fixture, PARENT);
    while (fixture->logged->len == 0)
        g_main_context_iteration(NULL, TRUE);
    store_assert_logged(fixture, PARENT, "Too many open files");

    /* The first open is that of the write. */
    store_disk_refuse(PARENT, EMFILE, 1, 1);
    store_write(fixture, "nvidia-11");
    g_assert_no_error(fixture->error);
    store_assert_list(fixture, ONE);
    store_wait_for_quiet(fixture);
    store_put(fixture, PARENT "/" OTHER, TEXT("nvidia-12"));
    store_wait_for_report(fixture, TWO);
    store_wait_for_quiet(fixture);
    store_assert_logged(fixture, "", "");
}


static void
assert_not_known(StoreFixture *fixture, const char *words)
{
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    g_assert_nonnull(strstr(fixture->error->message, FILE_OF));
    g_assert_nonnull(strstr(fixture->error->message, words));
    store_assert_logged(fixture, FILE_OF, "Too many open files");
    store_assert_list(fixture, ONE);
}


/* A change that cannot be verified for lack of descriptors has failed for its caller, because
 * lists do not contain it yet. */
static void
test_not_looked_at(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_start(fixture);
    store_write(fixture, "nvidia-11");
    g_assert_no_error(fixture->error);

    store_disk_refuse(UUID, EMFILE, 0, 1);
    store_write(fixture, "nvidia-12");
    assert_not_known(fixture, "was written, but cannot be used");
    store_rescan(fixture);
    store_wait_for_report(fixture, FILE_OF "=nvidia-12 ");
    store_write(fixture, "nvidia-11");
    g_assert_no_error(fixture->error);

    store_disk_refuse(UUID, EMFILE, 0, 1);
    store_remove(fixture);
    assert_not_known(fixture, "was removed, but cannot be checked");
    store_rescan(fixture);
    store_wait_for_quiet(fixture);
    store_assert_list(fixture, "");
}


static void
put_many(StoreFixture *fixture, guint from, guint to)
{
    for (guint i = from; i < to; i++) {
        g_autofree char *name = g_strdup_printf(PARENT "/%08x-0000-4000-8000-000000000000", i);

        store_put(fixture, name, TEXT("nvidia-11"));
    }
}


static guint
count(StoreFixture *fixture)
{
    g_autoptr(GPtrArray) list = md_definitions_list(fixture->store);

    return list->len;
}


/* A write above the limit of definitions is refused, and files above it are skipped and
 * reported. */
static void
test_limit(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put_many(fixture, 0, MD_DEFINITIONS_MAX - 1);
    store_start(fixture);
    g_assert_cmpuint(count(fixture), ==, MD_DEFINITIONS_MAX - 1);

    /* Of two concurrent writes, only one fits into the limit. */
    store_begin_write(fixture, PARENT, UUID, "nvidia-11");
    store_begin_write(fixture, PARENT, OTHER, "nvidia-12");
    store_wait_for_answers(fixture, 1);
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_OPERATION_FAILED);
    g_assert_nonnull(strstr(fixture->error->message, "4096"));
    store_wait_for_answers(fixture, 1);
    g_assert_no_error(fixture->error);
    store_assert_content(fixture, PARENT "/" OTHER, NULL);
    g_assert_nonnull(md_definitions_find(fixture->store, PARENT, UUID));

    /* Existing definitions may change, and other parents have room. */
    store_write(fixture, "nvidia-12");
    g_assert_no_error(fixture->error);
    store_begin_write(fixture, "mtty", OTHER, "mtty-1");
    store_wait_for_answers(fixture, 1);
    g_assert_no_error(fixture->error);

    g_assert_cmpuint(fixture->logged->len, ==, 0);
    store_put(fixture, PARENT "/" OTHER, TEXT("nvidia-12"));
    while (fixture->logged->len == 0)
        g_main_context_iteration(NULL, TRUE);
    store_assert_logged(fixture, PARENT "/" OTHER, "4096");
    g_assert_null(md_definitions_find(fixture->store, PARENT, OTHER));

    /* The first removal makes room. */
    store_remove(fixture);
    g_assert_no_error(fixture->error);
    store_wait_for_report(fixture, TWO);
    store_wait_for_quiet(fixture);
    g_assert_cmpuint(count(fixture), ==, MD_DEFINITIONS_MAX + 1);
    g_assert_cmpuint(fixture->logged->len, ==, 0);
}


static void
on_refused(GObject *source, GAsyncResult *result, gpointer data)
{
    StoreFixture *fixture = data;

    g_assert_false(md_definitions_write_finish(MD_DEFINITIONS(source), result, &fixture->error));
    fixture->n_answers++;
}


/* A definition too long to be read is not written, and the old one remains. */
static void
test_too_long(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
    g_autoptr(MdDefinition) definition = NULL;
    g_autofree char *value = g_strnfill(MD_DEFINITION_SIZE_MAX / MD_MDEV_ATTRS_MAX, 'x');

    store_put(fixture, FILE_OF, TEXT("nvidia-11"));
    store_start(fixture);
    for (guint i = 0; i < MD_MDEV_ATTRS_MAX; i++)
        md_mdev_attrs_add(attrs, "frame_rate", value);
    definition = md_definition_new(PARENT, UUID, "nvidia-11", FALSE, attrs);
    md_definitions_write_async(fixture->store, definition, md_owner_get_daemon(), on_refused,
                               fixture);
    store_wait_for_answers(fixture, 1);
    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_CONFIG_UNSUPPORTED);
    g_assert_nonnull(strstr(fixture->error->message, "too long"));
    store_assert_list(fixture, ONE);
    store_assert_content(fixture, FILE_OF, TEXT("nvidia-11"));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    STORE_TEST("/definitions/hang/start", NULL, test_start);
    STORE_TEST("/definitions/hang/rescan", NULL, test_rescan);
    STORE_TEST("/definitions/hang/read-back", NULL, test_read_back);
    STORE_TEST("/definitions/hang/main-loop", NULL, test_main_loop);
    STORE_TEST("/definitions/unknown-parent", NULL, test_unknown_parent);
    STORE_TEST("/definitions/not-looked-at", NULL, test_not_looked_at);
    STORE_TEST("/definitions/limit", NULL, test_limit);
    STORE_TEST("/definitions/too-long", NULL, test_too_long);
    return g_test_run();
}
