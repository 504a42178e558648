/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-css.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "conf/xml-reader.h"
#include "util/error.h"

#define CSSID_MAX 0xFE
#define SSID_MAX  3
#define DEVNO_MAX 0xFFFF


gboolean
md_ccw_address_parse(const char *text, MdCcwAddress *address)
{
    g_auto(GStrv) parts = g_strsplit(text, ".", 4);
    MdCcwAddress parsed = { 0 };

    if (g_strv_length(parts) != 3 || strlen(parts[2]) != 4)
        return FALSE;
    if (!md_xml_parse_uint(parts[0], 16, CSSID_MAX, &parsed.cssid) ||
        !md_xml_parse_uint(parts[1], 16, SSID_MAX, &parsed.ssid) ||
        !md_xml_parse_uint(parts[2], 16, DEVNO_MAX, &parsed.devno))
        return FALSE;

    *address = parsed;
    return TRUE;
}


static gboolean
parse_number(xmlNodePtr node, const char *name, guint max, guint *number, GError **error)
{
    g_autofree char *device = md_xml_device_name(node);
    g_autofree char *text = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    text = child != NULL ? md_xml_text(child) : NULL;
    if (text == NULL) {
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing %s value for '%s'", name, device);
        return FALSE;
    }
    if (!md_xml_parse_uint(text, 0, max, number)) {
        g_autofree char *quote = md_xml_shorten(text);

        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "invalid %s value '%s' for '%s'", name,
                     quote, device);
        return FALSE;
    }
    return TRUE;
}


static gboolean
parse_address(xmlNodePtr node, MdCcwAddress *address, GError **error)
{
    return parse_number(node, "cssid", CSSID_MAX, &address->cssid, error) &&
           parse_number(node, "ssid", SSID_MAX, &address->ssid, error) &&
           parse_number(node, "devno", DEVNO_MAX, &address->devno, error);
}


static gboolean
parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapCss *self = (MdCapCss *)cap;
    xmlNodePtr channel = NULL;

    if (!parse_address(node, &self->address, error) ||
        !md_xml_child_once(node, "channel_dev_addr", &channel, error))
        return FALSE;

    self->has_channel_address = channel != NULL;
    return (channel == NULL || parse_address(channel, &self->channel_address, error)) &&
           md_mdev_types_parse(node, &self->mdev_types, error);
}


static void
format_address(const MdCcwAddress *address, MdXmlWriter *writer)
{
    md_xml_writer_element_format(writer, "cssid", "0x%x", address->cssid);
    md_xml_writer_element_format(writer, "ssid", "0x%x", address->ssid);
    md_xml_writer_element_format(writer, "devno", "0x%04x", address->devno);
}


static void
format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapCss *self = (const MdCapCss *)cap;

    format_address(&self->address, writer);
    if (self->has_channel_address) {
        md_xml_writer_start(writer, "channel_dev_addr");
        format_address(&self->channel_address, writer);
        md_xml_writer_end(writer);
    }
    md_mdev_types_format(self->mdev_types, writer);
    md_mdev_types_format_details(self->mdev_types, writer);
}


static void
copy(MdCap *dest, const MdCap *src)
{
    MdCapCss *self = (MdCapCss *)dest;

    *self = *(const MdCapCss *)src;
    self->mdev_types = md_mdev_types_copy(self->mdev_types);
}


static void
clear(MdCap *cap)
{
    g_clear_pointer(&((MdCapCss *)cap)->mdev_types, g_ptr_array_unref);
}


static void
list_nested(const MdCap *cap, GPtrArray *kinds)
{
    if (((const MdCapCss *)cap)->mdev_types != NULL)
        g_ptr_array_add(kinds, (gpointer)&md_cap_kind_mdev_types);
}


/* css_0_0_0062 */
static char *
make_address(const char *device)
{
    g_autofree char *address = NULL;
    MdCcwAddress parsed = { 0 };

    if (!g_str_has_prefix(device, "css_"))
        return NULL;
    address = g_strdelimit(g_strdup(device + strlen("css_")), "_", '.');
    return md_ccw_address_parse(address, &parsed) ? g_steal_pointer(&address) : NULL;
}


const MdCapKind md_cap_kind_css = {
    .name = "css",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_CSS_DEV,
    .size = sizeof(MdCapCss),
    .parse = parse,
    .format = format,
    .copy = copy,
    .clear = clear,
    .make_address = make_address,
    .list_nested = list_nested,
};
