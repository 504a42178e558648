/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "inventory/inventory-private.h"

#include <string.h>

#include "conf/xml.h"
#include "probe/kept.h"
#include "probe/probe.h"
#include "util/error.h"
#include "util/names.h"
#include "util/source.h"

G_DEFINE_FINAL_TYPE(MdInventory, md_inventory, G_TYPE_OBJECT)


static void
md_inventory_dispose(GObject *object)
{
    MdInventory *self = MD_INVENTORY(object);

    if (self->udev != NULL)
        g_signal_handlers_disconnect_by_data(self->udev, self);
    md_source_clear(&self->slice);
    g_clear_object(&self->starting);
    g_clear_pointer(&self->found, g_ptr_array_unref);
    g_clear_object(&self->udev);
    g_clear_object(&self->registry);
    g_clear_pointer(&self->pending, md_pending_devices_free);
    g_clear_pointer(&self->superseded, md_superseded_events_free);
    g_clear_pointer(&self->namesakes, g_hash_table_unref);
    g_clear_pointer(&self->uevent_wait, md_uevent_wait_free);
    G_OBJECT_CLASS(md_inventory_parent_class)->dispose(object);
}


static void
md_inventory_class_init(MdInventoryClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_inventory_dispose;
    g_signal_new("event", MD_TYPE_INVENTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                 G_TYPE_STRING);
    g_signal_new("compared", MD_TYPE_INVENTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                 0);
}


static void
md_inventory_init(MdInventory *self)
{
    self->superseded = md_superseded_events_new();
    self->namesakes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}


/* The nearest registered ancestor; the computer if there is none. */
static char *
find_parent_name(MdInventory *self, const char *path)
{
    g_autofree char *above = g_path_get_dirname(path);

    while (md_roots_has_device_path(self->settings->roots, above)) {
        MdNodeDevice *parent = md_registry_find_path(self->registry, above);
        char *next = NULL;

        if (parent != NULL)
            return g_strdup(parent->def->name);
        next = g_path_get_dirname(above);
        g_free(above);
        above = next;
    }
    return g_strdup(MD_NAME_COMPUTER);
}


MdNodeDeviceDef *
md_inventory_probe(MdInventory *self,
                   MdUdevDevice *device,
                   MdSysfsDir *dir,
                   const MdNodeDevice *known)
{
    gboolean is_known = known != NULL && md_sysfs_dir_get_inode(dir) == known->inode;
    MdNodeDeviceDef *def = md_probe_device(device, dir, is_known ? known->def : NULL);

    if (def != NULL)
        def->parent = find_parent_name(self, def->path);
    return def;
}


/* Whether another device has this name. If that device no longer exists, removes it. */
static gboolean
is_name_in_use(MdInventory *self, const char *name)
{
    MdNodeDevice *known = md_registry_find(self->registry, name);

    if (known == NULL || !known->active)
        return FALSE;
    if (known->def->path == NULL || md_inventory_is_there(known))
        return TRUE;
    md_registry_deactivate(self->registry, known);
    return FALSE;
}


/* FALSE if the device disappeared during the read, so that its data is incomplete. `dir` NULL: the
 * device has gone, see md_probe_device(). */
static gboolean
register_device(MdInventory *self, MdUdevDevice *udev_device, MdSysfsDir *dir)
{
    g_autoptr(MdNodeDeviceDef) def = md_inventory_probe(self, udev_device, dir, NULL);

    if (dir != NULL && !md_sysfs_dir_is_alive(dir))
        return FALSE;
    if (def == NULL)
        return TRUE;

    if (!is_name_in_use(self, def->name))
        md_registry_activate(self->registry, g_steal_pointer(&def),
                             dir != NULL ? md_sysfs_dir_get_inode(dir) : 0);
    else if (g_hash_table_insert(self->namesakes, g_strdup(def->path), g_strdup(def->name)))
        g_message("Ignoring device '%s': another device is already named '%s'", def->path,
                  def->name);
    return TRUE;
}


/* Registers a new device if it is complete, otherwise makes it pending. */
static void
register_or_await(MdInventory *self, MdUdevDevice *device, MdSysfsDir *dir)
{
    const char *path = md_udev_device_get_path(device);

    if (!md_sysfs_dir_is_alive(dir))
        return;

    if (!md_probe_is_complete(device, dir) || !register_device(self, device, dir)) {
        md_pending_devices_add(self->pending, path);
        return;
    }
    md_pending_devices_remove(self->pending, path);
    md_inventory_reread_neighbours(self, path);
}


