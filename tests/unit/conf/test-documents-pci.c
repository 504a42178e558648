/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of PCI functions, USB and graphics nodes: which are accepted, and how others are
 * refused. */
#include "config.h"

#include "conf/cap-drm.h"
#include "conf/cap-pci.h"
#include "conf/cap-usb-device.h"
#include "conf/cap-usb.h"
#include "documents.h"

#define CAP(type, inner) "<device><capability type='" type "'>" inner "</capability></device>"
#define IDS              "<product id='0x1'/><vendor id='0x2'/>"
#define PCI(inner)                                                                                 \
    CAP("pci", "<domain>0</domain><bus>1</bus><slot>2</slot><function>3</function>" IDS inner)
#define PART(type, inner) PCI("<capability type='" type "'>" inner "</capability>")
#define LINK(attributes)  PCI("<pci-express><link " attributes "/></pci-express>")
#define USB(inner)        CAP("usb_device", inner)
#define INTERFACE(inner)  CAP("usb", inner)

#define VALUE(name, element, value)                                                                \
    XML("Invalid value for attribute '" name "' in element '" element "': '" value "'.")
#define MISSING(name, element) XML("Missing required attribute '" name "' in element '" element "'")

static const Refusal refusals[] = {
    { "pci/typeless", PCI("<capability/>"), XML("Missing capability type") },
    { "pci/physical-empty", PART("phys_function", ""),
      XML("Missing address in 'phys_function' capability") },
    { "pci/physical-slot", PART("phys_function", "<address slot='0x20'/>"),
      VALUE("slot", "address", "0x20") },
    { "pci/virtual-function", PART("virt_functions", "<address function='8'/>"),
      VALUE("function", "address", "8") },
    { "pci/virtual-bus", PART("virt_functions", "<address bus='-1'/>"),
      VALUE("bus", "address", "-1") },
    { "pci/virtual-max", PCI("<capability type='virt_functions' maxCount='x'/>"),
      VALUE("maxCount", "capability", "x") },
    { "pci/vpd-access", PART("vpd", "<name>x</name><fields access='execute'/>"),
      XML("Unsupported VPD field access type specified execute") },
    { "pci/group-number", PCI("<iommuGroup/>"), MISSING("number", "iommuGroup") },
    { "pci/group-range", PCI("<iommuGroup number='4294967296'/>"),
      VALUE("number", "iommuGroup", "4294967296") },
    { "pci/group-domain", PCI("<iommuGroup number='1'><address domain='zz'/></iommuGroup>"),
      VALUE("domain", "address", "zz") },
    { "pci/numa", PCI("<numa node='-2'/>"), VALUE("node", "numa", "-2") },
    { "pci/link-width", LINK("validity='cap'"), MISSING("width", "link") },
    { "pci/link-speed", LINK("validity='sta' width='1' speed='3'"), VALUE("speed", "link", "3") },
    { "pci/link-port", LINK("validity='cap' width='1' port='-1'"), VALUE("port", "link", "-1") },

    { "vpd", CAP("vpd", "<name>x</name>"), UNSUPPORTED("Unsupported device type 'vpd'") },

    { "usb_device/bus", USB(""), INTERNAL("no USB bus number supplied for 'new device'") },
    { "usb_device/device", USB("<bus>1</bus><device>x</device>"),
      INTERNAL("invalid USB device number supplied for 'new device'") },
    { "usb_device/vendor", USB("<bus>1</bus><device>2</device>"),
      INTERNAL("no USB vendor ID supplied for 'new device'") },
    { "usb_device/product",
      USB("<bus>1</bus><device>2</device><vendor id='1'/><product id='0x10000'/>"),
      INTERNAL("invalid USB product ID supplied for 'new device'") },

    { "usb/number", INTERFACE(""), INTERNAL("no USB interface number supplied for 'new device'") },
    { "usb/class", INTERFACE("<number>0</number><class>-1</class>"),
      INTERNAL("invalid USB interface class supplied for 'new device'") },
    { "usb/subclass", INTERFACE("<number>0</number><class>1</class>"),
      INTERNAL("no USB interface subclass supplied for 'new device'") },
    { "usb/protocol", INTERFACE("<number>0</number><class>1</class><subclass>2</subclass>"),
      INTERNAL("no USB interface protocol supplied for 'new device'") },

    { "drm/nothing", CAP("drm", ""), UNSUPPORTED("unknown drm type '' for 'new device'") },
    { "drm/unknown", CAP("drm", "<type>accel</type>"),
      UNSUPPORTED("unknown drm type 'accel' for 'new device'") },
};


/* Numbers in either base, incomplete addresses, and elements that libvirt ignores. */
static void
test_pci(void)
{
    g_autoptr(MdNodeDeviceDef) def = documents_parse(
        PCI("<capability type='phys_function'><address bus='17' slot='0x1f' domain='0x10000'/>"
            "</capability><capability type='virt_functions'/><capability type='frobnicator'/>"
            "<capability type='cardbus-bridge'/><iommuGroup number='0'/><numa node='-1'/>"
            "<pci-express><link validity='maybe'/><link validity='cap' width='0x10' speed='2.5'/>"
            "<link validity='cap'/></pci-express>"));
    const MdCapPci *cap = md_node_device_def_get_cap(def, &md_cap_kind_pci);

    g_assert_true(cap->has_physical_function);
    g_assert_cmphex(cap->physical_function.domain, ==, 0x10000);
    g_assert_cmpuint(cap->physical_function.bus, ==, 17);
    g_assert_cmpuint(cap->physical_function.slot, ==, 31);
    g_assert_cmpuint(cap->physical_function.function, ==, 0);
    g_assert_true(cap->has_virtual_functions);
    g_assert_cmpuint(cap->max_virtual_functions, ==, 0);
    g_assert_cmpint(cap->header, ==, MD_PCI_HEADER_CARDBUS);
    g_assert_cmpint(cap->iommu_group, ==, 0);
    g_assert_cmpint(cap->numa_node, ==, -1);
    g_assert_true(cap->is_express);
    g_assert_true(cap->has_link_capability);
    g_assert_false(cap->has_link_status);
    g_assert_cmpint(cap->link_capability.port, ==, -1);
    g_assert_cmpuint(cap->link_capability.speed, ==, 1);
    g_assert_cmpuint(cap->link_capability.width, ==, 16);
}


