/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-ccw.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"
#include "util/error.h"

#define TYPE_MEMBER "ccwgroup_member"

/* libvirt's schema allows <state> since version 10.5, and <group_device> since 11.1. A build
 * against an older libvirt writes these elements only as details. */
#define STATE_IS_DETAIL (LIBVIR_VERSION_NUMBER < 10005000)
#define GROUP_IS_DETAIL (LIBVIR_VERSION_NUMBER < 11001000)

/* In libvirt's header since 11.1. */
#if LIBVIR_VERSION_NUMBER >= 11001000
#define FLAG_MEMBER VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCWGROUP_MEMBER
#else
#define FLAG_MEMBER (1U << 23)
#endif


static gboolean
parse_member(MdCapCcw *self, xmlNodePtr node, GError **error)
{
    for (xmlNodePtr child = md_xml_child(node, "capability"); child != NULL;
         child = md_xml_next(child)) {
        g_autofree char *type = md_xml_attribute(child, "type");

        if (g_strcmp0(type, TYPE_MEMBER) != 0)
            continue;
        g_free(self->group_device);
        self->group_device = md_xml_child_text(child, "group_device");
        if (self->group_device == NULL) {
            g_autofree char *device = md_xml_device_name(node);

            md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing group_device value for '%s'",
                         device);
            return FALSE;
        }
    }
    return TRUE;
}


static gboolean
ccw_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapCcw *self = (MdCapCcw *)cap;

    return md_ccw_state_parse_xml(node, &self->state, error) &&
           md_ccw_address_parse_xml(node, &self->address, error) && parse_member(self, node, error);
}


static void
ccw_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapCcw *self = (const MdCapCcw *)cap;
    gboolean details = md_xml_writer_get_details(writer);

    if (details || !STATE_IS_DETAIL)
        md_ccw_state_format(self->state, writer);
    md_ccw_address_format(&self->address, writer);
    if (self->group_device == NULL || (GROUP_IS_DETAIL && !details))
        return;

    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", TYPE_MEMBER);
    md_xml_writer_element(writer, "group_device", self->group_device);
    md_xml_writer_end(writer);
}


static void
ccw_copy(MdCap *dest, const MdCap *src)
{
    MdCapCcw *self = (MdCapCcw *)dest;

    *self = *(const MdCapCcw *)src;
    self->group_device = g_strdup(self->group_device);
}


static void
ccw_clear(MdCap *cap)
{
    g_free(((MdCapCcw *)cap)->group_device);
}


static void
list_nested(const MdCap *cap, GPtrArray *kinds)
{
    if (((const MdCapCcw *)cap)->group_device != NULL)
        g_ptr_array_add(kinds, (gpointer)&md_cap_kind_ccwgroup_member);
}


const MdCapKind md_cap_kind_ccw = {
    .name = "ccw",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCW_DEV,
    .size = sizeof(MdCapCcw),
    .parse = ccw_parse,
    .format = ccw_format,
    .copy = ccw_copy,
    .clear = ccw_clear,
    .list_nested = list_nested,
};


const MdCapKind md_cap_kind_ccwgroup_member = {
    .name = TYPE_MEMBER,
    .flag = FLAG_MEMBER,
};