/* Removes and returns the path of a device that was ignored because another one had this name;
 * NULL: there is none. */
static char *
pop_namesake(MdInventory *self, const char *name)
{
    GHashTableIter iter;
    gpointer path = NULL;
    gpointer other = NULL;

    g_hash_table_iter_init(&iter, self->namesakes);
    while (g_hash_table_iter_next(&iter, &path, &other)) {
        if (g_str_equal(other, name)) {
            g_autofree char *taken = g_strdup(path);

            g_hash_table_iter_remove(&iter);
            return g_steal_pointer(&taken);
        }
    }
    return NULL;
}


void
md_inventory_drop(MdInventory *self, const char *path)
{
    MdNodeDevice *device = md_registry_find_path(self->registry, path);
    g_autoptr(MdNodeDeviceDef) gone = device != NULL ? md_node_device_def_ref(device->def) : NULL;
    g_autofree char *namesake = NULL;

    md_pending_devices_remove(self->pending, path);
    g_hash_table_remove(self->namesakes, path);
    if (device == NULL)
        return;

    md_registry_deactivate(self->registry, device);
    do {
        g_free(namesake);
        namesake = pop_namesake(self, gone->name);
    } while (namesake != NULL && md_inventory_reconcile(self, namesake) == NULL);
    md_inventory_reread_affected(self, gone);
}


gboolean
md_inventory_is_there(MdNodeDevice *device)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(device->def->path, &error);

    if (dir == NULL)
        return !md_error_is_gone(error);
    return md_sysfs_dir_get_inode(dir) == device->inode && md_sysfs_dir_is_alive(dir);
}


static gboolean
is_same(const MdNodeDeviceDef *a, const MdNodeDeviceDef *b)
{
    g_autofree char *xml_a = md_xml_format(a, FALSE);
    g_autofree char *xml_b = md_xml_format(b, FALSE);

    return g_str_equal(xml_a, xml_b) &&
           md_node_device_def_get_flags(a) == md_node_device_def_get_flags(b);
}


/* Rereads a registered device because of its companion, which must be complete unless this is the
 * `last` attempt. FALSE if the companion is incomplete, or if data disappeared during the read
 * because the device is being removed, which is no update. */
static gboolean
reread_for_companion(
    MdInventory *self, MdNodeDevice *known, MdUdevDevice *device, MdSysfsDir *dir, gboolean last)
{
    g_autoptr(MdNodeDeviceDef) def = NULL;

    if (!last && !md_probe_is_companion_complete(device, dir))
        return FALSE;
    def = md_inventory_probe(self, device, dir, known);
    if (def == NULL || !md_sysfs_dir_is_alive(dir) ||
        (!last && !md_probe_is_companion_complete(device, dir)))
        return FALSE;
    if (g_str_equal(def->name, known->def->name) && !is_same(def, known->def))
        md_registry_update(self->registry, known, g_steal_pointer(&def));
    return TRUE;
}


/* Registers a complete device, or rereads a registered one if its companion is complete. */
static gboolean
retry_pending(const char *path, gboolean last, gpointer data)
{
    MdInventory *self = data;
    MdNodeDevice *known = md_registry_find_path(self->registry, path);
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, NULL);
    g_autoptr(MdUdevDevice) device = dir != NULL ? md_udev_look_up(self->udev, dir) : NULL;

    if (device == NULL || !md_sysfs_dir_is_alive(dir) ||
        md_uevent_wait_is_waiting(self->uevent_wait, path, MD_WAIT_ADD))
        return FALSE;
    if (known != NULL)
        return reread_for_companion(self, known, device, dir, last);
    if ((!last && !md_probe_is_complete(device, dir)) || !register_device(self, device, dir))
        return FALSE;

    md_inventory_reread_neighbours(self, path);
    return TRUE;
}


void
md_inventory_reread(MdInventory *self, MdNodeDevice *device, MdUdevDevice *event, gboolean always)
{
    gboolean is_immutable = md_node_device_def_get_kind(device->def)->is_immutable;
    g_autoptr(MdSysfsDir) dir = NULL;
    g_autoptr(MdUdevDevice) looked_up = NULL;
    MdUdevDevice *udev_device = event;
    g_autoptr(MdNodeDeviceDef) def = NULL;

    if (is_immutable && !always)
        return;
    dir = md_sysfs_dir_open(device->def->path, NULL);
    if (dir != NULL && event == NULL)
        udev_device = looked_up = md_udev_look_up(self->udev, dir);
    if (dir == NULL || udev_device == NULL)
        return;

    def = is_immutable ? md_node_device_def_ref(device->def)
                       : md_inventory_probe(self, udev_device, dir, device);
    /* The incomplete data of a device being removed is no update. */
    if (!md_sysfs_dir_is_alive(dir))
        return;
    if (def == NULL || !g_str_equal(def->name, device->def->name)) {
        md_inventory_drop(self, md_udev_device_get_path(udev_device));
        register_or_await(self, udev_device, dir);
        return;
    }
    if (always || !is_same(def, device->def))
        md_registry_update(self->registry, device, g_steal_pointer(&def));
}


