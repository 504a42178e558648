/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated devices, whoever created them: directories below the parent, named by UUID. */
#include "config.h"

#include "conf/cap-mdev.h"
#include "probe/mdev-types.h"
#include "probe/probe.h"
#include "util/error.h"
#include "util/names.h"


/* Neither the type of a device nor the directory of the type changes while the device exists. */
static void
read_type(MdCapMdev *cap, MdSysfsDir *dir)
{
    cap->type_id = md_sysfs_dir_read_link(dir, MD_ATTR_MDEV_TYPE);
    cap->type_inode = md_sysfs_dir_find_inode(dir, MD_ATTR_MDEV_TYPE);
}


/* A device that has gone (`dir` NULL) has no type. */
static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *uuid = md_udev_device_get_name(device);
    g_autofree char *parent_path = g_path_get_dirname(def->path);
    MdCapMdev *cap = NULL;

    if (!g_uuid_string_is_valid(uuid))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_mdev);
    cap->uuid = g_strdup(uuid);
    cap->parent_addr = g_path_get_basename(parent_path);
    if (dir != NULL)
        read_type(cap, dir);
    def->name = md_cap_mdev_make_name(cap->uuid, cap->parent_addr);
    return TRUE;
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    if (cap->type_id == NULL)
        read_type(cap, dir);
    cap->iommu_group = md_sysfs_dir_read_iommu_group(dir);
    g_clear_pointer(&cap->type, md_mdev_type_free);
    cap->type = md_mdev_types_find(cap->type_inode);
    /* While a device is being created, `type_id` may be missing although `type_inode` is set, or
     * vice versa. */
    return cap->type_id != NULL && cap->type != NULL;
}


static gboolean
query_driver(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error)
{
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    if (cap->type_id == NULL) {
        md_error_set(error, VIR_ERR_NO_NODE_DEVICE,
                     "no node device with matching name '%s': it is being created or removed",
                     def->name);
        return FALSE;
    }
    cap->type = md_mdev_types_read_one(dir, MD_ATTR_MDEV_TYPE, cap->type_inode);
    return TRUE;
}


/* The kernel announces the device first and creates the link to its type last. */
static gboolean
is_complete(MdSysfsDir *dir)
{
    return md_sysfs_dir_has(dir, MD_ATTR_MDEV_TYPE);
}


const MdProbe md_probe_mdev = {
    .kind = &md_cap_kind_mdev,
    .subsystem = MD_SUBSYSTEM_MDEV,
    .probe = probe,
    .refresh = refresh,
    .query_driver = query_driver,
    .is_complete = is_complete,
    .nodeless = TRUE,
    .announced_by_bind = TRUE,
};
