/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-pci.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "conf/xml-reader.h"
#include "util/error.h"

/* The kernel numbers domains by int; those above 16 bits are made up by it (VMD). */
#define DOMAIN_MAX   G_MAXINT
#define BUS_MAX      0xFF
#define SLOT_MAX     0x1F
#define FUNCTION_MAX 7
#define CLASS_MAX    0xFFFFFF
#define ID_MAX       0xFFFF

static const char *const header_names[] = {
    [MD_PCI_HEADER_ENDPOINT] = NULL, /* the usual case, not printed */
    [MD_PCI_HEADER_BRIDGE] = "pci-bridge",
    [MD_PCI_HEADER_CARDBUS] = "cardbus-bridge",
};

/* GT/s by generation. */
static const char *const link_speeds[] = { NULL, "2.5", "5", "8", "16", "32", "64" };


gboolean
md_pci_address_parse(const char *text, MdPciAddress *address)
{
    g_auto(GStrv) parts = g_strsplit_set(text, ":.", 5);
    MdPciAddress parsed = { 0 };

    if (g_strv_length(parts) != 4 || strlen(parts[0]) < 4 || strlen(parts[1]) != 2 ||
        strlen(parts[2]) != 2 || strlen(parts[3]) != 1)
        return FALSE;
    /* Two colons and then the dot, not any other mix. */
    if (strrchr(text, '.') != text + strlen(text) - 2 || strchr(text, '.') != strrchr(text, '.'))
        return FALSE;
    if (!md_xml_parse_uint(parts[0], 16, DOMAIN_MAX, &parsed.domain) ||
        !md_xml_parse_uint(parts[1], 16, BUS_MAX, &parsed.bus) ||
        !md_xml_parse_uint(parts[2], 16, SLOT_MAX, &parsed.slot) ||
        !md_xml_parse_uint(parts[3], 16, FUNCTION_MAX, &parsed.function))
        return FALSE;

    *address = parsed;
    return TRUE;
}


static void
init(MdCap *cap)
{
    MdCapPci *self = (MdCapPci *)cap;

    self->class_code = -1;
    self->iommu_group = -1;
    self->numa_node = -1;
    self->link_capability.port = -1;
    self->link_status.port = -1;
}


/* `what` names the number in messages as libvirt's do. */
static gboolean
check_number(xmlNodePtr node,
             const char *what,
             const char *text,
             guint base,
             guint max,
             guint *number,
             GError **error)
{
    g_autofree char *device = md_xml_device_name(node);

    if (text == NULL) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "no PCI %s supplied for '%s'", what, device);
        return FALSE;
    }
    /* libvirt takes hexadecimal numbers with and without the prefix. */
    if (base == 16 && g_ascii_strncasecmp(text, "0x", 2) == 0)
        text += 2;
    if (!md_xml_parse_uint(text, base, max, number)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "invalid PCI %s supplied for '%s'", what,
                     device);
        return FALSE;
    }
    return TRUE;
}


static gboolean
parse_element(xmlNodePtr node,
              const char *name,
              const char *what,
              guint base,
              guint max,
              guint *number,
              GError **error)
{
    g_autofree char *text = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    text = child != NULL ? md_xml_text(child) : NULL;
    return check_number(node, what, text, base, max, number, error);
}


static gboolean
parse_id(
    xmlNodePtr node, const char *name, const char *what, guint *id, char **text, GError **error)
{
    g_autofree char *number = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    number = child != NULL ? md_xml_attribute(child, "id") : NULL;
    if (!check_number(node, what, number, 16, ID_MAX, id, error))
        return FALSE;
    *text = md_xml_text(child);
    return TRUE;
}


/* Identity only: links, groups and functions are for the machine to tell, not for a document. */
static gboolean
parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapPci *self = (MdCapPci *)cap;
    MdPciAddress *address = &self->address;
    guint class_code = 0;

    if (md_xml_child(node, "class") != NULL) {
        if (!parse_element(node, "class", "class", 16, CLASS_MAX, &class_code, error))
            return FALSE;
        self->class_code = class_code;
    }
    return parse_element(node, "domain", "domain ID", 10, DOMAIN_MAX, &address->domain, error) &&
           parse_element(node, "bus", "bus ID", 10, BUS_MAX, &address->bus, error) &&
           parse_element(node, "slot", "slot ID", 10, SLOT_MAX, &address->slot, error) &&
           parse_element(node, "function", "function ID", 10, FUNCTION_MAX, &address->function,
                         error) &&
           parse_id(node, "vendor", "vendor ID", &self->vendor_id, &self->vendor_name, error) &&
           parse_id(node, "product", "product ID", &self->product_id, &self->product_name, error);
}


static void
format_id(MdXmlWriter *writer, const char *element, guint id, const char *name)
{
    md_xml_writer_start(writer, element);
    md_xml_writer_attribute_format(writer, "id", "0x%04x", id);
    if (name != NULL)
        md_xml_writer_text(writer, name);
    md_xml_writer_end(writer);
}


static void
format_address(MdXmlWriter *writer, const MdPciAddress *address)
{
    md_xml_writer_start(writer, "address");
    md_xml_writer_attribute_format(writer, "domain", "0x%04x", address->domain);
    md_xml_writer_attribute_format(writer, "bus", "0x%02x", address->bus);
    md_xml_writer_attribute_format(writer, "slot", "0x%02x", address->slot);
    md_xml_writer_attribute_format(writer, "function", "0x%x", address->function);
    md_xml_writer_end(writer);
}


static void
format_addresses(MdXmlWriter *writer, const GArray *addresses)
{
    for (guint i = 0; addresses != NULL && i < addresses->len; i++)
        format_address(writer, &g_array_index(addresses, MdPciAddress, i));
}


