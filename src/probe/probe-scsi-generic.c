/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Character devices for SCSI commands. All properties are known from udev. */
#include "config.h"

#include "conf/cap-scsi-generic.h"
#include "probe/probe.h"
#include "util/names.h"


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir G_GNUC_UNUSED, MdNodeDeviceDef *def)
{
    MdCapScsiGeneric *cap = NULL;

    if (def->devnode == NULL)
        return FALSE;

    cap = md_node_device_def_add_cap(def, &md_cap_kind_scsi_generic);
    cap->path = g_strdup(def->devnode);
    def->name = md_node_device_make_name("scsi_generic", md_udev_device_get_name(device), NULL);
    return TRUE;
}


const MdProbe md_probe_scsi_generic = {
    .kind = &md_cap_kind_scsi_generic,
    .subsystem = MD_SUBSYSTEM_SCSI_GENERIC,
    .driverless = TRUE,
    .probe = probe,
};
