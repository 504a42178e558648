/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-pci-topology.h"

#include <string.h>

#include "conf/xml-reader.h"
#include "util/error.h"

#define VALIDITY_CAPABILITY "cap"
#define VALIDITY_STATUS     "sta"

/* GT/s by generation. */
static const char *const link_speeds[] = { NULL, "2.5", "5", "8", "16", "32", "64" };


gboolean
md_pci_address_parse_node(xmlNodePtr node, MdPciAddress *address, GError **error)
{
    memset(address, 0, sizeof(*address));
    return md_xml_attribute_uint(node, "domain", 0, MD_PCI_DOMAIN_MAX, &address->domain, error) &&
           md_xml_attribute_uint(node, "bus", 0, MD_PCI_BUS_MAX, &address->bus, error) &&
           md_xml_attribute_uint(node, "slot", 0, MD_PCI_SLOT_MAX, &address->slot, error) &&
           md_xml_attribute_uint(node, "function", 0, MD_PCI_FUNCTION_MAX, &address->function,
                                 error);
}


static gboolean
parse_addresses(xmlNodePtr node, GArray **addresses, GError **error)
{
    g_clear_pointer(addresses, g_array_unref);
    *addresses = g_array_new(FALSE, FALSE, sizeof(MdPciAddress));
    for (xmlNodePtr child = md_xml_child(node, "address"); child != NULL;
         child = md_xml_next(child)) {
        MdPciAddress address;

        if (!md_pci_address_parse_node(child, &address, error))
            return FALSE;
        g_array_append_val(*addresses, address);
    }
    return TRUE;
}


void
md_pci_address_format(const MdPciAddress *address, MdXmlWriter *writer)
{
    md_xml_writer_start(writer, "address");
    md_xml_writer_attribute_hex(writer, "domain", address->domain, 4);
    md_xml_writer_attribute_hex(writer, "bus", address->bus, 2);
    md_xml_writer_attribute_hex(writer, "slot", address->slot, 2);
    md_xml_writer_attribute_hex(writer, "function", address->function, 1);
    md_xml_writer_end(writer);
}


static void
format_addresses(MdXmlWriter *writer, const GArray *addresses)
{
    for (guint i = 0; addresses != NULL && i < addresses->len; i++)
        md_pci_address_format(&g_array_index(addresses, MdPciAddress, i), writer);
}


gboolean
md_pci_functions_parse_physical(MdCapPci *cap, xmlNodePtr node, GError **error)
{
    xmlNodePtr address = md_xml_child(node, "address");

    if (address == NULL) {
        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "Missing address in 'phys_function' capability");
        return FALSE;
    }
    cap->has_physical_function = TRUE;
    return md_pci_address_parse_node(address, &cap->physical_function, error);
}


gboolean
md_pci_functions_parse_virtual(MdCapPci *cap, xmlNodePtr node, GError **error)
{
    cap->has_virtual_functions = TRUE;
    return md_xml_attribute_uint(node, "maxCount", 10, G_MAXUINT, &cap->max_virtual_functions,
                                 error) &&
           parse_addresses(node, &cap->virtual_functions, error);
}


void
md_pci_functions_format(const MdCapPci *cap, MdXmlWriter *writer)
{
    if (cap->has_physical_function) {
        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", "phys_function");
        md_pci_address_format(&cap->physical_function, writer);
        md_xml_writer_end(writer);
    }
    if (cap->has_virtual_functions) {
        md_xml_writer_start(writer, "capability");
        md_xml_writer_attribute(writer, "type", "virt_functions");
        if (cap->max_virtual_functions > 0)
            md_xml_writer_attribute_number(writer, "maxCount", cap->max_virtual_functions);
        format_addresses(writer, cap->virtual_functions);
        md_xml_writer_end(writer);
    }
}


static gboolean
parse_group(MdCapPci *cap, xmlNodePtr node, GError **error)
{
    guint number = 0;

    if (!md_xml_check_attribute(node, "number", error) ||
        !md_xml_attribute_uint(node, "number", 10, G_MAXINT, &number, error))
        return FALSE;
    cap->iommu_group = (int)number;
    return parse_addresses(node, &cap->iommu_addresses, error);
}


