/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's mediated devices: a UUID written to the `create` of a type makes one, a write to its
 * `remove` ends it. Either is done when the write has returned and udev has told of it, see
 * uevent-wait.h. Where mdevctl's scripts are installed, they are asked before and told after.
 */
#include "config.h"

#include "mdev/mdev.h"

#include "conf/cap-mdev.h"
#include "mdev/mdev-config.h"
#include "mdev/mdev-parent.h"
#include "mdev/mdev-write.h"
#include "util/error.h"
#include "util/worker.h"

/* One create or destroy. */
typedef struct {
    const MdDriverContext *context;
    const struct Verb *verb;
    MdOwner *owner;
    MdMdevWrite *write;
    guint64 inode;      /* of the device that is written to */
    char *path;         /* where the mediated device is or will be */
    char *name;         /* of the mediated device */
    GPtrArray *attrs;   /* that it gets, or has */
    MdCallout *callout; /* NULL: there are no scripts */
    GError *error;
} Operation;

typedef struct Verb {
    MdWaitFor event;
    MdCalloutAction action;
    MdWorkerFunc prepare; /* only if there are scripts, which want to know more beforehand */
    MdWorkerFunc write;
    /* The registry agrees with sysfs now: whether that is what was wanted. */
    void (*conclude)(Operation *operation, MdNodeDevice *device);
    void (*explain)(Operation *operation, GError **error);
} Verb;


static void
operation_free(Operation *operation)
{
    md_owner_unref(operation->owner);
    md_change_log_end(operation->context->changes, operation->name);
    md_mdev_write_unref(operation->write);
    g_free(operation->path);
    g_free(operation->name);
    g_ptr_array_unref(operation->attrs);
    g_clear_pointer(&operation->callout, md_callout_unref);
    g_clear_error(&operation->error);
    g_free(operation);
}


static MdUeventWait *
get_uevent_wait(Operation *operation)
{
    return md_inventory_get_uevent_wait(operation->context->inventory);
}


static void
end(GTask *task)
{
    Operation *operation = g_task_get_task_data(task);

    md_backend_task_end(task, operation->name, g_steal_pointer(&operation->error));
}


static void
on_scripts_told(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;

    md_callout_after_finish(result);
    end(task);
}


/* It has worked or not, and the registry knows. */
static void
tell_scripts(GTask *task)
{
    Operation *operation = g_task_get_task_data(task);

    if (operation->callout == NULL)
        end(task);
    else
        md_callout_after_async(operation->callout, operation->error == NULL, on_scripts_told,
                               g_object_ref(task));
}


/* Ends a wait that will not be fulfilled and lets the registry see whatever is left. */
static void
give_up(Operation *operation)
{
    md_uevent_wait_cancel(get_uevent_wait(operation), operation->path);
    md_inventory_check(operation->context->inventory, operation->path);
}


static void
on_done(const char *path, gboolean seen, gpointer data)
{
    g_autoptr(GTask) task = data;
    Operation *operation = g_task_get_task_data(task);

    if (!seen)
        md_inventory_settle(operation->context->inventory, path);
    operation->verb->conclude(operation, md_inventory_check(operation->context->inventory, path));
    tell_scripts(task);
}


static void
on_written(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Operation *operation = g_task_get_task_data(task);
    gboolean timed_out = FALSE;

    if (error == NULL) {
        md_uevent_wait_written(get_uevent_wait(operation), operation->path, on_done,
                               g_steal_pointer(&task));
        return;
    }

    operation->error = error;
    /* A write that goes on behind our back must not be looked at. */
    timed_out = g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT);
    if (!timed_out && md_mdev_write_is_withdrawn(operation->write))
        md_inventory_settle(operation->context->inventory, operation->path);
    operation->verb->explain(operation, &operation->error);
    give_up(operation);
    tell_scripts(task);
}


static void
run_job(GTask *task, MdWorkerFunc func, MdWorkerEndFunc done)
{
    Operation *operation = g_task_get_task_data(task);

    md_worker_run(func, md_mdev_write_ref(operation->write), (GDestroyNotify)md_mdev_write_unref,
                  MD_WORKER_WRITE, operation->inode, operation->context->settings->driver_timeout,
                  operation->owner, done, g_object_ref(task));
}


static void
on_scripts_asked(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Operation *operation = g_task_get_task_data(task);

    if (md_callout_before_finish(result, &operation->error)) {
        md_uevent_wait_expect(get_uevent_wait(operation), operation->path, operation->verb->event);
        run_job(task, operation->verb->write, on_written);
        return;
    }
    operation->verb->explain(operation, &operation->error);
    give_up(operation);
    end(task);
}


/* What scripts are told of the device; its type is known by now. */
static MdDefinition *
describe(Operation *operation)
{
    MdNodeDevice *known = md_registry_find(operation->context->registry, operation->name);
    g_autofree char *parent_path = g_path_get_dirname(operation->path);
    g_autofree char *parent_addr = g_path_get_basename(parent_path);
    g_autofree char *uuid = g_path_get_basename(operation->path);

    return md_definition_new(parent_addr, uuid, md_mdev_write_get_type(operation->write),
                             known != NULL && md_node_device_is_autostart(known), operation->attrs);
}


