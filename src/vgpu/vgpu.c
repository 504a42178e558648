/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu.h"

#include <string.h>

#include "backend/command.h"
#include "backend/mdev-parent.h"
#include "conf/cap-mdev.h"
#include "util/error.h"
#include "util/names.h"
#include "vgpu/vgpu-attrs.h"
#include "vgpu/vgpu-definition.h"
#include "vgpu/vgpu-write.h"
#include "vgpu/vgpus-private.h"

/* Milliseconds between attempts to remove a vGPU that a process of the vendor still holds. The end
 * of this process causes no event. */
#define RETRY_INTERVAL 250

/* One create or destroy. */
typedef struct {
    MdCommand command;
    const struct Verb *verb;
    MdVgpuWrite *write;
    char *parent;         /* the name of the function, or of the card if any function will do */
    char *card;           /* path */
    guint64 inode;        /* of the card */
    GPtrArray *functions; /* of MdNodeDevice: those to which the operation may write */
    GPtrArray *attrs;     /* of the vGPU */
    gboolean writing;     /* `functions` are marked as being written to */
    gboolean has_uuid;    /* no other operation may create a vGPU of this UUID */
    gint64 end;           /* of attempts to remove a busy vGPU */
} Operation;

typedef struct Verb {
    MdCalloutAction action;
    MdWorkerFunc prepare; /* only if there are scripts */
    MdWorkerFunc write;
    /* Makes the registry agree with the result of the write. */
    void (*conclude)(Operation *operation);
    /* Prefixes the error with the failed operation. */
    void (*explain)(Operation *operation);
} Verb;


static void
operation_clear(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    md_vgpu_write_unref(operation->write);
    g_free(operation->parent);
    g_free(operation->card);
    g_ptr_array_unref(operation->functions);
    g_ptr_array_unref(operation->attrs);
}


/* NULL if there is no function, or if it has lost its card since it was registered. */
static const MdVgpuCard *
find_card_of_functions(const MdDriverContext *context, GPtrArray *functions)
{
    const MdNodeDevice *first = functions->len > 0 ? g_ptr_array_index(functions, 0) : NULL;
    const MdVgpuFunction *function =
        first != NULL ? md_vgpu_cards_find_function(context->vgpus->cards, first->def->path) : NULL;

    return function != NULL ? function->card : NULL;
}


/* Takes ownership of `write` and of `functions`. */
static Operation *
operation_new(const MdDriverContext *context,
              const Verb *verb,
              const MdNodeDevice *parent,
              MdVgpuWrite *write,
              GPtrArray *functions,
              const char *name,
              GPtrArray *attrs,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    Operation *operation = md_command_new(sizeof(Operation), operation_clear, context, name, owner,
                                          callback, user_data);
    const MdVgpuCard *card = find_card_of_functions(context, functions);

    operation->verb = verb;
    operation->parent = g_strdup(parent->def->name);
    operation->write = write;
    operation->card = card != NULL ? g_strdup(card->path) : NULL;
    operation->inode = card != NULL ? card->inode : 0;
    operation->functions = functions;
    operation->attrs = md_mdev_attrs_copy(attrs);
    return operation;
}


static void
operation_end(Operation *operation)
{
    MdCommand *command = &operation->command;

    if (operation->has_uuid)
        g_hash_table_remove(command->context->vgpus->creating,
                            md_vgpu_write_get_uuid(operation->write));
    if (operation->writing)
        md_vgpus_end_write(command->context->vgpus, operation->functions);
    if (command->error != NULL)
        operation->verb->explain(operation);
    md_command_end(command);
}


static void
operation_run(Operation *operation, MdWorkerFunc func, MdCommandFunc next)
{
    md_command_run(&operation->command, MD_WORKER_WRITE, operation->inode, func,
                   md_vgpu_write_ref(operation->write), (GDestroyNotify)md_vgpu_write_unref, next);
}


static void on_written(MdCommand *command);


static gboolean
on_retry(gpointer data)
{
    Operation *operation = data;

    operation_run(operation, operation->verb->write, on_written);
    return G_SOURCE_REMOVE;
}


static void
on_written(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    /* After a timeout, the job still runs and `write` must not be read. */
    if (g_error_matches(command->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT)) {
        operation_end(operation);
    } else if (md_vgpu_write_is_busy(operation->write) && !md_owner_is_gone(command->owner) &&
               g_get_monotonic_time() < operation->end) {
        g_clear_error(&command->error);
        g_timeout_add(RETRY_INTERVAL, on_retry, operation);
    } else {
        operation->verb->conclude(operation);
        operation_end(operation);
    }
}


static void
operation_write(Operation *operation)
{
    gint64 deadline = (gint64)operation->command.context->settings->driver_timeout / 2;

    operation->writing = TRUE;
    operation->end = g_get_monotonic_time() + deadline * G_TIME_SPAN_MILLISECOND;
    md_vgpus_begin_write(operation->command.context->vgpus, operation->functions);
    operation_run(operation, operation->verb->write, on_written);
}


