/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-mdev.h"

#include <libvirt/libvirt.h>

#include "conf/cap-pci-topology.h"
#include "conf/node-device.h"
#include "conf/xml-reader.h"
#include "util/error.h"
#include "util/text.h"


static void
free_attr(MdMdevAttr *attr)
{
    g_free(attr->name);
    g_free(attr->value);
    g_free(attr);
}


GPtrArray *
md_mdev_attrs_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)free_attr);
}


void
md_mdev_attrs_add(GPtrArray *attrs, const char *name, const char *value)
{
    MdMdevAttr *attr = g_new0(MdMdevAttr, 1);

    attr->name = g_strdup(name);
    attr->value = g_strdup(value);
    g_ptr_array_add(attrs, attr);
}


GPtrArray *
md_mdev_attrs_copy(GPtrArray *attrs)
{
    GPtrArray *copies = md_mdev_attrs_new();

    for (guint i = 0; i < attrs->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(attrs, i);

        md_mdev_attrs_add(copies, attr->name, attr->value);
    }
    return copies;
}


GPtrArray *
md_mdev_attrs_update(GPtrArray *old, GPtrArray *attrs, guint n)
{
    GPtrArray *updated = md_mdev_attrs_new();
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < n; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(attrs, i);

        md_mdev_attrs_add(updated, attr->name, attr->value);
        g_hash_table_add(names, attr->name);
    }
    for (guint i = 0; i < old->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(old, i);

        if (!g_hash_table_contains(names, attr->name))
            md_mdev_attrs_add(updated, attr->name, attr->value);
    }
    return updated;
}


gboolean
md_mdev_attrs_are_equal(GPtrArray *a, GPtrArray *b)
{
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++) {
        const MdMdevAttr *one = g_ptr_array_index(a, i);
        const MdMdevAttr *other = g_ptr_array_index(b, i);

        if (!g_str_equal(one->name, other->name) || !g_str_equal(one->value, other->value))
            return FALSE;
    }
    return TRUE;
}


/*
 * Names of the files and groups that the kernel itself, not a driver, creates for a device. No part
 * of an attribute's path may have such a name: before the device exists, it is unknown whether a
 * directory on the path will be a group or another device.
 */
static const char *const kernel_names[] = {
    /* The driver core, for any device. */
    "uevent",
    "power",
    "driver",
    "subsystem",
    "device",
    "dev",
    "online",
    "removable",
    "physical_location",
    "waiting_for_supplier",
    "state_synced",
    "of_node",
    "firmware_node",
    "software_node",
    "wakeup",
    "numa_node",
    "modalias",
    /* Buses, to bind, move or reset a device. */
    "driver_override",
    "bind",
    "unbind",
    "new_id",
    "remove_id",
    "remove",
    "drivers_probe",
    "drivers_autoprobe",
    "rescan",
    "reset",
    "reset_method",
    "enable",
    "msi_bus",
    "msi_irqs",
    /* IOMMU, mdev and VFIO. */
    "iommu",
    "iommu_group",
    "mdev_type",
    "mdev_supported_types",
    "vfio-dev",
};

/* Prefixes of the kernel's links between devices; the name of the other device follows. */
static const char *const kernel_prefixes[] = { "consumer:", "supplier:", "physical_node" };


static gboolean
is_kernel_name(const char *part)
{
    for (guint i = 0; i < G_N_ELEMENTS(kernel_names); i++) {
        if (g_str_equal(part, kernel_names[i]))
            return TRUE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(kernel_prefixes); i++) {
        if (g_str_has_prefix(part, kernel_prefixes[i]))
            return TRUE;
    }
    return FALSE;
}


static gboolean
check_attr_name(const char *name, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(name, "/", -1);
    gboolean is_path = parts[0] != NULL;
    gboolean is_kernels = FALSE;

    for (guint i = 0; parts[i] != NULL; i++) {
        if (*parts[i] == '\0' || g_str_equal(parts[i], ".") || g_str_equal(parts[i], ".."))
            is_path = FALSE;
        is_kernels = is_kernels || is_kernel_name(parts[i]);
    }
    if (!is_path)
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "attribute name '%s' is not a path below the device", name);
    else if (is_kernels)
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "attribute '%s' belongs to the kernel, not to the driver of the device", name);
    else
        return TRUE;
    return FALSE;
}


gboolean
md_mdev_attrs_check(GPtrArray *attrs, GError **error)
{
    for (guint i = 0; i < attrs->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(attrs, i);

        if (!check_attr_name(attr->name, error))
            return FALSE;
    }
    return TRUE;
}


char *
md_cap_mdev_make_name(const char *uuid, const char *parent_addr)
{
    return md_node_device_make_name(md_cap_kind_mdev.name, uuid, parent_addr, NULL);
}


static void
mdev_init(MdCap *cap)
{
    MdCapMdev *self = (MdCapMdev *)cap;

    self->iommu_group = -1;
    self->attrs = md_mdev_attrs_new();
}


