/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-css.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "conf/xml-reader.h"

#define PREFIX_DEVICE "css_"


static gboolean
css_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapCss *self = (MdCapCss *)cap;
    xmlNodePtr channel = NULL;

    if (!md_ccw_address_parse_xml(node, &self->address, error) ||
        !md_xml_child_once(node, "channel_dev_addr", &channel, error))
        return FALSE;

    self->has_channel_address = channel != NULL;
    return channel == NULL || md_ccw_address_parse_xml(channel, &self->channel_address, error);
}


static void
css_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapCss *self = (const MdCapCss *)cap;

    md_ccw_address_format(&self->address, writer);
    if (self->has_channel_address) {
        md_xml_writer_start(writer, "channel_dev_addr");
        md_ccw_address_format(&self->channel_address, writer);
        md_xml_writer_end(writer);
    }
}


/* Converts css_0_0_1234 to 0.0.1234. */
static char *
make_address(const char *device)
{
    g_autofree char *address = NULL;
    MdCcwAddress parsed;

    if (!g_str_has_prefix(device, PREFIX_DEVICE))
        return NULL;
    address = g_strdelimit(g_strdup(device + strlen(PREFIX_DEVICE)), "_", '.');
    return md_ccw_address_parse(address, &parsed) ? g_steal_pointer(&address) : NULL;
}


const MdCapKind md_cap_kind_css = {
    .name = "css",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_CSS_DEV,
    .size = sizeof(MdCapCss),
    .parse = css_parse,
    .format = css_format,
    .make_address = make_address,
};
