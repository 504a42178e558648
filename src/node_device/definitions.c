/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/definitions.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "node_device/definition-file.h"
#include "node_device/definition-write.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/watch.h"

struct _MdDefinitions {
    GObject parent;

    char *path;
    const MdSettings *settings;

    MdWatch *watch;
    int top;               /* the watch of the directory, 0: it is not there */
    int above;             /* the watch of the nearest directory above it, 0: there is none */
    char *awaited;         /* what in there leads to the directory */
    GHashTable *parents;   /* address -> Parent */
    GHashTable *by_watch;  /* id -> Parent, borrowed */
    GHashTable *complaint; /* path -> what is wrong there, as it has been told */
};

/* A directory of definitions. */
typedef struct {
    char *addr;
    int watch;               /* 0: it cannot be watched */
    GHashTable *definitions; /* UUID -> MdDefinition */
} Parent;


enum { SIGNAL_CHANGED, SIGNAL_LAST };

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
    g_hash_table_unref(self->complaint);
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
}


static void
md_definitions_init(MdDefinitions *self)
{
    self->parents =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)parent_free);
    self->by_watch = g_hash_table_new(NULL, NULL);
    self->complaint = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}


/* `error` NULL: nothing is wrong there any more. */
static void
complain(MdDefinitions *self, const char *path, const GError *error)
{
    g_autofree char *shown = g_strescape(path, NULL);

    if (error == NULL) {
        g_hash_table_remove(self->complaint, path);
    } else if (g_strcmp0(g_hash_table_lookup(self->complaint, path), error->message) != 0) {
        g_hash_table_replace(self->complaint, g_strdup(path), g_strdup(error->message));
        g_message("'%s': %s", shown, error->message);
    }
}


/* Ours is the fault, and what is on disk cannot be told: all stays as it is. */
static gboolean
is_our_fault(const GError *error)
{
    int errnum = error != NULL ? md_error_get_errno(error) : 0;

    return errnum == EMFILE || errnum == ENFILE || errnum == ENOMEM;
}


static gboolean
is_missing(const GError *error)
{
    int errnum = md_error_get_errno(error);

    return errnum == ENOENT || errnum == ENOTDIR;
}


static void
set_definition(MdDefinitions *self, const char *addr, const char *uuid, MdDefinition *definition)
{
    Parent *parent = g_hash_table_lookup(self->parents, addr);
    MdDefinition *old = g_hash_table_lookup(parent->definitions, uuid);

    if (definition == NULL && old == NULL)
        return;
    if (definition != NULL && old != NULL && md_definition_is_equal(definition, old))
        return;

    if (definition != NULL)
        g_hash_table_replace(parent->definitions, definition->uuid, md_definition_ref(definition));
    else
        g_hash_table_remove(parent->definitions, uuid);
    g_signal_emit(self, signals[SIGNAL_CHANGED], 0, addr, uuid);
}


/* Makes the store agree with one file; `fd` is the directory of its parent. */
static void
check_file(MdDefinitions *self, int fd, const char *addr, const char *name, gboolean settled)
{
    g_autofree char *path = g_build_filename(self->path, addr, name, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(MdDefinition) definition = NULL;

    if (*name == '.')
        return;

    bytes = md_definition_file_read(fd, name, &error);
    /* Its writer has just begun: its end will be told. */
    if (bytes != NULL && g_bytes_get_size(bytes) == 0 && !settled)
        return;
    if (bytes != NULL && !md_definition_file_is_uuid(name)) {
        md_error_set(&error, VIR_ERR_INVALID_ARG, "its name is no UUID in lower case with dashes");
    } else if (bytes != NULL) {
        definition = md_definition_parse(addr, name, g_bytes_get_data(bytes, NULL),
                                         g_bytes_get_size(bytes), &error);
    } else if (is_missing(error)) {
        g_clear_error(&error);
    } else if (is_our_fault(error)) {
        complain(self, path, error);
        return;
    }
    if (error != NULL)
        g_prefix_error(&error, "passed over: ");
    else if (definition != NULL && md_definition_file_is_open_to_all(fd, name))
        md_error_set(&error, VIR_ERR_INVALID_ARG, "taken, though everybody may write it");
    complain(self, path, error);
    set_definition(self, addr, name, definition);
}


static void
unwatch_parent(MdDefinitions *self, Parent *parent)
{
    /* The directory may have got another name, and its watch another parent, before that was
     * told. */
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

    g_hash_table_foreach_remove(self->complaint, is_below, path);
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


static void
watch_parent(MdDefinitions *self, Parent *parent, int fd)
{
    g_autofree char *path = g_build_filename(self->path, parent->addr, NULL);
    g_autoptr(GError) error = NULL;
    int id = md_watch_add(self->watch, fd, &error);

    if (id != parent->watch)
        unwatch_parent(self, parent);
    if (id > 0) {
        parent->watch = id;
        g_hash_table_replace(self->by_watch, GINT_TO_POINTER(id), parent);
    }
    complain(self, path, error);
}


/* The names in a directory and those in the store, each once. Takes `names` over. */
static GPtrArray *
merge_names(GPtrArray *names, GHashTable *known)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    gpointer name = NULL;

    for (guint i = 0; i < names->len; i++)
        g_hash_table_add(seen, g_ptr_array_index(names, i));
    g_hash_table_iter_init(&iter, known);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        if (!g_hash_table_contains(seen, name))
            g_ptr_array_add(names, g_strdup(name));
    }
    return names;
}


