/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "backend/definition-change.h"

#include "conf/cap-mdev.h"
#include "util/error.h"


static void
change_clear(MdCommand *command)
{
    MdDefinitionChange *change = (MdDefinitionChange *)command;

    g_clear_pointer(&change->wanted, md_definition_unref);
    g_clear_pointer(&change->job, md_definition_job_unref);
    g_clear_pointer(&change->definition, md_definition_unref);
}


static void
change_end(MdCommand *command)
{
    const MdDefinitionChange *change = (const MdDefinitionChange *)command;

    if (!g_error_matches(command->error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE) &&
        !g_error_matches(command->error, MD_ERROR, VIR_ERR_OPERATION_INVALID))
        g_prefix_error(&command->error, "Unable to %s '%s': ", change->doing, command->name);
    md_command_end(command);
}


static void
on_saved(GObject *source, GAsyncResult *result, gpointer data)
{
    MdCommand *command = data;

    md_definitions_write_finish(MD_DEFINITIONS(source), result, &command->error);
    change_end(command);
}


static void
on_removed(GObject *source, GAsyncResult *result, gpointer data)
{
    MdCommand *command = data;

    md_definitions_remove_finish(MD_DEFINITIONS(source), result, &command->error);
    change_end(command);
}


/* Writes or removes the definition, unless a script has refused. */
static void
change_save(MdCommand *command)
{
    const MdDefinitionChange *change = (const MdDefinitionChange *)command;
    MdDefinitions *definitions = command->context->definitions;

    if (command->error != NULL)
        change_end(command);
    else if (change->action == MD_CALLOUT_UNDEFINE)
        md_definitions_remove_async(definitions, change->definition->parent_addr,
                                    change->definition->uuid, command->owner, on_removed, command);
    else
        md_definitions_write_async(definitions, change->definition, command->owner, on_saved,
                                   command);
}


/* The active device is up to date: continues with the definition. */
static void
change_keep(MdDefinitionChange *change)
{
    MdCommand *command = &change->command;

    if (change->definition == NULL)
        change_end(command);
    else if (!md_callouts_may_exist(command->context->callouts))
        change_save(command);
    else if (change->action != MD_CALLOUT_UNDEFINE &&
             !md_definitions_may_write(command->context->definitions, change->definition,
                                       &command->error))
        change_end(command);
    else
        md_command_ask_scripts(command, change->action, change->definition, change_save);
}


/* Updates the attributes in the registry: the first `n` attributes of the request have been set,
 * and replace those with the same names. */
static void
register_live_attrs(MdDefinitionChange *change, guint n)
{
    MdNodeDevice *device =
        md_registry_find(change->command.context->registry, change->command.name);
    MdNodeDeviceDef *def = NULL;
    MdCapMdev *cap = NULL;
    g_autoptr(GPtrArray) old = NULL;

    if (device == NULL || !device->active)
        return;

    def = md_node_device_def_copy(device->def);
    cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    old = cap->attrs;
    cap->attrs = md_mdev_attrs_update(old, change->wanted->attrs, n);
    md_registry_update(change->command.context->registry, device, def);
}


static void
on_live_written(MdCommand *command)
{
    MdDefinitionChange *change = (MdDefinitionChange *)command;
    guint n = change->wanted->attrs->len;

    if (command->error != NULL)
        n = g_error_matches(command->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT)
                ? 0
                : md_definition_job_count_written(change->job);
    if (n > 0)
        register_live_attrs(change, n);
    if (command->error == NULL)
        change_keep(change);
    else
        change_end(command);
}


static void
change_write_live(MdDefinitionChange *change)
{
    MdCommand *command = &change->command;
    MdNodeDevice *device = md_registry_find(command->context->registry, command->name);

    if (device == NULL || !device->active) {
        md_error_set(&command->error, VIR_ERR_OPERATION_INVALID, "node device '%s' is not active",
                     command->name);
        change_end(command);
        return;
    }
    change->job = md_definition_job_new_write(change->ops, device, change->wanted->attrs);
    md_definition_change_run(change, MD_WORKER_WRITE, device->inode, md_definition_job_write,
                             on_live_written);
}


static void
on_live_asked(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    MdDefinitionChange *change = data;
    MdCommand *command = &change->command;

    if (md_callout_live_finish(result, &command->error)) {
        register_live_attrs(change, change->wanted->attrs->len);
        change_keep(change);
    } else if (g_error_matches(command->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)) {
        g_clear_error(&command->error);
        change_write_live(change);
    } else {
        change_end(command);
    }
}


/* The active device with its new attributes, in the form passed to scripts. */
static MdDefinition *
describe_live(MdDefinitionChange *change, MdNodeDevice *device)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);

    return md_definition_new(cap->parent_addr, cap->uuid, cap->type_id,
                             md_node_device_is_autostart(device), change->wanted->attrs);
}


/* Updates the active device through the callout of its type or, if there is none, through the
 * driver's attributes in sysfs. */
static void
change_update_live(MdDefinitionChange *change)
{
    const MdDriverContext *context = change->command.context;
    MdNodeDevice *device = md_registry_find(context->registry, change->command.name);
    g_autoptr(MdDefinition) wanted = NULL;
    g_autoptr(MdCallout) callout = NULL;

    if (!md_callouts_may_exist(context->callouts)) {
        change_write_live(change);
        return;
    }
    wanted = describe_live(change, device);
    callout = md_callout_new(context->callouts, MD_CALLOUT_MODIFY, wanted, change->command.owner);
    md_callout_live_async(callout, on_live_asked, change);
}


static void
on_turn(MdCommand *command)
{
    MdDefinitionChange *change = (MdDefinitionChange *)command;

    if (!md_command_commit(command))
        md_error_set_from(&command->error, VIR_FROM_RPC, VIR_ERR_OPERATION_ABORTED,
                          "the client disconnected before the change began");
    if (command->error != NULL || !change->plan(change, &command->error))
        change_end(command);
    else if ((change->what & MD_BACKEND_UPDATE_LIVE) != 0)
        change_update_live(change);
    else
        change_keep(change);
}


MdDefinitionChange *
md_definition_change_new(const MdDriverContext *context,
                         const char *name,
                         const char *doing,
                         gboolean (*plan)(MdDefinitionChange *change, GError **error),
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
    MdDefinitionChange *change = md_command_new(sizeof(MdDefinitionChange), change_clear, context,
                                                name, owner, callback, user_data);

    change->doing = doing;
    change->plan = plan;
    return change;
}


void
md_definition_change_run(MdDefinitionChange *change,
                         MdWorkerKind kind,
                         guint64 inode,
                         MdWorkerFunc func,
                         MdCommandFunc next)
{
    md_command_run(&change->command, kind, inode, func, md_definition_job_ref(change->job),
                   (GDestroyNotify)md_definition_job_unref, next);
}


void
md_definition_change_begin(MdDefinitionChange *change)
{
    md_command_wait_for_turn(&change->command, on_turn);
}