/* Only documents formatted by mediated describe the type; others give its id or name. */
static gboolean
parse_type_details(MdCapMdev *self, xmlNodePtr node, GError **error)
{
    if (self->type_id == NULL || xmlFirstElementChild(node) == NULL)
        return TRUE;

    self->type = md_mdev_type_new(self->type_id);
    self->type->name = g_strdup(self->type_name);
    return md_mdev_type_parse_details(self->type, node, error);
}


/* The type is given by its id, as in libvirt, or by the driver's name for it. */
static gboolean
parse_type(MdCapMdev *self, xmlNodePtr node, GError **error)
{
    xmlNodePtr type = NULL;

    if (!md_xml_child_once(node, "type", &type, error))
        return FALSE;
    if (type != NULL) {
        self->type_id = md_xml_attribute(type, "id");
        self->type_name = md_xml_child_text(type, "name");
    }
    if (self->type_id == NULL && self->type_name == NULL) {
        g_autofree char *device = md_xml_device_name(node);

        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing type id attribute for '%s'",
                     device);
        return FALSE;
    }
    return parse_type_details(self, type, error);
}


static gboolean
parse_uuid(MdCapMdev *self, xmlNodePtr node, GError **error)
{
    g_autofree char *text = NULL;
    xmlNodePtr uuid = NULL;

    if (!md_xml_child_once(node, "uuid", &uuid, error))
        return FALSE;
    text = uuid != NULL ? md_xml_text(uuid) : NULL;
    if (text == NULL)
        return TRUE;

    self->uuid = md_uuid_normalize(text);
    if (self->uuid == NULL) {
        g_autofree char *quote = md_xml_shorten(text);

        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "Invalid uuid '%s' for new mdev device", quote);
        return FALSE;
    }
    return TRUE;
}


static gboolean
parse_iommu_group(MdCapMdev *self, xmlNodePtr node, GError **error)
{
    xmlNodePtr group = md_xml_child(node, "iommuGroup");
    g_autofree char *number = group != NULL ? md_xml_attribute(group, "number") : NULL;
    g_autofree char *device = NULL;
    guint value = 0;

    if (number == NULL)
        return TRUE;
    if (md_xml_parse_uint(number, 10, G_MAXINT, &value)) {
        self->iommu_group = (int)value;
        return TRUE;
    }
    device = md_xml_device_name(node);
    md_error_set(error, VIR_ERR_INTERNAL_ERROR, "invalid iommuGroup number attribute for '%s'",
                 device);
    return FALSE;
}


/* Refuses an attribute that no document could show, even if the driver would accept it. */
static gboolean
check_readable(xmlNodePtr attr, const char *name, const char *value, GError **error)
{
    g_autofree char *device = NULL;
    g_autofree char *quote = NULL;

    if (md_text_is_clean(name) && md_text_is_clean(value))
        return TRUE;

    device = md_xml_device_name(attr);
    quote = md_xml_shorten(name);
    md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                      "attribute '%s' for '%s' contains control or formatting characters", quote,
                      device);
    return FALSE;
}


static gboolean
parse_attr(MdCapMdev *self, xmlNodePtr attr, GError **error)
{
    g_autofree char *name = md_xml_attribute(attr, "name");
    g_autofree char *value = md_xml_attribute(attr, "value");

    if (name == NULL) {
        g_autofree char *device = md_xml_device_name(attr);

        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing name of attribute %u for '%s'",
                     self->attrs->len + 1, device);
        return FALSE;
    }
    if (xmlHasNsProp(attr, BAD_CAST "value", NULL) == NULL) {
        g_autofree char *device = md_xml_device_name(attr);
        g_autofree char *quote = md_xml_shorten(name);

        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing value of attribute '%s' for '%s'",
                     quote, device);
        return FALSE;
    }
    if (value == NULL)
        value = g_strdup("");
    if (!check_readable(attr, name, value, error))
        return FALSE;
    md_mdev_attrs_add(self->attrs, name, value);
    return TRUE;
}


static gboolean
parse_attrs(MdCapMdev *self, xmlNodePtr node, GError **error)
{
    for (xmlNodePtr attr = md_xml_child(node, "attr"); attr != NULL; attr = md_xml_next(attr)) {
        if (self->attrs->len == MD_MDEV_ATTRS_MAX) {
            g_autofree char *device = md_xml_device_name(node);

            md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                              "more than %d attributes for '%s'", MD_MDEV_ATTRS_MAX, device);
            return FALSE;
        }
        if (!parse_attr(self, attr, error))
            return FALSE;
    }
    return TRUE;
}


static gboolean
parse_parent_addr(MdCapMdev *self, xmlNodePtr node, GError **error)
{
    xmlNodePtr address = NULL;

    if (!md_xml_child_once(node, "parent_addr", &address, error))
        return FALSE;
    self->parent_addr = address != NULL ? md_xml_text(address) : NULL;
    return TRUE;
}


