/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-ap-card.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "conf/s390.h"
#include "conf/xml-reader.h"

#define PREFIX_CARD "card"

#define ADAPTER_MAX 0xFF


gboolean
md_ap_card_parse(const char *text, guint *adapter)
{
    const char *digits = text + strlen(PREFIX_CARD);

    return g_str_has_prefix(text, PREFIX_CARD) && strlen(digits) == 2 &&
           md_xml_parse_uint(digits, 16, ADAPTER_MAX, adapter);
}


static gboolean
ap_card_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapApCard *self = (MdCapApCard *)cap;

    return md_s390_parse_number(node, "ap-adapter", 0, ADAPTER_MAX, &self->adapter, error);
}


static void
ap_card_format(const MdCap *cap, MdXmlWriter *writer)
{
    md_xml_writer_element_hex(writer, "ap-adapter", ((const MdCapApCard *)cap)->adapter, 2);
}


const MdCapKind md_cap_kind_ap_card = {
    .name = "ap_card",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_AP_CARD,
    .size = sizeof(MdCapApCard),
    .parse = ap_card_parse,
    .format = ap_card_format,
};
