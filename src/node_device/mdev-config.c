/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Definitions of mediated devices, and changes of what there is. All changes of one device are made
 * one after the other: each looks at the device when its turn has come, asks mdevctl's scripts
 * where there are any, writes, and tells them.
 */
#include "config.h"

#include "conf/cap-mdev.h"
#include "node_device/definition-file.h"
#include "node_device/mdev-write.h"
#include "node_device/mdev.h"
#include "util/error.h"
#include "util/worker.h"

typedef struct Change Change;

struct Change {
    const MdBackendHost *host;
    MdOwner *owner;
    char *name;        /* of the device */
    const char *doing; /* for messages */

    /* What is wanted. */
    gboolean (*plan)(Change *change, GError **error);
    MdDefinition *wanted; /* of a definition: all but whether to start it */
    MdMdevWrite *write;   /* finds the type of `wanted`, or sets the attributes of a live device */
    gboolean type_known;  /* `wanted` has the full id of a type */
    gboolean autostart;
    guint what;

    /* What has been planned. */
    MdCalloutAction action;
    MdDefinition *definition; /* to be written, or removed; NULL: the disk stays as it is */
    MdCallout *callout;
    GError *error;
};


static void
change_free(Change *change)
{
    md_owner_unref(change->owner);
    g_free(change->name);
    g_clear_pointer(&change->wanted, md_definition_unref);
    g_clear_pointer(&change->write, md_mdev_write_unref);
    g_clear_pointer(&change->definition, md_definition_unref);
    g_clear_pointer(&change->callout, md_callout_unref);
    g_clear_error(&change->error);
    g_free(change);
}


static void
end(GTask *task)
{
    Change *change = g_task_get_task_data(task);

    if (!g_error_matches(change->error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE) &&
        !g_error_matches(change->error, MD_ERROR, VIR_ERR_OPERATION_INVALID))
        g_prefix_error(&change->error, "Unable to %s '%s': ", change->doing, change->name);
    md_backend_task_end(task, change->name, g_steal_pointer(&change->error));
    md_turns_end(change->host->turns, change->name);
}


static void
on_scripts_told(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;

    md_callout_after_finish(result);
    end(task);
}


static void
tell_scripts(GTask *task)
{
    Change *change = g_task_get_task_data(task);

    if (change->callout == NULL)
        end(task);
    else
        md_callout_after_async(change->callout, change->error == NULL, on_scripts_told,
                               g_object_ref(task));
}


static void
on_saved(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Change *change = g_task_get_task_data(task);

    md_definitions_write_finish(MD_DEFINITIONS(source), result, &change->error);
    tell_scripts(task);
}


static void
on_removed(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Change *change = g_task_get_task_data(task);

    md_definitions_remove_finish(MD_DEFINITIONS(source), result, &change->error);
    tell_scripts(task);
}


static void
save(GTask *task)
{
    Change *change = g_task_get_task_data(task);
    MdDefinitions *definitions = change->host->definitions;

    if (change->action == MD_CALLOUT_UNDEFINE)
        md_definitions_remove_async(definitions, change->definition->parent_addr,
                                    change->definition->uuid, change->owner, on_removed,
                                    g_object_ref(task));
    else
        md_definitions_write_async(definitions, change->definition, change->owner, on_saved,
                                   g_object_ref(task));
}


static void
on_scripts_asked(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Change *change = g_task_get_task_data(task);

    if (md_callout_before_finish(result, &change->error))
        save(task);
    else
        end(task);
}


/* The device itself is as wanted; now to the disk. */
static void
keep(GTask *task)
{
    Change *change = g_task_get_task_data(task);

    if (change->definition == NULL) {
        end(task);
        return;
    }
    if (!md_callouts_exist(change->host->callouts)) {
        save(task);
        return;
    }
    change->callout =
        md_callout_new(change->host->callouts, change->action, change->definition, change->owner);
    md_callout_before_async(change->callout, on_scripts_asked, g_object_ref(task));
}


/* Tells what is in force now: the first `n` of the new attributes, instead of those that had their
 * names. */
