/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual host adapters (NPIV). Writing a port name and a node name to `vport_create` of an adapter
 * creates a virtual port and, below this port, a new adapter; writing the same names to
 * `vport_delete` removes both. The kernel chooses the number of the new adapter, so only the names
 * identify it. The names become readable some time after the adapter's event; `inventory` waits for
 * them. A create ends when the write has returned and the registry has an adapter with these names
 * below the parent.
 */
#include "config.h"

#include "vhba/vhba.h"

#include <string.h>

#include "backend/command.h"
#include "conf/cap-scsi-host.h"
#include "conf/wwn.h"
#include "conf/xml-reader.h"
#include "probe/fc-host.h"
#include "util/error.h"
#include "util/fair-queue.h"
#include "vhba/vhba-write.h"

/* One create or destroy. */
typedef struct {
    MdCommand command;    /* name: the port name for a create, the device's name for a destroy */
    MdNodeDevice *parent; /* the adapter to write to; NULL: not found yet */

    /* For a create. */
    char *wanted; /* the device's name for messages */
    char *wwnn;
    char *wwpn;
    char *fabric;       /* NULL: any */
    GQueue candidates;  /* of MdNodeDevice: parents to try */
    GError *reason;     /* why the last candidate failed */
    gulong handlers[2]; /* for signals of the registry, while waiting for the adapter */
    guint timer;
} Operation;


static MdCapScsiHost *
get_cap(const MdNodeDevice *device)
{
    return md_node_device_def_get_cap(device->def, &md_cap_kind_scsi_host);
}


static void
operation_clear(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    g_clear_pointer(&operation->parent, md_node_device_unref);
    g_free(operation->wanted);
    g_free(operation->wwnn);
    g_free(operation->wwpn);
    g_free(operation->fabric);
    g_queue_clear_full(&operation->candidates, (GDestroyNotify)md_node_device_unref);
    g_clear_error(&operation->reason);
}


static Operation *
operation_new(const MdDriverContext *context,
              const char *name,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    Operation *operation = md_command_new(sizeof(Operation), operation_clear, context, name, owner,
                                          callback, user_data);

    g_queue_init(&operation->candidates);
    return operation;
}


/* Takes ownership of `write`. */
static void
operation_run(Operation *operation,
              MdWorkerFunc func,
              MdWorkerKind kind,
              MdVhbaWrite *write,
              MdCommandFunc next)
{
    md_command_run(&operation->command, kind, operation->parent->inode, func, write,
                   (GDestroyNotify)md_vhba_write_free, next);
}


/* Prefixes the error with the operation, unless the error is about a missing device, and thus
 * complete. */
static void
add_prefix(Operation *operation, const char *verb, const char *object)
{
    if (!g_error_matches(operation->command.error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE))
        g_prefix_error(&operation->command.error, "Unable to %s '%s': ", verb, object);
}


/* Whether the device is an adapter with these names below the path `above`. `wwnn` NULL: any node
 * name; `above` NULL: below any device. */
static gboolean
is_adapter(const MdNodeDevice *device, const char *above, const char *wwnn, const char *wwpn)
{
    const MdCapScsiHost *cap = get_cap(device);
    const char *path = device->def->path;

    return cap != NULL && cap->is_fc_host && (wwnn == NULL || g_strcmp0(cap->wwnn, wwnn) == 0) &&
           g_strcmp0(cap->wwpn, wwpn) == 0 &&
           (above == NULL || (g_str_has_prefix(path, above) && path[strlen(above)] == '/'));
}


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


/* NULL if no such device exists, or the document names no parent. */
static MdNodeDevice *
find_named_parent(const MdDriverContext *context, const MdNodeDeviceDef *def)
{
    if (def->parent != NULL)
        return md_registry_find(context->registry, def->parent);
    if (def->parent_wwnn != NULL)
        return find_adapter(context->registry, NULL, def->parent_wwnn, def->parent_wwpn);
    return NULL;
}


static gboolean
serves_parent(const MdDriverContext *context G_GNUC_UNUSED, const MdNodeDevice *parent)
{
    const MdCapScsiHost *adapter = get_cap(parent);

    return adapter != NULL && adapter->has_vport_ops;
}


/* Adds all adapters capable of virtual ports. */
static void
add_candidates(const MdDriverContext *context, GPtrArray *candidates)
{
    for (GList *link = md_registry_list(context->registry); link != NULL; link = link->next) {
        if (serves_parent(context, link->data))
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


/* Port names are unique on a host. */
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
    if (*parent != NULL && !serves_parent(context, *parent)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "Parent device %s is not capable of vport operations", (*parent)->def->name);
        return FALSE;
    }
    return TRUE;
}