/* From here on it is completed, also for a client that goes: scripts are told how it ends. */
static void
commit(Operation *operation)
{
    g_autoptr(MdOwner) owner = operation->owner;

    operation->owner = md_owner_new_lasting(owner);
}


static void
on_prepared(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Operation *operation = g_task_get_task_data(task);
    g_autoptr(MdDefinition) device = NULL;

    operation->error = error;
    if (error != NULL) {
        operation->verb->explain(operation, &operation->error);
        give_up(operation);
        end(task);
        return;
    }
    commit(operation);

    device = describe(operation);
    operation->callout = md_callout_new(operation->context->callouts, operation->verb->action,
                                        device, operation->owner);
    md_callout_before_async(operation->callout, on_scripts_asked, g_object_ref(task));
}


/* `path` and `name` are those of the mediated device, and taken over, as `write` is. */
static GTask *
operation_new(const MdDriverContext *context,
              const Verb *verb,
              MdMdevWrite *write,
              guint64 inode,
              char *path,
              char *name,
              GPtrArray *attrs,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    GTask *task = md_backend_task_new(callback, user_data);
    Operation *operation = g_new0(Operation, 1);

    operation->context = context;
    operation->verb = verb;
    operation->owner = md_owner_ref(owner);
    operation->write = write;
    operation->inode = inode;
    operation->path = path;
    operation->name = name;
    operation->attrs = md_mdev_attrs_copy(attrs);
    md_change_log_begin(context->changes, name);
    g_task_set_task_data(task, operation, (GDestroyNotify)operation_free);
    return task;
}


/* FALSE if the device is being worked on by somebody else. */
static gboolean
begin(GTask *task)
{
    Operation *operation = g_task_get_task_data(task);
    gboolean scripts = md_callouts_may_exist(operation->context->callouts);

    if (!md_uevent_wait_begin(get_uevent_wait(operation), operation->path,
                              scripts ? MD_WAIT_NOTHING : operation->verb->event))
        return FALSE;
    if (scripts)
        run_job(task, operation->verb->prepare, on_prepared);
    else
        run_job(task, operation->verb->write, on_written);
    return TRUE;
}


static void
conclude_create(Operation *operation, MdNodeDevice *device)
{
    if (device == NULL)
        md_error_set(&operation->error, VIR_ERR_INTERNAL_ERROR,
                     "Unable to start mediated device: '%s' was removed again", operation->path);
    else
        md_registry_set_attrs(operation->context->registry, device, operation->attrs);
}


static void
explain_create(Operation *operation G_GNUC_UNUSED, GError **error)
{
    g_prefix_error(error, "Unable to start mediated device: ");
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
    g_autoptr(GTask) task = operation_new(context, &create_verb, write, parent->inode,
                                          g_build_filename(parent->def->path, uuid, NULL),
                                          md_cap_mdev_make_name(uuid, parent_addr), cap->attrs,
                                          owner, callback, user_data);
    GError *error = NULL;

    md_mdev_write_set_state_dir(write, context->settings->state_dir);
    if (!md_mdev_attrs_check(cap->attrs, &error)) {
        explain_create(NULL, &error);
        g_task_return_error(task, error);
    } else if (!begin(task)) {
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_INTERNAL_ERROR,
                                "Unable to start mediated device: UUID '%s' is in use, a device of "
                                "it is being created or destroyed on '%s'",
                                uuid, parent->def->name);
    }
}


static void
conclude_destroy(Operation *operation, MdNodeDevice *device)
{
    /* Somebody may have made a new one of the same UUID by now. */
    if (device != NULL && device->inode == operation->inode)
        md_error_set(&operation->error, VIR_ERR_INTERNAL_ERROR,
                     "Unable to destroy '%s': the kernel has kept it", operation->name);
}


static void
explain_destroy(Operation *operation, GError **error)
{
    if (!md_error_is_gone(*error))
        g_prefix_error(error, "Unable to destroy '%s': ", operation->name);
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
    g_autoptr(GTask) task =
        operation_new(context, &destroy_verb, md_mdev_write_new_remove(device), device->inode,
                      g_strdup(device->def->path), g_strdup(device->def->name), cap->attrs, owner,
                      callback, user_data);

    if (!begin(task))
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_OPERATION_INVALID,
                                "device '%s' is being destroyed already", device->def->name);
}


const MdBackend md_backend_mdev = {
    .kind = &md_cap_kind_mdev,
    .find_parent = md_mdev_find_parent,
    .find_persistent_parent = md_mdev_find_persistent_parent,
    .list_parents = md_mdev_list_parents,
    .find_present = md_mdev_find_present,
    .create_async = create_async,
    .destroy_async = destroy_async,
    .define_async = md_mdev_config_define_async,
    .undefine_async = md_mdev_config_undefine_async,
    .set_autostart_async = md_mdev_config_set_autostart_async,
    .update_async = md_mdev_config_update_async,
};
