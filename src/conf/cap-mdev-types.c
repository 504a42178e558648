/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-mdev-types.h"

#include <libvirt/libvirt.h>
#include <string.h>


static void
init(MdCap *cap)
{
    ((MdCapMdevTypes *)cap)->mdev_types = md_mdev_types_new();
}


/* libvirt nests its own block once more in here. */
static gboolean
parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    return md_mdev_types_parse(node, &((MdCapMdevTypes *)cap)->mdev_types, error);
}


static void
format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapMdevTypes *self = (const MdCapMdevTypes *)cap;

    md_mdev_types_format(self->mdev_types, writer);
    md_mdev_types_format_details(self->mdev_types, writer);
}


static void
copy(MdCap *dest, const MdCap *src)
{
    ((MdCapMdevTypes *)dest)->mdev_types =
        md_mdev_types_copy(((const MdCapMdevTypes *)src)->mdev_types);
}


static void
clear(MdCap *cap)
{
    g_clear_pointer(&((MdCapMdevTypes *)cap)->mdev_types, g_ptr_array_unref);
}


/* mtty_mtty: a driver without hardware calls its class and its only device the same. */
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
    .size = sizeof(MdCapMdevTypes),
    .init = init,
    .parse = parse,
    .format = format,
    .make_address = make_address,
    .copy = copy,
    .clear = clear,
};
