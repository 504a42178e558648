/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual host adapters (NPIV): a pair of names written to the `vport_create` of an adapter makes a
 * virtual port with an adapter of its own below that one, written to its `vport_delete` it ends
 * both. The kernel chooses the number of the new adapter, so that it is known by its names only;
 * and these come after its event, which `inventory` waits for. One is made when the write has
 * returned and the registry has an adapter of these names below the parent.
 */
#include "config.h"

#include "vhba/vhba.h"

#include <string.h>

#include "conf/cap-scsi-host.h"
#include "conf/wwn.h"
#include "conf/xml-reader.h"
#include "probe/fc-host.h"
#include "util/error.h"
#include "util/fair-queue.h"
#include "util/worker.h"
#include "vhba/vhba-write.h"

/* One create or destroy. */
typedef struct {
    const MdDriverContext *context;
    MdOwner *owner;
    MdNodeDevice *parent; /* the adapter to write to; NULL: none has been found yet */
    char *name;           /* of the device, once it is known */
    char *path;           /* of one to destroy */
    char *own;            /* what the log of changes calls it */
    GError *error;

    /* Of one to make. */
    char *wanted; /* what messages call it */
    char *wwnn;
    char *wwpn;
    char *fabric;       /* NULL: any */
    GQueue candidates;  /* of MdNodeDevice: parents to be tried */
    GError *reason;     /* why the last one will not do */
    gulong handlers[2]; /* of the registry, while it is waited for */
    guint timer;
} Operation;


static MdCapScsiHost *
get_cap(const MdNodeDevice *device)
{
    return md_node_device_def_get_cap(device->def, &md_cap_kind_scsi_host);
}


static void
operation_free(Operation *operation)
{
    md_owner_unref(operation->owner);
    g_clear_pointer(&operation->parent, md_node_device_unref);
    if (operation->own != NULL)
        md_change_log_end(operation->context->changes, operation->own);
    g_free(operation->own);
    g_free(operation->name);
    g_free(operation->path);
    g_clear_error(&operation->error);
    g_free(operation->wanted);
    g_free(operation->wwnn);
    g_free(operation->wwpn);
    g_free(operation->fabric);
    g_queue_clear_full(&operation->candidates, (GDestroyNotify)md_node_device_unref);
    g_clear_error(&operation->reason);
    g_free(operation);
}


static GTask *
operation_new(const MdDriverContext *context,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    GTask *task = md_backend_task_new(callback, user_data);
    Operation *operation = g_new0(Operation, 1);

    operation->context = context;
    operation->owner = md_owner_ref(owner);
    g_queue_init(&operation->candidates);
    g_task_set_task_data(task, operation, (GDestroyNotify)operation_free);
    return task;
}


static void
operation_announce(Operation *operation, const char *name)
{
    operation->own = g_strdup(name);
    md_change_log_begin(operation->context->changes, name);
}


static void
end(GTask *task)
{
    Operation *operation = g_task_get_task_data(task);

    md_backend_task_end(task, operation->name, g_steal_pointer(&operation->error));
}


static void
run_job(GTask *task, MdWorkerFunc func, MdWorkerKind kind, MdVhbaWrite *write, MdWorkerEndFunc done)
{
    Operation *operation = g_task_get_task_data(task);

    md_worker_run(func, write, (GDestroyNotify)md_vhba_write_free, kind, operation->parent->inode,
                  operation->context->settings->driver_timeout, operation->owner, done,
                  g_object_ref(task));
}


/* Says what has failed; that a device is not there any more says enough. */
static void
add_prefix(Operation *operation, const char *verb, const char *object)
{
    if (!g_error_matches(operation->error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE))
        g_prefix_error(&operation->error, "Unable to %s '%s': ", verb, object);
}


/* Whether it is an adapter of these names, any of the first if it is NULL, below a path if that is
 * not. */
static gboolean
is_adapter(const MdNodeDevice *device, const char *above, const char *wwnn, const char *wwpn)
{
    const MdCapScsiHost *cap = get_cap(device);
    const char *path = device->def->path;

    return cap != NULL && cap->is_fc_host && (wwnn == NULL || g_strcmp0(cap->wwnn, wwnn) == 0) &&
           g_strcmp0(cap->wwpn, wwpn) == 0 &&
           (above == NULL || (g_str_has_prefix(path, above) && path[strlen(above)] == '/'));
}


/* The first one. */
static MdNodeDevice *
find_adapter(MdRegistry *registry, const char *above, const char *wwnn, const char *wwpn)
{
    for (GList *link = md_registry_list(registry); link != NULL; link = link->next) {
        if (is_adapter(link->data, above, wwnn, wwpn))
            return link->data;
    }
    return NULL;
}