/* Makes the store agree with a directory, and watches it from now on. */
static void
check_parent(MdDefinitions *self, const char *addr, gboolean settled)
{
    g_autofree char *path = g_build_filename(self->path, addr, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) names = NULL;
    g_auto(MdFd) fd = -1;
    Parent *parent = NULL;

    if (!md_definition_file_is_parent(addr))
        return;

    fd = md_definition_file_open(self->path, addr, &error);
    if (fd < 0) {
        if (!is_our_fault(error))
            drop_parent(self, addr);
        if (is_missing(error))
            g_clear_error(&error);
        if (error != NULL)
            g_prefix_error(&error, "passed over: ");
        complain(self, path, error);
        return;
    }

    parent = get_parent(self, addr);
    watch_parent(self, parent, fd);
    names = merge_names(md_definition_file_list(fd), parent->definitions);
    for (guint i = 0; i < names->len; i++)
        check_file(self, fd, addr, g_ptr_array_index(names, i), settled);
}


/* Something has happened to one file. */
static void
check_definition(MdDefinitions *self, const char *addr, const char *name, gboolean settled)
{
    g_auto(MdFd) fd = -1;

    if (!g_hash_table_contains(self->parents, addr))
        check_parent(self, addr, FALSE);
    fd = md_definition_file_open(self->path, addr, NULL);
    if (fd >= 0)
        check_file(self, fd, addr, name, settled);
    else
        check_parent(self, addr, settled);
}


static void
on_watch_event(MdWatch *watch G_GNUC_UNUSED, int id, const char *name, int event, gpointer data)
{
    g_autoptr(MdDefinitions) self = g_object_ref(data);
    Parent *parent = g_hash_table_lookup(self->by_watch, GINT_TO_POINTER(id));
    g_autofree char *addr = parent != NULL ? g_strdup(parent->addr) : NULL;

    if (id == self->above) {
        if (event == MD_WATCH_GONE || g_str_equal(name, self->awaited))
            md_definitions_rescan(self);
    } else if (id == self->top) {
        if (event == MD_WATCH_GONE)
            md_definitions_rescan(self);
        else
            check_parent(self, name, FALSE);
    } else if (addr != NULL) {
        if (event == MD_WATCH_GONE)
            check_parent(self, addr, FALSE);
        else
            check_definition(self, addr, name, event == MD_WATCH_DONE);
    }
}


static void
on_watch_lost(MdWatch *watch G_GNUC_UNUSED, gpointer data)
{
    g_autoptr(MdDefinitions) self = g_object_ref(data);

    g_message("Events of '%s' have been lost, reading all of it again", self->path);
    md_definitions_rescan(self);
}


static int
watch_path(MdDefinitions *self, const char *path, GError **error)
{
    g_auto(MdFd) fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        md_error_set_errno(error, errno, "Unable to open it");
        return 0;
    }
    return MAX(md_watch_add(self->watch, fd, error), 0);
}