static void
test_vpd(void)
{
    g_autoptr(MdNodeDeviceDef) def = documents_parse(
        PART("vpd", "<name/><fields/><fields access='readonly'><serial_number/>"
                    "<vendor_field>a</vendor_field><vendor_field index='10'>b</vendor_field>"
                    "<vendor_field index='a'>c</vendor_field><vendor_field index='1'>d"
                    "</vendor_field><vendor_field index='1'>e</vendor_field>"
                    "<system_field index='1'>f</system_field><asset_tag>g</asset_tag></fields>"
                    "<fields access='readwrite'><system_field index='A'>h</system_field>"
                    "</fields>"));
    const MdCapPci *cap = md_node_device_def_get_cap(def, &md_cap_kind_pci);
    const MdPciVpdField *field = NULL;

    g_assert_cmpstr(cap->vpd->name, ==, "");
    g_assert_cmpuint(cap->vpd->fields[MD_PCI_VPD_READONLY]->len, ==, 2);
    field = g_ptr_array_index(cap->vpd->fields[MD_PCI_VPD_READONLY], 0);
    g_assert_cmpstr(field->keyword, ==, "SN");
    g_assert_cmpstr(field->value, ==, "");
    field = g_ptr_array_index(cap->vpd->fields[MD_PCI_VPD_READONLY], 1);
    g_assert_cmpstr(field->keyword, ==, "V1");
    g_assert_cmpstr(field->value, ==, "e");
    g_assert_cmpuint(cap->vpd->fields[MD_PCI_VPD_READWRITE]->len, ==, 0);
}


static void
test_vpd_set(void)
{
    static const struct {
        MdPciVpdSection section;
        const char *keyword;
    } refused[] = {
        { MD_PCI_VPD_READONLY, "YA" },  { MD_PCI_VPD_READONLY, "Y1" },
        { MD_PCI_VPD_READONLY, "" },    { MD_PCI_VPD_READONLY, "V" },
        { MD_PCI_VPD_READONLY, "V1x" }, { MD_PCI_VPD_READONLY, "Va" },
        { MD_PCI_VPD_READWRITE, "SN" }, { MD_PCI_VPD_READWRITE, "RW" },
        { MD_PCI_VPD_READWRITE, "Y-" },
    };
    g_autoptr(MdPciVpd) vpd = md_pci_vpd_new();

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++)
        g_assert_false(md_pci_vpd_set(vpd, refused[i].section, refused[i].keyword, "x"));
    g_assert_null(vpd->fields[MD_PCI_VPD_READONLY]);
    g_assert_true(md_pci_vpd_set(vpd, MD_PCI_VPD_READWRITE, "YZ", "x"));
    g_assert_cmpuint(vpd->fields[MD_PCI_VPD_READWRITE]->len, ==, 1);
}


/* The capabilities nested in a function, in the order of its document. */
static void
test_nested(void)
{
    g_autoptr(MdNodeDeviceDef) def = documents_parse(PART("vpd", "<name>x</name>"));
    g_autoptr(GPtrArray) kinds = md_node_device_def_list_caps(def);

    g_assert_cmpuint(kinds->len, ==, 2);
    g_assert_true(g_ptr_array_index(kinds, 0) == &md_cap_kind_pci);
    g_assert_true(g_ptr_array_index(kinds, 1) == &md_cap_kind_vpd);
    g_assert_cmphex(md_node_device_def_get_flags(def), ==,
                    VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV |
                        VIR_CONNECT_LIST_NODE_DEVICES_CAP_VPD);
}


static void
test_usb(void)
{
    g_autoptr(MdNodeDeviceDef) device =
        documents_parse(USB("<bus>001</bus><device>12</device><product id='c31c'>  K </product>"
                            "<vendor id='0x046D'/>"));
    g_autoptr(MdNodeDeviceDef) interface =
        documents_parse(INTERFACE("<number>0</number><class>255</class><subclass>1</subclass>"
                                  "<protocol>2</protocol><description>d</description>"));
    const MdCapUsbDevice *usb = md_node_device_def_get_cap(device, &md_cap_kind_usb_device);
    const MdCapUsb *cap = md_node_device_def_get_cap(interface, &md_cap_kind_usb);

    g_assert_cmpuint(usb->bus, ==, 1);
    g_assert_cmpuint(usb->device, ==, 12);
    g_assert_cmphex(usb->product_id, ==, 0xc31c);
    g_assert_cmpstr(usb->product_name, ==, "  K ");
    g_assert_cmphex(usb->vendor_id, ==, 0x46d);
    g_assert_null(usb->vendor_name);
    g_assert_cmpuint(cap->class_code, ==, 255);
    g_assert_cmpuint(cap->protocol, ==, 2);
    g_assert_cmpstr(cap->description, ==, "d");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    documents_add_refusals("/documents", refusals, G_N_ELEMENTS(refusals));
    g_test_add_func("/documents/pci", test_pci);
    g_test_add_func("/documents/vpd", test_vpd);
    g_test_add_func("/documents/vpd-set", test_vpd_set);
    g_test_add_func("/documents/nested", test_nested);
    g_test_add_func("/documents/usb", test_usb);
    return g_test_run();
}
