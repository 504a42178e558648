/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-storage.h"

#include <libvirt/libvirt.h>

#include "conf/xml-reader.h"
#include "util/error.h"

/* Types of nested capabilities. */
#define REMOVABLE    "removable"
#define HOTPLUGGABLE "hotpluggable"


/* A 64-bit number in a child of `node`. `what` names the number in libvirt's messages; NULL: the
 * child is optional. */
static gboolean
parse_number(
    xmlNodePtr node, const char *element, const char *what, guint64 *number, GError **error)
{
    g_autofree char *text = md_xml_child_text(node, element);
    g_autofree char *device = NULL;

    if (text == NULL && what == NULL)
        return TRUE;
    if (text != NULL && g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, number, NULL))
        return TRUE;

    device = md_xml_device_name(node);
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "%s %s supplied for '%s'",
                 text == NULL ? "no" : "invalid", what != NULL ? what : element, device);
    return FALSE;
}


static gboolean
parse_size(
    MdCapStorage *self, xmlNodePtr node, const char *element, const char *what, GError **error)
{
    return parse_number(node, element, what, &self->size, error) &&
           parse_number(node, "logical_block_size", NULL, &self->logical_block_size, error) &&
           parse_number(node, "num_blocks", NULL, &self->num_blocks, error);
}


static gboolean
parse_removable(MdCapStorage *self, xmlNodePtr node, GError **error)
{
    g_autofree char *available = md_xml_child_text(node, "media_available");

    self->is_removable = TRUE;
    self->has_media = g_strcmp0(available, "1") == 0;
    g_free(self->media_label);
    self->media_label = md_xml_child_text(node, "media_label");
    return parse_size(self, node, "media_size", "removable media size", error);
}


static gboolean
parse_nested(MdCapStorage *self, xmlNodePtr node, GError **error)
{
    g_autofree char *type = md_xml_attribute(node, "type");
    g_autofree char *device = NULL;
    g_autofree char *quote = NULL;

    if (g_strcmp0(type, REMOVABLE) == 0)
        return parse_removable(self, node, error);
    if (g_strcmp0(type, HOTPLUGGABLE) == 0) {
        self->is_hotpluggable = TRUE;
        return TRUE;
    }

    device = md_xml_device_name(node);
    if (type == NULL) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "missing storage capability type for '%s'",
                     device);
        return FALSE;
    }
    quote = md_xml_shorten(type);
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "unknown storage capability type '%s' for '%s'",
                 quote, device);
    return FALSE;
}


static gboolean
storage_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapStorage *self = (MdCapStorage *)cap;

    self->block = md_xml_child_text(node, "block");
    if (self->block == NULL) {
        g_autofree char *device = md_xml_device_name(node);

        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "no block device path supplied for '%s'",
                     device);
        return FALSE;
    }
    self->bus = md_xml_child_text(node, "bus");
    self->drive_type = md_xml_child_text(node, "drive_type");
    self->model = md_xml_child_text(node, "model");
    self->vendor = md_xml_child_text(node, "vendor");
    self->serial = md_xml_child_text(node, "serial");
    for (xmlNodePtr child = md_xml_child(node, "capability"); child != NULL;
         child = md_xml_next(child)) {
        if (!parse_nested(self, child, error))
            return FALSE;
    }
    return self->is_removable || parse_size(self, node, "size", "size", error);
}


static void
format_blocks(MdXmlWriter *writer, const MdCapStorage *self)
{
    /* The schema requires both elements or neither. */
    if (self->logical_block_size == 0)
        return;
    md_xml_writer_element_number(writer, "logical_block_size", self->logical_block_size);
    md_xml_writer_element_number(writer, "num_blocks", self->num_blocks);
}


static void
format_removable(MdXmlWriter *writer, const MdCapStorage *self)
{
    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", REMOVABLE);
    md_xml_writer_element(writer, "media_available", self->has_media ? "1" : "0");
    md_xml_writer_element_number(writer, "media_size", self->size);
    md_xml_writer_element(writer, "media_label", self->media_label);
    format_blocks(writer, self);
    md_xml_writer_end(writer);
}


static void
storage_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapStorage *self = (const MdCapStorage *)cap;

    md_xml_writer_element(writer, "block", self->block);
    md_xml_writer_element(writer, "bus", self->bus);
    md_xml_writer_element(writer, "drive_type", self->drive_type);
    md_xml_writer_element(writer, "model", self->model);
    md_xml_writer_element(writer, "vendor", self->vendor);
    md_xml_writer_element(writer, "serial", self->serial);
    if (self->is_removable) {
        format_removable(writer, self);
    } else {
        md_xml_writer_element_number(writer, "size", self->size);
        format_blocks(writer, self);
    }
    if (self->is_hotpluggable) {
        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", HOTPLUGGABLE);
        md_xml_writer_end(writer);
    }
}


static void
storage_copy(MdCap *dest, const MdCap *src)
{
    MdCapStorage *self = (MdCapStorage *)dest;

    *self = *(const MdCapStorage *)src;
    self->block = g_strdup(self->block);
    self->bus = g_strdup(self->bus);
    self->drive_type = g_strdup(self->drive_type);
    self->model = g_strdup(self->model);
    self->vendor = g_strdup(self->vendor);
    self->serial = g_strdup(self->serial);
    self->media_label = g_strdup(self->media_label);
}


static void
storage_clear(MdCap *cap)
{
    MdCapStorage *self = (MdCapStorage *)cap;

    g_free(self->block);
    g_free(self->bus);
    g_free(self->drive_type);
    g_free(self->model);
    g_free(self->vendor);
    g_free(self->serial);
    g_free(self->media_label);
}


const MdCapKind md_cap_kind_storage = {
    .name = "storage",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_STORAGE,
    .size = sizeof(MdCapStorage),
    .parse = storage_parse,
    .format = storage_format,
    .copy = storage_copy,
    .clear = storage_clear,
};
