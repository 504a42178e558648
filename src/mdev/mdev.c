/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's mediated devices: writing a UUID to the attribute `create` of a type creates a
 * device, writing to `remove` of the device removes it. A call ends when the write has returned and
 * udev has reported the event, see uevent-wait.h. mdevctl's scripts, if installed, are asked before
 * the write, and notified of its result.
 */
#include "config.h"

#include "mdev/mdev.h"

#include "backend/command.h"
#include "backend/mdev-parent.h"
#include "conf/cap-mdev.h"
#include "mdev/mdev-write.h"
#include "mdev/recovery.h"
#include "probe/mdev-types.h"
#include "util/error.h"

/* One create or destroy. */
typedef struct {
    MdCommand command;
    const struct Verb *verb;
    MdMdevWrite *write;
    guint64 inode;    /* of the device to write to */
    GPtrArray *attrs; /* of the device that is created or removed */
} Operation;

typedef struct Verb {
    MdWaitFor event;
    MdCalloutAction action;
    MdWorkerFunc prepare; /* only if there are scripts, which need the full id of the type */
    MdWorkerFunc write;
    /* Checks the result once the registry agrees with sysfs. */
    void (*conclude)(Operation *operation, MdNodeDevice *device);
    /* Prefixes the error with the failed operation. */
    void (*explain)(Operation *operation);
} Verb;


static void
operation_clear(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    md_mdev_write_unref(operation->write);
    g_ptr_array_unref(operation->attrs);
}


/* Takes ownership of `write`. */
static Operation *
operation_new(const MdDriverContext *context,
              const Verb *verb,
              MdMdevWrite *write,
              guint64 inode,
              const char *name,
              GPtrArray *attrs,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    Operation *operation = md_command_new(sizeof(Operation), operation_clear, context, name, owner,
                                          callback, user_data);

    operation->verb = verb;
    operation->write = write;
    operation->inode = inode;
    operation->attrs = md_mdev_attrs_copy(attrs);
    return operation;
}


static void
operation_fail(Operation *operation)
{
    operation->verb->explain(operation);
    md_command_give_up(&operation->command);
    md_command_end(&operation->command);
}


static void
operation_run(Operation *operation, MdWorkerFunc func, MdCommandFunc next)
{
    md_command_run(&operation->command, MD_WORKER_WRITE, operation->inode, func,
                   md_mdev_write_ref(operation->write), (GDestroyNotify)md_mdev_write_unref, next);
}


static void
on_event(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    operation->verb->conclude(operation,
                              md_inventory_reconcile(command->context->inventory, command->path));
    md_command_end(command);
}


static void
on_written(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    if (command->error == NULL) {
        md_command_wait(command, on_event);
        return;
    }
    /* After a timeout, the job still runs and `write` must not be read. */
    if (!g_error_matches(command->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT) &&
        md_mdev_write_is_withdrawn(operation->write))
        md_inventory_forget_older_events(command->context->inventory, command->path);
    operation_fail(operation);
}


static void
on_scripts_asked(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    if (command->error != NULL) {
        operation_fail(operation);
        return;
    }
    md_uevent_wait_expect(md_inventory_get_uevent_wait(command->context->inventory), command->path,
                          operation->verb->event);
    operation_run(operation, operation->verb->write, on_written);
}


/* The type has been resolved. */
static void
on_prepared(MdCommand *command)
{
    Operation *operation = (Operation *)command;
    g_autofree char *parent_path = NULL;
    g_autofree char *parent_addr = NULL;
    g_autofree char *uuid = NULL;

    if (command->error != NULL) {
        operation_fail(operation);
        return;
    }
    parent_path = g_path_get_dirname(command->path);
    parent_addr = g_path_get_basename(parent_path);
    uuid = g_path_get_basename(command->path);
    md_command_ask_scripts_about(command, operation->verb->action, parent_addr, uuid,
                                 md_mdev_write_get_type(operation->write), operation->attrs,
                                 on_scripts_asked);
}


/* FALSE if another operation on the device is running. */
static gboolean
operation_begin(Operation *operation, const char *path)
{
    gboolean scripts = md_callouts_may_exist(operation->command.context->callouts);

    if (!md_command_expect(&operation->command, path,
                           scripts ? MD_WAIT_NOTHING : operation->verb->event))
        return FALSE;
    if (scripts)
        operation_run(operation, operation->verb->prepare, on_prepared);
    else
        operation_run(operation, operation->verb->write, on_written);
    return TRUE;
}