/* Only documents formatted by mediated contain the function. */
static gboolean
parse_function(MdCapMdev *self, xmlNodePtr node, GError **error)
{
    xmlNodePtr nested = md_xml_child(node, "capability");
    xmlNodePtr address = nested != NULL ? md_xml_child(nested, "address") : NULL;

    self->is_function = address != NULL;
    return address == NULL || md_pci_address_parse_node(address, &self->function, error);
}


static gboolean
mdev_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapMdev *self = (MdCapMdev *)cap;

    return parse_type(self, node, error) && parse_uuid(self, node, error) &&
           parse_parent_addr(self, node, error) && parse_iommu_group(self, node, error) &&
           parse_attrs(self, node, error) && parse_function(self, node, error);
}


static void
format_type(const MdCapMdev *self, MdXmlWriter *writer)
{
    md_xml_writer_start(writer, "type");
    if (self->type_id != NULL)
        md_xml_writer_attribute(writer, "id", self->type_id);
    else
        md_xml_writer_element(writer, "name", self->type_name);
    if (self->type != NULL)
        md_mdev_type_format_details(self->type, writer);
    md_xml_writer_end(writer);
}


/* The element for the document of a guest. libvirt must not bind the function to another driver,
 * because the vGPU would be lost: `managed` is `no`. */
static void
format_hostdev(const MdCapMdev *self, MdXmlWriter *writer)
{
    md_xml_writer_start(writer, "hostdev");
    md_xml_writer_attribute(writer, "mode", "subsystem");
    md_xml_writer_attribute(writer, "type", "pci");
    md_xml_writer_attribute(writer, "managed", "no");
    md_xml_writer_start(writer, "source");
    md_pci_address_format(&self->function, writer);
    md_xml_writer_end(writer);
    md_xml_writer_end(writer);
}


static void
format_function(const MdCapMdev *self, MdXmlWriter *writer)
{
    if (!self->is_function || !md_xml_writer_get_details(writer))
        return;

    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", md_cap_kind_pci.name);
    md_pci_address_format(&self->function, writer);
    md_xml_writer_end(writer);
    format_hostdev(self, writer);
    md_xml_writer_element(writer, "note", MD_MDEV_FUNCTION_NOTE);
}


static void
mdev_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapMdev *self = (const MdCapMdev *)cap;

    format_type(self, writer);
    md_xml_writer_element(writer, "uuid", self->uuid);
    md_xml_writer_element(writer, "parent_addr", self->parent_addr);
    if (self->iommu_group >= 0) {
        md_xml_writer_start(writer, "iommuGroup");
        md_xml_writer_attribute_number(writer, "number", self->iommu_group);
        md_xml_writer_end(writer);
    }
    for (guint i = 0; i < self->attrs->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(self->attrs, i);

        md_xml_writer_start(writer, "attr");
        md_xml_writer_attribute(writer, "name", attr->name);
        md_xml_writer_attribute(writer, "value", attr->value);
        md_xml_writer_end(writer);
    }
    format_function(self, writer);
}


static void
mdev_copy(MdCap *dest, const MdCap *src)
{
    MdCapMdev *self = (MdCapMdev *)dest;
    const MdCapMdev *from = (const MdCapMdev *)src;

    self->uuid = g_strdup(from->uuid);
    self->type_id = g_strdup(from->type_id);
    self->type_name = g_strdup(from->type_name);
    self->parent_addr = g_strdup(from->parent_addr);
    self->iommu_group = from->iommu_group;
    self->attrs = md_mdev_attrs_copy(from->attrs);
    self->is_function = from->is_function;
    self->function = from->function;
    self->type_inode = from->type_inode;
    self->type = from->type != NULL ? md_mdev_type_copy(from->type) : NULL;
}


static void
mdev_clear(MdCap *cap)
{
    MdCapMdev *self = (MdCapMdev *)cap;

    g_free(self->uuid);
    g_free(self->type_id);
    g_free(self->type_name);
    g_free(self->parent_addr);
    g_ptr_array_unref(self->attrs);
    md_mdev_type_free(self->type);
}


static GPtrArray *
get_attrs(const MdCap *cap)
{
    return ((const MdCapMdev *)cap)->attrs;
}


static void
set_attrs(MdCap *cap, GPtrArray *attrs)
{
    MdCapMdev *self = (MdCapMdev *)cap;
    GPtrArray *copy = md_mdev_attrs_copy(attrs);

    g_ptr_array_unref(self->attrs);
    self->attrs = copy;
}


/* Each device uses up one instance of its type. */
static gboolean
mdev_consumes(const MdCapKind *parent G_GNUC_UNUSED)
{
    return TRUE;
}


const MdCapKind md_cap_kind_mdev = {
    .name = "mdev",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_MDEV,
    .size = sizeof(MdCapMdev),
    .init = mdev_init,
    .parse = mdev_parse,
    .format = mdev_format,
    .copy = mdev_copy,
    .clear = mdev_clear,
    .get_attrs = get_attrs,
    .set_attrs = set_attrs,
    .consumes = mdev_consumes,
    .is_immutable = TRUE,
    .is_leaf = TRUE,
    .is_definable = TRUE,
};
