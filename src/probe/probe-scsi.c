/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SCSI logical units. Their properties never change. */
#include "config.h"

#include "conf/cap-scsi.h"
#include "probe/probe.h"
#include "util/names.h"

#define ATTR_TYPE "type"


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    MdCapScsi *cap = NULL;
    MdScsiAddress address;
    gint64 number = 0;

    if (!md_scsi_address_parse(name, &address))
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi);
    cap->address = address;
    if (md_sysfs_dir_read_int(dir, ATTR_TYPE, &number))
        cap->type = g_strdup(md_scsi_type_to_string(number));
    def->name = md_node_device_make_name("scsi", name, NULL);
    return TRUE;
}


const MdProbe md_probe_scsi = {
    .kind = &md_cap_kind_scsi,
    .subsystem = MD_SUBSYSTEM_SCSI,
    .devtype = "scsi_device",
    .probe = probe,
};
