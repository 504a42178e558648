/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks changes of definitions and of the attributes of mediated devices, and plans what to write.
 * definition-change.c carries out the plans. */
#include "config.h"

#include "backend/definition-change.h"
#include "backend/definition-config.h"
#include "conf/cap-mdev.h"
#include "mdevctl/definition-file.h"
#include "util/error.h"


/* Takes ownership of `definition`, and plans to write it unless it equals the one on disk. */
static void
plan_writing(MdDefinitionChange *change, MdDefinition *definition, const MdDefinition *present)
{
    change->action = present != NULL ? MD_CALLOUT_MODIFY : MD_CALLOUT_DEFINE;
    if (present != NULL && md_definition_is_equal(definition, present))
        md_definition_unref(definition);
    else
        change->definition = definition;
}


/* Fails if the device or its definition has appeared since the call was authorized. */
static gboolean
check_guard(MdDefinitionChange *change, const MdNodeDevice *device, GError **error)
{
    if (!change->guarded || device == NULL ||
        (change->was_there && (change->was_defined || device->definition == NULL)))
        return TRUE;
    md_error_set(error, VIR_ERR_OPERATION_INVALID,
                 "Unable to define '%s': the device was created or defined in the meantime",
                 change->command.name);
    return FALSE;
}


static gboolean
plan_define(MdDefinitionChange *change, GError **error)
{
    const MdDefinition *wanted = change->wanted;
    MdNodeDevice *device =
        md_registry_find(change->command.context->registry, change->command.name);
    const MdDefinition *present = device != NULL ? device->definition : NULL;
    gboolean autostart = present != NULL && present->autostart;

    if (!check_guard(change, device, error))
        return FALSE;
    /* Checked here, before the scripts run, because they receive the address. */
    if (!md_definition_file_is_parent(wanted->parent_addr)) {
        md_error_set(error, VIR_ERR_INVALID_ARG, "'%s' is not a valid parent address",
                     wanted->parent_addr);
        return FALSE;
    }
    if (!change->ops->check_attrs(wanted->attrs, error))
        return FALSE;
    plan_writing(change,
                 md_definition_new(wanted->parent_addr, wanted->uuid, wanted->type_id, autostart,
                                   wanted->attrs),
                 present);
    return TRUE;
}


static void
on_type_found(MdCommand *command)
{
    MdDefinitionChange *change = (MdDefinitionChange *)command;
    const MdDefinition *wanted = change->wanted;

    change->type_known = command->error == NULL;
    if (change->type_known) {
        MdDefinition *resolved =
            md_definition_new(wanted->parent_addr, wanted->uuid,
                              md_definition_job_get_type(change->job), FALSE, wanted->attrs);

        md_definition_unref(change->wanted);
        change->wanted = resolved;
    } else if (wanted->type_id == NULL ||
               !g_error_matches(command->error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
        g_prefix_error(&command->error, "Unable to %s '%s': ", change->doing, command->name);
        md_command_end(command);
        return;
    }
    g_clear_pointer(&change->job, md_definition_job_unref);
    /* An id that the parent does not offer is stored as it is, because another version of the
     * driver may offer it. Any other failure has ended the change above, because the id may be a
     * short form. */
    g_clear_error(&command->error);
    md_definition_change_begin(change);
}


/* Resolves the type of `def` if the parent exists, and begins the change. */
static void
begin_with_type(MdDefinitionChange *change, MdNodeDevice *parent, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    if (parent != NULL) {
        change->job =
            md_definition_job_new_resolve(change->ops, parent, cap->type_id, cap->type_name);
        md_definition_change_run(change, MD_WORKER_READ, parent->inode, md_definition_job_resolve,
                                 on_type_found);
    } else if (cap->type_id != NULL) {
        md_definition_change_begin(change);
    } else {
        md_error_set(
            &change->command.error, VIR_ERR_CONFIG_UNSUPPORTED,
            "Unable to %s '%s': without parent '%s', the type named '%s' cannot be resolved",
            change->doing, change->command.name, cap->parent_addr, cap->type_name);
        md_command_end(&change->command);
    }
}


void
md_definition_config_define_async(const MdDriverContext *context,
                                  const MdDefinitionOps *ops,
                                  MdNodeDevice *parent,
                                  const MdNodeDeviceDef *def,
                                  gboolean guarded,
                                  MdOwner *owner,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    g_autofree char *uuid = cap->uuid != NULL ? g_strdup(cap->uuid) : g_uuid_string_random();
    g_autofree char *name = md_cap_mdev_make_name(uuid, cap->parent_addr);
    MdDefinitionChange *change =
        md_definition_change_new(context, name, "define", plan_define, owner, callback, user_data);
    MdNodeDevice *device = md_registry_find(context->registry, name);

    change->ops = ops;
    change->guarded = guarded;
    change->was_there = device != NULL;
    change->was_defined = device != NULL && device->definition != NULL;
    change->wanted = md_definition_new(cap->parent_addr, uuid, cap->type_id, FALSE, cap->attrs);
    begin_with_type(change, parent, def);
}


static gboolean
plan_undefine(MdDefinitionChange *change, GError **error)
{
    MdNodeDevice *device =
        md_registry_look_up(change->command.context->registry, change->command.name, error);

    if (device == NULL)
        return FALSE;
    if (device->definition == NULL) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID, "Node device '%s' is not defined",
                     change->command.name);
        return FALSE;
    }
    change->action = MD_CALLOUT_UNDEFINE;
    change->definition = md_definition_ref(device->definition);
    return TRUE;
}


