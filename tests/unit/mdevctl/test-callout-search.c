/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Also run with the thread sanitizer. */
/* Which scripts are found, when their absence is known without a search, and a disk that hangs. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../default-settings.h"
#include "../scratch.h"
#include "mdevctl/callout-search.h"
#include "store-disk.h"
#include "util/error.h"
#include "util/worker.h"

/* Milliseconds: short, and long enough. */
#define SOON  1
#define NEVER (1000 * 1000)

typedef struct {
    char *root;
    MdSettings *settings;
    MdCalloutSearch *search;
    gboolean done;
    GPtrArray *files[MD_SCRIPT_N_KINDS];
    GError *error;
} Fixture;

static const char *const directories[] = { "usr/callouts", "etc/callouts", "usr/notifiers",
                                           "etc/notifiers" };


static MdScriptKind
kind_of(gsize directory)
{
    return directory < 2 ? MD_SCRIPT_CALLOUT : MD_SCRIPT_NOTIFIER;
}


static void
put(Fixture *fixture, const char *name)
{
    g_autofree char *path = scratch_path(fixture->root, name);

    g_assert_true(g_file_set_contents(path, "", 0, NULL));
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
}


static void
rename_to(Fixture *fixture, const char *from, const char *to)
{
    g_autofree char *old = scratch_path(fixture->root, from);
    g_autofree char *new = scratch_path(fixture->root, to);

    g_assert_cmpint(g_rename(old, new), ==, 0);
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    /* inotify reports all changes on tmpfs. */
    fixture->root = g_strdup("/dev/shm/callout-search-XXXXXX");
    g_assert_nonnull(g_mkdtemp(fixture->root));
    for (gsize i = 0; i < G_N_ELEMENTS(directories); i++)
        scratch_make_directory(fixture->root, directories[i]);
    fixture->settings = default_settings_load();
    g_free(fixture->settings->scripts_dir);
    g_free(fixture->settings->scripts_deprecated_dir);
    fixture->settings->scripts_dir = scratch_path(fixture->root, "usr");
    fixture->settings->scripts_deprecated_dir = scratch_path(fixture->root, "etc");
    fixture->settings->driver_timeout = NEVER;
    fixture->search = md_callout_search_new(fixture->settings);
}


static void
clear_result(Fixture *fixture)
{
    g_clear_error(&fixture->error);
    for (gsize i = 0; i < MD_SCRIPT_N_KINDS; i++)
        g_clear_pointer(&fixture->files[i], g_ptr_array_unref);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_test_assert_expected_messages();
    clear_result(fixture);
    md_callout_search_unref(fixture->search);
    md_settings_free(fixture->settings);
    scratch_remove(fixture->root);
}


static void
on_searched(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Fixture *fixture = data;

    fixture->done = TRUE;
    md_callout_search_run_finish(result, fixture->files, &fixture->error);
}


static void
search_begin(Fixture *fixture)
{
    clear_result(fixture);
    fixture->done = FALSE;
    md_callout_search_run_async(fixture->search, md_owner_get_daemon(), on_searched, fixture);
}


static void
search_end(Fixture *fixture)
{
    while (!fixture->done)
        g_main_context_iteration(NULL, TRUE);
}


static guint
search(Fixture *fixture, MdScriptKind kind)
{
    search_begin(fixture);
    search_end(fixture);
    g_assert_no_error(fixture->error);
    return fixture->files[kind]->len;
}


/* No kind, unless `kind` is given. */
static void
assert_none_but(Fixture *fixture, guint kind)
{
    for (guint i = 0; i < MD_SCRIPT_N_KINDS; i++)
        g_assert_true(md_callout_search_knows_none(fixture->search, i) == (i != kind));
    g_assert_true(md_callout_search_knows_no_script(fixture->search) ==
                  (kind == MD_SCRIPT_N_KINDS));
}


static void
test_knows_none(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    for (guint i = 0; i < MD_SCRIPT_N_KINDS; i++)
        g_assert_false(md_callout_search_knows_none(fixture->search, i));
    for (gsize i = 0; i < G_N_ELEMENTS(directories); i++) {
        g_autofree char *script = g_strconcat(directories[i], "/a", NULL);
        g_autofree char *path = scratch_path(fixture->root, script);

        g_assert_cmpuint(search(fixture, kind_of(i)), ==, 0);
        assert_none_but(fixture, MD_SCRIPT_N_KINDS);
        put(fixture, script);
        g_assert_false(md_callout_search_knows_none(fixture->search, kind_of(i)));
        g_assert_cmpuint(search(fixture, kind_of(i)), ==, 1);
        assert_none_but(fixture, kind_of(i));

        /* A script's mode may change without an event. */
        g_assert_cmpint(g_chmod(path, 0644), ==, 0);
        g_assert_cmpuint(search(fixture, kind_of(i)), ==, 0);
        assert_none_but(fixture, kind_of(i));
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
}


/* A directory that is created, removed or replaced, at any level, and a link in the path. */
static void
test_way(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *etc = scratch_path(fixture->root, "etc");
    g_autofree char *usr = scratch_path(fixture->root, "usr");

    scratch_make_directory(fixture->root, "other/callouts");
    put(fixture, "other/callouts/a");
    g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 0);
    rename_to(fixture, "etc", "old");
    rename_to(fixture, "other", "etc");
    g_assert_false(md_callout_search_knows_none(fixture->search, MD_SCRIPT_CALLOUT));
    g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 1);

    rename_to(fixture, "etc", "other");
    g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 0);
    assert_none_but(fixture, MD_SCRIPT_N_KINDS);
    g_assert_cmpint(symlink("old", etc), ==, 0);
    g_assert_false(md_callout_search_knows_none(fixture->search, MD_SCRIPT_CALLOUT));
    g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 0);
    assert_none_but(fixture, MD_SCRIPT_N_KINDS);
    g_assert_cmpint(g_unlink(etc), ==, 0);
    g_assert_cmpint(symlink("other", etc), ==, 0);
    g_assert_false(md_callout_search_knows_none(fixture->search, MD_SCRIPT_CALLOUT));
    g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 1);

    rename_to(fixture, "other/callouts", "other/elsewhere");
    rename_to(fixture, "usr", "gone");
    g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 0);
    assert_none_but(fixture, MD_SCRIPT_N_KINDS);
    g_assert_cmpint(g_mkdir(usr, 0755), ==, 0);
    g_assert_false(md_callout_search_knows_none(fixture->search, MD_SCRIPT_CALLOUT));
}


