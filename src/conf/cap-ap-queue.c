/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-ap-queue.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "conf/s390.h"
#include "conf/xml-reader.h"


#define ADAPTER_MAX 0xFF
#define DOMAIN_MAX  0xFF


gboolean
md_ap_queue_parse(const char *text, guint *adapter, guint *domain)
{
    g_auto(GStrv) parts = g_strsplit(text, ".", 3);

    return g_strv_length(parts) == 2 && strlen(parts[0]) == 2 && strlen(parts[1]) == 4 &&
           md_xml_parse_uint(parts[0], 16, ADAPTER_MAX, adapter) &&
           md_xml_parse_uint(parts[1], 16, DOMAIN_MAX, domain);
}


static gboolean
ap_queue_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapApQueue *self = (MdCapApQueue *)cap;

    return md_s390_parse_number(node, "ap-adapter", 0, ADAPTER_MAX, &self->adapter, error) &&
           md_s390_parse_number(node, "ap-domain", 0, DOMAIN_MAX, &self->domain, error);
}


static void
ap_queue_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapApQueue *self = (const MdCapApQueue *)cap;

    md_xml_writer_element_hex(writer, "ap-adapter", self->adapter, 2);
    md_xml_writer_element_hex(writer, "ap-domain", self->domain, 4);
}


const MdCapKind md_cap_kind_ap_queue = {
    .name = "ap_queue",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_QUEUE,
    .size = sizeof(MdCapApQueue),
    .parse = ap_queue_parse,
    .format = ap_queue_format,
};
