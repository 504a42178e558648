/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCSI targets. A Fibre Channel target is below a remote port, which is not a node device. */
#include "config.h"

#include "conf/cap-scsi-target.h"
#include "conf/wwn.h"
#include "probe/probe.h"
#include "util/names.h"

#define PREFIX_RPORT "rport-"
/* Relative to the target's directory. */
#define ATTR_PORT_NAME "../fc_remote_ports/%s/port_name"


static void
read_remote_port(MdCapScsiTarget *cap, MdSysfsDir *dir)
{
    g_autofree char *above = g_path_get_dirname(md_sysfs_dir_get_path(dir));
    g_autofree char *rport = g_path_get_basename(above);
    g_autofree char *attribute = NULL;
    g_autofree char *name = NULL;

    g_clear_pointer(&cap->rport, g_free);
    g_clear_pointer(&cap->wwpn, g_free);
    if (!g_str_has_prefix(rport, PREFIX_RPORT))
        return;

    attribute = g_strdup_printf(ATTR_PORT_NAME, rport);
    name = md_sysfs_dir_read(dir, attribute, NULL);
    cap->wwpn = name != NULL ? md_wwn_normalize(name, 1) : NULL;
    if (cap->wwpn != NULL)
        cap->rport = g_steal_pointer(&rport);
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    MdCapScsiTarget *cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_target);

    cap->target = g_strdup(name);
    read_remote_port(cap, dir);
    def->name = md_node_device_make_name("scsi", name, NULL);
    return TRUE;
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    read_remote_port(md_node_device_def_get_cap(def, &md_cap_kind_scsi_target), dir);
    return TRUE;
}


const MdProbe md_probe_scsi_target = {
    .kind = &md_cap_kind_scsi_target,
    .subsystem = MD_SUBSYSTEM_SCSI,
    .devtype = "scsi_target",
    .driverless = TRUE,
    .probe = probe,
    .refresh = refresh,
};
