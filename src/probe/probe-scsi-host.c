/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCSI host adapters. The kernel announces an adapter before it adds the Fibre Channel attributes,
 * in a directory of class fc_host below the adapter. */
#include "config.h"

#include <string.h>

#include "conf/cap-scsi-host.h"
#include "conf/xml-reader.h"
#include "probe/fc-host.h"
#include "probe/probe.h"
#include "util/names.h"

#define PREFIX         "host"
#define ATTR_UNIQUE_ID "scsi_host/%s/unique_id"


static int
read_unique_id(MdSysfsDir *dir)
{
    g_autofree char *name = g_path_get_basename(md_sysfs_dir_get_path(dir));
    g_autofree char *attribute = g_strdup_printf(ATTR_UNIQUE_ID, name);
    gint64 number = 0;

    if (!md_sysfs_dir_read_int(dir, attribute, &number) || number < 0 || number > G_MAXINT)
        return -1;
    return (int)number;
}


/* The kernel stores the names and numbers. Only the fabric name, which is read elsewhere, may need
 * the driver. */
static void
read_all(MdCapScsiHost *cap, MdSysfsDir *dir)
{
    gboolean exists = FALSE;
    gboolean makes_vports = FALSE;

    g_clear_pointer(&cap->wwnn, g_free);
    g_clear_pointer(&cap->wwpn, g_free);
    cap->unique_id = read_unique_id(dir);
    cap->is_fc_host = md_fc_host_read_names(dir, &cap->wwnn, &cap->wwpn);
    exists = cap->is_fc_host || md_fc_host_exists(dir);
    cap->has_vport_ops = md_fc_host_read_vports(dir, &makes_vports, &cap->max_vports, &cap->vports);

    /* Like libvirt, reports neither capability if the attributes of one are incomplete. */
    if (cap->is_fc_host != exists || cap->has_vport_ops != makes_vports) {
        cap->is_fc_host = FALSE;
        cap->has_vport_ops = FALSE;
    }
}


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    MdCapScsiHost *cap = NULL;
    guint number = 0;

    if (!g_str_has_prefix(name, PREFIX) ||
        !md_xml_parse_uint(name + strlen(PREFIX), 10, G_MAXINT, &number))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_host);
    cap->host = (int)number;
    read_all(cap, dir);
    def->name = md_node_device_make_name("scsi", name, NULL);
    return TRUE;
}


static gboolean
asks_driver(const MdNodeDeviceDef *def)
{
    const MdCapScsiHost *cap = md_node_device_def_get_cap(def, &md_cap_kind_scsi_host);

    return cap->is_fc_host;
}


static gboolean
refresh(MdNodeDeviceDef *def, MdSysfsDir *dir)
{
    MdCapScsiHost *cap = md_node_device_def_get_cap(def, &md_cap_kind_scsi_host);

    read_all(cap, dir);
    g_clear_pointer(&cap->fabric_wwn, g_free);
    return TRUE;
}


static gboolean
query_driver(MdNodeDeviceDef *def, MdSysfsDir *dir, GError **error G_GNUC_UNUSED)
{
    MdCapScsiHost *cap = md_node_device_def_get_cap(def, &md_cap_kind_scsi_host);

    cap->fabric_wwn = md_fc_host_read_fabric(dir);
    return TRUE;
}


/* A virtual port is announced before its names are set. Other hosts are complete at once. */
static gboolean
is_complete(MdSysfsDir *dir)
{
    return !md_fc_host_is_virtual(md_sysfs_dir_get_path(dir)) || md_fc_host_is_named(dir);
}


const MdProbe md_probe_scsi_host = {
    .kind = &md_cap_kind_scsi_host,
    .subsystem = MD_SUBSYSTEM_SCSI,
    .devtype = "scsi_host",
    .companion = MD_CLASS_FC_HOST,
    .driverless = TRUE,
    .probe = probe,
    .refresh = refresh,
    .query_driver = query_driver,
    .asks_driver = asks_driver,
    .is_complete = is_complete,
    .is_companion_complete = md_fc_host_is_named, /* drivers set the names last */
};
