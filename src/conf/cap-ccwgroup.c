/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-ccwgroup.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"
#include "util/error.h"

/* libvirt knows only the first name; the kernel reports the others once the card's protocol is
 * known. */
static const char *const type_names[] = {
    [MD_CCWGROUP_QETH] = "qeth_generic",
    [MD_CCWGROUP_QETH_LAYER2] = "qeth_layer2",
    [MD_CCWGROUP_QETH_LAYER3] = "qeth_layer3",
    [MD_CCWGROUP_OTHER] = NULL,
};

/* In libvirt's header since 11.1. */
#if LIBVIR_VERSION_NUMBER >= 11001000
#define FLAG_GROUP VIR_CONNECT_LIST_NODE_DEVICES_CAP_CCWGROUP_DEV
#else
#define FLAG_GROUP (1U << 22)
#endif


MdCcwGroupType
md_ccwgroup_type_find(const char *name)
{
    guint type = 0;

    while (type < MD_CCWGROUP_OTHER && g_strcmp0(type_names[type], name) != 0)
        type++;
    return type;
}


static void
free_member(MdCcwGroupMember *member)
{
    g_free(member->ref);
    g_free(member->device);
    g_free(member);
}


void
md_ccwgroup_members_add(GPtrArray *members, const char *ref, const char *device)
{
    MdCcwGroupMember *member = g_new0(MdCcwGroupMember, 1);

    member->ref = g_strdup(ref);
    member->device = g_strdup(device);
    g_ptr_array_add(members, member);
}


static GPtrArray *
new_members(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)free_member);
}


static void
ccwgroup_init(MdCap *cap)
{
    ((MdCapCcwGroup *)cap)->members = new_members();
}


static gboolean
parse_member(MdCapCcwGroup *self, xmlNodePtr node, GError **error)
{
    g_autofree char *device = md_xml_device_name(node);
    g_autofree char *ref = md_xml_attribute(node, "ref");
    g_autofree char *member = md_xml_text(node);

    if (self->members->len == MD_CCWGROUP_MEMBERS_MAX) {
        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR, "more than %d members for '%s'",
                          MD_CCWGROUP_MEMBERS_MAX, device);
        return FALSE;
    }
    if (ref == NULL) {
        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "Missing ref property on ccw_device in members for '%s'", device);
        return FALSE;
    }
    if (member == NULL) {
        g_autofree char *quote = md_xml_shorten(ref);

        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "Missing data in ccw_device with ref '%s' in members for '%s'", quote,
                          device);
        return FALSE;
    }
    md_ccwgroup_members_add(self->members, ref, member);
    return TRUE;
}


static gboolean
parse_members(MdCapCcwGroup *self, xmlNodePtr node, GError **error)
{
    xmlNodePtr members = NULL;

    if (!md_xml_child_once(node, "members", &members, error))
        return FALSE;
    for (xmlNodePtr member = members != NULL ? md_xml_child(members, "ccw_device") : NULL;
         member != NULL; member = md_xml_next(member)) {
        if (!parse_member(self, member, error))
            return FALSE;
    }
    return TRUE;
}


static gboolean
parse_type(MdCapCcwGroup *self, xmlNodePtr node, GError **error)
{
    g_autofree char *type = NULL;
    g_autofree char *quote = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, "capability", &child, error))
        return FALSE;
    if (child == NULL)
        return TRUE;

    type = md_xml_attribute(child, "type");
    self->type = md_ccwgroup_type_find(type);
    if (self->type != MD_CCWGROUP_OTHER) {
        self->card_type = md_xml_child_text(child, "card_type");
        self->chpid = md_xml_child_text(child, "chpid");
        return TRUE;
    }
    quote = md_xml_shorten(type != NULL ? type : "");
    /* libvirt's wording, with its full stop. */
    md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                      "Invalid value for attribute 'type' in element 'capability': '%s'.", quote);
    return FALSE;
}


static gboolean
ccwgroup_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapCcwGroup *self = (MdCapCcwGroup *)cap;

    return md_ccw_state_parse_xml(node, &self->state, error) &&
           md_ccw_address_parse_xml(node, &self->address, error) &&
           parse_members(self, node, error) && parse_type(self, node, error);
}


static void
format_members(const MdCapCcwGroup *self, MdXmlWriter *writer)
{
    if (self->members->len == 0)
        return;

    md_xml_writer_start(writer, "members");
    for (guint i = 0; i < self->members->len; i++) {
        const MdCcwGroupMember *member = g_ptr_array_index(self->members, i);

        md_xml_writer_start(writer, "ccw_device");
        md_xml_writer_attribute(writer, "ref", member->ref);
        md_xml_writer_text(writer, member->device);
        md_xml_writer_end(writer);
    }
    md_xml_writer_end(writer);
}


static void
ccwgroup_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapCcwGroup *self = (const MdCapCcwGroup *)cap;

    md_ccw_state_format(self->state, writer);
    md_ccw_address_format(&self->address, writer);
    format_members(self, writer);
    if (type_names[self->type] == NULL)
        return;

    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", type_names[self->type]);
    md_xml_writer_block(writer);
    md_xml_writer_element(writer, "card_type", self->card_type);
    md_xml_writer_element(writer, "chpid", self->chpid);
    md_xml_writer_end(writer);
}


static void
ccwgroup_copy(MdCap *dest, const MdCap *src)
{
    MdCapCcwGroup *self = (MdCapCcwGroup *)dest;
    const MdCapCcwGroup *from = (const MdCapCcwGroup *)src;

    self->address = from->address;
    self->state = from->state;
    self->type = from->type;
    self->members = new_members();
    for (guint i = 0; i < from->members->len; i++) {
        const MdCcwGroupMember *member = g_ptr_array_index(from->members, i);

        md_ccwgroup_members_add(self->members, member->ref, member->device);
    }
    self->card_type = g_strdup(from->card_type);
    self->chpid = g_strdup(from->chpid);
}


static void
ccwgroup_clear(MdCap *cap)
{
    MdCapCcwGroup *self = (MdCapCcwGroup *)cap;

    g_ptr_array_unref(self->members);
    g_free(self->card_type);
    g_free(self->chpid);
}


const MdCapKind md_cap_kind_ccwgroup = {
    .name = "ccwgroup",
    .flag = FLAG_GROUP,
    .size = sizeof(MdCapCcwGroup),
    .init = ccwgroup_init,
    .parse = ccwgroup_parse,
    .format = ccwgroup_format,
    .copy = ccwgroup_copy,
    .clear = ccwgroup_clear,
};
