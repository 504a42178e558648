/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AP matrix of s390: `matrix`, the only device on its bus. */
#include "config.h"

#include "probe/mdev-types.h"
#include "probe/probe.h"
#include "util/names.h"

#define DEVICE_NAME "matrix"


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    if (!g_str_equal(md_udev_device_get_name(device), DEVICE_NAME))
        return FALSE;

    md_node_device_def_add_cap(def, &md_cap_kind_ap_matrix);
    def->mdev_types = md_mdev_types_probe(dir);
    def->name = md_node_device_make_name("ap", DEVICE_NAME, NULL);
    return TRUE;
}


static gboolean
is_counting(const MdNodeDeviceDef *def)
{
    return g_strcmp0(def->driver, "vfio_ap") == 0;
}


const MdProbe md_probe_ap_matrix = {
    .kind = &md_cap_kind_ap_matrix,
    .subsystem = MD_SUBSYSTEM_MATRIX,
    .probe = probe,
    .is_counting = is_counting,
};
