/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/driver.h"

#include "conf/cap-mdev.h"
#include "mdev/recovery.h"
#include "node_device/document-now.h"
#include "node_device/driver-private.h"
#include "node_device/vpd-search.h"
#include "probe/pci-names.h"
#include "registry/list-flags.h"
#include "util/error.h"
#include "util/script.h"
#include "util/worker.h"
#include "vgpu/vgpus.h"
#include "vhba/vhba.h"

/* Set by virsh --inactive; named in libvirt since 10.1. */
#define XML_INACTIVE (1U << 0)

G_DEFINE_FINAL_TYPE(MdDriver, md_driver, G_TYPE_OBJECT)


static void
md_driver_dispose(GObject *object)
{
    MdDriver *self = MD_DRIVER(object);

    if (self->context.definitions != NULL) {
        md_definitions_set_when_notified(self->context.definitions, NULL, NULL);
        g_signal_handlers_disconnect_by_data(self->context.definitions, self);
    }
    g_clear_pointer(&self->enabler, md_vgpu_enabler_free);
    g_clear_pointer(&self->autostart, md_autostart_free);
    g_clear_pointer(&self->context.recovery, md_recovery_free);
    g_clear_pointer(&self->documents, md_documents_free);
    g_clear_object(&self->context.definitions);
    g_clear_pointer(&self->context.vgpus, md_vgpus_free);
    g_clear_object(&self->context.inventory);
    g_clear_pointer(&self->context.callouts, md_callouts_unref);
    g_clear_pointer(&self->context.key_queue, md_key_queue_free);
    g_clear_pointer(&self->events, md_events_free);
    g_clear_pointer(&self->context.changes, md_change_log_free);
    g_clear_object(&self->context.registry);
    G_OBJECT_CLASS(md_driver_parent_class)->dispose(object);
}


static void
md_driver_class_init(MdDriverClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_driver_dispose;
}


static void
md_driver_init(MdDriver *self)
{
    self->context.registry = md_registry_new();
    self->events = md_events_new(self->context.registry);
    self->context.changes = md_change_log_new(self->context.registry);
}


/* Whether the device is on this parent: addresses that differ only in punctuation result in the
 * same name. */
static gboolean
is_of_parent(MdNodeDevice *device, const char *parent_addr)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(device->def, &md_cap_kind_mdev);

    return cap != NULL && g_strcmp0(cap->parent_addr, parent_addr) == 0;
}


static void
on_definition_changed(MdDefinitions *definitions,
                      const char *parent_addr,
                      const char *uuid,
                      MdDriver *self)
{
    MdDefinition *definition = md_definitions_find(definitions, parent_addr, uuid);
    g_autofree char *name = md_cap_mdev_make_name(uuid, parent_addr);
    MdNodeDevice *device = md_registry_find(self->context.registry, name);

    if (device != NULL && !is_of_parent(device, parent_addr))
        g_message("Ignoring definition '%s' of parent '%s': another device is already named '%s'",
                  uuid, parent_addr, name);
    else if (definition != NULL)
        md_registry_define(self->context.registry, definition);
    else if (device != NULL && device->definition != NULL)
        md_registry_undefine(self->context.registry, device);
}


static void
call_when_notified(MdOwner *owner, void (*func)(gpointer data), gpointer func_data, gpointer data)
{
    MdDriver *self = data;

    md_events_call_when_notified(self->events, md_owner_get_share(owner), func, func_data);
}


static void
begin_autostart(MdDriver *self)
{
    if (!self->loaded || self->context.settings->roots->is_session || self->stopped)
        return;
    self->autostart = md_autostart_new(&self->context);
    self->enabler = md_vgpu_enabler_new(&self->context);
}


/* Autostart begins only when all definitions have been read, however long the disk takes, because
 * it does not start devices that are defined later. */
static void
on_definitions_loaded(MdDefinitions *definitions G_GNUC_UNUSED, MdDriver *self)
{
    self->loaded = TRUE;
    if (!self->starting)
        begin_autostart(self);
}