/* Reconciles all virtual adapters of the parent with sysfs. */
static void
reconcile_adapters(Operation *operation)
{
    const char *above = operation->parent->def->path;
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(above, NULL);
    g_autoptr(GPtrArray) paths = dir != NULL ? md_fc_host_list_virtual(dir) : NULL;
    MdNodeDevice *named = NULL;

    for (guint i = 0; paths != NULL && i < paths->len; i++)
        md_inventory_reconcile(operation->command.context->inventory, g_ptr_array_index(paths, i));

    named =
        find_adapter(operation->command.context->registry, above, operation->wwnn, operation->wwpn);
    if (named != NULL) {
        g_autofree char *path = g_strdup(named->def->path);

        md_inventory_reconcile(operation->command.context->inventory, path);
    }
}


/* The created adapter, or NULL. */
static MdNodeDevice *
find_created(const Operation *operation)
{
    return find_adapter(operation->command.context->registry, operation->parent->def->path,
                        operation->wwnn, operation->wwpn);
}


static void
end_create(MdCommand *command)
{
    const Operation *operation = (const Operation *)command;
    const MdNodeDevice *device = command->error == NULL ? find_created(operation) : NULL;

    if (device != NULL)
        command->made = g_strdup(device->def->name);
    else if (command->error == NULL)
        md_error_set(&command->error, VIR_ERR_NO_NODE_DEVICE,
                     "no node device for '%s' with matching wwnn '%s' and wwpn '%s' below '%s'",
                     operation->wanted, operation->wwnn, operation->wwpn,
                     operation->parent->def->name);
    md_command_end(command);
}


static void
stop_waiting(Operation *operation)
{
    g_clear_handle_id(&operation->timer, g_source_remove);
    for (gsize i = 0; i < G_N_ELEMENTS(operation->handlers); i++)
        g_clear_signal_handler(&operation->handlers[i], operation->command.context->registry);
}


static gboolean
on_timeout(gpointer data)
{
    Operation *operation = data;

    operation->timer = 0;
    stop_waiting(operation);
    g_debug("Adapter '%s' did not appear below '%s' in time", operation->wwpn,
            operation->parent->def->name);
    reconcile_adapters(operation);
    end_create(&operation->command);
    return G_SOURCE_REMOVE;
}


static gboolean
on_appeared(gpointer data)
{
    Operation *operation = data;

    operation->timer = 0;
    end_create(&operation->command);
    return G_SOURCE_REMOVE;
}


/* Completes from the main loop, because the registry is still emitting the signal. */
static void
on_adapter(MdRegistry *registry G_GNUC_UNUSED, MdNodeDevice *device, Operation *operation)
{
    if (!is_adapter(device, operation->parent->def->path, operation->wwnn, operation->wwpn))
        return;
    stop_waiting(operation);
    operation->timer = g_idle_add_full(G_PRIORITY_DEFAULT, on_appeared, operation, NULL);
}


static void
wait_for_adapter(Operation *operation)
{
    const MdDriverContext *context = operation->command.context;

    operation->handlers[0] =
        g_signal_connect(context->registry, "created", G_CALLBACK(on_adapter), operation);
    operation->handlers[1] =
        g_signal_connect(context->registry, "updated", G_CALLBACK(on_adapter), operation);
    operation->timer = g_timeout_add(context->settings->event_timeout, on_timeout, operation);
}


static MdVhbaWrite *
new_write(Operation *operation)
{
    return md_vhba_write_new_create(operation->parent, operation->wwnn, operation->wwpn,
                                    operation->fabric);
}


static void try_next(Operation *operation);


/* After a failed write, tries the next candidate. */
static void
try_next_after_failure(Operation *operation)
{
    MdCommand *command = &operation->command;

    add_prefix(operation, "create a virtual port of", operation->parent->def->name);
    reconcile_adapters(operation);
    /* After a refusal by the queue, other candidates would be refused, too; after a timeout, the
     * write may still succeed. */
    if (g_queue_is_empty(&operation->candidates) || md_fair_queue_is_refusal(command->error) ||
        g_error_matches(command->error, MD_ERROR, VIR_ERR_OPERATION_TIMEOUT)) {
        end_create(command);
        return;
    }
    g_clear_error(&operation->reason);
    operation->reason = g_steal_pointer(&command->error);
    try_next(operation);
}


static void
on_created(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    if (command->error != NULL)
        try_next_after_failure(operation);
    else if (find_created(operation) != NULL)
        end_create(command);
    else
        wait_for_adapter(operation);
}


static void
operation_create(Operation *operation)
{
    operation_run(operation, md_vhba_write_create, MD_WORKER_WRITE, new_write(operation),
                  on_created);
}


