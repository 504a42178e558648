/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of users: which are accepted, and the code and message with which others are
 * refused. */
#include "config.h"

#include <string.h>

#include "conf/cap-css.h"
#include "conf/cap-mdev.h"
#include "conf/cap-pci.h"
#include "conf/cap-system.h"
#include "documents.h"

#define UUID             "c6b1f2c0-1111-4222-8333-4444aabbccdd"
#define PARENT           "<parent>pci_0000_86_00_0</parent>"
#define TYPE             "<type id='nvidia-11'/>"
#define DEVICE(inner)    "<device>" PARENT inner "</device>"
#define CAP(type, inner) DEVICE("<capability type='" type "'>" inner "</capability>")
#define MDEV(inner)      CAP("mdev", inner)
#define PCI(d, b, s, f)  PCI_IDS(d, b, s, f, "<product id='0x1'/><vendor id='0x2'/>")
#define PCI_IDS(d, b, s, f, ids)                                                                   \
    CAP("pci", "<domain>" d "</domain><bus>" b "</bus><slot>" s "</slot>"                          \
               "<function>" f "</function>" ids)
#define ADDRESS(c, s, d) "<cssid>" c "</cssid><ssid>" s "</ssid><devno>" d "</devno>"
#define CSS(c, s, d)     CAP("css", ADDRESS(c, s, d))
#define BLOCK(types)     "<capability type='mdev_types'>" types "</capability>"
#define TYPES(types)     CAP("mdev_types", BLOCK(types))
#define DETAILS(inner)   "<capability type='mdev'><type id='a'>" inner "</type></capability>"
#define TYPE_OF(id, available)                                                                     \
    "<type id='" id "'><deviceAPI>vfio-pci</deviceAPI><availableInstances>" available              \
    "</availableInstances></type>"

#define DETAIL(message) VIR_ERR_XML_DETAIL, VIR_FROM_NODEDEV, "(node_device_definition):" message