/*
 * Watches the directory and the nearest one above it that is there. From the root downwards: what
 * appears below a directory while it is looked for is told by the watch of that directory.
 */
static void
watch_top(MdDefinitions *self)
{
    g_auto(GStrv) names = g_strsplit(self->path + 1, "/", -1);
    g_autofree char *path = g_strdup("/");
    g_autoptr(GError) error = NULL;
    int id = 0;

    for (guint i = 0; names[i] != NULL; i++) {
        g_autofree char *next = g_build_filename(path, names[i], NULL);

        id = watch_path(self, path, NULL);
        if (id > 0) {
            if (id != self->above)
                md_watch_remove(self->watch, self->above);
            self->above = id;
            g_free(self->awaited);
            self->awaited = g_strdup(names[i]);
        }
        g_free(path);
        path = g_steal_pointer(&next);
    }

    id = watch_path(self, self->path, &error);
    if (id != self->top && !is_our_fault(error)) {
        md_watch_remove(self->watch, self->top);
        self->top = id;
    }
    if (error != NULL && md_error_get_errno(error) == ENOENT)
        g_clear_error(&error);
    complain(self, self->path, error);
}


MdDefinitions *
md_definitions_new(const MdSettings *settings)
{
    MdDefinitions *self = g_object_new(MD_TYPE_DEFINITIONS, NULL);

    self->path = g_canonicalize_filename(settings->definitions_dir, NULL);
    self->settings = settings;
    self->watch = md_watch_new();
    g_signal_connect(self->watch, "event", G_CALLBACK(on_watch_event), self);
    g_signal_connect(self->watch, "lost", G_CALLBACK(on_watch_lost), self);
    return self;
}


gboolean
md_definitions_start(MdDefinitions *self, GError **error)
{
    if (!md_watch_start(self->watch, error))
        return FALSE;

    md_definition_file_prepare(self->path);
    md_definitions_rescan(self);
    return TRUE;
}


void
md_definitions_rescan(MdDefinitions *self)
{
    g_autoptr(GPtrArray) names = NULL;
    g_auto(MdFd) fd = -1;

    watch_top(self);

    fd = md_definition_file_open(self->path, NULL, NULL);
    names =
        merge_names(fd >= 0 ? md_definition_file_list(fd) : g_ptr_array_new_with_free_func(g_free),
                    self->parents);
    for (guint i = 0; i < names->len; i++)
        check_parent(self, g_ptr_array_index(names, i), TRUE);
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


static void
on_written(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    char **names = g_task_get_task_data(task);
    GError *error = NULL;

    md_definition_write_finish(result, &error);
    /* Whatever became of it: the disk says what holds now. But never ask it for strange names. */
    if (!g_error_matches(error, MD_ERROR, VIR_ERR_INVALID_ARG))
        check_definition(g_task_get_source_object(task), names[0], names[1], TRUE);
    if (error != NULL)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
}


/* Takes the task over; `text` NULL: remove. */
static void
request_write(MdDefinitions *self,
              GTask *task,
              const char *parent_addr,
              const char *uuid,
              const char *text,
              MdOwner *owner)
{
    const char *names[] = { parent_addr, uuid, NULL };

    g_task_set_task_data(task, g_strdupv((char **)names), (GDestroyNotify)g_strfreev);
    md_definition_write_async(self->path, parent_addr, uuid, text, self->settings->driver_timeout,
                              owner, on_written, task);
}


void
md_definitions_write_async(MdDefinitions *self,
                           const MdDefinition *definition,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
    g_autofree char *text = md_definition_format(definition, TRUE);
    GTask *task = g_task_new(self, NULL, callback, user_data);

    g_task_set_source_tag(task, md_definitions_write_async);
    request_write(self, task, definition->parent_addr, definition->uuid, text, owner);
}


gboolean
md_definitions_write_finish(MdDefinitions *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


void
md_definitions_remove_async(MdDefinitions *self,
                            const char *parent_addr,
                            const char *uuid,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);

    g_task_set_source_tag(task, md_definitions_remove_async);
    request_write(self, task, parent_addr, uuid, NULL, owner);
}


gboolean
md_definitions_remove_finish(MdDefinitions *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}
