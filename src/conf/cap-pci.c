/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-pci.h"

#include <libvirt/libvirt.h>
#include <string.h>

#include "conf/cap-pci-topology.h"
#include "conf/xml-reader.h"
#include "util/error.h"

#define CLASS_MAX 0xFFFFFF

static const char *const header_names[] = {
    [MD_PCI_HEADER_ENDPOINT] = NULL, /* not printed */
    [MD_PCI_HEADER_BRIDGE] = "pci-bridge",
    [MD_PCI_HEADER_CARDBUS] = "cardbus-bridge",
};


gboolean
md_pci_address_parse(const char *text, MdPciAddress *address)
{
    g_auto(GStrv) parts = g_strsplit_set(text, ":.", 5);
    MdPciAddress parsed = { 0 };

    if (g_strv_length(parts) != 4 || strlen(parts[0]) < 4 || strlen(parts[1]) != 2 ||
        strlen(parts[2]) != 2 || strlen(parts[3]) != 1)
        return FALSE;
    /* The only dot must follow both colons. */
    if (strrchr(text, '.') != text + strlen(text) - 2 || strchr(text, '.') != strrchr(text, '.'))
        return FALSE;
    if (!md_xml_parse_uint(parts[0], 16, MD_PCI_DOMAIN_MAX, &parsed.domain) ||
        !md_xml_parse_uint(parts[1], 16, MD_PCI_BUS_MAX, &parsed.bus) ||
        !md_xml_parse_uint(parts[2], 16, MD_PCI_SLOT_MAX, &parsed.slot) ||
        !md_xml_parse_uint(parts[3], 16, MD_PCI_FUNCTION_MAX, &parsed.function))
        return FALSE;

    *address = parsed;
    return TRUE;
}


static void
pci_init(MdCap *cap)
{
    MdCapPci *self = (MdCapPci *)cap;

    self->class_code = -1;
    self->iommu_group = -1;
    self->numa_node = -1;
    self->link_capability.port = -1;
    self->link_status.port = -1;
}


static gboolean
parse_identity(MdCapPci *self, xmlNodePtr node, GError **error)
{
    MdPciAddress *address = &self->address;
    guint class_code = 0;

    if (md_xml_child(node, "class") != NULL) {
        if (!md_xml_child_uint(node, "class", "PCI class", 16, CLASS_MAX, &class_code, error))
            return FALSE;
        self->class_code = class_code;
    }
    return md_xml_child_uint(node, "domain", "PCI domain ID", 10, MD_PCI_DOMAIN_MAX,
                             &address->domain, error) &&
           md_xml_child_uint(node, "bus", "PCI bus ID", 10, MD_PCI_BUS_MAX, &address->bus, error) &&
           md_xml_child_uint(node, "slot", "PCI slot ID", 10, MD_PCI_SLOT_MAX, &address->slot,
                             error) &&
           md_xml_child_uint(node, "function", "PCI function ID", 10, MD_PCI_FUNCTION_MAX,
                             &address->function, error) &&
           md_xml_child_id(node, "vendor", "PCI vendor ID", &self->vendor_id, &self->vendor_name,
                           error) &&
           md_xml_child_id(node, "product", "PCI product ID", &self->product_id,
                           &self->product_name, error);
}


/* Parses a nested capability; ignores types unknown to libvirt. */
static gboolean
parse_capability(MdCapPci *self, xmlNodePtr node, GError **error)
{
    g_autofree char *type = md_xml_attribute(node, "type");

    if (type == NULL) {
        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR, "Missing capability type");
        return FALSE;
    }
    if (g_str_equal(type, "phys_function"))
        return md_pci_functions_parse_physical(self, node, error);
    if (g_str_equal(type, "virt_functions"))
        return md_pci_functions_parse_virtual(self, node, error);
    if (g_str_equal(type, md_cap_kind_vpd.name)) {
        g_clear_pointer(&self->vpd, md_pci_vpd_free);
        self->vpd = md_pci_vpd_parse(node, error);
        return self->vpd != NULL;
    }
    for (guint i = 0; i < G_N_ELEMENTS(header_names); i++) {
        if (g_strcmp0(header_names[i], type) == 0)
            self->header = i;
    }
    return TRUE;
}


static gboolean
pci_parse(MdCap *cap, xmlNodePtr node, GError **error)
{
    MdCapPci *self = (MdCapPci *)cap;
    xmlNodePtr vgpus = md_xml_child(node, "vgpus");

    if (!parse_identity(self, node, error))
        return FALSE;
    for (xmlNodePtr child = md_xml_child(node, "capability"); child != NULL;
         child = md_xml_next(child)) {
        if (!parse_capability(self, child, error))
            return FALSE;
    }
    if (vgpus != NULL)
        self->vgpus = md_pci_vgpus_parse(vgpus, error);
    return (vgpus == NULL || self->vgpus != NULL) && md_pci_topology_parse(self, node, error);
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
pci_format(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapPci *self = (const MdCapPci *)cap;

    if (self->class_code >= 0)
        md_xml_writer_element_hex(writer, "class", (guint)self->class_code, 6);
    md_xml_writer_element_number(writer, "domain", self->address.domain);
    md_xml_writer_element_number(writer, "bus", self->address.bus);
    md_xml_writer_element_number(writer, "slot", self->address.slot);
    md_xml_writer_element_number(writer, "function", self->address.function);
    md_xml_writer_id(writer, "product", self->product_id, self->product_name);
    md_xml_writer_id(writer, "vendor", self->vendor_id, self->vendor_name);
    md_pci_functions_format(self, writer);
    format_header(writer, self->header);
}


static void
format_rest(const MdCap *cap, MdXmlWriter *writer)
{
    const MdCapPci *self = (const MdCapPci *)cap;

    md_pci_vgpus_format(self->vgpus, writer);
    md_pci_vpd_format(self->vpd, writer);
    md_pci_topology_format(self, writer);
}


static void
pci_copy(MdCap *dest, const MdCap *src)
{
    MdCapPci *self = (MdCapPci *)dest;

    *self = *(const MdCapPci *)src;
    self->vendor_name = g_strdup(self->vendor_name);
    self->product_name = g_strdup(self->product_name);
    if (self->virtual_functions != NULL)
        self->virtual_functions = g_array_copy(self->virtual_functions);
    if (self->iommu_addresses != NULL)
        self->iommu_addresses = g_array_copy(self->iommu_addresses);
    self->vpd = md_pci_vpd_copy(self->vpd);
    self->vgpus = md_pci_vgpus_ref(self->vgpus);
}


static void
pci_clear(MdCap *cap)
{
    MdCapPci *self = (MdCapPci *)cap;

    g_free(self->vendor_name);
    g_free(self->product_name);
    g_clear_pointer(&self->virtual_functions, g_array_unref);
    g_clear_pointer(&self->iommu_addresses, g_array_unref);
    g_clear_pointer(&self->vpd, md_pci_vpd_free);
    g_clear_pointer(&self->vgpus, md_pci_vgpus_unref);
}


static void
list_nested(const MdCap *cap, GPtrArray *kinds)
{
    const MdCapPci *self = (const MdCapPci *)cap;

    if (self->vpd != NULL)
        g_ptr_array_add(kinds, (gpointer)&md_cap_kind_vpd);
}


/* Converts pci_0000_86_00_0 to 0000:86:00.0. */
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
    .init = pci_init,
    .parse = pci_parse,
    .format = pci_format,
    .format_rest = format_rest,
    .copy = pci_copy,
    .clear = pci_clear,
    .make_address = make_address,
    .list_nested = list_nested,
};