static const Refusal refusals[] = {
    { "empty", "", DETAIL("1: Document is empty\n\n^") },
    { "text", "foo", DETAIL("1: Start tag expected, '<' not found\nfoo\n^") },
    { "truncated", "<device>\n  <name>x</name>\n  <capability type='mdev'>\n",
      DETAIL("4: Premature end of data in tag capability line 3\n\n^") },
    { "mismatch", "<device>\n  <name>x</nam>\n</device>",
      DETAIL("2: Opening and ending tag mismatch: name line 2 and nam\n"
             "  <name>x</nam>\n---------------^") },
    { "trailing", "<device/>x",
      DETAIL("1: Extra content at the end of the document\n<device/>x\n---------^") },
    { "unknown-entity", "<device>&e;</device>",
      DETAIL("1: Entity 'e' not defined\n<device>&e;</device>\n-----------^") },
    { "control", "<device>\n<name>\x01</name></device>",
      DETAIL("2: PCDATA invalid Char value 1\n<name> </name></device>\n------^") },
    { "doctype", "<!DOCTYPE device><device/>", XML("document type declarations are not allowed") },
    { "root", "<domain/>", XML("expecting root element of 'device', not 'domain'") },
    { "no-capability", DEVICE(""), INTERNAL("no device capabilities for 'new device'") },
    { "no-capability-name", "<device><name>n1</name></device>",
      INTERNAL("no device capabilities for 'n1'") },
    { "namespace",
      "<device xmlns='urn:x'><capability type='mdev'><type id='a'/></capability></device>",
      INTERNAL("no device capabilities for 'new device'") },
    { "no-kind", DEVICE("<capability/>"),
      XML("Missing required attribute 'type' in element 'capability'") },
    { "unknown-kind", CAP("foo", ""),
      XML("Invalid value for attribute 'type' in element 'capability': 'foo'.") },
    { "two", DEVICE("<capability type='mdev'>" TYPE "</capability><capability type='pci'/>"),
      XML("more than one device capability for 'new device': 'mdev' and 'pci'") },
    { "two-kindless", DEVICE("<capability type='mdev'>" TYPE "</capability><capability/>"),
      XML("more than one device capability for 'new device': 'mdev' and ''") },
    { "two-parents", DEVICE(PARENT "<capability type='mdev'>" TYPE "</capability>"),
      XML("more than one element 'parent' in 'device' for 'new device'") },
    { "devnode", DEVICE("<devnode type='x'>/dev/x</devnode><capability type='ap_matrix'/>"),
      XML("Invalid value for attribute 'type' in element 'devnode': 'x'.") },

    { "mdev/no-type", MDEV("<uuid>" UUID "</uuid>"),
      UNSUPPORTED("missing type id attribute for 'new device'") },
    { "mdev/empty-type", MDEV("<type id=''><name/></type>"),
      UNSUPPORTED("missing type id attribute for 'new device'") },
    { "mdev/two-types", MDEV(TYPE TYPE),
      XML("more than one element 'type' in 'capability' for 'new device'") },
    { "mdev/uuid", MDEV(TYPE "<uuid>abc</uuid>"),
      INTERNAL("Invalid uuid 'abc' for new mdev device") },
    { "mdev/uuid-path", MDEV(TYPE "<uuid>../../../../../../../../../../etc/pw</uuid>"),
      INTERNAL("Invalid uuid '../../../../../../../../../../etc/pw' for new mdev device") },
    { "mdev/two-uuids", MDEV(TYPE "<uuid>" UUID "</uuid><uuid/>"),
      XML("more than one element 'uuid' in 'capability' for 'new device'") },
    { "mdev/two-addresses", MDEV(TYPE "<parent_addr>a</parent_addr><parent_addr>b</parent_addr>"),
      XML("more than one element 'parent_addr' in 'capability' for 'new device'") },
    { "mdev/group", MDEV(TYPE "<iommuGroup number='-4'/>"),
      INTERNAL("invalid iommuGroup number attribute for 'new device'") },
    { "mdev/attr-name", MDEV(TYPE "<attr name='a' value='1'/><attr value='1'/>"),
      UNSUPPORTED("missing name of attribute 2 for 'new device'") },
    { "mdev/attr-empty-name", MDEV(TYPE "<attr name='' value='1'/>"),
      UNSUPPORTED("missing name of attribute 1 for 'new device'") },
    { "mdev/attr-value", MDEV(TYPE "<attr name='a'/>"),
      UNSUPPORTED("missing value of attribute 'a' for 'new device'") },

    { "pci/nothing", CAP("pci", ""), INTERNAL("no PCI domain ID supplied for 'new device'") },
    { "pci/domain", PCI("abc", "0", "0", "0"),
      INTERNAL("invalid PCI domain ID supplied for 'new device'") },
    { "pci/domain-range", PCI("2147483648", "0", "0", "0"),
      INTERNAL("invalid PCI domain ID supplied for 'new device'") },
    { "pci/bus", PCI("0", "256", "0", "0"),
      INTERNAL("invalid PCI bus ID supplied for 'new device'") },
    { "pci/bus-hex", PCI("0", "0x1f", "0", "0"),
      INTERNAL("invalid PCI bus ID supplied for 'new device'") },
    { "pci/slot", PCI("0", "0", "32", "0"),
      INTERNAL("invalid PCI slot ID supplied for 'new device'") },
    { "pci/slot-sign", PCI("0", "0", "-1", "0"),
      INTERNAL("invalid PCI slot ID supplied for 'new device'") },
    { "pci/function", PCI("0", "0", "0", "8"),
      INTERNAL("invalid PCI function ID supplied for 'new device'") },
    { "pci/function-empty", PCI("0", "0", "0", ""),
      INTERNAL("no PCI function ID supplied for 'new device'") },
    { "pci/no-vendor", PCI_IDS("0", "0", "0", "0", ""),
      INTERNAL("no PCI vendor ID supplied for 'new device'") },
    { "pci/vendor", PCI_IDS("0", "0", "0", "0", "<product id='1'/><vendor id='zz'/>"),
      INTERNAL("invalid PCI vendor ID supplied for 'new device'") },
    { "pci/product-range", PCI_IDS("0", "0", "0", "0", "<product id='0x10000'/><vendor id='1'/>"),
      INTERNAL("invalid PCI product ID supplied for 'new device'") },
    { "pci/class", CAP("pci", "<class>zz</class>"),
      INTERNAL("invalid PCI class supplied for 'new device'") },

    { "css/nothing", CAP("css", ""), UNSUPPORTED("missing cssid value for 'new device'") },
    { "css/cssid", CSS("zz", "0", "0"), UNSUPPORTED("invalid cssid value 'zz' for 'new device'") },
    { "css/ssid", CSS("0", "4", "0"), UNSUPPORTED("invalid ssid value '4' for 'new device'") },
    { "css/devno", CSS("0", "0", "0x10000"),
      UNSUPPORTED("invalid devno value '0x10000' for 'new device'") },
    { "types/no-id", TYPES("<type/>"),
      XML("missing id of mediated device type '' for 'new device'") },
    { "types/no-api", TYPES("<type id='a'/>"),
      XML("missing device API of mediated device type 'a' for 'new device'") },
    { "types/no-number", TYPES("<type id='a'><deviceAPI>vfio-pci</deviceAPI></type>"),
      XML("missing number of available instances of mediated device type 'a' for 'new device'") },
    { "types/number", TYPES(TYPE_OF("a", "-1")),
      XML("missing number of available instances of mediated device type 'a' for 'new device'") },
    { "types/two-blocks", CAP("ap_matrix", BLOCK("") BLOCK("")),
      XML("more than one capability 'mdev_types' for 'new device'") },
    { "types/nameless-attribute",
      CAP("css",
          ADDRESS("0", "0", "1") BLOCK(TYPE_OF("a", "1")) DETAILS("<attribute>1</attribute>")),
      XML("missing name of an attribute of mediated device type 'a' for 'new device'") },
    { "types/unit",
      CAP("css",
          ADDRESS("0", "0", "1") BLOCK(TYPE_OF("a", "1"))
              DETAILS("<attribute name='b' unit='MB'>1</attribute>")),
      XML("unknown unit 'MB' of an attribute for 'new device'") },
    { "system/no-uuid", CAP("system", "<hardware/>"),
      INTERNAL("no system UUID supplied for 'new device'") },
    { "system/uuid", CAP("system", "<hardware><uuid>1</uuid></hardware>"),
      INTERNAL("malformed uuid element for 'new device'") },
};