static void
wait_for_hang(void)
{
    while (store_disk_count_waiting() == 0)
        g_main_context_iteration(NULL, FALSE);
}


/* A change while the directories are being read. */
static void
test_meanwhile(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    store_disk_hang("notifiers");
    search_begin(fixture);
    wait_for_hang();
    put(fixture, "usr/callouts/a");
    store_disk_release();
    search_end(fixture);
    g_assert_no_error(fixture->error);
    g_assert_cmpuint(fixture->files[MD_SCRIPT_CALLOUT]->len, ==, 0);
    g_assert_false(md_callout_search_knows_none(fixture->search, MD_SCRIPT_CALLOUT));
}


/* A script that others can change is skipped, reported once, and found after its mode is
 * corrected. */
static void
test_left_out(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const struct {
        const char *path;
        mode_t bad;
    } cases[] = { { "etc/callouts/b", 0775 },
                  { "etc/callouts/b", 0757 },
                  { "etc/callouts", 0777 },
                  { "etc/callouts", 0775 },
                  { "etc", 0757 } };

    put(fixture, "usr/callouts/a");
    put(fixture, "etc/callouts/b");
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = scratch_path(fixture->root, cases[i].path);

        g_assert_cmpint(g_chmod(path, cases[i].bad), ==, 0);
        g_test_expect_message(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE,
                              "Skipping script '*etc/callouts/b': '*' is writable by *");
        g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 1);
        g_test_assert_expected_messages();
        g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 1);
        g_assert_cmpint(g_chmod(path, 0755), ==, 0);
        g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 2);
    }
}


/* Without descriptors, the search fails, instead of finding no scripts. */
static void
test_no_descriptors(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    struct rlimit before = { 0 };
    guint n_found = 0;

    put(fixture, "usr/callouts/a");
    g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 1);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &before), ==, 0);
    /* Starts with too few descriptors for any step, so that each step is the last in some
     * iteration. */
    for (rlim_t n = 3; n_found == 0; n++) {
        const struct rlimit few = { n, before.rlim_max };

        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
        search_begin(fixture);
        search_end(fixture);
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &before), ==, 0);
        if (fixture->error == NULL) {
            n_found = fixture->files[MD_SCRIPT_CALLOUT]->len;
            g_assert_cmpuint(n_found, ==, 1);
        } else {
            g_assert_error(fixture->error, MD_ERROR, VIR_ERR_SYSTEM_ERROR);
            g_assert_nonnull(strstr(fixture->error->message, "Unable to search for scripts: "));
            g_assert_false(md_callout_search_knows_none(fixture->search, MD_SCRIPT_CALLOUT));
        }
    }
}


/* The caller gets an error after the timeout; afterwards, everything works again. */
static void
test_hang(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->settings->driver_timeout = SOON;
    store_disk_hang("etc");
    for (int i = 0; i < 2; i++) {
        search_begin(fixture);
        search_end(fixture);
        g_assert_error(fixture->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);
        g_assert_nonnull(strstr(fixture->error->message, "search for scripts"));
        g_assert_null(fixture->files[MD_SCRIPT_CALLOUT]);
    }
    fixture->settings->driver_timeout = NEVER;
    wait_for_hang();
    g_assert_false(md_callout_search_knows_none(fixture->search, MD_SCRIPT_CALLOUT));
    store_disk_release();
    while (md_worker_is_overdue(MD_WORKER_FILES, MD_WORKER_SCRIPTS))
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(search(fixture, MD_SCRIPT_CALLOUT), ==, 0);
    assert_none_but(fixture, MD_SCRIPT_N_KINDS);
}


#define ADD(name, func) g_test_add("/callout-search/" name, Fixture, NULL, set_up, func, tear_down)


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("knows-none", test_knows_none);
    ADD("way", test_way);
    ADD("meanwhile", test_meanwhile);
    ADD("left-out", test_left_out);
    ADD("no-descriptors", test_no_descriptors);
    ADD("hang", test_hang);
    return g_test_run();
}