static void
on_scripts_asked(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    if (command->error != NULL)
        operation_end(operation);
    else
        operation_write(operation);
}


/* The function and the type have been chosen. */
static void
on_prepared(MdCommand *command)
{
    Operation *operation = (Operation *)command;
    const MdVgpuTarget *target = NULL;

    if (command->error != NULL) {
        operation_end(operation);
        return;
    }
    target = md_vgpu_write_get_target(operation->write);
    md_command_ask_scripts_about(command, operation->verb->action, target->address,
                                 md_vgpu_write_get_uuid(operation->write),
                                 md_vgpu_write_get_type(operation->write), operation->attrs,
                                 on_scripts_asked);
}


/* UUIDs are unique on the host, for the kernel's mediated devices as well. */
static gboolean
check_uuid(const MdDriverContext *context, const char *uuid, GError **error)
{
    for (GList *link = md_registry_list(context->registry); link != NULL; link = link->next) {
        const MdNodeDevice *device = link->data;
        const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);

        if (cap == NULL || !device->active || g_strcmp0(cap->uuid, uuid) != 0)
            continue;
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "UUID '%s' is in use by device '%s'", uuid,
                     device->def->name);
        return FALSE;
    }
    return TRUE;
}


/* Functions may get the same UUID from two clients at once: the check holds from the turn on the
 * card until the vGPU is registered. */
static gboolean
operation_reserve_uuid(Operation *operation)
{
    const MdDriverContext *context = operation->command.context;
    const char *uuid = md_vgpu_write_get_uuid(operation->write);
    GError **error = &operation->command.error;

    if (operation->verb->action != MD_CALLOUT_START)
        return TRUE;
    if (!check_uuid(context, uuid, error))
        return FALSE;
    if (g_hash_table_contains(context->vgpus->creating, uuid)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "another vGPU of UUID '%s' is being created",
                     uuid);
        return FALSE;
    }
    operation->has_uuid = g_hash_table_add(context->vgpus->creating, (gpointer)uuid);
    return TRUE;
}


/* The operation has its turn on the card. */
static void
on_turn(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    if (md_worker_is_overdue(MD_WORKER_WRITE, operation->inode)) {
        md_error_set(&command->error, VIR_ERR_OPERATION_TIMEOUT,
                     "the driver has not completed an earlier request");
        operation_end(operation);
    } else if (!operation_reserve_uuid(operation)) {
        operation_end(operation);
    } else if (md_callouts_may_exist(command->context->callouts)) {
        operation_run(operation, operation->verb->prepare, on_prepared);
    } else {
        operation_write(operation);
    }
}


/* Waits for the turn on the card, unless the command has failed. */
static void
operation_begin(Operation *operation)
{
    MdCommand *command = &operation->command;

    if (command->error == NULL && operation->card == NULL)
        md_error_set(&command->error, VIR_ERR_OPERATION_INVALID,
                     "parent '%s' does not offer vGPUs at the moment", operation->parent);
    if (command->error == NULL)
        md_command_wait_for_turn_of(command, operation->card, on_turn);
    else
        operation_end(operation);
}


static void
conclude_create(Operation *operation)
{
    MdCommand *command = &operation->command;
    const MdVgpuTarget *target = NULL;
    const MdNodeDevice *vgpu = NULL;

    if (command->error != NULL)
        return;
    target = md_vgpu_write_get_target(operation->write);
    command->made =
        md_cap_mdev_make_name(md_vgpu_write_get_uuid(operation->write), target->address);
    md_change_log_begin(command->context->changes, command->made);
    vgpu = md_vgpus_add(command->context->vgpus, target, md_vgpu_write_get_type(operation->write),
                        md_vgpu_write_get_uuid(operation->write),
                        md_vgpu_write_get_group(operation->write), operation->attrs);
    md_change_log_end(command->context->changes, command->made);
    if (vgpu == NULL)
        md_error_set(&command->error, VIR_ERR_INTERNAL_ERROR, "'%s' was removed in the meantime",
                     command->made);
    else
        g_message("vGPU '%s': guests use it as PCI device '%s', with managed='no'", vgpu->def->name,
                  target->name);
}


static void
explain_create(Operation *operation)
{
    GError **error = &operation->command.error;

    if (g_error_matches(*error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT))
        g_prefix_error(error, "parent '%s': ", operation->parent);
    g_prefix_error(error, "Unable to start mediated device: ");
}


static const Verb create_verb = {
    .action = MD_CALLOUT_START,
    .prepare = md_vgpu_write_prepare_create,
    .write = md_vgpu_write_create,
    .conclude = conclude_create,
    .explain = explain_create,
};


static void
conclude_destroy(Operation *operation)
{
    if (md_vgpu_write_is_gone(operation->write))
        md_vgpus_remove(operation->command.context->vgpus,
                        md_vgpu_write_get_target(operation->write)->path);
}


static void
explain_destroy(Operation *operation)
{
    MdCommand *command = &operation->command;

    if (!md_error_is_gone(command->error))
        g_prefix_error(&command->error, "Unable to destroy '%s': ", command->name);
}


