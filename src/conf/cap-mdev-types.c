/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The outer capability of a parent without hardware (mtty, mdpy, mbochs and others). As in libvirt,
 * the block of types inside this capability has the same name. */
#include "config.h"

#include "conf/capability.h"

#include <libvirt/libvirt.h>
#include <string.h>


/* Converts mtty_mtty to mtty: such a driver gives its class and its only device the same name. */
static char *
make_address(const char *device)
{
    gsize half = strlen(device) / 2;

    if (half == 0 || strlen(device) % 2 == 0 || device[half] != '_' ||
        strncmp(device, device + half + 1, half) != 0)
        return NULL;
    return g_strndup(device, half);
}


const MdCapKind md_cap_kind_mdev_types = {
    .name = "mdev_types",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV_TYPES,
    .size = sizeof(MdCap),
    .make_address = make_address,
};