void
md_definition_config_undefine_async(const MdDriverContext *context,
                                    const char *name,
                                    MdOwner *owner,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
    md_definition_change_begin(md_definition_change_new(context, name, "undefine", plan_undefine,
                                                        owner, callback, user_data));
}


static gboolean
plan_autostart(MdDefinitionChange *change, GError **error)
{
    MdNodeDevice *device =
        md_registry_look_up(change->command.context->registry, change->command.name, error);
    const MdDefinition *present = device != NULL ? device->definition : NULL;

    if (device == NULL)
        return FALSE;
    if (present == NULL) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID,
                     "cannot set autostart for transient device '%s'", change->command.name);
        return FALSE;
    }
    if (change->autostart && !change->ops->check_attrs(present->attrs, error))
        return FALSE;
    plan_writing(change,
                 md_definition_new(present->parent_addr, present->uuid, present->type_id,
                                   change->autostart, present->attrs),
                 present);
    return TRUE;
}


void
md_definition_config_set_autostart_async(const MdDriverContext *context,
                                         const MdDefinitionOps *ops,
                                         const char *name,
                                         gboolean autostart,
                                         MdOwner *owner,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data)
{
    MdDefinitionChange *change =
        md_definition_change_new(context, name, "set autostart on", plan_autostart, owner, callback,
                                 user_data);

    change->ops = ops;
    change->autostart = autostart;
    md_definition_change_begin(change);
}


/* Whether an update keeps the type. If the type could not be resolved, its short form is accepted,
 * too: the id without the prefix of the driver. */
static gboolean
keeps_type(const MdDefinitionChange *change, const char *type)
{
    g_autofree char *tail = g_strconcat("-", change->wanted->type_id, NULL);

    return type != NULL && (g_str_equal(type, change->wanted->type_id) ||
                            (!change->type_known && g_str_has_suffix(type, tail)));
}


/* An update changes neither the UUID nor the parent. The type may change in the definition only. */
static gboolean
check_identity(MdDefinitionChange *change, MdNodeDevice *device, GError **error)
{
    const MdDefinition *wanted = change->wanted;
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);
    gboolean live = (change->what & MD_BACKEND_UPDATE_LIVE) != 0;

    if (!g_str_equal(wanted->uuid, cap->uuid))
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Cannot update device '%s', uuid mismatch (current uuid '%s')",
                     change->command.name, cap->uuid);
    else if (!g_str_equal(wanted->parent_addr, cap->parent_addr))
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Cannot update device '%s', parent address mismatch (current parent address "
                     "'%s')",
                     change->command.name, cap->parent_addr);
    else if (live && !keeps_type(change, cap->type_id))
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Cannot update device '%s', type mismatch (current type '%s')",
                     change->command.name, cap->type_id != NULL ? cap->type_id : "unknown");
    else
        return TRUE;
    return FALSE;
}


/* Limits the number of attributes, because a script may accept arbitrary names, and different ones
 * in each update. */
static gboolean
check_live_attrs(MdDefinitionChange *change, MdNodeDevice *device, GError **error)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);
    g_autoptr(GPtrArray) updated =
        md_mdev_attrs_update(cap->attrs, change->wanted->attrs, change->wanted->attrs->len);

    if (updated->len <= MD_MDEV_ATTRS_MAX)
        return TRUE;
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                 "Cannot update device '%s', it would have more than %d attributes",
                 change->command.name, MD_MDEV_ATTRS_MAX);
    return FALSE;
}


static gboolean
plan_update(MdDefinitionChange *change, GError **error)
{
    MdNodeDevice *device =
        md_registry_look_up(change->command.context->registry, change->command.name, error);

    if (device == NULL)
        return FALSE;

    if (change->what == 0)
        change->what = device->active ? MD_BACKEND_UPDATE_LIVE : MD_BACKEND_UPDATE_CONFIG;
    if ((change->what & MD_BACKEND_UPDATE_LIVE) != 0 && !device->active) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID, "node device '%s' is not active",
                     change->command.name);
        return FALSE;
    }
    if ((change->what & MD_BACKEND_UPDATE_CONFIG) != 0 && device->definition == NULL) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID,
                     "transient node device '%s' does not have any persistent config",
                     change->command.name);
        return FALSE;
    }
    if (!check_identity(change, device, error) ||
        !change->ops->check_attrs(change->wanted->attrs, error) ||
        ((change->what & MD_BACKEND_UPDATE_LIVE) != 0 && !check_live_attrs(change, device, error)))
        return FALSE;

    if ((change->what & MD_BACKEND_UPDATE_CONFIG) != 0) {
        const MdDefinition *present = device->definition;
        const char *type =
            keeps_type(change, present->type_id) ? present->type_id : change->wanted->type_id;

        plan_writing(change,
                     md_definition_new(present->parent_addr, present->uuid, type,
                                       present->autostart, change->wanted->attrs),
                     present);
    }
    return TRUE;
}


void
md_definition_config_update_async(const MdDriverContext *context,
                                  const MdDefinitionOps *ops,
                                  MdNodeDevice *device,
                                  const MdNodeDeviceDef *def,
                                  guint what,
                                  MdOwner *owner,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const MdCapMdev *present = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);
    MdDefinitionChange *change = md_definition_change_new(context, device->def->name, "update",
                                                          plan_update, owner, callback, user_data);

    change->ops = ops;
    change->wanted =
        md_definition_new(cap->parent_addr, cap->uuid != NULL ? cap->uuid : present->uuid,
                          cap->type_id, FALSE, cap->attrs);
    change->what = what;
    begin_with_type(change, md_registry_find_address(context->registry, cap->parent_addr), def);
}
