/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-usb.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"


static gboolean
parse_number(xmlNodePtr node, const char *name, const char *what, guint *number, GError **error)
{
    return md_xml_child_uint(node, name, what, 10, G_MAXINT, number, error);
}


static gboolean
usb_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapUsb *self = (MdCapUsb *)cap;

    if (!parse_number(node, "number", "USB interface number", &self->number, error) ||
        !parse_number(node, "class", "USB interface class", &self->class_code, error) ||
        !parse_number(node, "subclass", "USB interface subclass", &self->subclass, error) ||
        !parse_number(node, "protocol", "USB interface protocol", &self->protocol, error))
        return FALSE;
    self->description = md_xml_child_text(node, "description");
    return TRUE;
}


static void
usb_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapUsb *self = (const MdCapUsb *)cap;

    md_xml_writer_element_number(writer, "number", self->number);
    md_xml_writer_element_number(writer, "class", self->class_code);
    md_xml_writer_element_number(writer, "subclass", self->subclass);
    md_xml_writer_element_number(writer, "protocol", self->protocol);
    md_xml_writer_element(writer, "description", self->description);
}


static void
usb_copy(MdCap *dest, const MdCap *src)
{
    MdCapUsb *self = (MdCapUsb *)dest;

    *self = *(const MdCapUsb *)src;
    self->description = g_strdup(self->description);
}


static void
usb_clear(MdCap *cap)
{
    g_free(((MdCapUsb *)cap)->description);
}


const MdCapKind md_cap_kind_usb = {
    .name = "usb",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_INTERFACE,
    .size = sizeof(MdCapUsb),
    .parse = usb_parse,
    .format = usb_format,
    .copy = usb_copy,
    .clear = usb_clear,
};