static void
take_live_attrs(Change *change, guint n)
{
    MdNodeDevice *device = md_registry_find(change->host->registry, change->name);
    MdNodeDeviceDef *def = NULL;
    MdCapMdev *cap = NULL;
    g_autoptr(GPtrArray) old = NULL;

    if (device == NULL || !device->active)
        return;

    def = md_node_device_def_copy(device->def);
    cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    old = cap->attrs;
    cap->attrs = md_mdev_attrs_new();
    for (guint i = 0; i < n; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(change->wanted->attrs, i);

        md_mdev_attrs_add(cap->attrs, attr->name, attr->value);
    }
    for (guint i = 0; i < old->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(old, i);

        if (!md_mdev_attrs_contain(cap->attrs, attr->name))
            md_mdev_attrs_add(cap->attrs, attr->name, attr->value);
    }
    md_registry_update(change->host->registry, device, def);
}


static void
on_live_written(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Change *change = g_task_get_task_data(task);
    guint n = change->wanted->attrs->len;

    if (md_worker_run_finish(result, &change->error) == NULL)
        n = g_error_matches(change->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT)
                ? 0
                : md_mdev_write_count_written(change->write);
    if (n > 0)
        take_live_attrs(change, n);
    if (change->error == NULL)
        keep(task);
    else
        end(task);
}


static void
write_live(GTask *task)
{
    Change *change = g_task_get_task_data(task);
    MdNodeDevice *device = md_registry_find(change->host->registry, change->name);

    if (device == NULL || !device->active) {
        md_error_set(&change->error, VIR_ERR_OPERATION_INVALID, "node device '%s' is not active",
                     change->name);
        end(task);
        return;
    }
    change->write = md_mdev_write_new_update(device, change->wanted->attrs);
    md_worker_run_async(md_mdev_write_update, md_mdev_write_ref(change->write),
                        (GDestroyNotify)md_mdev_write_unref, MD_WORKER_WRITE, device->inode,
                        change->host->settings->driver_timeout, change->owner, on_live_written,
                        g_object_ref(task));
}


static void
on_live_asked(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Change *change = g_task_get_task_data(task);

    g_clear_pointer(&change->callout, md_callout_unref);
    if (md_callout_live_finish(result, &change->error)) {
        take_live_attrs(change, change->wanted->attrs->len);
        keep(task);
    } else if (g_error_matches(change->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)) {
        g_clear_error(&change->error);
        write_live(task);
    } else {
        end(task);
    }
}


/* What a script is to make of the active device. */
static MdDefinition *
describe_live(Change *change, MdNodeDevice *device)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);

    return md_definition_new(cap->parent_addr, cap->uuid, cap->type_id,
                             md_node_device_is_autostart(device), change->wanted->attrs);
}


/* By a script that claims the type, else through the files that the driver offers. */
static void
update_live(GTask *task)
{
    Change *change = g_task_get_task_data(task);
    MdNodeDevice *device = md_registry_find(change->host->registry, change->name);
    g_autoptr(MdDefinition) wanted = NULL;

    if (!md_callouts_exist(change->host->callouts)) {
        write_live(task);
        return;
    }
    wanted = describe_live(change, device);
    change->callout =
        md_callout_new(change->host->callouts, MD_CALLOUT_MODIFY, wanted, change->owner);
    md_callout_live_async(change->callout, on_live_asked, g_object_ref(task));
}


/* FALSE if nobody waits for it any more. From here on it is completed, whoever goes. */
static gboolean
commit(Change *change, GError **error)
{
    g_autoptr(MdOwner) owner = change->owner;

    change->owner = md_owner_new_lasting(owner);
    if (!md_owner_is_gone(owner))
        return TRUE;
    md_error_set_from(error, VIR_FROM_RPC, VIR_ERR_OPERATION_ABORTED,
                      "the client has gone before the change had its turn");
    return FALSE;
}


static void
on_turn(gpointer data)
{
    GTask *task = data;
    Change *change = g_task_get_task_data(task);

    if (!commit(change, &change->error) || !change->plan(change, &change->error))
        end(task);
    else if ((change->what & MD_BACKEND_UPDATE_LIVE) != 0)
        update_live(task);
    else
        keep(task);
    g_object_unref(task);
}


static GTask *
change_new(const MdBackendHost *host,
           const char *name,
           const char *doing,
           gboolean (*plan)(Change *change, GError **error),
           MdOwner *owner,
           GAsyncReadyCallback callback,
           gpointer user_data)
{
    GTask *task = md_backend_task_new(callback, user_data);
    Change *change = g_new0(Change, 1);

    change->host = host;
    change->owner = md_owner_ref(owner);
    change->name = g_strdup(name);
    change->doing = doing;
    change->plan = plan;
    g_task_set_task_data(task, change, (GDestroyNotify)change_free);
    return task;
}