MdDriver *
md_driver_new(const MdSettings *settings)
{
    MdDriver *self = g_object_new(MD_TYPE_DRIVER, NULL);

    self->context.settings = settings;
    self->context.inventory = md_inventory_new(self->context.registry, settings);
    self->context.vgpus = md_vgpus_new(&self->context);
    self->context.definitions = md_definitions_new(settings);
    self->context.callouts = md_callouts_new(settings);
    self->context.key_queue = md_key_queue_new();
    self->documents = md_documents_new(&self->context);
    md_definitions_set_when_notified(self->context.definitions, call_when_notified, self);
    g_signal_connect(self->context.definitions, "changed", G_CALLBACK(on_definition_changed), self);
    g_signal_connect(self->context.definitions, "loaded", G_CALLBACK(on_definitions_loaded), self);
    return self;
}


/* Takes ownership of `error`. */
static void
end_start(MdDriver *self, GTask *task, GError *error)
{
    self->starting = FALSE;
    if (error != NULL)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);

    if (self->stopping != NULL) {
        g_task_return_boolean(self->stopping, TRUE);
        g_clear_object(&self->stopping);
    }
}


/* The removal of a half-created device may have freed the instance that a failed start needs. */
static void
on_recovered(const char *address, gpointer data)
{
    MdDriver *self = data;

    if (self->autostart != NULL)
        md_autostart_retry(self->autostart, address);
}


static void
on_definitions_started(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    MdDriver *self = g_task_get_source_object(task);
    GError *error = NULL;

    if (md_definitions_start_finish(MD_DEFINITIONS(source), result, &error)) {
        md_change_log_start(self->context.changes);
        if (!self->context.settings->roots->is_session && !self->stopped)
            self->context.recovery = md_recovery_new(&self->context, on_recovered, self);
        begin_autostart(self);
    }
    end_start(self, task, error);
}


static void
on_vgpus_found(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    MdDriver *self = g_task_get_source_object(task);

    md_vgpus_look_finish(result);
    if (self->stopped)
        end_start(self, task, NULL);
    else
        md_definitions_start_async(self->context.definitions, on_definitions_started,
                                   g_steal_pointer(&task));
}


static void
on_inventory_started(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    MdDriver *self = g_task_get_source_object(task);
    GError *error = NULL;

    if (!md_inventory_start_finish(MD_INVENTORY(source), result, &error) || self->stopped)
        end_start(self, task, error);
    else
        md_vgpus_look_async(self->context.vgpus, NULL, md_owner_get_daemon(), on_vgpus_found,
                            g_steal_pointer(&task));
}


void
md_driver_start_async(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);

    g_task_set_source_tag(task, md_driver_start_async);
    self->starting = TRUE;
    md_callouts_start(self->context.callouts);
    md_inventory_start_async(self->context.inventory, on_inventory_started, task);
}


gboolean
md_driver_start_finish(MdDriver *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}


gboolean
md_driver_is_busy(MdDriver *self)
{
    return md_recovery_is_busy(self->context.recovery) || md_vgpu_enabler_is_busy(self->enabler) ||
           (self->autostart != NULL && md_autostart_is_busy(self->autostart));
}


static void
on_autostart_stopped(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;

    md_autostart_stop_finish(result);
    g_task_return_boolean(task, TRUE);
}


void
md_driver_stop_async(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);

    g_task_set_source_tag(task, md_driver_stop_async);
    self->stopped = TRUE;
    g_clear_pointer(&self->enabler, md_vgpu_enabler_free);
    if (self->starting)
        self->stopping = g_steal_pointer(&task);
    else if (self->autostart == NULL)
        g_task_return_boolean(task, TRUE);
    else
        md_autostart_stop_async(self->autostart, on_autostart_stopped, g_steal_pointer(&task));
}


