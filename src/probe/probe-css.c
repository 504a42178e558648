/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subchannels of s390. Subchannels bound to vfio_ccw are parents of mediated devices. */
#include "config.h"

#include "conf/cap-css.h"
#include "probe/mdev-types.h"
#include "probe/probe.h"
#include "util/names.h"

#define ATTR_DEV_BUSID "dev_busid"

#define DRIVER_VFIO "vfio_ccw"

/* Like libvirt, lists only subchannels with these drivers: a host may have tens of thousands of
 * subchannels without a device. */
static const char *const drivers[] = { "io_subchannel", DRIVER_VFIO, NULL };


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    g_autofree char *channel = md_sysfs_dir_read(dir, ATTR_DEV_BUSID, NULL);
    MdCapCss *cap = NULL;
    MdCcwAddress address;

    /* The channel subsystem itself (css0) and channel paths are on this bus as well. */
    if (def->driver == NULL || !g_strv_contains(drivers, def->driver) ||
        !md_ccw_address_parse(name, &address))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_css);
    cap->address = address;
    if (channel != NULL)
        cap->has_channel_address = md_ccw_address_parse(channel, &cap->channel_address);
    def->mdev_types = md_mdev_types_probe(dir);
    def->name = md_node_device_make_name("css", name, NULL);
    return TRUE;
}


static gboolean
is_counting(const MdNodeDeviceDef *def)
{
    return g_strcmp0(def->driver, DRIVER_VFIO) == 0;
}


const MdProbe md_probe_css = {
    .kind = &md_cap_kind_css,
    .subsystem = MD_SUBSYSTEM_CSS,
    .probe = probe,
    .is_counting = is_counting,
};
