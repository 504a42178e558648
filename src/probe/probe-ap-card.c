/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cryptographic adapters of s390. All properties follow from the device's name. */
#include "config.h"

#include "conf/cap-ap-card.h"
#include "probe/probe.h"
#include "util/names.h"

#define DEVTYPE_AP_CARD "ap_card"


static gboolean
probe(MdUdevDevice *device, MdSysfsDir *dir G_GNUC_UNUSED, MdNodeDeviceDef *def)
{
    const char *name = md_udev_device_get_name(device);
    MdCapApCard *cap = md_node_device_def_add_cap(def, &md_cap_kind_ap_card);

    if (!md_ap_card_parse(name, &cap->adapter))
        return FALSE;

    def->name = md_node_device_make_name("ap", name, NULL);
    return TRUE;
}


const MdProbe md_probe_ap_card = {
    .kind = &md_cap_kind_ap_card,
    .subsystem = MD_SUBSYSTEM_AP,
    .devtype = DEVTYPE_AP_CARD,
    .probe = probe,
};
