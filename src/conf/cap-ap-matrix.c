/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-ap-matrix.h"

#include <libvirt/libvirt.h>


static gboolean
parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    return md_mdev_types_parse(node, &((MdCapApMatrix *)cap)->mdev_types, error);
}


static void
format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapApMatrix *self = (const MdCapApMatrix *)cap;

    md_mdev_types_format(self->mdev_types, writer);
    md_mdev_types_format_details(self->mdev_types, writer);
}


static void
copy(MdCap *dest, const MdCap *src)
{
    ((MdCapApMatrix *)dest)->mdev_types =
        md_mdev_types_copy(((const MdCapApMatrix *)src)->mdev_types);
}


static void
clear(MdCap *cap)
{
    g_clear_pointer(&((MdCapApMatrix *)cap)->mdev_types, g_ptr_array_unref);
}


static void
list_nested(const MdCap *cap, GPtrArray *kinds)
{
    if (((const MdCapApMatrix *)cap)->mdev_types != NULL)
        g_ptr_array_add(kinds, (gpointer)&md_cap_kind_mdev_types);
}


/* There is but one. */
static char *
make_address(const char *device)
{
    return g_str_equal(device, "ap_matrix") ? g_strdup("matrix") : NULL;
}


const MdCapKind md_cap_kind_ap_matrix = {
    .name = "ap_matrix",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_MATRIX,
    .size = sizeof(MdCapApMatrix),
    .parse = parse,
    .format = format,
    .copy = copy,
    .clear = clear,
    .make_address = make_address,
    .list_nested = list_nested,
};
