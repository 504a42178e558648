/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vGPUs that are a setting of their function: no device of udev, so only the properties that may
 * change are read here. */
#include "config.h"

#include "conf/cap-mdev.h"
#include "probe/probe.h"
#include "probe/vgpu-types.h"
#include "util/names.h"


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    cap->iommu_group = md_sysfs_dir_read_iommu_group(dir);
    g_clear_pointer(&cap->type, md_mdev_type_free);
    cap->type = md_vgpu_types_read_one(dir, cap->type_id);
    return TRUE;
}


const MdProbe md_probe_vgpu = {
    .kind = &md_cap_kind_mdev,
    .refresh = refresh,
    .nodeless = TRUE,
};
