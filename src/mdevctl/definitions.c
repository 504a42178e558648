/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdevctl/definitions-private.h"

#include <errno.h>
#include <string.h>

#include "mdevctl/definition-file.h"
#include "util/error.h"

/* Maximum number of defects remembered as logged. Beyond it, all defects are logged again. */
#define MAX_DEFECTS 65536

enum { SIGNAL_CHANGED, SIGNAL_LOADED, SIGNAL_LAST };

static guint signals[SIGNAL_LAST];

G_DEFINE_FINAL_TYPE(MdDefinitions, md_definitions, G_TYPE_OBJECT)


static void
parent_free(Parent *parent)
{
    g_free(parent->addr);
    g_hash_table_unref(parent->definitions);
    g_free(parent);
}


static void
md_definitions_dispose(GObject *object)
{
    MdDefinitions *self = MD_DEFINITIONS(object);

    if (self->watch != NULL)
        g_signal_handlers_disconnect_by_data(self->watch, self);
    g_clear_object(&self->watch);
    g_clear_pointer(&self->reader, md_definition_reader_free);
    G_OBJECT_CLASS(md_definitions_parent_class)->dispose(object);
}


static void
md_definitions_finalize(GObject *object)
{
    MdDefinitions *self = MD_DEFINITIONS(object);

    g_free(self->path);
    g_free(self->awaited);
    g_hash_table_unref(self->by_watch);
    g_hash_table_unref(self->parents);
    g_hash_table_unref(self->defects);
    g_hash_table_unref(self->new_writes);
    g_hash_table_unref(self->writing);
    md_fair_queue_free(self->changes);
    G_OBJECT_CLASS(md_definitions_parent_class)->finalize(object);
}


static void
md_definitions_class_init(MdDefinitionsClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_definitions_dispose;
    G_OBJECT_CLASS(klass)->finalize = md_definitions_finalize;
    signals[SIGNAL_CHANGED] =
        g_signal_new("changed", MD_TYPE_DEFINITIONS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                     G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_STRING);
    signals[SIGNAL_LOADED] = g_signal_new("loaded", MD_TYPE_DEFINITIONS, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 0);
}


static void
md_definitions_init(MdDefinitions *self)
{
    self->parents =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)parent_free);
    self->by_watch = g_hash_table_new(NULL, NULL);
    self->defects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    self->new_writes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->writing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}


/* Logs a defect once. `error` NULL: the defect is gone. */
static void
log_defect(MdDefinitions *self, const char *path, const GError *error)
{
    if (error == NULL) {
        g_hash_table_remove(self->defects, path);
    } else if (g_strcmp0(g_hash_table_lookup(self->defects, path), error->message) != 0) {
        if (g_hash_table_size(self->defects) >= MAX_DEFECTS)
            g_hash_table_remove_all(self->defects);
        g_hash_table_replace(self->defects, g_strdup(path), g_strdup(error->message));
        g_message("'%s': %s", path, error->message);
    }
}


/* Whether the daemon lacks resources, so that the state of the disk is unknown. The known
 * definitions then remain. */
static gboolean
is_lack_of_resources(const GError *error)
{
    int errnum = error != NULL ? md_error_get_errno(error) : 0;

    return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM;
}


static gboolean
is_missing(const GError *error)
{
    int errnum = error != NULL ? md_error_get_errno(error) : 0;

    return errnum == ENOENT || errnum == ENOTDIR;
}


/* Logs why a path is skipped. `error` NULL: there is no defect. */
static void
log_skipped(MdDefinitions *self, const char *path, const GError *error)
{
    g_autoptr(GError) reason = error != NULL ? g_error_copy(error) : NULL;

    if (reason != NULL)
        g_prefix_error(&reason, "skipped: ");
    log_defect(self, path, reason);
}