static gboolean
parse_numa(MdCapPci *cap, xmlNodePtr node, GError **error)
{
    g_autofree char *text = md_xml_attribute(node, "node");
    guint number = 0;

    /* The schema accepts any number, and the kernel reports -1 for a device without a NUMA node. */
    if (text == NULL || g_str_equal(text, "-1"))
        return TRUE;
    if (!md_xml_attribute_uint(node, "node", 10, G_MAXINT, &number, error))
        return FALSE;
    cap->numa_node = (int)number;
    return TRUE;
}


static gboolean
parse_link(xmlNodePtr node, MdPciLink *link, GError **error)
{
    g_autofree char *speed = md_xml_attribute(node, "speed");
    g_autofree char *port = md_xml_attribute(node, "port");
    guint number = 0;

    if (!md_xml_check_attribute(node, "width", error) ||
        !md_xml_attribute_uint(node, "width", 0, G_MAXUINT, &link->width, error) ||
        !md_xml_attribute_uint(node, "port", 10, G_MAXINT, &number, error))
        return FALSE;
    link->port = port != NULL ? (int)number : -1;
    if (speed == NULL)
        return TRUE;

    link->speed = 1;
    while (link->speed < G_N_ELEMENTS(link_speeds) && !g_str_equal(link_speeds[link->speed], speed))
        link->speed++;
    if (link->speed < G_N_ELEMENTS(link_speeds))
        return TRUE;
    md_xml_set_invalid_attribute(node, "speed", speed, error);
    return FALSE;
}


/* Ignores all but the first link of each kind. */
static gboolean
parse_express(MdCapPci *cap, xmlNodePtr node, GError **error)
{
    cap->is_express = TRUE;
    for (xmlNodePtr child = md_xml_child(node, "link"); child != NULL; child = md_xml_next(child)) {
        g_autofree char *validity = md_xml_attribute(child, "validity");

        if (g_strcmp0(validity, VALIDITY_CAPABILITY) == 0 && !cap->has_link_capability) {
            cap->has_link_capability = TRUE;
            if (!parse_link(child, &cap->link_capability, error))
                return FALSE;
        } else if (g_strcmp0(validity, VALIDITY_STATUS) == 0 && !cap->has_link_status) {
            cap->has_link_status = TRUE;
            if (!parse_link(child, &cap->link_status, error))
                return FALSE;
        }
    }
    return TRUE;
}


gboolean
md_pci_topology_parse(MdCapPci *cap, xmlNodePtr node, GError **error)
{
    xmlNodePtr group = md_xml_child(node, "iommuGroup");
    xmlNodePtr numa = md_xml_child(node, "numa");
    xmlNodePtr express = md_xml_child(node, "pci-express");

    return (group == NULL || parse_group(cap, group, error)) &&
           (numa == NULL || parse_numa(cap, numa, error)) &&
           (express == NULL || parse_express(cap, express, error));
}


static void
format_link(MdXmlWriter *writer, const char *validity, const MdPciLink *link)
{
    md_xml_writer_start(writer, "link");
    md_xml_writer_attribute(writer, "validity", validity);
    if (link->port >= 0)
        md_xml_writer_attribute_number(writer, "port", link->port);
    if (link->speed < G_N_ELEMENTS(link_speeds) && link_speeds[link->speed] != NULL)
        md_xml_writer_attribute(writer, "speed", link_speeds[link->speed]);
    md_xml_writer_attribute_number(writer, "width", link->width);
    md_xml_writer_end(writer);
}


void
md_pci_topology_format(const MdCapPci *cap, MdXmlWriter *writer)
{
    /* libvirt and its schema require a group to have members. */
    if (cap->iommu_group >= 0 && cap->iommu_addresses != NULL && cap->iommu_addresses->len > 0) {
        md_xml_writer_start(writer, "iommuGroup");
        md_xml_writer_attribute_number(writer, "number", cap->iommu_group);
        format_addresses(writer, cap->iommu_addresses);
        md_xml_writer_end(writer);
    }
    if (cap->numa_node >= 0) {
        md_xml_writer_start(writer, "numa");
        md_xml_writer_attribute_number(writer, "node", cap->numa_node);
        md_xml_writer_end(writer);
    }
    if (cap->is_express) {
        md_xml_writer_start(writer, "pci-express");
        if (cap->has_link_capability)
            format_link(writer, VALIDITY_CAPABILITY, &cap->link_capability);
        if (cap->has_link_status)
            format_link(writer, VALIDITY_STATUS, &cap->link_status);
        md_xml_writer_end(writer);
    }
}
