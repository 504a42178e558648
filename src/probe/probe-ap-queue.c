/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Queues of cryptographic adapters of s390. All properties follow from the device's name. */
#include "config.h"

#include "conf/cap-ap-queue.h"
#include "probe/probe.h"
#include "util/names.h"

#define DEVTYPE_AP_QUEUE "ap_queue"


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir G_GNUC_UNUSED, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    MdCapApQueue *cap = md_node_device_def_add_cap(def, &md_cap_kind_ap_queue);

    if (!md_ap_queue_parse(name, &cap->adapter, &cap->domain))
        return FALSE;

    def->name = md_node_device_make_name("ap", name, NULL);
    return TRUE;
}


const MdProbe md_probe_ap_queue = {
    .kind = &md_cap_kind_ap_queue,
    .subsystem = MD_SUBSYSTEM_AP,
    .devtype = DEVTYPE_AP_QUEUE,
    .probe = probe,
};