static Parent *
get_parent(MdDefinitions *self, const char *addr)
{
    Parent *parent = g_hash_table_lookup(self->parents, addr);

    if (parent == NULL) {
        parent = g_new0(Parent, 1);
        parent->addr = g_strdup(addr);
        parent->definitions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                                    (GDestroyNotify)md_definition_unref);
        g_hash_table_insert(self->parents, parent->addr, parent);
    }
    return parent;
}


gboolean
md_definitions_has_room(MdDefinitions *self, const char *addr, const char *uuid, guint coming)
{
    const Parent *parent = g_hash_table_lookup(self->parents, addr);

    return parent == NULL || g_hash_table_contains(parent->definitions, uuid) ||
           g_hash_table_size(parent->definitions) + coming < MD_DEFINITIONS_MAX;
}


void
md_definitions_set_no_room_error(GError **error)
{
    md_error_set(error, VIR_ERR_OPERATION_FAILED,
                 "its parent already has the maximum of %d definitions", MD_DEFINITIONS_MAX);
}


static void
set_definition(MdDefinitions *self, const char *addr, const char *uuid, MdDefinition *definition)
{
    gboolean known = g_hash_table_contains(self->parents, addr);
    Parent *parent = known || definition != NULL ? get_parent(self, addr) : NULL;
    MdDefinition *old = parent != NULL ? g_hash_table_lookup(parent->definitions, uuid) : NULL;

    if (definition == NULL && old == NULL)
        return;
    if (definition != NULL && old != NULL && md_definition_is_equal(definition, old))
        return;

    if (definition != NULL)
        g_hash_table_replace(parent->definitions, definition->uuid, md_definition_ref(definition));
    else
        g_hash_table_remove(parent->definitions, uuid);
    /* Reads the parent again if a skipped file may fit now, or if the directory of a new parent is
     * not watched yet. */
    if (!known || (definition == NULL && parent->left_out)) {
        parent->left_out = FALSE;
        md_definition_reader_want(self->reader, addr, NULL, FALSE);
    }
    g_signal_emit(self, signals[SIGNAL_CHANGED], 0, addr, uuid);
}


static void
unwatch_parent(MdDefinitions *self, Parent *parent)
{
    /* If the directory was renamed, its watch may already belong to another parent. */
    if (g_hash_table_lookup(self->by_watch, GINT_TO_POINTER(parent->watch)) == parent) {
        g_hash_table_remove(self->by_watch, GINT_TO_POINTER(parent->watch));
        md_watch_remove(self->watch, parent->watch);
    }
    parent->watch = 0;
}


static gboolean
is_below(gpointer path, gpointer message G_GNUC_UNUSED, gpointer directory)
{
    gsize length = strlen(directory);

    return strncmp(path, directory, length) == 0 && ((const char *)path)[length] == '/';
}


static void
drop_parent(MdDefinitions *self, const char *addr)
{
    Parent *parent = g_hash_table_lookup(self->parents, addr);
    g_autofree char *path = g_build_filename(self->path, addr, NULL);
    g_autofree gpointer *uuids = NULL;
    g_autofree char *name = NULL;

    g_hash_table_foreach_remove(self->defects, is_below, path);
    if (parent == NULL)
        return;

    name = g_strdup(parent->addr);
    unwatch_parent(self, parent);
    uuids = g_hash_table_get_keys_as_array(parent->definitions, NULL);
    for (guint i = 0; uuids[i] != NULL; i++) {
        g_autofree char *uuid = g_strdup(uuids[i]);

        set_definition(self, name, uuid, NULL);
    }
    g_hash_table_remove(self->parents, name);
}


/* Applies a fact about a file. */
static void
apply_file(MdDefinitions *self, const MdDefinitionFact *fact)
{
    g_autofree char *path = g_build_filename(self->path, fact->addr, fact->name, NULL);
    g_autoptr(GError) error = NULL;

    if (is_lack_of_resources(fact->error)) {
        log_defect(self, path, fact->error);
        return;
    }
    if (fact->definition == NULL) {
        log_skipped(self, path, fact->error);
    } else if (!md_definitions_has_room(self, fact->addr, fact->name, 0)) {
        md_definitions_set_no_room_error(&error);
        log_skipped(self, path, error);
        get_parent(self, fact->addr)->left_out = TRUE;
        return;
    } else {
        log_defect(self, path, fact->error);
    }
    set_definition(self, fact->addr, fact->name, fact->definition);
}


