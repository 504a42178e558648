/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's mediated devices: a UUID written to the `create` of a type makes one, a write to its
 * `remove` ends it. Either is done when the write has returned and udev has told of it, see
 * waiter.h.
 */
#include "config.h"

#include "node_device/backend.h"
#include "node_device/mdev-write.h"
#include "util/error.h"
#include "util/worker.h"

/* One create or destroy. */
typedef struct {
    MdBackendHost host;
    MdNodeDevice *device; /* the one to destroy, or the parent */
    char *name;           /* of the device to destroy */
    char *path;           /* where the mediated device is or will be */
} Operation;


static void
operation_free(Operation *operation)
{
    md_node_device_unref(operation->device);
    g_free(operation->name);
    g_free(operation->path);
    g_free(operation);
}


static MdWaiter *
get_waiter(Operation *operation)
{
    return md_inventory_get_waiter(operation->host.inventory);
}


static gboolean
check_parent(MdNodeDevice *parent, GError **error)
{
    g_autoptr(GPtrArray) kinds = md_node_device_def_list_caps(parent->def);

    /* What libvirt says of a device that can have no mediated devices for want of an address. */
    if (md_node_device_def_get_cap(parent->def, &md_cap_kind_system) != NULL) {
        md_error_set(error, VIR_ERR_PARSE_FAILED, "Unable to find address for parent device '%s'",
                     parent->def->name);
        return FALSE;
    }
    if (!g_ptr_array_find(kinds, &md_cap_kind_mdev_types, NULL)) {
        md_error_set(
            error, VIR_ERR_INTERNAL_ERROR,
            "Unable to start mediated device: parent '%s' does not support mediated devices",
            parent->def->name);
        return FALSE;
    }
    return TRUE;
}


/* Ends a wait that will not be fulfilled and lets the registry see whatever is left. */
static void
give_up(Operation *operation)
{
    md_waiter_cancel(get_waiter(operation), operation->path);
    md_inventory_check(operation->host.inventory, operation->path);
}


static void
on_created(const char *path, gboolean seen G_GNUC_UNUSED, gpointer data)
{
    g_autoptr(GTask) task = data;
    Operation *operation = g_task_get_task_data(task);
    MdNodeDevice *device = md_inventory_check(operation->host.inventory, path);

    if (device == NULL)
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_INTERNAL_ERROR,
                                "Unable to start mediated device: '%s' was removed again", path);
    else
        g_task_return_pointer(task, g_strdup(device->def->name), g_free);
}


static void
on_create_written(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GError) error = NULL;
    Operation *operation = g_task_get_task_data(task);

    if (md_worker_run_finish(result, &error) != NULL) {
        md_waiter_written(get_waiter(operation), operation->path, on_created,
                          g_steal_pointer(&task));
        return;
    }

    give_up(operation);
    g_prefix_error(&error, "Unable to start mediated device: ");
    g_task_return_error(task, g_steal_pointer(&error));
}


static void
create_async(const MdBackendHost *host,
             MdNodeDevice *parent,
             const MdNodeDeviceDef *def,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    g_autoptr(MdMdevWrite) write = md_mdev_write_new_create(parent, def);
    Operation *operation = g_new0(Operation, 1);

    g_task_set_source_tag(task, create_async);
    operation->host = *host;
    operation->device = md_node_device_ref(parent);
    operation->path = g_build_filename(parent->def->path, md_mdev_write_get_uuid(write), NULL);
    g_task_set_task_data(task, operation, (GDestroyNotify)operation_free);

    if (!md_waiter_begin(get_waiter(operation), operation->path, MD_WAIT_ADD)) {
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_INTERNAL_ERROR,
                                "Unable to start mediated device: UUID '%s' is in use, a device of "
                                "it is being created or destroyed on '%s'",
                                md_mdev_write_get_uuid(write), parent->def->name);
        return;
    }
    md_worker_run_async(md_mdev_write_create, g_steal_pointer(&write),
                        (GDestroyNotify)md_mdev_write_free, MD_WORKER_WRITE, parent->inode,
                        host->settings->driver_timeout, on_create_written, g_steal_pointer(&task));
}


static char *
create_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, create_async), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}


static void
on_destroyed(const char *path, gboolean seen G_GNUC_UNUSED, gpointer data)
{
    g_autoptr(GTask) task = data;
    Operation *operation = g_task_get_task_data(task);
    MdNodeDevice *left = md_inventory_check(operation->host.inventory, path);

    /* Somebody may have made a new one of the same UUID by now. */
    if (left != NULL && left->inode == operation->device->inode)
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_INTERNAL_ERROR,
                                "Unable to destroy '%s': the kernel has kept it", operation->name);
    else
        g_task_return_boolean(task, TRUE);
}


static void
on_remove_written(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    g_autoptr(GError) error = NULL;
    Operation *operation = g_task_get_task_data(task);

    if (md_worker_run_finish(result, &error) != NULL) {
        md_waiter_written(get_waiter(operation), operation->path, on_destroyed,
                          g_steal_pointer(&task));
        return;
    }

    give_up(operation);
    if (!md_error_is_gone(error))
        g_prefix_error(&error, "Unable to destroy '%s': ", operation->name);
    g_task_return_error(task, g_steal_pointer(&error));
}


static void
destroy_async(const MdBackendHost *host,
              MdNodeDevice *device,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    Operation *operation = g_new0(Operation, 1);

    g_task_set_source_tag(task, destroy_async);
    operation->host = *host;
    operation->device = md_node_device_ref(device);
    operation->name = g_strdup(device->def->name);
    operation->path = g_strdup(device->def->path);
    g_task_set_task_data(task, operation, (GDestroyNotify)operation_free);

    if (!md_waiter_begin(get_waiter(operation), operation->path, MD_WAIT_REMOVE)) {
        g_task_return_new_error(task, MD_ERROR, VIR_ERR_OPERATION_INVALID,
                                "device '%s' is being destroyed already", operation->name);
        return;
    }
    md_worker_run_async(md_mdev_write_remove, md_mdev_write_new_remove(device),
                        (GDestroyNotify)md_mdev_write_free, MD_WORKER_WRITE, device->inode,
                        host->settings->driver_timeout, on_remove_written, g_steal_pointer(&task));
}


static gboolean
destroy_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, destroy_async), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


const MdBackend md_backend_mdev = {
    .kind = &md_cap_kind_mdev,
    .check_parent = check_parent,
    .create_async = create_async,
    .create_finish = create_finish,
    .destroy_async = destroy_async,
    .destroy_finish = destroy_finish,
};
