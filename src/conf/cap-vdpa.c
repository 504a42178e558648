/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-vdpa.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"


static gboolean
vdpa_parse(MdCap *cap, xmlNodePtr node, GError **error G_GNUC_UNUSED)
{
    ((MdCapVdpa *)cap)->chardev = md_xml_child_text(node, "chardev");
    return TRUE;
}


static void
vdpa_format(const MdCap *cap, MdXmlWriter *writer)
{
    md_xml_writer_element(writer, "chardev", ((const MdCapVdpa *)cap)->chardev);
}


static void
vdpa_copy(MdCap *dest, const MdCap *src)
{
    ((MdCapVdpa *)dest)->chardev = g_strdup(((const MdCapVdpa *)src)->chardev);
}


static void
vdpa_clear(MdCap *cap)
{
    g_free(((MdCapVdpa *)cap)->chardev);
}


const MdCapKind md_cap_kind_vdpa = {
    .name = "vdpa",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_VDPA,
    .size = sizeof(MdCapVdpa),
    .parse = vdpa_parse,
    .format = vdpa_format,
    .copy = vdpa_copy,
    .clear = vdpa_clear,
};