/* Applies a fact about a parent's directory; its files have facts of their own. */
static void
apply_parent(MdDefinitions *self, const MdDefinitionFact *fact)
{
    g_autofree char *path = g_build_filename(self->path, fact->addr, NULL);
    Parent *parent = NULL;

    if (!fact->there) {
        if (!is_lack_of_resources(fact->error))
            drop_parent(self, fact->addr);
        log_skipped(self, path, is_missing(fact->error) ? NULL : fact->error);
        return;
    }

    parent = get_parent(self, fact->addr);
    if (fact->watch != parent->watch)
        unwatch_parent(self, parent);
    if (fact->watch > 0) {
        parent->watch = fact->watch;
        g_hash_table_replace(self->by_watch, GINT_TO_POINTER(fact->watch), parent);
    }
    log_defect(self, path, fact->error);
}


static void
apply_top(MdDefinitions *self, const MdDefinitionTop *top)
{
    if (top->above > 0) {
        if (top->above != self->above)
            md_watch_remove(self->watch, self->above);
        self->above = top->above;
        g_free(self->awaited);
        self->awaited = g_strdup(top->awaited);
    }
    if (top->watch != self->top && !is_lack_of_resources(top->error)) {
        md_watch_remove(self->watch, self->top);
        self->top = top->watch;
    }
    log_defect(self, self->path,
               top->error != NULL && md_error_get_errno(top->error) == ENOENT ? NULL : top->error);
}


static void
apply_read(MdDefinitionRead *read, gpointer data)
{
    MdDefinitions *self = data;
    const MdDefinitionTop *top = md_definition_read_get_top(read);
    GPtrArray *facts = md_definition_read_get_facts(read);

    if (top != NULL)
        apply_top(self, top);
    for (guint i = 0; i < facts->len; i++) {
        const MdDefinitionFact *fact = g_ptr_array_index(facts, i);

        if (fact->name != NULL)
            apply_file(self, fact);
        else
            apply_parent(self, fact);
    }
    if (top != NULL && !self->loaded) {
        self->loaded = TRUE;
        g_signal_emit(self, signals[SIGNAL_LOADED], 0);
    }
}


static void
add_known(MdDefinitionRead *read, gpointer data)
{
    MdDefinitions *self = data;
    GHashTableIter parents;
    gpointer parent = NULL;

    g_hash_table_iter_init(&parents, self->parents);
    while (g_hash_table_iter_next(&parents, NULL, &parent)) {
        GHashTableIter iter;
        gpointer uuid = NULL;

        md_definition_read_add_known(read, ((Parent *)parent)->addr, NULL);
        g_hash_table_iter_init(&iter, ((Parent *)parent)->definitions);
        while (g_hash_table_iter_next(&iter, &uuid, NULL))
            md_definition_read_add_known(read, ((Parent *)parent)->addr, uuid);
    }
}


void
md_definitions_want(MdDefinitions *self, const char *addr, const char *name, gboolean is_written)
{
    if (!g_hash_table_contains(self->parents, addr))
        md_definition_reader_want(self->reader, addr, NULL, FALSE);
    md_definition_reader_want(self->reader, addr, name, is_written);
}


