/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rereads the devices whose data change when another device appears or disappears. */
#include "config.h"

#include "inventory/inventory-private.h"
#include "probe/probe.h"


/* Rereads the devices below a newly registered one, which is their parent now. Not needed during
 * the start, because parents are scanned before their children. */
static void
reread_below(MdInventory *self, const char *path)
{
    MdNodeDevice *parent = md_registry_find_path(self->registry, path);
    g_autoptr(GPtrArray) below = NULL;

    if (parent == NULL || md_node_device_def_get_kind(parent->def)->is_leaf ||
        self->starting != NULL)
        return;

    below = md_registry_list_below(self->registry, path);
    for (guint i = 0; i < below->len; i++) {
        MdNodeDevice *known = md_registry_find_path(self->registry, g_ptr_array_index(below, i));

        if (known != NULL)
            md_inventory_reread(self, known, NULL, FALSE);
    }
}


/* Rereads a device that has changed because another one has appeared or disappeared. Emits no
 * signal: the signal for the other device covers both. */
static void
reread_affected(MdInventory *self, const char *name)
{
    MdNodeDevice *known = md_registry_find(self->registry, name);
    const char *path = known != NULL ? known->def->path : NULL;
    g_autoptr(MdSysfsDir) dir = path != NULL ? md_sysfs_dir_open(path, NULL) : NULL;
    g_autoptr(MdUdevDevice) device = dir != NULL ? md_udev_look_up(self->udev, dir) : NULL;
    g_autoptr(MdNodeDeviceDef) def = NULL;

    if (device == NULL || md_sysfs_dir_get_inode(dir) != known->inode)
        return;
    def = md_inventory_probe(self, device, dir, known);
    if (def != NULL && g_str_equal(def->name, name) && md_sysfs_dir_is_alive(dir))
        md_registry_replace(self->registry, known, g_steal_pointer(&def));
}


void
md_inventory_reread_affected(MdInventory *self, const MdNodeDeviceDef *def)
{
    g_autoptr(GPtrArray) names = md_probe_list_affected(def);

    for (guint i = 0; i < names->len && self->starting == NULL; i++)
        reread_affected(self, g_ptr_array_index(names, i));
}


void
md_inventory_reread_neighbours(MdInventory *self, const char *path)
{
    MdNodeDevice *device = md_registry_find_path(self->registry, path);
    g_autoptr(MdNodeDeviceDef) def = device != NULL ? md_node_device_def_ref(device->def) : NULL;

    reread_below(self, path);
    if (def != NULL)
        md_inventory_reread_affected(self, def);
}