static void
on_checked(MdCommand *command)
{
    Operation *operation = (Operation *)command;

    g_clear_error(&operation->reason);
    if (command->error == NULL) {
        operation_create(operation);
    } else if (md_fair_queue_is_refusal(command->error)) {
        add_prefix(operation, "create a virtual port of", operation->parent->def->name);
        end_create(command);
    } else {
        operation->reason = g_steal_pointer(&command->error);
        try_next(operation);
    }
}


/* Checks the next candidate. */
static void
try_next(Operation *operation)
{
    g_clear_pointer(&operation->parent, md_node_device_unref);
    operation->parent = g_queue_pop_head(&operation->candidates);
    if (operation->parent != NULL) {
        operation_run(operation, md_vhba_write_check, MD_WORKER_READ, new_write(operation),
                      on_checked);
        return;
    }
    md_error_set(&operation->command.error, VIR_ERR_INTERNAL_ERROR,
                 "Could not find parent device for '%s': %s", operation->wanted,
                 operation->reason != NULL ? operation->reason->message
                                           : "no device is capable of vport operations");
    end_create(&operation->command);
}


/* Operations on one port name are serialized, so no other create can begin after this check. */
static void
on_turn(MdCommand *command)
{
    Operation *operation = (Operation *)command;
    MdNodeDevice *other = find_adapter(command->context->registry, NULL, NULL, operation->wwpn);

    if (other != NULL) {
        md_error_set(&command->error, VIR_ERR_OPERATION_INVALID,
                     "World-wide port name '%s' is in use by '%s'", operation->wwpn,
                     other->def->name);
        end_create(command);
    } else if (operation->parent != NULL) {
        operation_create(operation);
    } else {
        try_next(operation);
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
    char *wwpn = cap->wwpn != NULL ? g_strdup(cap->wwpn) : md_wwn_random();
    Operation *operation = operation_new(context, wwpn, owner, callback, user_data);
    g_autoptr(GPtrArray) candidates = g_ptr_array_new();

    operation->wanted = get_wanted(def);
    operation->wwnn = cap->wwnn != NULL ? g_strdup(cap->wwnn) : md_wwn_random();
    operation->wwpn = wwpn;
    operation->fabric = g_strdup(def->parent_fabric_wwn);
    operation->parent = parent != NULL ? md_node_device_ref(parent) : NULL;
    if (parent == NULL)
        add_candidates(context, candidates);
    for (guint i = 0; i < candidates->len; i++)
        g_queue_push_tail(&operation->candidates, md_node_device_ref(candidates->pdata[i]));
    md_command_wait_for_turn(&operation->command, on_turn);
}


static void
on_removed(MdCommand *command)
{
    if (md_inventory_reconcile(command->context->inventory, command->path) != NULL)
        md_error_set(
            &command->error, VIR_ERR_INTERNAL_ERROR,
            "Unable to destroy '%s': device still present after the write to 'vport_delete'",
            command->name);
    md_command_end(command);
}


static void
on_deleted(MdCommand *command)
{
    if (command->error == NULL) {
        md_command_wait(command, on_removed);
        return;
    }
    add_prefix((Operation *)command, "destroy", command->name);
    md_command_give_up(command);
    md_command_end(command);
}


static void
destroy_async(const MdDriverContext *context,
              MdNodeDevice *device,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    const char *path = device->def->path;
    Operation *operation = operation_new(context, device->def->name, owner, callback, user_data);
    MdCommand *command = &operation->command;
    MdNodeDevice *parent = md_registry_find(context->registry, device->def->parent);

    if (!md_fc_host_is_virtual(path) || parent == NULL || get_cap(parent) == NULL)
        md_error_set(&command->error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Unsupported device type: '%s' is not a virtual host adapter", command->name);
    else if (!md_command_expect(command, path, MD_WAIT_REMOVE))
        md_error_set(&command->error, VIR_ERR_OPERATION_INVALID,
                     "device '%s' is already being destroyed", command->name);
    if (command->error != NULL) {
        md_command_end(command);
        return;
    }
    operation->parent = md_node_device_ref(parent);
    operation_run(operation, md_vhba_write_delete, MD_WORKER_WRITE,
                  md_vhba_write_new_delete(parent, device), on_deleted);
}


const MdBackend md_backend_vhba = {
    .kind = &md_cap_kind_scsi_host,
    .find_named_parent = find_named_parent,
    .serves_parent = serves_parent,
    .find_parent = find_parent,
    .list_parents = list_parents,
    .find_present = find_present,
    .create_async = create_async,
    .destroy_async = destroy_async,
};
