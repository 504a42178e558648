/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/autostart.h"

#include <string.h>

#include "conf/cap-mdev.h"
#include "node_device/backends.h"
#include "util/log.h"

/* Maximum number of concurrent starts on one parent. It is lower than the worker's limits, so that
 * calls of clients on the parent get their turn. */
#define MAX_RUNNING 8

#define STARTED_MESSAGE_ID "f1c96a0b7d2e4e58a4b3907d5e8c1f26"

/* A parent with devices to start; the parent may be absent. */
typedef struct {
    guint64 types;       /* the set of types when `waiting` was last filled, 0: none */
    guint n_changes;     /* number of changes of the parent so far */
    GHashTable *waiting; /* name -> cause of the last failure, "" before the first attempt */
    GQueue due;          /* names of the devices to start next */
    guint n_running;     /* running starts */
} Parent;

struct _MdAutostart {
    const MdDriverContext *context;
    GHashTable *parents; /* address -> Parent */
    GHashTable *running; /* name of a device -> its Start, owned by the running call */
    GTask *stop;         /* NULL: not stopping */
};

/* One start of a device. May outlive the MdAutostart. */
typedef struct {
    MdAutostart *autostart; /* weak; NULL: freed */
    char *name;
    char *address;
    guint n_changes; /* of the parent, when the start began */
} Start;

static void start_due(MdAutostart *self, const char *address);


static void
parent_free(Parent *parent)
{
    g_hash_table_unref(parent->waiting);
    g_queue_clear_full(&parent->due, g_free);
    g_free(parent);
}


static void
start_free(Start *start)
{
    g_free(start->name);
    g_free(start->address);
    g_free(start);
}


/* The parent's current set of types; 0 if the parent does not exist or has no types. */
static guint64
get_types(MdAutostart *self, const char *address)
{
    MdNodeDevice *parent = md_registry_find_address(self->context->registry, address);
    const MdBackend *backend =
        parent != NULL ? md_backends_find_serving(self->context, parent) : NULL;

    return backend != NULL ? backend->get_types_set(self->context, parent) : 0;
}


static Parent *
get_parent(MdAutostart *self, const char *address)
{
    Parent *parent = g_hash_table_lookup(self->parents, address);

    if (parent == NULL) {
        parent = g_new0(Parent, 1);
        parent->waiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_queue_init(&parent->due);
        g_hash_table_insert(self->parents, g_strdup(address), parent);
    }
    return parent;
}


static void
forget_device(MdAutostart *self, const char *address, const char *name)
{
    Parent *parent = g_hash_table_lookup(self->parents, address);

    if (parent != NULL)
        g_hash_table_remove(parent->waiting, name);
}


static gboolean
will_be_removed(MdAutostart *self, const MdNodeDevice *device)
{
    const MdBackend *backend = md_backends_find_persistent(self->context, device->def, NULL);

    return backend->will_remove(self->context, device);
}


/* TRUE if the device is active with the type of its definition, no matter who created it, and is
 * not about to be removed. */
static gboolean
is_done(MdAutostart *self, const MdNodeDevice *device)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);

    return device->active && !will_be_removed(self, device) &&
           g_strcmp0(cap->type_id, device->definition->type_id) == 0;
}


/* Logs a failure, unless the device failed for the same cause the last time. */
static void
log_failure(MdAutostart *self, const char *address, const char *name, const char *cause)
{
    Parent *parent = get_parent(self, address);
    const char *before = g_hash_table_lookup(parent->waiting, name);

    if (g_strcmp0(before, cause) == 0)
        return;
    g_message("Failed to autostart '%s': %s", name, cause);
    g_hash_table_replace(parent->waiting, g_strdup(name), g_strdup(cause));
}


static void
log_started(const MdNodeDevice *device)
{
    const MdLogContext context = { .message_id = STARTED_MESSAGE_ID,
                                   .device = device->def->name,
                                   .parent = device->def->parent };

    md_log(G_LOG_LEVEL_MESSAGE, &context, "Autostarted device '%s'", device->def->name);
}