static void
conclude_create(Operation *operation, MdNodeDevice *device)
{
    MdCommand *command = &operation->command;

    if (device == NULL)
        md_error_set(&command->error, VIR_ERR_INTERNAL_ERROR,
                     "Unable to start mediated device: '%s' was removed in the meantime",
                     command->path);
    else
        md_registry_set_attrs(command->context->registry, device, operation->attrs);
}


static void
explain_create(Operation *operation)
{
    g_prefix_error(&operation->command.error, "Unable to start mediated device: ");
}


static const Verb create_verb = {
    .event = MD_WAIT_ADD,
    .action = MD_CALLOUT_START,
    .prepare = md_mdev_write_prepare_create,
    .write = md_mdev_write_create,
    .conclude = conclude_create,
    .explain = explain_create,
};


static void
create_async(const MdDriverContext *context,
             MdNodeDevice *parent,
             const MdNodeDeviceDef *def,
             MdOwner *owner,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    MdMdevWrite *write = md_mdev_write_new_create(parent, def);
    const char *uuid = md_mdev_write_get_uuid(write);
    g_autofree char *parent_addr = g_path_get_basename(parent->def->path);
    g_autofree char *path = g_build_filename(parent->def->path, uuid, NULL);
    g_autofree char *name = md_cap_mdev_make_name(uuid, parent_addr);
    Operation *operation = operation_new(context, &create_verb, write, parent->inode, name,
                                         cap->attrs, owner, callback, user_data);
    MdCommand *command = &operation->command;

    md_mdev_write_set_state_dir(write, context->settings->state_dir);
    if (!md_mdev_attrs_check(cap->attrs, &command->error))
        explain_create(operation);
    else if (!operation_begin(operation, path))
        md_error_set(&command->error, VIR_ERR_INTERNAL_ERROR,
                     "Unable to start mediated device: UUID '%s' is in use by a device that is "
                     "being created or destroyed on '%s'",
                     uuid, parent->def->name);
    if (command->error != NULL)
        md_command_end(command);
}


static void
conclude_destroy(Operation *operation, MdNodeDevice *device)
{
    /* A device with another inode was created by another program after the removal. */
    if (device != NULL && device->inode == operation->inode)
        md_error_set(&operation->command.error, VIR_ERR_INTERNAL_ERROR,
                     "Unable to destroy '%s': device still present after the write to 'remove'",
                     operation->command.name);
}


static void
explain_destroy(Operation *operation)
{
    MdCommand *command = &operation->command;

    if (!md_error_is_gone(command->error))
        g_prefix_error(&command->error, "Unable to destroy '%s': ", command->name);
}


static const Verb destroy_verb = {
    .event = MD_WAIT_REMOVE,
    .action = MD_CALLOUT_STOP,
    .prepare = md_mdev_write_prepare_remove,
    .write = md_mdev_write_remove,
    .conclude = conclude_destroy,
    .explain = explain_destroy,
};


static void
destroy_async(const MdDriverContext *context,
              MdNodeDevice *device,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);
    Operation *operation =
        operation_new(context, &destroy_verb,
                      md_mdev_write_new_remove(device, context->settings->roots), device->inode,
                      device->def->name, cap->attrs, owner, callback, user_data);

    if (operation_begin(operation, device->def->path))
        return;
    md_error_set(&operation->command.error, VIR_ERR_OPERATION_INVALID,
                 "device '%s' is already being destroyed", device->def->name);
    md_command_end(&operation->command);
}


static gboolean
serves_parent(const MdDriverContext *context G_GNUC_UNUSED, const MdNodeDevice *parent)
{
    return parent->def->mdev_types != NULL && !parent->def->is_assignable;
}


static guint64
get_types_set(const MdDriverContext *context G_GNUC_UNUSED, const MdNodeDevice *parent)
{
    return md_mdev_types_get_set(parent->def->path);
}


/* Whether the device is a half-created one of a previous daemon. */
static gboolean
will_remove(const MdDriverContext *context, const MdNodeDevice *device)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);

    return md_recovery_will_remove(context->recovery, cap->uuid);
}


static const MdDefinitionOps definition_ops = {
    .resolve_type = md_mdev_types_resolve,
    .write_attrs = md_mdev_write_attrs,
    .check_attrs = md_mdev_attrs_check,
};

const MdBackend md_backend_mdev = {
    .kind = &md_cap_kind_mdev,
    .find_named_parent = md_mdev_parent_find_named,
    .serves_parent = serves_parent,
    .find_parent = md_mdev_parent_find,
    .find_persistent_parent = md_mdev_parent_find_persistent,
    .list_parents = md_mdev_parent_list,
    .find_present = md_mdev_parent_find_present,
    .create_async = create_async,
    .destroy_async = destroy_async,
    .definitions = &definition_ops,
    .get_types_set = get_types_set,
    .will_remove = will_remove,
};