static const Verb destroy_verb = {
    .action = MD_CALLOUT_STOP,
    .prepare = md_vgpu_write_prepare_remove,
    .write = md_vgpu_write_remove,
    .conclude = conclude_destroy,
    .explain = explain_destroy,
};


static const MdVgpuCard *
find_card(const MdDriverContext *context, const MdNodeDevice *device)
{
    return md_vgpu_cards_find_of(context->vgpus->cards, device);
}


/* The functions on which to create a vGPU of `parent`. */
static GPtrArray *
list_functions(const MdDriverContext *context, MdNodeDevice *parent)
{
    const MdVgpuCard *card = find_card(context, parent);
    GPtrArray *functions = NULL;

    if (card != NULL) {
        functions = md_vgpu_cards_list_functions(context->vgpus->cards, card);
        for (guint i = 0; i < functions->len; i++)
            md_node_device_ref(g_ptr_array_index(functions, i));
    } else {
        functions = g_ptr_array_new();
        g_ptr_array_add(functions, md_node_device_ref(parent));
    }
    g_ptr_array_set_free_func(functions, (GDestroyNotify)md_node_device_unref);
    return functions;
}


static void
create_async(const MdDriverContext *context,
             MdNodeDevice *parent,
             const MdNodeDeviceDef *def,
             MdOwner *owner,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    GPtrArray *functions = list_functions(context, parent);
    MdVgpuWrite *write = md_vgpu_write_new_create(context->settings, functions, def);
    g_autofree char *address = g_path_get_basename(parent->def->path);
    g_autofree char *name = md_cap_mdev_make_name(md_vgpu_write_get_uuid(write), address);
    Operation *operation = operation_new(context, &create_verb, parent, write, functions, name,
                                         cap->attrs, owner, callback, user_data);
    MdCommand *command = &operation->command;

    if (md_vgpu_attrs_check(cap->attrs, &command->error))
        check_uuid(context, md_vgpu_write_get_uuid(write), &command->error);
    operation_begin(operation);
}


static void
destroy_async(const MdDriverContext *context,
              MdNodeDevice *device,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);
    MdNodeDevice *function = md_registry_find_path(context->registry, device->def->path);
    GPtrArray *functions = list_functions(context, function);
    Operation *operation =
        operation_new(context, &destroy_verb, function,
                      md_vgpu_write_new_remove(context->settings, function, device->def), functions,
                      device->def->name, cap->attrs, owner, callback, user_data);

    operation_begin(operation);
}


static gboolean
serves_parent(const MdDriverContext *context, const MdNodeDevice *parent)
{
    return parent->def->is_assignable || find_card(context, parent) != NULL;
}


static gboolean
find_parent(const MdDriverContext *context,
            const MdNodeDeviceDef *def,
            MdNodeDevice **parent,
            GError **error)
{
    *parent = md_mdev_parent_find_named(context, def);
    if (*parent != NULL && find_card(context, *parent) != NULL)
        return TRUE;
    return md_mdev_parent_find(context, def, parent, error);
}


/* A client that names the card needs the rights for each function that may be chosen. */
static void
list_parents(const MdDriverContext *context, const MdNodeDeviceDef *def, GPtrArray *names)
{
    const MdNodeDevice *parent = md_mdev_parent_find_named(context, def);
    const MdVgpuCard *card = parent != NULL ? find_card(context, parent) : NULL;
    g_autoptr(GPtrArray) functions = NULL;

    md_mdev_parent_list(context, def, names);
    if (card == NULL)
        return;
    functions = md_vgpu_cards_list_functions(context->vgpus->cards, card);
    for (guint i = 0; i < functions->len; i++) {
        const MdNodeDevice *function = g_ptr_array_index(functions, i);

        g_ptr_array_add(names, function->def->name);
    }
}


static MdNodeDevice *
find_present(const MdDriverContext *context, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const MdNodeDevice *parent = md_mdev_parent_find_named(context, def);
    const MdVgpuCard *card = parent != NULL ? find_card(context, parent) : NULL;
    MdNodeDevice *vgpu = NULL;

    if (card == NULL || cap->uuid == NULL)
        return md_mdev_parent_find_present(context, def);
    md_vgpu_cards_find_parent_of(context->vgpus->cards, card, cap->uuid, &vgpu);
    return vgpu;
}


const MdBackend md_backend_vgpu = {
    .kind = &md_cap_kind_mdev,
    .find_named_parent = md_mdev_parent_find_named,
    .serves_parent = serves_parent,
    .find_parent = find_parent,
    .list_parents = list_parents,
    .find_present = find_present,
    .create_async = create_async,
    .destroy_async = destroy_async,
    .find_persistent_parent = md_vgpu_definition_find_parent,
    .definitions = &md_vgpu_definition_ops,
    .get_types_set = md_vgpu_definition_get_types_set,
    .will_remove = md_vgpu_definition_will_remove,
};