/* Takes the task over. */
static void
begin(GTask *task)
{
    Change *change = g_task_get_task_data(task);

    md_turns_take(change->host->turns, change->name, on_turn, task);
}


/* Plans to write `definition` (taken over) unless the disk holds just that. */
static void
plan_writing(Change *change, MdDefinition *definition, const MdDefinition *present)
{
    change->action = present != NULL ? MD_CALLOUT_MODIFY : MD_CALLOUT_DEFINE;
    if (present != NULL && md_definition_is_equal(definition, present))
        md_definition_unref(definition);
    else
        change->definition = definition;
}


static gboolean
plan_define(Change *change, GError **error)
{
    const MdDefinition *wanted = change->wanted;
    MdNodeDevice *device = md_registry_find(change->host->registry, change->name);
    const MdDefinition *present = device != NULL ? device->definition : NULL;
    gboolean autostart = present != NULL && present->autostart;

    /* Before scripts are given it. */
    if (!md_definition_file_is_parent(wanted->parent_addr)) {
        md_error_set(error, VIR_ERR_INVALID_ARG, "'%s' cannot be the address of a parent",
                     wanted->parent_addr);
        return FALSE;
    }
    plan_writing(change,
                 md_definition_new(wanted->parent_addr, wanted->uuid, wanted->type_id, autostart,
                                   wanted->attrs),
                 present);
    return TRUE;
}


static void
on_type_found(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    GTask *task = data;
    Change *change = g_task_get_task_data(task);
    const MdDefinition *wanted = change->wanted;
    g_autoptr(GError) error = NULL;

    change->type_known = md_worker_run_finish(result, &error) != NULL;
    if (change->type_known) {
        MdDefinition *resolved =
            md_definition_new(wanted->parent_addr, wanted->uuid,
                              md_mdev_write_get_type(change->write), FALSE, wanted->attrs);

        md_definition_unref(change->wanted);
        change->wanted = resolved;
    } else if (wanted->type_id == NULL ||
               !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
        g_prefix_error(&error, "Unable to %s '%s': ", change->doing, change->name);
        g_task_return_error(task, g_steal_pointer(&error));
        g_object_unref(task);
        return;
    }
    g_clear_pointer(&change->write, md_mdev_write_unref);
    /* A type that the parent does not have may come with another version of the driver. Whatever
     * else has kept it from being found out is no reason to keep what may be half of its name. */
    begin(task);
}


/* Finds the type that `def` means, at a `parent` that is there, and begins. Takes the task over. */
static void
begin_with_type(GTask *task, MdNodeDevice *parent, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    Change *change = g_task_get_task_data(task);

    if (parent != NULL) {
        change->write = md_mdev_write_new_create(parent, def);
        md_worker_run_async(md_mdev_write_prepare_create, md_mdev_write_ref(change->write),
                            (GDestroyNotify)md_mdev_write_unref, MD_WORKER_READ, parent->inode,
                            change->host->settings->driver_timeout, change->owner, on_type_found,
                            task);
    } else if (cap->type_id != NULL) {
        begin(task);
    } else {
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_CONFIG_UNSUPPORTED,
                                "Unable to %s '%s': parent '%s' is not there to tell which type "
                                "is named '%s'",
                                change->doing, change->name, cap->parent_addr, cap->type_name);
        g_object_unref(task);
    }
}


void
md_mdev_config_define_async(const MdBackendHost *host,
                            MdNodeDevice *parent,
                            const MdNodeDeviceDef *def,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    g_autofree char *uuid = cap->uuid != NULL ? g_strdup(cap->uuid) : g_uuid_string_random();
    g_autofree char *name = md_cap_mdev_make_name(uuid, cap->parent_addr);
    GTask *task = change_new(host, name, "define", plan_define, owner, callback, user_data);
    Change *change = g_task_get_task_data(task);

    change->wanted = md_definition_new(cap->parent_addr, uuid, cap->type_id, FALSE, cap->attrs);
    begin_with_type(task, parent, def);
}


