/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "mdev/mdev-change.h"

#include "conf/cap-mdev.h"
#include "util/error.h"
#include "util/worker.h"


static void
change_free(MdMdevChange *change)
{
    md_owner_unref(change->owner);
    md_change_log_end(change->context->changes, change->name);
    g_free(change->name);
    g_clear_pointer(&change->wanted, md_definition_unref);
    g_clear_pointer(&change->write, md_mdev_write_unref);
    g_clear_pointer(&change->definition, md_definition_unref);
    g_clear_pointer(&change->callout, md_callout_unref);
    g_clear_error(&change->error);
    g_free(change);
}


static void
change_end(GTask *task)
{
    MdMdevChange *change = g_task_get_task_data(task);

    if (!g_error_matches(change->error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE) &&
        !g_error_matches(change->error, MD_ERROR, VIR_ERR_OPERATION_INVALID))
        g_prefix_error(&change->error, "Unable to %s '%s': ", change->doing, change->name);
    md_backend_task_end(task, change->name, g_steal_pointer(&change->error));
    md_key_queue_end(change->context->key_queue, change->name);
}


static void
on_scripts_told(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;

    md_callout_after_finish(result);
    change_end(task);
}


static void
change_tell_scripts(GTask *task)
{
    MdMdevChange *change = g_task_get_task_data(task);

    if (change->callout == NULL)
        change_end(task);
    else
        md_callout_after_async(change->callout, change->error == NULL, on_scripts_told,
                               g_object_ref(task));
}


static void
on_saved(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    MdMdevChange *change = g_task_get_task_data(task);

    md_definitions_write_finish(MD_DEFINITIONS(source), result, &change->error);
    change_tell_scripts(task);
}


static void
on_removed(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    MdMdevChange *change = g_task_get_task_data(task);

    md_definitions_remove_finish(MD_DEFINITIONS(source), result, &change->error);
    change_tell_scripts(task);
}


static void
change_save(GTask *task)
{
    MdMdevChange *change = g_task_get_task_data(task);
    MdDefinitions *definitions = change->context->definitions;

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
    MdMdevChange *change = g_task_get_task_data(task);

    if (md_callout_before_finish(result, &change->error))
        change_save(task);
    else
        change_end(task);
}


/* The device itself is as wanted; now to the disk. */
static void
change_keep(GTask *task)
{
    MdMdevChange *change = g_task_get_task_data(task);

    if (change->definition == NULL) {
        change_end(task);
        return;
    }
    if (!md_callouts_may_exist(change->context->callouts)) {
        change_save(task);
        return;
    }
    if (change->action != MD_CALLOUT_UNDEFINE &&
        !md_definitions_may_write(change->context->definitions, change->definition,
                                  &change->error)) {
        change_end(task);
        return;
    }
    change->callout = md_callout_new(change->context->callouts, change->action, change->definition,
                                     change->owner);
    md_callout_before_async(change->callout, on_scripts_asked, g_object_ref(task));
}


/* Tells what is in force now: the first `n` of the new attributes, instead of those that had their
 * names. */
static void
take_live_attrs(MdMdevChange *change, guint n)
{
    MdNodeDevice *device = md_registry_find(change->context->registry, change->name);
    MdNodeDeviceDef *def = NULL;
    MdCapMdev *cap = NULL;
    g_autoptr(GPtrArray) old = NULL;

    if (device == NULL || !device->active)
        return;

    def = md_node_device_def_copy(device->def);
    cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    old = cap->attrs;
    cap->attrs = md_mdev_attrs_update(old, change->wanted->attrs, n);
    md_registry_update(change->context->registry, device, def);
}


static void
on_live_written(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    MdMdevChange *change = g_task_get_task_data(task);
    guint n = change->wanted->attrs->len;

    change->error = error;
    if (error != NULL)
        n = g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT)
                ? 0
                : md_mdev_write_count_written(change->write);
    if (n > 0)
        take_live_attrs(change, n);
    if (error == NULL)
        change_keep(task);
    else
        change_end(task);
}


static void
change_write_live(GTask *task)
{
    MdMdevChange *change = g_task_get_task_data(task);
    MdNodeDevice *device = md_registry_find(change->context->registry, change->name);

    if (device == NULL || !device->active) {
        md_error_set(&change->error, VIR_ERR_OPERATION_INVALID, "node device '%s' is not active",
                     change->name);
        change_end(task);
        return;
    }
    change->write = md_mdev_write_new_update(device, change->wanted->attrs);
    md_worker_run(md_mdev_write_update, md_mdev_write_ref(change->write),
                  (GDestroyNotify)md_mdev_write_unref, MD_WORKER_WRITE, device->inode,
                  change->context->settings->driver_timeout, change->owner, on_live_written,
                  g_object_ref(task));
}


static void
on_live_asked(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    MdMdevChange *change = g_task_get_task_data(task);

    g_clear_pointer(&change->callout, md_callout_unref);
    if (md_callout_live_finish(result, &change->error)) {
        take_live_attrs(change, change->wanted->attrs->len);
        change_keep(task);
    } else if (g_error_matches(change->error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)) {
        g_clear_error(&change->error);
        change_write_live(task);
    } else {
        change_end(task);
    }
}


/* What a script is to make of the active device. */
static MdDefinition *
describe_live(MdMdevChange *change, MdNodeDevice *device)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);

    return md_definition_new(cap->parent_addr, cap->uuid, cap->type_id,
                             md_node_device_is_autostart(device), change->wanted->attrs);
}


/* By a script that claims the type, else through the files that the driver offers. */
static void
change_update_live(GTask *task)
{
    MdMdevChange *change = g_task_get_task_data(task);
    MdNodeDevice *device = md_registry_find(change->context->registry, change->name);
    g_autoptr(MdDefinition) wanted = NULL;

    if (!md_callouts_may_exist(change->context->callouts)) {
        change_write_live(task);
        return;
    }
    wanted = describe_live(change, device);
    change->callout =
        md_callout_new(change->context->callouts, MD_CALLOUT_MODIFY, wanted, change->owner);
    md_callout_live_async(change->callout, on_live_asked, g_object_ref(task));
}


/* FALSE if nobody waits for it any more. From here on it is completed, whoever goes. */
static gboolean
change_commit(MdMdevChange *change, GError **error)
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
    MdMdevChange *change = g_task_get_task_data(task);

    if (!change_commit(change, &change->error) || !change->plan(change, &change->error))
        change_end(task);
    else if ((change->what & MD_BACKEND_UPDATE_LIVE) != 0)
        change_update_live(task);
    else
        change_keep(task);
    g_object_unref(task);
}


GTask *
md_mdev_change_new(const MdDriverContext *context,
                   const char *name,
                   const char *doing,
                   gboolean (*plan)(MdMdevChange *change, GError **error),
                   MdOwner *owner,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
    GTask *task = md_backend_task_new(callback, user_data);
    MdMdevChange *change = g_new0(MdMdevChange, 1);

    change->context = context;
    change->owner = md_owner_ref(owner);
    change->name = g_strdup(name);
    md_change_log_begin(context->changes, name);
    change->doing = doing;
    change->plan = plan;
    g_task_set_task_data(task, change, (GDestroyNotify)change_free);
    return task;
}


void
md_mdev_change_begin(GTask *task)
{
    MdMdevChange *change = g_task_get_task_data(task);

    md_key_queue_take(change->context->key_queue, change->name, on_turn, task);
}