void
md_driver_stop_finish(MdDriver *self, GAsyncResult *result)
{
    g_return_if_fail(g_task_is_valid(result, self));

    g_task_propagate_boolean(G_TASK(result), NULL);
}


void
md_driver_reload(MdDriver *self)
{
    md_pci_names_drop();
    md_definitions_rescan(self->context.definitions);
}


void
md_driver_log_state(MdDriver *self)
{
    g_message("%u devices", md_registry_size(self->context.registry));
    md_definitions_log_state(self->context.definitions);
    md_worker_log_state();
    md_script_log_state();
}


MdEvents *
md_driver_get_events(MdDriver *self)
{
    return self->events;
}


GArray *
md_driver_take_snapshot(MdDriver *self)
{
    return md_snapshot_take(self->context.registry);
}


void
md_driver_report_changes(MdDriver *self, const GArray *before)
{
    md_snapshot_report(before, self->context.registry, self->events);
}


static void
on_vpd_found(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    GHashTable *names = md_vpd_search_finish(result, &error);

    if (names == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, names, (GDestroyNotify)g_hash_table_unref);
}


static void
add_if_may_have_vpd(GPtrArray *devices, MdNodeDevice *device)
{
    if (device != NULL && md_vpd_search_may_find(device))
        g_ptr_array_add(devices, device);
}


void
md_driver_find_vpd_async(MdDriver *self,
                         const char *name,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);
    g_autoptr(GPtrArray) devices = g_ptr_array_new();

    g_task_set_source_tag(task, md_driver_find_vpd_async);
    if (name != NULL) {
        add_if_may_have_vpd(devices, md_registry_find(self->context.registry, name));
    } else {
        for (GList *link = md_registry_list(self->context.registry); link != NULL;
             link = link->next)
            add_if_may_have_vpd(devices, link->data);
    }
    md_vpd_search_async(devices, self->context.settings->driver_timeout, owner, on_vpd_found, task);
}


GHashTable *
md_driver_find_vpd_finish(MdDriver *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}


gboolean
md_driver_may_have_vpd(MdDriver *self, const char *name)
{
    MdNodeDevice *device = md_registry_find(self->context.registry, name);

    return device != NULL && md_vpd_search_may_find(device);
}


static gboolean
has_vpd(const MdNodeDevice *device, GHashTable *vpd)
{
    return vpd != NULL && g_hash_table_contains(vpd, device->def->name);
}


GList *
md_driver_get_devices(MdDriver *self)
{
    return md_registry_list(self->context.registry);
}


guint64
md_driver_get_generation(MdDriver *self)
{
    return md_registry_get_generation(self->context.registry);
}


GPtrArray *
md_driver_list_all(MdDriver *self, guint flags, GHashTable *vpd, GError **error)
{
    g_autoptr(GPtrArray) names = NULL;

    if (!md_list_flags_check(flags, error))
        return NULL;

    names = g_ptr_array_new();
    for (GList *link = md_registry_list(self->context.registry); link != NULL; link = link->next) {
        MdNodeDevice *device = link->data;
        guint own = md_list_flags_get(device) | (has_vpd(device, vpd) ? md_cap_kind_vpd.flag : 0);

        if (md_list_flags_match(own, flags))
            g_ptr_array_add(names, device->def->name);
    }
    return g_steal_pointer(&names);
}


GPtrArray *
md_driver_list_by_cap(MdDriver *self, const char *cap, guint flags, GHashTable *vpd, GError **error)
{
    const MdCapKind *kind = cap != NULL ? md_cap_kind_find(cap) : NULL;

    if (!md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeListDevices", error))
        return NULL;
    if (cap != NULL && kind == NULL)
        return g_ptr_array_new();
    return md_driver_list_all(self, kind != NULL ? kind->flag : 0, vpd, error);
}


MdNodeDevice *
md_driver_look_up(MdDriver *self, const char *name, GError **error)
{
    return md_registry_look_up(self->context.registry, name, error);
}


MdNodeDevice *
md_driver_look_up_scsi_host(
    MdDriver *self, const char *wwnn, const char *wwpn, guint flags, GError **error)
{
    if (!md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeDeviceLookupSCSIHostByWWN",
                              error))
        return NULL;
    return md_vhba_look_up(self->context.registry, wwnn, wwpn, error);
}