static gboolean
plan_undefine(Change *change, GError **error)
{
    MdNodeDevice *device = md_registry_look_up(change->host->registry, change->name, error);

    if (device == NULL)
        return FALSE;
    if (device->definition == NULL) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID, "Node device '%s' is not defined",
                     change->name);
        return FALSE;
    }
    change->action = MD_CALLOUT_UNDEFINE;
    change->definition = md_definition_ref(device->definition);
    return TRUE;
}


void
md_mdev_config_undefine_async(const MdBackendHost *host,
                              const char *name,
                              MdOwner *owner,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
    begin(change_new(host, name, "undefine", plan_undefine, owner, callback, user_data));
}


static gboolean
plan_autostart(Change *change, GError **error)
{
    MdNodeDevice *device = md_registry_look_up(change->host->registry, change->name, error);
    const MdDefinition *present = device != NULL ? device->definition : NULL;

    if (device == NULL)
        return FALSE;
    if (present == NULL) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID,
                     "cannot set autostart for transient device '%s'", change->name);
        return FALSE;
    }
    plan_writing(change,
                 md_definition_new(present->parent_addr, present->uuid, present->type_id,
                                   change->autostart, present->attrs),
                 present);
    return TRUE;
}


void
md_mdev_config_set_autostart_async(const MdBackendHost *host,
                                   const char *name,
                                   gboolean autostart,
                                   MdOwner *owner,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data)
{
    GTask *task =
        change_new(host, name, "set autostart on", plan_autostart, owner, callback, user_data);
    Change *change = g_task_get_task_data(task);

    change->autostart = autostart;
    begin(task);
}


/* Whether an update leaves the type as it is; where nobody could be asked, what comes behind the
 * driver's name may stand for the full id. */
static gboolean
keeps_type(const Change *change, const char *type)
{
    g_autofree char *tail = g_strconcat("-", change->wanted->type_id, NULL);

    return type != NULL && (g_str_equal(type, change->wanted->type_id) ||
                            (!change->type_known && g_str_has_suffix(type, tail)));
}


/* A device stays what it is, and where it is; only a definition may be given another type. */
static gboolean
check_identity(Change *change, MdNodeDevice *device, GError **error)
{
    const MdDefinition *wanted = change->wanted;
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);
    gboolean live = (change->what & MD_BACKEND_UPDATE_LIVE) != 0;

    if (!g_str_equal(wanted->uuid, cap->uuid))
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Cannot update device '%s', uuid mismatch (current uuid '%s')", change->name,
                     cap->uuid);
    else if (!g_str_equal(wanted->parent_addr, cap->parent_addr))
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Cannot update device '%s', parent address mismatch (current parent address "
                     "'%s')",
                     change->name, cap->parent_addr);
    else if (live && !keeps_type(change, cap->type_id))
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Cannot update device '%s', type mismatch (current type '%s')", change->name,
                     cap->type_id != NULL ? cap->type_id : "unknown");
    else
        return TRUE;
    return FALSE;
}


static gboolean
plan_update(Change *change, GError **error)
{
    MdNodeDevice *device = md_registry_look_up(change->host->registry, change->name, error);

    if (device == NULL)
        return FALSE;

    if (change->what == 0)
        change->what = device->active ? MD_BACKEND_UPDATE_LIVE : MD_BACKEND_UPDATE_CONFIG;
    if ((change->what & MD_BACKEND_UPDATE_LIVE) != 0 && !device->active) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID, "node device '%s' is not active",
                     change->name);
        return FALSE;
    }
    if ((change->what & MD_BACKEND_UPDATE_CONFIG) != 0 && device->definition == NULL) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID,
                     "transient node device '%s' does not have any persistent config",
                     change->name);
        return FALSE;
    }
    if (!check_identity(change, device, error))
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
md_mdev_config_update_async(const MdBackendHost *host,
                            MdNodeDevice *device,
                            const MdNodeDeviceDef *def,
                            guint what,
                            MdOwner *owner,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const MdCapMdev *present = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);
    GTask *task =
        change_new(host, device->def->name, "update", plan_update, owner, callback, user_data);
    Change *change = g_task_get_task_data(task);

    change->wanted =
        md_definition_new(cap->parent_addr, cap->uuid != NULL ? cap->uuid : present->uuid,
                          cap->type_id, FALSE, cap->attrs);
    change->what = what;
    begin_with_type(task, md_registry_find_address(host->registry, cap->parent_addr), def);
}
