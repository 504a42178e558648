/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parents of mediated devices in all other subsystems: mtty, mdpy, mbochs and similar virtual
 * devices. */
#include "config.h"

#include "probe/mdev-types.h"
#include "probe/probe.h"
#include "util/names.h"

/* The directory of virtual devices, below the root of sysfs. */
#define VIRTUAL "/" MD_SYS_DEVICES "/virtual/"

/* A virtual parent has no link to its driver, but belongs to a class of the driver. The parents
 * listed here, from the kernel's samples/vfio-mdev, compute their available instances from one
 * counter each, without a lock. */
static const char *const counting[] = {
    VIRTUAL "mtty/mtty",
    VIRTUAL "mdpy/mdpy",
    VIRTUAL "mbochs/mbochs",
    NULL,
};

static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *subsystem = md_udev_device_get_subsystem(device);

    def->mdev_types = md_mdev_types_probe(dir);
    if (def->mdev_types == NULL)
        return FALSE;

    md_node_device_def_add_cap(def, &md_cap_kind_mdev_types);
    def->name = *subsystem != '\0'
                    ? md_node_device_make_name(subsystem, md_udev_device_get_name(device), NULL)
                    : md_node_device_make_name(md_udev_device_get_name(device), NULL);
    return TRUE;
}


static gboolean
is_counting(const MdNodeDeviceDef *def)
{
    for (guint i = 0; def->path != NULL && counting[i] != NULL; i++) {
        if (g_str_has_suffix(def->path, counting[i]))
            return TRUE;
    }
    return FALSE;
}


const MdProbe md_probe_virtual_parent = {
    .kind = &md_cap_kind_mdev_types,
    .subsystem = NULL,
    .probe = probe,
    .is_counting = is_counting,
};
