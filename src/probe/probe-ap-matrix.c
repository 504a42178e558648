/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AP matrix of s390: the one device `matrix` on a bus of its own. */
#include "config.h"

#include "conf/cap-ap-matrix.h"
#include "probe/mdev-types.h"
#include "probe/probe.h"
#include "util/names.h"

#define DEVICE_NAME "matrix"


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    MdCapApMatrix *cap = NULL;

    if (!g_str_equal(md_udev_device_get_name(device), DEVICE_NAME))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_ap_matrix);
    cap->mdev_types = md_mdev_types_probe(dir);
    def->name = md_node_device_make_name("ap", DEVICE_NAME, NULL);
    return TRUE;
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir, gboolean may_block, GError **error)
{
    MdCapApMatrix *cap = md_node_device_def_get_cap(def, &md_cap_kind_ap_matrix);

    return md_mdev_types_refresh(&cap->mdev_types, dir, may_block, error);
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
    .refresh = refresh,
    .is_counting = is_counting,
};
