/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channel-attached devices of s390, online or offline. */
#include "config.h"

#include "conf/cap-ccw.h"
#include "probe/probe-ccw.h"
#include "probe/probe.h"
#include "util/names.h"

#define ATTR_ONLINE       "online"
#define ATTR_GROUP_DEVICE "group_device"


MdCcwState
md_ccw_state_read(MdSysfsDir *dir)
{
    gint64 online = -1;

    if (!md_sysfs_dir_read_int(dir, ATTR_ONLINE, &online) || online < 0 || online > 1)
        return MD_CCW_STATE_UNKNOWN;
    return online == 1 ? MD_CCW_STATE_ONLINE : MD_CCW_STATE_OFFLINE;
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    MdCapCcw *cap = md_node_device_def_get_cap(def, &md_cap_kind_ccw);
    g_autofree char *group = md_sysfs_dir_read_link(dir, ATTR_GROUP_DEVICE);

    cap->state = md_ccw_state_read(dir);
    g_free(cap->group_device);
    cap->group_device =
        group != NULL ? md_node_device_make_name(md_cap_kind_ccwgroup.name, group, NULL) : NULL;
    return TRUE;
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    MdCapCcw *cap = NULL;
    MdCcwAddress address;

    if (!md_ccw_address_parse(name, &address))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_ccw);
    cap->address = address;
    def->name = md_node_device_make_name("ccw", name, NULL);
    return refresh(def, dir);
}


const MdProbe md_probe_ccw = {
    .kind = &md_cap_kind_ccw,
    .subsystem = MD_SUBSYSTEM_CCW,
    .probe = probe,
    .refresh = refresh,
};
