/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Full scans of all devices: in slices at the start, in one pass after lost events. */
#include "config.h"

#include "inventory/inventory-private.h"
#include "probe/kept.h"
#include "probe/probe.h"
#include "util/source.h"

/* Duration of a slice of the first scan in microseconds. After each slice, the main loop serves
 * others. */
#define SLICE 5000


/* Whether the device is one of sysfs. A device that shares the path of its parent is not; the
 * registry removes it together with its parent. */
static gboolean
has_own_path(const MdNodeDevice *device)
{
    return device->active && device->def->path != NULL && !device->def->shares_path;
}


/* Removes devices that are gone, children first: the registry keeps devices in the order of their
 * activation. */
static void
drop_vanished(MdInventory *self)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);

    for (GList *link = md_registry_list(self->registry); link != NULL; link = link->next) {
        MdNodeDevice *device = link->data;

        if (has_own_path(device) && !md_inventory_is_there(device))
            g_ptr_array_add(gone, g_strdup(device->def->path));
    }
    for (guint i = gone->len; i > 0; i--)
        md_inventory_drop(self, g_ptr_array_index(gone, i - 1));
}


/* Drops pending devices that are gone, because their remove events may be among the lost ones. */
static void
forget_vanished(MdInventory *self)
{
    g_autoptr(GPtrArray) paths = md_pending_devices_list(self->pending);

    for (guint i = 0; i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i);

        if (!g_file_test(path, G_FILE_TEST_IS_DIR))
            md_pending_devices_remove(self->pending, path);
    }
}


static void
reread_all(MdInventory *self)
{
    g_autoptr(GPtrArray) devices =
        g_ptr_array_new_with_free_func((GDestroyNotify)md_node_device_unref);

    /* Rereading a device may drop or rename others, or change their order. */
    for (GList *link = md_registry_list(self->registry); link != NULL; link = link->next)
        g_ptr_array_add(devices, md_node_device_ref(link->data));
    for (guint i = 0; i < devices->len; i++) {
        MdNodeDevice *device = g_ptr_array_index(devices, i);

        if (has_own_path(device))
            md_inventory_reread(self, device, NULL, FALSE);
    }
}


static void
register_unknown(MdInventory *self, const char *path)
{
    if (md_registry_find_path(self->registry, path) == NULL)
        md_inventory_reconcile(self, path);
}


static void
register_all_unknown(MdInventory *self)
{
    g_autoptr(GPtrArray) paths = md_udev_enumerate(self->udev, md_probe_get_subsystems());

    for (guint i = 0; i < paths->len; i++)
        register_unknown(self, g_ptr_array_index(paths, i));
}


static void
notify_waiters(MdInventory *self)
{
    g_autoptr(GPtrArray) adds = md_uevent_wait_list(self->uevent_wait, MD_WAIT_ADD);
    g_autoptr(GPtrArray) removes = md_uevent_wait_list(self->uevent_wait, MD_WAIT_REMOVE);

    for (guint i = 0; i < adds->len; i++) {
        if (g_file_test(g_ptr_array_index(adds, i), G_FILE_TEST_IS_DIR))
            md_uevent_wait_notify(self->uevent_wait, g_ptr_array_index(adds, i), MD_WAIT_ADD);
    }
    for (guint i = 0; i < removes->len; i++) {
        if (md_inventory_reconcile(self, g_ptr_array_index(removes, i)) == NULL)
            md_uevent_wait_notify(self->uevent_wait, g_ptr_array_index(removes, i), MD_WAIT_REMOVE);
    }
}


static void
reconcile_all(MdInventory *self)
{
    /* Read before the scan, so that no event is missed; an event sent during the scan may be
     * handled twice. */
    self->covered_seqnum = md_udev_read_seqnum(self->udev);
    md_kept_drop_all();
    drop_vanished(self);
    forget_vanished(self);
    reread_all(self);
    register_all_unknown(self);
    notify_waiters(self);
    g_signal_emit_by_name(self, "compared");
}


static void
on_lost(MdUdev *udev G_GNUC_UNUSED, MdInventory *self)
{
    reconcile_all(self);
}


/* Handles events from now on, beginning with those queued during the scan. */
static void
finish_start(MdInventory *self)
{
    g_autoptr(GTask) task = g_steal_pointer(&self->starting);

    md_source_clear(&self->slice);
    g_clear_pointer(&self->found, g_ptr_array_unref);
    md_udev_listen(self->udev);
    g_debug("%u devices found", md_registry_size(self->registry));
    g_task_return_boolean(task, TRUE);
}


static gboolean
on_slice(gpointer data)
{
    MdInventory *self = data;
    gint64 end = g_get_monotonic_time() + SLICE;

    while (self->n_scanned < self->found->len && g_get_monotonic_time() < end)
        register_unknown(self, g_ptr_array_index(self->found, self->n_scanned++));
    if (self->n_scanned == self->found->len)
        finish_start(self);
    return G_SOURCE_CONTINUE;
}


void
md_inventory_start_async(MdInventory *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    GError *error = NULL;

    g_task_set_source_tag(task, md_inventory_start_async);
    g_signal_connect(self->udev, "event", G_CALLBACK(md_inventory_on_event), self);
    g_signal_connect(self->udev, "lost", G_CALLBACK(on_lost), self);
    if (!md_udev_open(self->udev, &error)) {
        g_task_return_error(task, error);
        return;
    }

    md_registry_activate(self->registry, md_probe_system(self->settings->roots), 0);
    self->covered_seqnum = md_udev_read_seqnum(self->udev);
    self->found = md_udev_enumerate(self->udev, md_probe_get_subsystems());
    self->starting = g_steal_pointer(&task);
    self->slice = md_source_attach_turns(on_slice, self);
}


gboolean
md_inventory_start_finish(MdInventory *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}