/* To be called when a start has ended. If it failed, but the parent has changed since its
 * beginning, the device is tried again. */
static void
try_next(MdAutostart *self, const Start *start, gboolean failed)
{
    Parent *parent = get_parent(self, start->address);

    if (failed && parent->n_changes != start->n_changes)
        g_queue_push_tail(&parent->due, g_strdup(start->name));
    parent->n_running--;
    start_due(self, start->address);
}


/* Completes the stop when no start is running. */
static void
finish_stop(MdAutostart *self)
{
    if (g_hash_table_size(self->running) == 0 && !g_task_get_completed(self->stop))
        g_task_return_boolean(self->stop, TRUE);
}


static void
on_started(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    Start *start = data;
    MdAutostart *self = start->autostart;
    g_autoptr(GError) error = NULL;
    g_autofree char *name = md_backend_finish(result, &error);

    if (self != NULL) {
        MdNodeDevice *device = md_registry_find(self->context->registry, start->name);

        g_hash_table_remove(self->running, start->name);
        if (name != NULL && device != NULL)
            log_started(device);
        if (name != NULL || (device != NULL && device->definition != NULL && is_done(self, device)))
            forget_device(self, start->address, start->name);
        else
            log_failure(self, start->address, start->name, error->message);
        try_next(self, start, name == NULL);
        if (self->stop != NULL)
            finish_stop(self);
    }
    start_free(start);
}


static void
start_device(MdAutostart *self, MdNodeDevice *parent, MdNodeDevice *device)
{
    g_autoptr(MdNodeDeviceDef) def = md_definition_to_device(device->definition, parent->def->name);
    Start *start = g_new0(Start, 1);

    g_debug("Autostarting '%s'", device->def->name);
    start->autostart = self;
    start->name = g_strdup(device->def->name);
    start->address = g_strdup(device->definition->parent_addr);
    start->n_changes = get_parent(self, start->address)->n_changes;
    get_parent(self, start->address)->n_running++;
    g_hash_table_insert(self->running, start->name, start);
    md_backends_find_persistent(self->context, def, NULL)
        ->create_async(self->context, parent, def, md_owner_get_daemon(), on_started, start);
}


static void
try_device(MdAutostart *self, const char *address, const char *name)
{
    MdNodeDevice *parent = md_registry_find_address(self->context->registry, address);
    MdNodeDevice *device = md_registry_find(self->context->registry, name);

    if (g_hash_table_contains(self->running, name))
        return;
    if (device == NULL || !md_node_device_is_autostart(device) || is_done(self, device))
        forget_device(self, address, name);
    else if (will_be_removed(self, device))
        g_debug("Autostart of '%s' waits until its half-created device is removed", name);
    else if (device->active)
        log_failure(self, address, name, "a device of another type is active");
    else if (parent != NULL)
        start_device(self, parent, device);
}


/* Starts queued devices, up to the limit. */
static void
start_due(MdAutostart *self, const char *address)
{
    Parent *parent = g_hash_table_lookup(self->parents, address);

    while (self->stop == NULL && parent->n_running < MAX_RUNNING &&
           !g_queue_is_empty(&parent->due)) {
        g_autofree char *name = g_queue_pop_head(&parent->due);

        if (g_hash_table_contains(parent->waiting, name))
            try_device(self, address, name);
    }
}


/* Queues all waiting devices; those already queued keep their place. If another program has created
 * a device, the device is no longer waiting, even if that program removes it again. */
static void
try_all(MdAutostart *self, const char *address, Parent *parent)
{
    g_autoptr(GHashTable) due = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    gpointer name = NULL;

    for (GList *link = parent->due.head; link != NULL; link = link->next)
        g_hash_table_add(due, link->data);

    g_hash_table_iter_init(&iter, parent->waiting);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        MdNodeDevice *device = md_registry_find(self->context->registry, name);

        if (device != NULL && device->definition != NULL && is_done(self, device))
            g_hash_table_iter_remove(&iter);
        else if (!g_hash_table_contains(due, name))
            g_queue_push_tail(&parent->due, g_strdup(name));
    }
    start_due(self, address);
}