MdNodeDevice *
md_vhba_look_up(MdRegistry *registry, const char *wwnn, const char *wwpn, GError **error)
{
    g_autofree char *node_name = md_wwn_normalize(wwnn, MD_WWN_DIGITS);
    g_autofree char *port_name = md_wwn_normalize(wwpn, MD_WWN_DIGITS);
    MdNodeDevice *device = NULL;

    if (node_name != NULL && port_name != NULL)
        device = find_adapter(registry, NULL, node_name, port_name);
    if (device == NULL) {
        g_autofree char *quoted_wwnn = md_xml_shorten(wwnn);
        g_autofree char *quoted_wwpn = md_xml_shorten(wwpn);

        md_error_set(error, VIR_ERR_NO_NODE_DEVICE,
                     "no node device with matching wwnn '%s' and wwpn '%s'", quoted_wwnn,
                     quoted_wwpn);
    }
    return device;
}


static char *
get_wanted(const MdNodeDeviceDef *def)
{
    return md_xml_shorten(def->name != NULL ? def->name : "new device");
}


static gboolean
names_parent(const MdNodeDeviceDef *def)
{
    return def->parent != NULL || def->parent_wwnn != NULL;
}


/* NULL if there is none of that name, or none is named. */
static MdNodeDevice *
find_named_parent(const MdDriverContext *context, const MdNodeDeviceDef *def)
{
    if (def->parent != NULL)
        return md_registry_find(context->registry, def->parent);
    if (def->parent_wwnn != NULL)
        return find_adapter(context->registry, NULL, def->parent_wwnn, def->parent_wwpn);
    return NULL;
}


/* Adds whatever takes virtual ports. */
static void
add_candidates(const MdDriverContext *context, GPtrArray *candidates)
{
    for (GList *link = md_registry_list(context->registry); link != NULL; link = link->next) {
        const MdCapScsiHost *adapter = get_cap(link->data);

        if (adapter != NULL && adapter->has_vport_ops)
            g_ptr_array_add(candidates, link->data);
    }
}


static void
list_parents(const MdDriverContext *context, const MdNodeDeviceDef *def, GPtrArray *names)
{
    MdNodeDevice *parent = find_named_parent(context, def);
    g_autoptr(GPtrArray) parents = g_ptr_array_new();

    if (parent != NULL)
        g_ptr_array_add(parents, parent);
    else if (!names_parent(def))
        add_candidates(context, parents);
    for (guint i = 0; i < parents->len; i++)
        g_ptr_array_add(names, ((MdNodeDevice *)parents->pdata[i])->def->name);
}


/* A port name is only once on a host. */
static MdNodeDevice *
find_present(const MdDriverContext *context, const MdNodeDeviceDef *def)
{
    const MdCapScsiHost *cap = md_node_device_def_get_cap(def, &md_cap_kind_scsi_host);

    return cap->wwpn != NULL ? find_adapter(context->registry, NULL, NULL, cap->wwpn) : NULL;
}


static gboolean
find_parent(const MdDriverContext *context,
            const MdNodeDeviceDef *def,
            MdNodeDevice **parent,
            GError **error)
{
    const MdCapScsiHost *cap = md_node_device_def_get_cap(def, &md_cap_kind_scsi_host);
    g_autofree char *wanted = get_wanted(def);

    if (!cap->is_fc_host) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "Device is not a fibre channel HBA");
        return FALSE;
    }

    *parent = find_named_parent(context, def);
    if (*parent == NULL && names_parent(def)) {
        g_autofree char *quote =
            md_xml_shorten(def->parent != NULL ? def->parent : def->parent_wwpn);

        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "Could not find parent device for '%s': there is no '%s'", wanted, quote);
        return FALSE;
    }
    if (*parent != NULL && (get_cap(*parent) == NULL || !get_cap(*parent)->has_vport_ops)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "Parent device %s is not capable of vport operations", (*parent)->def->name);
        return FALSE;
    }
    return TRUE;
}


/* Makes the registry agree with sysfs about all virtual adapters of the parent. */
static void
check_all(Operation *operation)
{
    const char *above = operation->parent->def->path;
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(above, NULL);
    g_autoptr(GPtrArray) paths = dir != NULL ? md_fc_host_list_virtual(dir) : NULL;
    MdNodeDevice *named = NULL;

    for (guint i = 0; paths != NULL && i < paths->len; i++)
        md_inventory_check(operation->context->inventory, g_ptr_array_index(paths, i));

    named = find_adapter(operation->context->registry, above, operation->wwnn, operation->wwpn);
    if (named != NULL) {
        g_autofree char *path = g_strdup(named->def->path);

        md_inventory_check(operation->context->inventory, path);
    }
}