static void
on_watch_event(MdWatch *watch G_GNUC_UNUSED, int id, const char *name, int event, gpointer data)
{
    g_autoptr(MdDefinitions) self = g_object_ref(data);
    Parent *parent = g_hash_table_lookup(self->by_watch, GINT_TO_POINTER(id));

    if (id == self->above) {
        if (event == MD_WATCH_GONE || g_str_equal(name, self->awaited))
            md_definitions_rescan(self);
    } else if (id == self->top) {
        if (event == MD_WATCH_GONE)
            md_definitions_rescan(self);
        else
            md_definition_reader_want(self->reader, name, NULL, FALSE);
    } else if (parent != NULL) {
        if (event == MD_WATCH_GONE)
            md_definition_reader_want(self->reader, parent->addr, NULL, FALSE);
        else if (!md_definitions_defer(self, parent->addr, name))
            md_definitions_want(self, parent->addr, name, event == MD_WATCH_DONE);
    } else if (event != MD_WATCH_GONE && md_definition_reader_is_busy(self->reader)) {
        /* The event is from a directory being read, whose watch is not known yet. */
        md_definitions_rescan(self);
    }
}


static void
on_watch_lost(MdWatch *watch G_GNUC_UNUSED, gpointer data)
{
    MdDefinitions *self = data;

    g_message("Lost events of '%s', reading all definitions again", self->path);
    md_definitions_rescan(self);
}


MdDefinitions *
md_definitions_new(const MdSettings *settings)
{
    MdDefinitions *self = g_object_new(MD_TYPE_DEFINITIONS, NULL);

    self->path = g_canonicalize_filename(settings->definitions_dir, NULL);
    self->settings = settings;
    self->watch = md_watch_new();
    self->reader =
        md_definition_reader_new(self->path, settings, self->watch, add_known, apply_read, self);
    g_signal_connect(self->watch, "event", G_CALLBACK(on_watch_event), self);
    g_signal_connect(self->watch, "lost", G_CALLBACK(on_watch_lost), self);
    return self;
}


void
md_definitions_set_when_notified(MdDefinitions *self,
                                 MdDefinitionsWhenNotified when_notified,
                                 gpointer data)
{
    self->when_notified = when_notified;
    self->when_notified_data = data;
}


static void
on_started(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GError) error = NULL;

    /* Not an error: definitions that are read later are reported as changes. */
    if (!md_definition_reader_wait_finish(result, &error))
        g_debug("Starting without definitions: %s", error->message);
    g_task_return_boolean(task, TRUE);
}


void
md_definitions_start_async(MdDefinitions *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    GError *error = NULL;

    g_task_set_source_tag(task, md_definitions_start_async);
    if (!md_watch_start(self->watch, &error)) {
        g_task_return_error(task, error);
        return;
    }
    md_definitions_rescan(self);
    md_definition_reader_wait_async(self->reader, on_started, g_steal_pointer(&task));
}


gboolean
md_definitions_start_finish(MdDefinitions *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


void
md_definitions_rescan(MdDefinitions *self)
{
    md_definition_reader_want_all(self->reader);
}


gboolean
md_definitions_is_reading(MdDefinitions *self)
{
    return md_definition_reader_is_busy(self->reader);
}


MdDefinition *
md_definitions_find(MdDefinitions *self, const char *parent_addr, const char *uuid)
{
    Parent *parent = g_hash_table_lookup(self->parents, parent_addr);

    return parent != NULL ? g_hash_table_lookup(parent->definitions, uuid) : NULL;
}


static int
compare_definitions(gconstpointer a, gconstpointer b)
{
    const MdDefinition *one = *(const MdDefinition *const *)a;
    const MdDefinition *other = *(const MdDefinition *const *)b;
    int order = strcmp(one->parent_addr, other->parent_addr);

    return order != 0 ? order : strcmp(one->uuid, other->uuid);
}


GPtrArray *
md_definitions_list(MdDefinitions *self)
{
    GPtrArray *definitions = g_ptr_array_new();
    GHashTableIter parents;
    gpointer parent = NULL;

    g_hash_table_iter_init(&parents, self->parents);
    while (g_hash_table_iter_next(&parents, NULL, &parent)) {
        GHashTableIter iter;
        gpointer definition = NULL;

        g_hash_table_iter_init(&iter, ((Parent *)parent)->definitions);
        while (g_hash_table_iter_next(&iter, NULL, &definition))
            g_ptr_array_add(definitions, definition);
    }
    g_ptr_array_sort(definitions, compare_definitions);
    return definitions;
}
