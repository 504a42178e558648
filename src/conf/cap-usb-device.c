/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-usb-device.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"


static gboolean
usb_device_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapUsbDevice *self = (MdCapUsbDevice *)cap;

    return md_xml_child_uint(node, "bus", "USB bus number", 10, G_MAXINT, &self->bus, error) &&
           md_xml_child_uint(node, "device", "USB device number", 10, G_MAXINT, &self->device,
                             error) &&
           md_xml_child_id(node, "vendor", "USB vendor ID", &self->vendor_id, &self->vendor_name,
                           error) &&
           md_xml_child_id(node, "product", "USB product ID", &self->product_id,
                           &self->product_name, error);
}


static void
usb_device_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapUsbDevice *self = (const MdCapUsbDevice *)cap;

    md_xml_writer_element_number(writer, "bus", self->bus);
    md_xml_writer_element_number(writer, "device", self->device);
    md_xml_writer_id(writer, "product", self->product_id, self->product_name);
    md_xml_writer_id(writer, "vendor", self->vendor_id, self->vendor_name);
}


static void
usb_device_copy(MdCap *dest, const MdCap *src)
{
    MdCapUsbDevice *self = (MdCapUsbDevice *)dest;

    *self = *(const MdCapUsbDevice *)src;
    self->vendor_name = g_strdup(self->vendor_name);
    self->product_name = g_strdup(self->product_name);
}


static void
usb_device_clear(MdCap *cap)
{
    MdCapUsbDevice *self = (MdCapUsbDevice *)cap;

    g_free(self->vendor_name);
    g_free(self->product_name);
}


const MdCapKind md_cap_kind_usb_device = {
    .name = "usb_device",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_USB_DEV,
    .size = sizeof(MdCapUsbDevice),
    .parse = usb_device_parse,
    .format = usb_device_format,
    .copy = usb_device_copy,
    .clear = usb_device_clear,
};