MdNodeDevice *
md_inventory_reconcile(MdInventory *self, const char *path)
{
    MdNodeDevice *device = md_registry_find_path(self->registry, path);
    g_autoptr(MdSysfsDir) dir = NULL;
    g_autoptr(MdUdevDevice) udev_device = NULL;

    if (device != NULL && md_inventory_is_there(device))
        return device;

    /* The registered device is gone, even if another device has its path by now. Its removal is
     * signalled here, before its remove event arrives. */
    if (device != NULL) {
        md_inventory_drop(self, path);
        md_superseded_events_expect_removal(self->superseded, path);
    }
    if (md_uevent_wait_is_waiting(self->uevent_wait, path, MD_WAIT_ADD))
        return NULL;

    dir = md_sysfs_dir_open(path, NULL);
    udev_device = dir != NULL ? md_udev_look_up(self->udev, dir) : NULL;
    if (udev_device != NULL)
        register_or_await(self, udev_device, dir);
    return md_registry_find_path(self->registry, path);
}


/* udev repeats the add events of existing devices while the host boots, and when an administrator
 * triggers them. Properties missing from the first event may be in a repeated one. */
static void
handle_add(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);
    MdNodeDevice *known = md_registry_find_path(self->registry, path);

    if (md_uevent_wait_notify(self->uevent_wait, path, MD_WAIT_ADD))
        return;
    if (known != NULL && md_inventory_is_there(known))
        md_inventory_reread(self, known, device, FALSE);
    else
        md_inventory_reconcile(self, path);
}


/* Whether the event reports a change after the last scan. Older events and those triggered by an
 * administrator do not: they only tell which path to read. */
static gboolean
is_news(MdInventory *self, MdUdevDevice *device)
{
    return md_udev_device_get_seqnum(device) > self->covered_seqnum &&
           md_udev_device_get_property(device, MD_PROPERTY_SYNTH_UUID) == NULL;
}


/* For a device that was bound to a driver, and removed before it could be read: signals its
 * creation, so that the signal of its removal can follow. */
static void
register_vanished(MdInventory *self, MdUdevDevice *device)
{
    md_pending_devices_remove(self->pending, md_udev_device_get_path(device));
    register_device(self, device, NULL);
}


static void
handle_bind(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);
    MdNodeDevice *known = md_registry_find_path(self->registry, path);

    if (known != NULL) {
        md_inventory_reread(self, known, device, FALSE);
        return;
    }
    if (md_uevent_wait_is_waiting(self->uevent_wait, path, MD_WAIT_ADD) ||
        md_inventory_reconcile(self, path) != NULL ||
        md_superseded_events_expects_removal(self->superseded, path))
        return;

    /* The device is already gone and cannot be read. handle_remove() signals its creation and
     * removal. */
    if (!md_pending_devices_set_bound(self->pending, path) &&
        md_probe_is_announced_by_bind(device) && is_news(self, device))
        md_pending_devices_add_gone(self->pending, path);
}


/* Signals each removal, even if sysfs has a new device with the same path by now: the events of the
 * new device follow. */
static void
handle_remove(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);
    gboolean was_expected = md_superseded_events_handle_removal(self->superseded, path);
    gboolean is_new = is_news(self, device);

    if (md_pending_devices_is_bound(self->pending, path))
        register_vanished(self, device);
    if (is_new && !was_expected)
        md_inventory_drop(self, path);
    else
        md_inventory_reconcile(self, path);
    /* Neither a late bind event nor a copy of this event may count as a new device. */
    if (is_new)
        md_superseded_events_add(self->superseded, path, md_udev_device_get_seqnum(device));
    md_uevent_wait_notify(self->uevent_wait, path, MD_WAIT_REMOVE);
}