static void
test_minimal(void)
{
    g_autoptr(MdNodeDeviceDef) def = documents_parse(MDEV(TYPE));
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    g_assert_null(def->name);
    g_assert_cmpstr(def->parent, ==, "pci_0000_86_00_0");
    g_assert_cmpstr(cap->type_id, ==, "nvidia-11");
    g_assert_null(cap->type_name);
    g_assert_null(cap->uuid);
    g_assert_null(cap->parent_addr);
    g_assert_cmpint(cap->iommu_group, ==, -1);
    g_assert_cmpuint(cap->attrs->len, ==, 0);
}


/* All supported elements, with foreign elements in between. */
static void
test_full(void)
{
    g_autoptr(MdNodeDeviceDef) def = documents_parse(
        "<?xml version='1.0' encoding='UTF-8'?><!-- c "
        "-->\n<device><name>my-vgpu</name><path>/sys/x</path>"
        "<devnode type='dev'>/dev/a</devnode><devnode type='link'>/dev/b</devnode>"
        "<devnode type='link'>/dev/c</devnode><parent>p</parent><driver><name>d</name></driver>"
        "<x:capability xmlns:x='urn:x' type='pci'/><foo><bar/></foo>"
        "<capability type='mdev'><type id='11'><name>GRID M60-0B</name><attribute "
        "name='a'>1</attribute>"
        "</type><uuid> C6B1F2C0111142228333"
        "4444AABBCCDD </uuid><parent_addr>0000:86:00.0</parent_addr>"
        "<iommuGroup number='12'/><attr name='nvidia/vgpu_params' value='a=1&#10;'/>"
        "<attr name='b' value=''/><attr name='b' value='&lt;2&gt;'/><baz/></capability></device>");
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const MdMdevAttr *attr = NULL;

    g_assert_cmpstr(def->name, ==, "my-vgpu");
    g_assert_cmpstr(def->path, ==, "/sys/x");
    g_assert_cmpstr(def->devnode, ==, "/dev/a");
    g_assert_cmpuint(g_strv_length(def->devlinks), ==, 2);
    g_assert_cmpstr(def->devlinks[1], ==, "/dev/c");
    g_assert_cmpstr(def->driver, ==, "d");
    g_assert_cmpstr(cap->type_id, ==, "11");
    g_assert_cmpstr(cap->type_name, ==, "GRID M60-0B");
    g_assert_cmpstr(cap->uuid, ==, UUID);
    g_assert_cmpstr(cap->parent_addr, ==, "0000:86:00.0");
    g_assert_cmpint(cap->iommu_group, ==, 12);
    g_assert_cmpuint(cap->attrs->len, ==, 3);
    attr = g_ptr_array_index(cap->attrs, 0);
    g_assert_cmpstr(attr->name, ==, "nvidia/vgpu_params");
    g_assert_cmpstr(attr->value, ==, "a=1\n");
    attr = g_ptr_array_index(cap->attrs, 1);
    g_assert_cmpstr(attr->value, ==, "");
    attr = g_ptr_array_index(cap->attrs, 2);
    g_assert_cmpstr(attr->value, ==, "<2>");
}