/* It is there, or it is not. */
static void
end_create(GTask *task)
{
    Operation *operation = g_task_get_task_data(task);
    const MdDriverContext *context = operation->context;
    MdNodeDevice *device = NULL;

    if (operation->error == NULL) {
        device = find_adapter(context->registry, operation->parent->def->path, operation->wwnn,
                              operation->wwpn);
        if (device != NULL)
            operation->name = g_strdup(device->def->name);
        else
            md_error_set(&operation->error, VIR_ERR_NO_NODE_DEVICE,
                         "no node device for '%s' with matching wwnn '%s' and wwpn '%s' below '%s'",
                         operation->wanted, operation->wwnn, operation->wwpn,
                         operation->parent->def->name);
    }
    end(task);
    md_key_queue_end(context->key_queue, operation->wwpn);
}


static void
stop_waiting(Operation *operation)
{
    g_clear_handle_id(&operation->timer, g_source_remove);
    for (gsize i = 0; i < G_N_ELEMENTS(operation->handlers); i++)
        g_clear_signal_handler(&operation->handlers[i], operation->context->registry);
}


static gboolean
on_timeout(gpointer data)
{
    g_autoptr(GTask) task = data;
    Operation *operation = g_task_get_task_data(task);

    operation->timer = 0;
    stop_waiting(operation);
    g_debug("No adapter '%s' below '%s' has come in time", operation->wwpn,
            operation->parent->def->name);
    check_all(operation);
    end_create(task);
    return G_SOURCE_REMOVE;
}


static gboolean
on_come(gpointer data)
{
    g_autoptr(GTask) task = data;

    ((Operation *)g_task_get_task_data(task))->timer = 0;
    end_create(task);
    return G_SOURCE_REMOVE;
}


/* Something has come or changed. Those who listen to the registry are still being told. */
static void
on_registry(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, GTask *task)
{
    Operation *operation = g_task_get_task_data(task);

    if (!is_adapter(device, operation->parent->def->path, operation->wwnn, operation->wwpn))
        return;
    stop_waiting(operation);
    operation->timer = g_idle_add_full(G_PRIORITY_DEFAULT, on_come, task, NULL);
}


/* Takes the task over. */
static void
wait_for_adapter(GTask *task)
{
    Operation *operation = g_task_get_task_data(task);
    MdRegistry *registry = operation->context->registry;

    operation->handlers[0] = g_signal_connect(registry, "created", G_CALLBACK(on_registry), task);
    operation->handlers[1] = g_signal_connect(registry, "updated", G_CALLBACK(on_registry), task);
    operation->timer = g_timeout_add(operation->context->settings->event_timeout, on_timeout, task);
}


static MdVhbaWrite *
new_write(Operation *operation)
{
    return md_vhba_write_new_create(operation->parent, operation->wwnn, operation->wwpn,
                                    operation->fabric);
}


static void try_next(GTask *task);


/* The write has failed: another adapter may do if any may. */
static void
go_on_after_failure(GTask *task)
{
    Operation *operation = g_task_get_task_data(task);

    add_prefix(operation, "create a virtual port of", operation->parent->def->name);
    check_all(operation);
    /* One that is not through yet may still work. */
    if (g_queue_is_empty(&operation->candidates) || md_fair_queue_is_refusal(operation->error) ||
        g_error_matches(operation->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT)) {
        end_create(task);
        return;
    }
    g_clear_error(&operation->reason);
    operation->reason = g_steal_pointer(&operation->error);
    try_next(task);
}


static void
on_created(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Operation *operation = g_task_get_task_data(task);

    operation->error = error;
    if (error != NULL) {
        go_on_after_failure(task);
    } else if (find_adapter(operation->context->registry, operation->parent->def->path,
                            operation->wwnn, operation->wwpn) != NULL) {
        end_create(task);
    } else {
        wait_for_adapter(g_steal_pointer(&task));
    }
}


static void
on_checked(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Operation *operation = g_task_get_task_data(task);

    g_clear_error(&operation->reason);
    operation->reason = error;
    if (error == NULL) {
        run_job(task, md_vhba_write_create, MD_WORKER_WRITE, new_write(operation), on_created);
    } else if (md_fair_queue_is_refusal(operation->reason)) {
        operation->error = g_steal_pointer(&operation->reason);
        add_prefix(operation, "create a virtual port of", operation->parent->def->name);
        end_create(task);
    } else {
        try_next(task);
    }
}


/* Asks the next one of those that may be the parent. */
static void
try_next(GTask *task)
{
    Operation *operation = g_task_get_task_data(task);

    g_clear_pointer(&operation->parent, md_node_device_unref);
    operation->parent = g_queue_pop_head(&operation->candidates);
    if (operation->parent != NULL) {
        run_job(task, md_vhba_write_check, MD_WORKER_READ, new_write(operation), on_checked);
        return;
    }
    md_error_set(&operation->error, VIR_ERR_INTERNAL_ERROR,
                 "Could not find parent device for '%s': %s", operation->wanted,
                 operation->reason != NULL ? operation->reason->message
                                           : "there is none that takes virtual ports");
    end_create(task);
}


