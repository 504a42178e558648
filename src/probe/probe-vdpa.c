/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vDPA devices. A device bound to the driver vhost_vdpa has a child `vhost-vdpa-N`, to which the
 * device node belongs. */
#include "config.h"

#include "conf/cap-vdpa.h"
#include "probe/probe.h"
#include "util/names.h"

#define CHILD_PREFIX "vhost-vdpa"


static char *
find_chardev(MdSysfsDir *dir)
{
    g_autoptr(GPtrArray) names = md_sysfs_dir_list(dir, ".");

    for (guint i = 0; i < names->len; i++) {
        if (g_str_has_prefix(g_ptr_array_index(names, i), CHILD_PREFIX))
            return g_strconcat(MD_PATH_DEV "/", g_ptr_array_index(names, i), NULL);
    }
    return NULL;
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    MdCapVdpa *cap = md_node_device_def_add_cap(def, &md_cap_kind_vdpa);

    cap->chardev = find_chardev(dir);
    def->name = md_node_device_make_name("vdpa", md_udev_device_get_name(device), NULL);
    return TRUE;
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    MdCapVdpa *cap = md_node_device_def_get_cap(def, &md_cap_kind_vdpa);

    g_free(cap->chardev);
    cap->chardev = find_chardev(dir);
    return TRUE;
}


const MdProbe md_probe_vdpa = {
    .kind = &md_cap_kind_vdpa,
    .subsystem = MD_SUBSYSTEM_VDPA,
    .probe = probe,
    .refresh = refresh,
};