/* Handles all other events: change, unbind, online, ... */
static void
handle_change(MdInventory *self, MdUdevDevice *device, gboolean always)
{
    const char *path = md_udev_device_get_path(device);
    MdNodeDevice *known = md_registry_find_path(self->registry, path);

    /* Sysfs decides about an unknown device: it may have become a parent, or may be gone by now. A
     * device that is announced by its bind event is registered by no other event. */
    if (known != NULL)
        md_inventory_reread(self, known, device, always);
    else if (!md_probe_is_announced_by_bind(device))
        md_inventory_reconcile(self, path);
}


/* The device and all devices below it get new names, so to clients they are other devices. */
static void
handle_move(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);
    g_autofree char *old = md_udev_device_dup_old_path(device);
    g_autoptr(GPtrArray) moved = NULL;

    if (old == NULL) {
        md_inventory_reconcile(self, path);
        return;
    }

    moved = md_registry_list_below(self->registry, old);
    for (guint i = moved->len; i > 0; i--)
        md_inventory_drop(self, g_ptr_array_index(moved, i - 1));
    md_inventory_drop(self, old);

    md_inventory_reconcile(self, path);
    for (guint i = 0; i < moved->len; i++) {
        g_autofree char *now =
            g_strconcat(path, (char *)g_ptr_array_index(moved, i) + strlen(old), NULL);

        md_inventory_reconcile(self, now);
    }
}


void
md_inventory_forget_older_events(MdInventory *self, const char *path)
{
    md_superseded_events_add(self->superseded, path, md_udev_read_seqnum(self->udev));
    md_pending_devices_remove(self->pending, path);
}


/* A companion has data that the device's own events do not report. The removal of the companion is
 * no update, because it means that the device is being removed, too. */
static void
handle_companion(MdInventory *self, const char *action, const char *subject)
{
    MdNodeDevice *known = md_registry_find_path(self->registry, subject);

    if (known == NULL || g_str_equal(action, "remove"))
        return;
    if (!retry_pending(subject, FALSE, self))
        md_pending_devices_add(self->pending, subject);
}


/* Any event of a device may invalidate its kept properties. */
static void
drop_kept_properties(MdInventory *self, MdUdevDevice *device)
{
    MdNodeDevice *known = md_registry_find_path(self->registry, md_udev_device_get_path(device));

    if (known != NULL)
        md_kept_drop(known->inode);
}


static void
handle_event(MdInventory *self, MdUdevDevice *device)
{
    const char *action = md_udev_device_get_action(device);
    g_autofree char *subject = md_probe_find_subject(device);

    if (subject != NULL)
        handle_companion(self, action, subject);
    if (!md_probe_is_of_interest(device) &&
        md_udev_device_get_property(device, MD_PROPERTY_MDEV_STATE) == NULL &&
        md_registry_find_path(self->registry, md_udev_device_get_path(device)) == NULL)
        return;
    drop_kept_properties(self, device);
    if (md_superseded_events_contain(self->superseded, md_udev_device_get_path(device),
                                     md_udev_device_get_seqnum(device)))
        return;

    if (g_str_equal(action, "add"))
        handle_add(self, device);
    else if (g_str_equal(action, "remove"))
        handle_remove(self, device);
    else if (g_str_equal(action, "bind"))
        handle_bind(self, device);
    else if (g_str_equal(action, "move"))
        handle_move(self, device);
    else
        handle_change(self, device, g_str_equal(action, "change"));
}


void
md_inventory_on_event(MdUdev *udev G_GNUC_UNUSED, MdUdevDevice *device, MdInventory *self)
{
    handle_event(self, device);
    /* udevd may deliver the same event later, with more properties. The copy is no news: it only
     * tells which path to read. */
    if (md_udev_device_is_from_kernel(device))
        self->covered_seqnum = MAX(self->covered_seqnum, md_udev_device_get_seqnum(device));
    g_signal_emit_by_name(self, "event", md_udev_device_get_path(device));
}


void
md_inventory_reread_path(MdInventory *self, const char *path)
{
    MdNodeDevice *device = md_registry_find_path(self->registry, path);

    if (device != NULL)
        md_inventory_reread(self, device, NULL, FALSE);
}


MdInventory *
md_inventory_new(MdRegistry *registry, const MdSettings *settings)
{
    MdInventory *self = g_object_new(MD_TYPE_INVENTORY, NULL);

    self->registry = g_object_ref(registry);
    self->settings = settings;
    self->udev = md_udev_new(settings);
    self->uevent_wait = md_uevent_wait_new(settings);
    self->pending = md_pending_devices_new(settings, retry_pending, self);
    return self;
}


MdUeventWait *
md_inventory_get_uevent_wait(MdInventory *self)
{
    return self->uevent_wait;
}