/* The types of the parent have changed: from now on, all its devices with autostart are waiting. */
static void
refill_waiting(MdAutostart *self, const char *address, Parent *parent)
{
    g_autoptr(GList) defined = md_registry_list_defined(self->context->registry, address);

    g_hash_table_remove_all(parent->waiting);
    for (GList *link = defined; link != NULL; link = link->next) {
        const MdNodeDevice *device = link->data;

        if (device->definition->autostart)
            g_hash_table_insert(parent->waiting, g_strdup(device->def->name), g_strdup(""));
    }
}


static void
handle_parent(MdAutostart *self, const char *address)
{
    Parent *parent = g_hash_table_lookup(self->parents, address);
    guint64 types = 0;

    if (parent == NULL)
        return;

    types = get_types(self, address);
    if (types != parent->types)
        refill_waiting(self, address, parent);
    parent->types = types;
    parent->n_changes++;
    if (types != 0)
        try_all(self, address, parent);
}


/* Treats an existing parent as handled: devices defined later are not started. */
static void
add_definition(MdAutostart *self, const MdDefinition *definition)
{
    if (definition->autostart && !g_hash_table_contains(self->parents, definition->parent_addr))
        get_parent(self, definition->parent_addr)->types = get_types(self, definition->parent_addr);
}


static void
on_changed(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, MdAutostart *self)
{
    if (md_node_device_is_definable(device)) {
        if (device->definition != NULL)
            add_definition(self, device->definition);
    } else if (device->def->path != NULL) {
        handle_parent(self, strrchr(device->def->path, '/') + 1);
    }
}


MdAutostart *
md_autostart_new(const MdDriverContext *context)
{
    MdAutostart *self = g_new0(MdAutostart, 1);
    g_autoptr(GList) addresses = NULL;

    self->context = context;
    self->parents =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)parent_free);
    self->running = g_hash_table_new(g_str_hash, g_str_equal);
    for (GList *link = md_registry_list(context->registry); link != NULL; link = link->next) {
        const MdNodeDevice *device = link->data;

        if (device->definition != NULL && device->definition->autostart)
            get_parent(self, device->definition->parent_addr);
    }

    g_signal_connect(context->registry, "created", G_CALLBACK(on_changed), self);
    g_signal_connect(context->registry, "deleted", G_CALLBACK(on_changed), self);
    g_signal_connect(context->registry, "defined", G_CALLBACK(on_changed), self);
    g_signal_connect(context->registry, "updated", G_CALLBACK(on_changed), self);

    addresses = g_hash_table_get_keys(self->parents);
    for (GList *link = addresses; link != NULL; link = link->next)
        handle_parent(self, link->data);
    return self;
}


void
md_autostart_retry(MdAutostart *self, const char *address)
{
    handle_parent(self, address);
}


void
md_autostart_free(MdAutostart *self)
{
    GHashTableIter iter;
    Start *start = NULL;

    if (self == NULL)
        return;

    g_signal_handlers_disconnect_by_data(self->context->registry, self);
    g_hash_table_iter_init(&iter, self->running);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&start))
        start->autostart = NULL;
    g_clear_object(&self->stop);
    g_hash_table_unref(self->running);
    g_hash_table_unref(self->parents);
    g_free(self);
}


gboolean
md_autostart_is_busy(MdAutostart *self)
{
    return g_hash_table_size(self->running) > 0;
}


void
md_autostart_stop_async(MdAutostart *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(self->stop == NULL);

    self->stop = g_task_new(NULL, NULL, callback, user_data);
    g_task_set_source_tag(self->stop, md_autostart_stop_async);
    finish_stop(self);
}


void
md_autostart_stop_finish(GAsyncResult *result)
{
    g_return_if_fail(g_async_result_is_tagged(result, md_autostart_stop_async));

    g_task_propagate_boolean(G_TASK(result), NULL);
}
