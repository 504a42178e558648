/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AP matrix of s390, parent of vfio_ap's mediated devices. */
#include "config.h"

#include "conf/capability.h"

#include <libvirt/libvirt.h>


/* A host has a single AP matrix. */
static char *
make_address(const char *device)
{
    return g_str_equal(device, "ap_matrix") ? g_strdup("matrix") : NULL;
}


const MdCapKind md_cap_kind_ap_matrix = {
    .name = "ap_matrix",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_MATRIX,
    .size = sizeof(MdCap),
    .make_address = make_address,
};
