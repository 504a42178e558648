/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two blocks of types in a document: libvirt's, and ours with the properties of each type. */
#include "config.h"

#include "conf/mdev-type.h"
#include "conf/xml-reader.h"
#include "util/error.h"

#define BLOCK_TYPES   "mdev_types"
#define BLOCK_DETAILS "mdev"


static void
set_missing(xmlNodePtr node, const char *what, const char *type, GError **error)
{
    g_autofree char *device = md_xml_device_name(node);
    g_autofree char *quote = md_xml_shorten(type);

    md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                      "missing %s of mediated device type '%s' for '%s'", what, quote, device);
}


static MdMdevType *
parse_type(xmlNodePtr node, GError **error)
{
    g_autofree char *id = md_xml_attribute(node, "id");
    g_autofree char *available = md_xml_child_text(node, "availableInstances");
    g_autoptr(MdMdevType) type = NULL;

    if (id == NULL) {
        set_missing(node, "id", "", error);
        return NULL;
    }
    type = md_mdev_type_new(id);
    type->name = md_xml_child_text(node, "name");
    type->device_api = md_xml_child_text(node, "deviceAPI");
    if (type->device_api == NULL) {
        set_missing(node, "device API", id, error);
        return NULL;
    }
    if (available == NULL ||
        !g_ascii_string_to_unsigned(available, 10, 0, G_MAXUINT64, &type->available, NULL)) {
        set_missing(node, "number of available instances", id, error);
        return NULL;
    }
    return g_steal_pointer(&type);
}


static gboolean
parse_types(xmlNodePtr block, GPtrArray *types, GError **error)
{
    for (xmlNodePtr node = md_xml_child(block, "type"); node != NULL; node = md_xml_next(node)) {
        MdMdevType *type = NULL;

        if (types->len == MD_MDEV_TYPES_MAX) {
            g_autofree char *device = md_xml_device_name(node);

            md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                              "more than %d mediated device types for '%s'", MD_MDEV_TYPES_MAX,
                              device);
            return FALSE;
        }
        type = parse_type(node, error);
        if (type == NULL)
            return FALSE;
        g_ptr_array_add(types, type);
    }
    return TRUE;
}


static gboolean
parse_property(MdMdevType *type, xmlNodePtr node, GError **error)
{
    g_autofree char *name = md_xml_attribute(node, "name");
    g_autofree char *unit = md_xml_attribute(node, "unit");
    g_autofree char *value = md_xml_text(node);

    if (name == NULL) {
        set_missing(node, "name of an attribute", type->id, error);
        return FALSE;
    }
    if (unit != NULL && !g_str_equal(unit, MD_MDEV_UNIT_KIB)) {
        g_autofree char *device = md_xml_device_name(node);
        g_autofree char *quote = md_xml_shorten(unit);

        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "unknown unit '%s' of an attribute for '%s'", quote, device);
        return FALSE;
    }
    md_mdev_type_add_property(type, name, value != NULL ? value : "",
                              unit != NULL ? MD_MDEV_UNIT_KIB : NULL);
    return TRUE;
}


gboolean
md_mdev_type_parse_details(MdMdevType *self, xmlNodePtr node, GError **error)
{
    for (xmlNodePtr child = md_xml_child(node, "attribute"); child != NULL;
         child = md_xml_next(child)) {
        if (!parse_property(self, child, error))
            return FALSE;
    }
    if (self->description == NULL)
        self->description = md_xml_child_text(node, "description");
    return TRUE;
}


static gboolean
parse_details(xmlNodePtr block, GPtrArray *types, GError **error)
{
    g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < types->len; i++) {
        MdMdevType *type = g_ptr_array_index(types, i);

        g_hash_table_insert(by_id, type->id, type);
    }
    for (xmlNodePtr node = md_xml_child(block, "type"); node != NULL; node = md_xml_next(node)) {
        g_autofree char *id = md_xml_attribute(node, "id");
        MdMdevType *type = id != NULL ? g_hash_table_lookup(by_id, id) : NULL;

        if (type != NULL && !md_mdev_type_parse_details(type, node, error))
            return FALSE;
    }
    return TRUE;
}


static gboolean
find_block(xmlNodePtr node, const char *wanted, xmlNodePtr *block, GError **error)
{
    *block = NULL;
    for (xmlNodePtr child = md_xml_child(node, "capability"); child != NULL;
         child = md_xml_next(child)) {
        g_autofree char *type = md_xml_attribute(child, "type");
        g_autofree char *device = NULL;

        if (g_strcmp0(type, wanted) != 0)
            continue;
        if (*block == NULL) {
            *block = child;
            continue;
        }
        device = md_xml_device_name(node);
        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "more than one capability '%s' for '%s'", wanted, device);
        return FALSE;
    }
    return TRUE;
}


gboolean
md_mdev_types_parse(xmlNodePtr node, GPtrArray **types, GError **error)
{
    g_autoptr(GPtrArray) parsed = NULL;
    xmlNodePtr block = NULL;
    xmlNodePtr details = NULL;

    if (!find_block(node, BLOCK_TYPES, &block, error) ||
        !find_block(node, BLOCK_DETAILS, &details, error))
        return FALSE;
    if (block == NULL)
        return TRUE;

    parsed = md_mdev_types_new();
    if (!parse_types(block, parsed, error) ||
        (details != NULL && !parse_details(details, parsed, error)))
        return FALSE;
    g_clear_pointer(types, g_ptr_array_unref);
    *types = g_steal_pointer(&parsed);
    return TRUE;
}


void
md_mdev_types_format(GPtrArray *types, MdXmlWriter *writer)
{
    if (types == NULL || types->len == 0)
        return;

    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", "mdev_types");
    for (guint i = 0; i < types->len; i++) {
        const MdMdevType *type = g_ptr_array_index(types, i);

        md_xml_writer_start(writer, "type");
        md_xml_writer_attribute(writer, "id", type->id);
        md_xml_writer_element(writer, "name", type->name);
        md_xml_writer_element(writer, "deviceAPI", type->device_api);
        md_xml_writer_element_number(writer, "availableInstances", type->available);
        md_xml_writer_end(writer);
    }
    md_xml_writer_end(writer);
}


void
md_mdev_type_format_details(const MdMdevType *self, MdXmlWriter *writer)
{
    if (!md_xml_writer_get_details(writer))
        return;

    md_xml_writer_element(writer, "name", self->name);
    for (guint i = 0; i < self->properties->len; i++) {
        const MdMdevProperty *property = g_ptr_array_index(self->properties, i);

        md_xml_writer_start(writer, "attribute");
        md_xml_writer_attribute(writer, "name", property->name);
        if (property->unit != NULL)
            md_xml_writer_attribute(writer, "unit", property->unit);
        md_xml_writer_text(writer, property->value);
        md_xml_writer_end(writer);
    }
    md_xml_writer_element(writer, "description", self->description);
}


void
md_mdev_types_format_details(GPtrArray *types, MdXmlWriter *writer)
{
    if (types == NULL || types->len == 0 || !md_xml_writer_get_details(writer))
        return;

    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", "mdev");
    for (guint i = 0; i < types->len; i++) {
        const MdMdevType *type = g_ptr_array_index(types, i);

        md_xml_writer_start(writer, "type");
        md_xml_writer_attribute(writer, "id", type->id);
        md_mdev_type_format_details(type, writer);
        md_xml_writer_end(writer);
    }
    md_xml_writer_end(writer);
}