gboolean
md_driver_get_parent(MdDriver *self, const char *name, const char **parent, GError **error)
{
    MdNodeDevice *device = md_driver_look_up(self, name, error);

    if (device == NULL)
        return FALSE;
    *parent = device->def->parent;
    return TRUE;
}


GPtrArray *
md_driver_list_caps(MdDriver *self, const char *name, GHashTable *vpd, GError **error)
{
    MdNodeDevice *device = md_driver_look_up(self, name, error);
    g_autoptr(GPtrArray) kinds = NULL;

    if (device == NULL)
        return NULL;

    kinds = md_node_device_def_list_caps(device->def);
    if (has_vpd(device, vpd))
        g_ptr_array_add(kinds, (gpointer)&md_cap_kind_vpd);
    for (guint i = 0; i < kinds->len; i++)
        kinds->pdata[i] = (gpointer)((const MdCapKind *)kinds->pdata[i])->name;
    return g_steal_pointer(&kinds);
}


static gboolean
ask_device(MdDriver *self,
           const char *name,
           gboolean (*question)(const MdNodeDevice *device),
           gboolean *value,
           GError **error)
{
    MdNodeDevice *device = md_driver_look_up(self, name, error);

    if (device == NULL)
        return FALSE;
    *value = question(device);
    return TRUE;
}


static gboolean
is_active(const MdNodeDevice *device)
{
    return device->active;
}


gboolean
md_driver_is_active(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    return ask_device(self, name, is_active, value, error);
}


gboolean
md_driver_is_persistent(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    return ask_device(self, name, md_node_device_is_persistent, value, error);
}


gboolean
md_driver_get_autostart(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    return ask_device(self, name, md_node_device_is_autostart, value, error);
}


/* The definition to be formatted: the current one, or with XML_INACTIVE the persistent one. */
static MdNodeDeviceDef *
choose_def(MdNodeDevice *device, guint flags, GError **error)
{
    if ((flags & XML_INACTIVE) == 0 || !md_node_device_is_definable(device))
        return md_node_device_def_ref(device->def);
    if (device->definition == NULL) {
        md_error_set(error, VIR_ERR_OPERATION_INVALID, "node device '%s' is not persistent",
                     device->def->name);
        return NULL;
    }
    return md_definition_to_device(device->definition, device->def->parent);
}


/* As choose_def(), for the device with this name. `device` is borrowed. */
static MdNodeDeviceDef *
look_up_def(MdDriver *self, const char *name, guint flags, MdNodeDevice **device, GError **error)
{
    if (!md_error_check_flags(flags, XML_INACTIVE, VIR_FROM_NODEDEV, "virNodeDeviceGetXMLDesc",
                              error))
        return NULL;
    *device = md_driver_look_up(self, name, error);
    return *device != NULL ? choose_def(*device, flags, error) : NULL;
}


char *
md_driver_get_xml_now(MdDriver *self, const char *name, guint flags, GError **error)
{
    MdNodeDevice *device = NULL;
    g_autoptr(MdNodeDeviceDef) def = look_up_def(self, name, flags, &device, error);

    return def != NULL ? md_document_make_now(&self->context, def, device->inode, error) : NULL;
}


void
md_driver_get_xml(MdDriver *self,
                  const char *name,
                  guint flags,
                  MdOwner *owner,
                  MdDocumentFunc done,
                  gpointer user_data)
{
    GError *error = NULL;
    MdNodeDevice *device = NULL;
    g_autoptr(MdNodeDeviceDef) def = look_up_def(self, name, flags, &device, &error);

    if (def == NULL)
        done(NULL, error, user_data);
    else
        md_documents_make(self->documents, def, device->inode, owner, done, user_data);
}