static void
format_functions(MdXmlWriter *writer, const MdCapPci *self)
{
    if (self->has_physical_function) {
        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", "phys_function");
        format_address(writer, &self->physical_function);
        md_xml_writer_end(writer);
    }
    if (self->has_virtual_functions) {
        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", "virt_functions");
        if (self->max_virtual_functions > 0)
            md_xml_writer_attribute_format(writer, "maxCount", "%u", self->max_virtual_functions);
        format_addresses(writer, self->virtual_functions);
        md_xml_writer_end(writer);
    }
}


static void
format_header(MdXmlWriter *writer, MdPciHeader header)
{
    if ((guint)header >= G_N_ELEMENTS(header_names) || header_names[header] == NULL)
        return;

    md_xml_writer_start(writer, "capability");
    md_xml_writer_attribute(writer, "type", header_names[header]);
    md_xml_writer_end(writer);
}


static void
format_link(MdXmlWriter *writer, const char *validity, const MdPciLink *link)
{
    md_xml_writer_start(writer, "link");
    md_xml_writer_attribute(writer, "validity", validity);
    if (link->port >= 0)
        md_xml_writer_attribute_format(writer, "port", "%d", link->port);
    if (link->speed < G_N_ELEMENTS(link_speeds) && link_speeds[link->speed] != NULL)
        md_xml_writer_attribute(writer, "speed", link_speeds[link->speed]);
    md_xml_writer_attribute_format(writer, "width", "%u", link->width);
    md_xml_writer_end(writer);
}


static void
format_topology(MdXmlWriter *writer, const MdCapPci *self)
{
    /* A group without members is as good as none, also to libvirt and its schema. */
    if (self->iommu_group >= 0 && self->iommu_addresses != NULL && self->iommu_addresses->len > 0) {
        md_xml_writer_start(writer, "iommuGroup");
        md_xml_writer_attribute_format(writer, "number", "%d", self->iommu_group);
        format_addresses(writer, self->iommu_addresses);
        md_xml_writer_end(writer);
    }
    if (self->numa_node >= 0) {
        md_xml_writer_start(writer, "numa");
        md_xml_writer_attribute_format(writer, "node", "%d", self->numa_node);
        md_xml_writer_end(writer);
    }
    if (self->is_express) {
        md_xml_writer_start(writer, "pci-express");
        if (self->has_link) {
            format_link(writer, "cap", &self->link_capability);
            format_link(writer, "sta", &self->link_status);
        }
        md_xml_writer_end(writer);
    }
}


static void
format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapPci *self = (const MdCapPci *)cap;

    if (self->class_code >= 0)
        md_xml_writer_element_format(writer, "class", "0x%06x", (guint)self->class_code);
    md_xml_writer_element_format(writer, "domain", "%u", self->address.domain);
    md_xml_writer_element_format(writer, "bus", "%u", self->address.bus);
    md_xml_writer_element_format(writer, "slot", "%u", self->address.slot);
    md_xml_writer_element_format(writer, "function", "%u", self->address.function);
    format_id(writer, "product", self->product_id, self->product_name);
    format_id(writer, "vendor", self->vendor_id, self->vendor_name);
    format_functions(writer, self);
    format_header(writer, self->header);
    md_mdev_types_format(self->mdev_types, writer);
    md_mdev_types_format_details(self->mdev_types, writer);
    format_topology(writer, self);
}


static void
copy(MdCap *dest, const MdCap *src)
{
    MdCapPci *self = (MdCapPci *)dest;

    *self = *(const MdCapPci *)src;
    self->vendor_name = g_strdup(self->vendor_name);
    self->product_name = g_strdup(self->product_name);
    if (self->virtual_functions != NULL)
        self->virtual_functions = g_array_copy(self->virtual_functions);
    if (self->iommu_addresses != NULL)
        self->iommu_addresses = g_array_copy(self->iommu_addresses);
    self->mdev_types = md_mdev_types_copy(self->mdev_types);
}


static void
clear(MdCap *cap)
{
    MdCapPci *self = (MdCapPci *)cap;

    g_free(self->vendor_name);
    g_free(self->product_name);
    g_clear_pointer(&self->virtual_functions, g_array_unref);
    g_clear_pointer(&self->iommu_addresses, g_array_unref);
    g_clear_pointer(&self->mdev_types, g_ptr_array_unref);
}


static void
list_nested(const MdCap *cap, GPtrArray *kinds)
{
    if (((const MdCapPci *)cap)->mdev_types != NULL)
        g_ptr_array_add(kinds, (gpointer)&md_cap_kind_mdev_types);
}


/* pci_0000_86_00_0 */
static char *
make_address(const char *device)
{
    static const gsize widths[] = { 4, 2, 2, 1 };
    g_auto(GStrv) parts = g_strsplit(device, "_", -1);

    if (g_strv_length(parts) != 1 + G_N_ELEMENTS(widths) || !g_str_equal(parts[0], "pci"))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(widths); i++) {
        /* Only a domain may have more digits. */
        if (strspn(parts[i + 1], "0123456789abcdef") != strlen(parts[i + 1]) ||
            strlen(parts[i + 1]) < widths[i] || (i > 0 && strlen(parts[i + 1]) > widths[i]))
            return NULL;
    }
    return g_strdup_printf("%s:%s:%s.%s", parts[1], parts[2], parts[3], parts[4]);
}


const MdCapKind md_cap_kind_pci = {
    .name = "pci",
    .flag = VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV,
    .size = sizeof(MdCapPci),
    .init = init,
    .parse = parse,
    .format = format,
    .copy = copy,
    .clear = clear,
    .make_address = make_address,
    .list_nested = list_nested,
};