static void
test_type_name(void)
{
    g_autoptr(MdNodeDeviceDef) def =
        documents_parse(MDEV("<type><name>GRID M60-1Q</name></type><uuid/>"));
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    g_autofree char *document = md_xml_format(def, FALSE);

    g_assert_null(cap->type_id);
    g_assert_cmpstr(cap->type_name, ==, "GRID M60-1Q");
    g_assert_null(cap->uuid);
    g_assert_cmpstr(document, ==,
                    "<device>\n"
                    "  <parent>pci_0000_86_00_0</parent>\n"
                    "  <capability type='mdev'>\n"
                    "    <type>\n"
                    "      <name>GRID M60-1Q</name>\n"
                    "    </type>\n"
                    "  </capability>\n"
                    "</device>\n");
}


static void
test_other_kinds(void)
{
    g_autoptr(MdNodeDeviceDef) pci = documents_parse(
        PCI_IDS("1", "134", "31", "7", "<product id='13F2'/><vendor id='0X10de'>NVIDIA</vendor>"));
    g_autoptr(MdNodeDeviceDef) css = documents_parse(CSS("0xfe", "3", "98"));
    g_autoptr(MdNodeDeviceDef) system = documents_parse(
        CAP("system", "<product>P</product><hardware><serial>1</serial><uuid>" UUID
                      "</uuid></hardware><firmware><version>2</version></firmware>"));
    g_autoptr(MdNodeDeviceDef) types = documents_parse(CAP("mdev_types", "<anything/>"));
    const MdCapPci *pci_cap = md_node_device_def_get_cap(pci, &md_cap_kind_pci);
    const MdCapCss *css_cap = md_node_device_def_get_cap(css, &md_cap_kind_css);
    const MdCapSystem *system_cap = md_node_device_def_get_cap(system, &md_cap_kind_system);

    g_assert_cmpint(pci_cap->class_code, ==, -1);
    g_assert_cmpuint(pci_cap->address.bus, ==, 134);
    g_assert_cmpuint(pci_cap->address.function, ==, 7);
    g_assert_cmphex(pci_cap->product_id, ==, 0x13f2);
    g_assert_null(pci_cap->product_name);
    g_assert_cmphex(pci_cap->vendor_id, ==, 0x10de);
    g_assert_cmpstr(pci_cap->vendor_name, ==, "NVIDIA");
    g_assert_cmphex(css_cap->address.cssid, ==, 0xfe);
    g_assert_cmphex(css_cap->address.devno, ==, 0x98);
    g_assert_false(css_cap->has_channel_address);
    g_assert_cmpstr(system_cap->product, ==, "P");
    g_assert_cmpstr(system_cap->hardware_serial, ==, "1");
    g_assert_cmpstr(system_cap->hardware_uuid, ==, UUID);
    g_assert_cmpstr(system_cap->firmware_version, ==, "2");
    g_assert_nonnull(md_node_device_def_get_cap(types, &md_cap_kind_mdev_types));
}