/* Nobody else makes or has made one of that name. */
static void
on_turn(gpointer data)
{
    g_autoptr(GTask) task = data;
    Operation *operation = g_task_get_task_data(task);
    MdNodeDevice *other = find_adapter(operation->context->registry, NULL, NULL, operation->wwpn);

    if (other != NULL) {
        md_error_set(&operation->error, VIR_ERR_OPERATION_INVALID,
                     "World-wide port name '%s' is in use by '%s'", operation->wwpn,
                     other->def->name);
        end_create(task);
    } else if (operation->parent != NULL) {
        run_job(task, md_vhba_write_create, MD_WORKER_WRITE, new_write(operation), on_created);
    } else {
        try_next(task);
    }
}


static void
create_async(const MdDriverContext *context,
             MdNodeDevice *parent,
             const MdNodeDeviceDef *def,
             MdOwner *owner,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
    const MdCapScsiHost *cap = md_node_device_def_get_cap(def, &md_cap_kind_scsi_host);
    GTask *task = operation_new(context, owner, callback, user_data);
    Operation *operation = g_task_get_task_data(task);
    g_autoptr(GPtrArray) candidates = g_ptr_array_new();

    operation->wanted = get_wanted(def);
    operation->wwnn = cap->wwnn != NULL ? g_strdup(cap->wwnn) : md_wwn_random();
    operation->wwpn = cap->wwpn != NULL ? g_strdup(cap->wwpn) : md_wwn_random();
    operation->fabric = g_strdup(def->parent_fabric_wwn);
    operation->parent = parent != NULL ? md_node_device_ref(parent) : NULL;
    if (parent == NULL)
        add_candidates(context, candidates);
    for (guint i = 0; i < candidates->len; i++)
        g_queue_push_tail(&operation->candidates, md_node_device_ref(candidates->pdata[i]));
    operation_announce(operation, operation->wwpn);
    md_key_queue_take(context->key_queue, operation->wwpn, on_turn, task);
}


static void
on_removed(const char *path, gboolean seen, gpointer data)
{
    g_autoptr(GTask) task = data;
    Operation *operation = g_task_get_task_data(task);

    if (!seen)
        md_inventory_settle(operation->context->inventory, path);
    if (md_inventory_check(operation->context->inventory, path) != NULL)
        md_error_set(&operation->error, VIR_ERR_INTERNAL_ERROR,
                     "Unable to destroy '%s': it is still there", operation->name);
    end(task);
}


static void
on_deleted(gpointer data G_GNUC_UNUSED, GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Operation *operation = g_task_get_task_data(task);
    MdUeventWait *uevent_wait = md_inventory_get_uevent_wait(operation->context->inventory);

    if (error == NULL) {
        md_uevent_wait_written(uevent_wait, operation->path, on_removed, g_steal_pointer(&task));
        return;
    }
    operation->error = error;
    add_prefix(operation, "destroy", operation->name);
    md_uevent_wait_cancel(uevent_wait, operation->path);
    md_inventory_check(operation->context->inventory, operation->path);
    end(task);
}


static void
destroy_async(const MdDriverContext *context,
              MdNodeDevice *device,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    g_autoptr(GTask) task = operation_new(context, owner, callback, user_data);
    Operation *operation = g_task_get_task_data(task);
    MdNodeDevice *parent = md_registry_find(context->registry, device->def->parent);

    operation->name = g_strdup(device->def->name);
    operation->path = g_strdup(device->def->path);
    operation_announce(operation, device->def->name);
    if (!md_fc_host_is_virtual(operation->path) || parent == NULL || get_cap(parent) == NULL)
        md_error_set(&operation->error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Unsupported device type: '%s' is not a virtual host adapter",
                     operation->name);
    else if (!md_uevent_wait_begin(md_inventory_get_uevent_wait(context->inventory),
                                   operation->path, MD_WAIT_REMOVE))
        md_error_set(&operation->error, VIR_ERR_OPERATION_INVALID,
                     "device '%s' is being destroyed already", operation->name);
    if (operation->error != NULL) {
        end(task);
        return;
    }
    operation->parent = md_node_device_ref(parent);
    run_job(task, md_vhba_write_delete, MD_WORKER_WRITE, md_vhba_write_new_delete(parent, device),
            on_deleted);
}


const MdBackend md_backend_vhba = {
    .kind = &md_cap_kind_scsi_host,
    .find_parent = find_parent,
    .list_parents = list_parents,
    .find_present = find_present,
    .create_async = create_async,
    .destroy_async = destroy_async,
};
