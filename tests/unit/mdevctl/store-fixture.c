/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "store-fixture.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/cap-mdev.h"
#include "util/error.h"

/* Timeout in seconds. */
#define TIMEOUT 25

/* A definition of the fixture's own: its report shows that all earlier changes have been
 * processed. */
#define BARRIER_PARENT "barrier"


static void
on_changed(MdDefinitions *store, const char *parent_addr, const char *uuid, gpointer data)
{
    StoreFixture *fixture = data;
    MdDefinition *definition = md_definitions_find(store, parent_addr, uuid);

    if (!g_str_equal(parent_addr, BARRIER_PARENT))
        g_string_append_printf(fixture->reports, "%s/%s=%s ", parent_addr, uuid,
                               definition != NULL ? definition->type_id : "");
}


static void
on_logged(const char *domain G_GNUC_UNUSED,
          GLogLevelFlags level G_GNUC_UNUSED,
          const char *message,
          gpointer data)
{
    g_ptr_array_add(((StoreFixture *)data)->logged, g_strdup(message));
}


static gboolean
on_timeout(gpointer data)
{
    g_error("Timed out, got: %s", ((StoreFixture *)data)->reports->str);
    return G_SOURCE_REMOVE;
}


void
store_set_up(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->root = g_dir_make_tmp("mediated-definitions-XXXXXX", NULL);
    g_assert_nonnull(fixture->root);
    fixture->path = g_build_filename(fixture->root, "mdevctl.d", NULL);
    fixture->settings.definitions_dir = fixture->path;
    fixture->settings.driver_timeout = TIMEOUT * 2000;
    fixture->owner = md_owner_get_daemon();
    fixture->reports = g_string_new(NULL);
    fixture->logged = g_ptr_array_new_with_free_func(g_free);
    g_log_set_handler(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, on_logged, fixture);
    g_timeout_add_seconds(TIMEOUT, on_timeout, fixture);
}


void
store_tear_down(StoreFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    const char *argv[] = { "rm", "-rf", fixture->root, NULL };

    g_source_remove_by_user_data(fixture);
    store_wait_for_quiet(fixture);
    g_assert_finalize_object(fixture->store);
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
    g_ptr_array_unref(fixture->logged);
    g_string_free(fixture->reports, TRUE);
    g_clear_error(&fixture->error);
    g_free(fixture->path);
    g_free(fixture->root);
}


static void
on_started(GObject *source, GAsyncResult *result, gpointer data)
{
    StoreFixture *fixture = data;

    g_assert_true(md_definitions_start_finish(MD_DEFINITIONS(source), result, NULL));
    fixture->started = TRUE;
}


static void
on_loaded(MdDefinitions *store G_GNUC_UNUSED, StoreFixture *fixture)
{
    g_assert_false(fixture->loaded);
    fixture->loaded = TRUE;
}


void
store_start(StoreFixture *fixture)
{
    fixture->store = md_definitions_new(&fixture->settings);
    g_signal_connect(fixture->store, "changed", G_CALLBACK(on_changed), fixture);
    g_signal_connect(fixture->store, "loaded", G_CALLBACK(on_loaded), fixture);
    md_definitions_start_async(fixture->store, on_started, fixture);
    while (!fixture->started)
        g_main_context_iteration(NULL, TRUE);
}


void
store_rescan(StoreFixture *fixture)
{
    md_definitions_rescan(fixture->store);
    store_wait_for_quiet(fixture);
}


void
store_wait_for_quiet(StoreFixture *fixture)
{
    while (md_definitions_is_reading(fixture->store))
        g_main_context_iteration(NULL, TRUE);
}


char *
store_path_of(StoreFixture *fixture, const char *name)
{
    return g_build_filename(fixture->path, name, NULL);
}


void
store_make_directory(StoreFixture *fixture, const char *name)
{
    g_autofree char *path = store_path_of(fixture, name);

    g_assert_cmpint(g_mkdir_with_parents(path, 0755), ==, 0);
}


static void
make_directory_of(StoreFixture *fixture, const char *name)
{
    g_autofree char *directory = g_path_get_dirname(name);

    store_make_directory(fixture, directory);
}


/* Writes in place, as mdevctl does. */
void
store_put(StoreFixture *fixture, const char *name, const char *text)
{
    g_autofree char *path = store_path_of(fixture, name);
    FILE *file = NULL;

    make_directory_of(fixture, name);
    file = fopen(path, "w");
    g_assert_nonnull(file);
    g_assert_cmpint(fputs(text, file), >=, 0);
    g_assert_cmpint(fclose(file), ==, 0);
}


void
store_put_link(StoreFixture *fixture, const char *name, const char *target)
{
    g_autofree char *path = store_path_of(fixture, name);

    make_directory_of(fixture, name);
    g_assert_cmpint(symlink(target, path), ==, 0);
}


void
store_move(StoreFixture *fixture, const char *from, const char *to)
{
    g_autofree char *old_path = store_path_of(fixture, from);
    g_autofree char *new_path = store_path_of(fixture, to);

    g_assert_cmpint(g_rename(old_path, new_path), ==, 0);
}


void
store_erase(StoreFixture *fixture, const char *name)
{
    g_autofree char *path = store_path_of(fixture, name);

    g_assert_cmpint(g_remove(path), ==, 0);
}


void
store_assert_content(StoreFixture *fixture, const char *name, const char *expected)
{
    g_autofree char *path = store_path_of(fixture, name);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        g_assert_null(expected);
    else
        g_assert_cmpstr(text, ==, expected);
}