static void
test_types(void)
{
    g_autoptr(MdNodeDeviceDef) def = documents_parse(
        CAP("css", ADDRESS("0", "0", "1")
                       BLOCK(TYPE_OF("b", "18446744073709551615") "<x/>" TYPE_OF("a", "0"))
                           DETAILS("<attribute name='c' unit='KiB'>1</attribute>"
                                   "<attribute name='d'/><description>prose</description>")));
    const MdMdevType *b = g_ptr_array_index(def->mdev_types, 0);
    const MdMdevType *a = g_ptr_array_index(def->mdev_types, 1);
    const MdMdevProperty *property = g_ptr_array_index(a->properties, 0);

    g_assert_cmpuint(def->mdev_types->len, ==, 2);
    g_assert_cmpstr(b->id, ==, "b");
    g_assert_null(b->name);
    g_assert_cmpstr(b->device_api, ==, "vfio-pci");
    g_assert_cmpuint(b->available, ==, G_MAXUINT64);
    g_assert_cmpuint(b->properties->len, ==, 0);
    g_assert_cmpstr(a->description, ==, "prose");
    g_assert_cmpuint(a->properties->len, ==, 2);
    g_assert_cmpstr(property->name, ==, "c");
    g_assert_cmpstr(property->value, ==, "1");
    g_assert_cmpstr(property->unit, ==, MD_MDEV_UNIT_KIB);
}


static void
test_types_max(void)
{
    GString *document = g_string_new("<device><capability type='ap_matrix'>"
                                     "<capability type='mdev_types'>");
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i <= MD_MDEV_TYPES_MAX; i++)
        g_string_append(document, TYPE_OF("a", "1"));
    text = g_string_free(g_string_append(document, "</capability></capability></device>"), FALSE);
    g_assert_null(md_xml_parse(text, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_XML_ERROR);
}


static char *
new_many_attrs(guint n)
{
    GString *document = g_string_new("<device><capability type='mdev'>" TYPE);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(document, "<attr name='a%u' value='%u'/>", i, i);
    g_string_append(document, "</capability></device>");
    return g_string_free(document, FALSE);
}


static void
test_attrs_max(void)
{
    g_autofree char *most = new_many_attrs(MD_MDEV_ATTRS_MAX);
    g_autofree char *more = new_many_attrs(MD_MDEV_ATTRS_MAX + 1);
    g_autoptr(MdNodeDeviceDef) def = documents_parse(most);
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    g_autoptr(GError) error = NULL;

    g_assert_cmpuint(cap->attrs->len, ==, MD_MDEV_ATTRS_MAX);
    g_assert_null(md_xml_parse(more, &error));
    g_assert_error(error, MD_ERROR, VIR_ERR_XML_ERROR);
}


/* However long the text, its quotation in a message is short and valid. */
static void
test_long_quotes(void)
{
    g_autofree char *name = g_strnfill(100000, 'n');
    const char *const templates[] = {
        "<%s/>",
        "<device><name>%s</name></device>",
        "<device><capability type='%s'/></device>",
        "<device><capability type='mdev'><type id='a'/><uuid>%s</uuid></capability></device>",
        "<device><capability type='mdev'><type id='a'/><attr name='%s'/></capability></device>",
        "<device><capability type='css'><cssid>%s</cssid></capability></device>",
        "<device>%s",
        "%s",
    };

    for (guint i = 0; i < G_N_ELEMENTS(templates); i++) {
        g_auto(GStrv) parts = g_strsplit(templates[i], "%s", 2);
        g_autofree char *document = g_strconcat(parts[0], name, parts[1], NULL);
        g_autoptr(GError) error = NULL;

        g_assert_null(md_xml_parse(document, &error));
        g_assert_nonnull(error);
        g_assert_cmpuint(strlen(error->message), <, 1100);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    documents_add_refusals("/conf/documents", refusals, G_N_ELEMENTS(refusals));
    g_test_add_func("/conf/documents/minimal", test_minimal);
    g_test_add_func("/conf/documents/full", test_full);
    g_test_add_func("/conf/documents/type-name", test_type_name);
    g_test_add_func("/conf/documents/other-kinds", test_other_kinds);
    g_test_add_func("/conf/documents/types", test_types);
    g_test_add_func("/conf/documents/types-max", test_types_max);
    g_test_add_func("/conf/documents/attrs-max", test_attrs_max);
    g_test_add_func("/conf/documents/long-quotes", test_long_quotes);
    return g_test_run();
}