/* Checks the contents of the directory itself: no temporary files. */
void
store_assert_names(StoreFixture *fixture, const char *expected)
{
    g_autoptr(GDir) dir = g_dir_open(fixture->path, 0, NULL);
    g_autoptr(GString) names = g_string_new(NULL);
    const char *name = NULL;

    while ((name = g_dir_read_name(dir)) != NULL) {
        if (!g_str_equal(name, BARRIER_PARENT))
            g_string_append(names, name);
    }
    g_assert_cmpstr(names->str, ==, expected);
}


void
store_wait_for_report(StoreFixture *fixture, const char *expected)
{
    while (strstr(fixture->reports->str, expected) == NULL)
        g_main_context_iteration(NULL, TRUE);
}


/* Checks that exactly this was reported since the last call, and nothing is pending. */
void
store_assert_reports(StoreFixture *fixture, const char *expected)
{
    g_autofree char *uuid = g_uuid_string_random();
    g_autofree char *name = g_build_filename(BARRIER_PARENT, uuid, NULL);

    store_put(fixture, name, TEXT("barrier"));
    while (md_definitions_find(fixture->store, BARRIER_PARENT, uuid) == NULL)
        g_main_context_iteration(NULL, TRUE);
    do
        store_wait_for_quiet(fixture);
    while (g_main_context_iteration(NULL, FALSE));
    g_assert_cmpstr(fixture->reports->str, ==, expected);
    g_string_truncate(fixture->reports, 0);
}


/* Checks for one message with path and cause; "": no message. */
void
store_assert_logged(StoreFixture *fixture, const char *name, const char *cause)
{
    g_assert_cmpuint(fixture->logged->len, ==, *cause != '\0' ? 1 : 0);
    if (*cause != '\0') {
        g_autofree char *path = store_path_of(fixture, name);
        g_autofree char *quoted = g_strdup_printf("'%s'", path);
        const char *message = g_ptr_array_index(fixture->logged, 0);

        g_test_message("%s", message);
        g_assert_nonnull(strstr(message, quoted));
        g_assert_nonnull(strstr(message, cause));
    }
    g_ptr_array_set_size(fixture->logged, 0);
}


void
store_assert_list(StoreFixture *fixture, const char *expected)
{
    g_autoptr(GPtrArray) list = md_definitions_list(fixture->store);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < list->len; i++) {
        const MdDefinition *definition = g_ptr_array_index(list, i);

        if (!g_str_equal(definition->parent_addr, BARRIER_PARENT))
            g_string_append_printf(text, "%s/%s=%s ", definition->parent_addr, definition->uuid,
                                   definition->type_id);
    }
    g_assert_cmpstr(text->str, ==, expected);
}


static void
on_written(GObject *source, GAsyncResult *result, gpointer data)
{
    StoreFixture *fixture = data;

    g_clear_error(&fixture->error);
    g_assert_true(md_definitions_write_finish(MD_DEFINITIONS(source), result, &fixture->error) ==
                  (fixture->error == NULL));
    fixture->n_answers++;
}


static void
on_removed(GObject *source, GAsyncResult *result, gpointer data)
{
    StoreFixture *fixture = data;

    g_clear_error(&fixture->error);
    g_assert_true(md_definitions_remove_finish(MD_DEFINITIONS(source), result, &fixture->error) ==
                  (fixture->error == NULL));
    fixture->n_answers++;
}


void
store_begin_write(StoreFixture *fixture,
                  const char *parent_addr,
                  const char *uuid,
                  const char *type)
{
    g_autoptr(GPtrArray) attrs = md_mdev_attrs_new();
    g_autoptr(MdDefinition) definition = NULL;

    md_mdev_attrs_add(attrs, "frame_rate", "60");
    definition = md_definition_new(parent_addr, uuid, type, FALSE, attrs);
    md_definitions_write_async(fixture->store, definition, fixture->owner, on_written, fixture);
}


void
store_begin_remove(StoreFixture *fixture, const char *parent_addr, const char *uuid)
{
    md_definitions_remove_async(fixture->store, parent_addr, uuid, fixture->owner, on_removed,
                                fixture);
}


void
store_wait_for_answers(StoreFixture *fixture, guint n_answers)
{
    while (fixture->n_answers < n_answers)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(fixture->n_answers, ==, n_answers);
    fixture->n_answers = 0;
}


void
store_write(StoreFixture *fixture, const char *type)
{
    store_begin_write(fixture, PARENT, UUID, type);
    g_assert_cmpuint(fixture->n_answers, ==, 0);
    store_wait_for_answers(fixture, 1);
}


void
store_remove(StoreFixture *fixture)
{
    store_begin_remove(fixture, PARENT, UUID);
    g_assert_cmpuint(fixture->n_answers, ==, 0);
    store_wait_for_answers(fixture, 1);
}


/* Checks that the last answer was an error with this errno and path. */
void
store_assert_error(StoreFixture *fixture, const char *name, int errnum)
{
    g_autofree char *path = store_path_of(fixture, name);
    g_autofree char *quoted = g_strdup_printf("'%s': ", path);

    g_assert_error(fixture->error, MD_ERROR, VIR_ERR_SYSTEM_ERROR);
    g_test_message("%s", fixture->error->message);
    g_assert_cmpint(md_error_get_errno(fixture->error), ==, errnum);
    g_assert_nonnull(strstr(fixture->error->message, quoted));
}
