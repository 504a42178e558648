/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of SCSI devices: refusals and their reasons, addresses, and world-wide names. */
#include "config.h"

#include <string.h>

#include "conf/cap-scsi-host.h"
#include "conf/cap-scsi.h"
#include "conf/wwn.h"
#include "documents.h"

#define DEVICE(parent, type, inside)                                                               \
    "<device>" parent "<capability type='" type "'>" inside "</capability></device>"
#define HOST(inside)   DEVICE("", "scsi_host", inside)
#define FC(inside)     HOST("<capability type='fc_host'>" inside "</capability>")
#define UNIT(inside)   DEVICE("", "scsi", inside)
#define TARGET(inside) DEVICE("", "scsi_target", "<target>target0:0:0</target>" inside)

#define MALFORMED(message) VIR_ERR_XML_ERROR, VIR_FROM_NODEDEV, message

#define WWNN "20000000c9831b03"
#define WWPN "10000000c9831b03"


static const Refusal refusals[] = {
    { "host", HOST("<host>x</host>"), INTERNAL("invalid SCSI host ID supplied for 'new device'") },
    { "unique-id", HOST("<unique_id>4294967295</unique_id>"),
      INTERNAL("invalid unique_id supplied for 'new device'") },
    { "host-twice", HOST("<host>1</host><host>2</host>"),
      XML("more than one element 'host' in 'capability' for 'new device'") },
    { "nested-without-type", HOST("<capability/>"),
      INTERNAL("missing SCSI host capability type for 'new device'") },
    { "nested-unknown", HOST("<capability type='vports'/>"),
      INTERNAL("unknown SCSI host capability type 'vports' for 'new device'") },
    { "nested-twice", HOST("<capability type='fc_host'/><capability type='fc_host'/>"),
      INTERNAL("repeated SCSI host capability type 'fc_host' for 'new device'") },
    { "max-vports", HOST("<capability type='vport_ops'><max_vports>-1</max_vports></capability>"),
      INTERNAL("invalid max_vports supplied for 'new device'") },
    { "vports", HOST("<capability type='vport_ops'><vports>many</vports></capability>"),
      INTERNAL("invalid vports supplied for 'new device'") },
    { "wwnn", FC("<wwnn>1</wwnn>"), MALFORMED("Malformed wwn: 1 is not a valid wwnn") },
    { "fabric-wwn", FC("<fabric_wwn>x</fabric_wwn>"),
      MALFORMED("Malformed wwn: x is not a valid fabric_wwn") },
    { "parent-without-wwpn", DEVICE("<parent wwnn='" WWNN "'/>", "scsi_host", ""),
      MALFORMED("when providing parent wwnn='" WWNN "', the wwpn must also be provided") },
    { "parent-without-wwnn", DEVICE("<parent wwpn='" WWPN "'/>", "scsi_host", ""),
      MALFORMED("when providing parent wwpn='" WWPN "', the wwnn must also be provided") },
    { "parent-fabric-wwn", DEVICE("<parent fabric_wwn='12'/>", "scsi_host", ""),
      MALFORMED("Malformed wwn: 12 is not a valid fabric_wwn of a parent") },
    { "unit-without-host", UNIT("<bus>0</bus><target>0</target><lun>0</lun>"),
      INTERNAL("no SCSI host ID supplied for 'new device'") },
    { "unit-bus", UNIT("<host>0</host><bus>-1</bus><target>0</target><lun>0</lun>"),
      INTERNAL("invalid SCSI bus ID supplied for 'new device'") },
    { "unit-target", UNIT("<host>0</host><bus>0</bus><target>9999999999</target><lun>0</lun>"),
      INTERNAL("invalid SCSI target ID supplied for 'new device'") },
    { "unit-without-lun", UNIT("<host>0</host><bus>0</bus><target>0</target><lun/>"),
      INTERNAL("no SCSI LUN ID supplied for 'new device'") },
    { "target-without-name", DEVICE("", "scsi_target", ""),
      INTERNAL("no target name supplied for 'new device'") },
    { "target-nested", TARGET("<capability type='fc_host'/>"),
      INTERNAL("unknown SCSI target capability type 'fc_host' for 'new device'") },
    { "rport-without-name", TARGET("<capability type='fc_remote_port'/>"),
      INTERNAL("no rport name supplied for 'new device'") },
    { "rport-without-wwpn",
      TARGET("<capability type='fc_remote_port'><rport>r</rport></capability>"),
      INTERNAL("no wwpn supplied for 'new device'") },
    { "rport-wwpn",
      TARGET("<capability type='fc_remote_port'><rport>r</rport><wwpn>x</wwpn></capability>"),
      MALFORMED("Malformed wwn: x is not a valid wwpn") },
    { "generic-without-node", DEVICE("", "scsi_generic", ""),
      INTERNAL("no character device supplied for 'new device'") },
    { "fc-host-alone", DEVICE("", "fc_host", ""),
      UNSUPPORTED("Unsupported device type 'fc_host'") },
    { "vports-alone", DEVICE("", "vports", ""), UNSUPPORTED("Unsupported device type 'vports'") },
};


/* Elements that a create document may omit. */
static void
test_empty(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) def = md_xml_parse(FC(""), &error);
    const MdCapScsiHost *cap = NULL;

    g_assert_no_error(error);
    cap = md_node_device_def_get_cap(def, &md_cap_kind_scsi_host);
    g_assert_cmpint(cap->host, ==, -1);
    g_assert_cmpint(cap->unique_id, ==, -1);
    g_assert_true(cap->is_fc_host);
    g_assert_null(cap->wwnn);
    g_assert_null(cap->wwpn);
    g_assert_false(cap->has_vport_ops);
    g_assert_null(def->parent);
    g_assert_null(def->parent_wwnn);
    g_assert_null(def->parent_fabric_wwn);
}


static void
test_parents(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) def =
        md_xml_parse(DEVICE("<parent wwnn='0x20000000C9831B03' wwpn='" WWPN
                            "' fabric_wwn='2001000DEC9877C1'>scsi_host3</parent>",
                            "scsi_host", ""),
                     &error);
    g_autoptr(MdNodeDeviceDef) copy = NULL;

    g_assert_no_error(error);
    copy = md_node_device_def_copy(def);
    g_assert_cmpstr(copy->parent, ==, "scsi_host3");
    g_assert_cmpstr(copy->parent_wwnn, ==, WWNN);
    g_assert_cmpstr(copy->parent_wwpn, ==, WWPN);
    g_assert_cmpstr(copy->parent_fabric_wwn, ==, "2001000dec9877c1");
}


static void
test_nested(void)
{
    static const struct {
        const char *inside;
        guint n_kinds;
        guint32 flags;
    } rows[] = {
        { "", 1, 1 << 5 },
        { "<capability type='fc_host'/>", 2, 1 << 5 | 1 << 9 },
        { "<capability type='vport_ops'/>", 2, 1 << 5 | 1 << 10 },
        { "<capability type='vport_ops'/><capability type='fc_host'/>", 3,
          1 << 5 | 1 << 9 | 1 << 10 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *document = g_strdup_printf(HOST("%s"), rows[i].inside);
        g_autoptr(MdNodeDeviceDef) def = md_xml_parse(document, NULL);
        g_autoptr(GPtrArray) kinds = md_node_device_def_list_caps(def);

        g_assert_cmpuint(kinds->len, ==, rows[i].n_kinds);
        g_assert_cmphex(md_node_device_def_get_flags(def), ==, rows[i].flags);
    }
    g_assert_true(md_cap_kind_find("vports") == &md_cap_kind_vports);
    g_assert_null(md_cap_kind_find("vport_ops"));
}


static void
test_addresses(void)
{
    static const char *const bad[] = {
        "",
        "0:0:0",
        "0:0:0:0:0",
        "a:0:0:0",
        "0:0:0:x",
        "-1:0:0:0",
        "0: 0:0:0",
        "0:0:0:18446744073709551616",
        "99999999999:0:0:0",
    };
    MdScsiAddress address = { 0 };

    g_assert_true(md_scsi_address_parse("2:1:15:9007199254740993", &address));
    g_assert_cmpuint(address.host, ==, 2);
    g_assert_cmpuint(address.bus, ==, 1);
    g_assert_cmpuint(address.target, ==, 15);
    g_assert_cmpuint(address.lun, ==, 9007199254740993);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(md_scsi_address_parse(bad[i], &address));
    g_assert_cmpuint(address.host, ==, 2);
}


static void
test_types(void)
{
    g_assert_cmpstr(md_scsi_type_to_string(0), ==, "disk");
    g_assert_cmpstr(md_scsi_type_to_string(13), ==, "enclosure");
    for (gint64 number = 14; number < 64; number++)
        g_assert_null(md_scsi_type_to_string(number));
    g_assert_null(md_scsi_type_to_string(2));
    g_assert_null(md_scsi_type_to_string(-1));
    g_assert_null(md_scsi_type_to_string(G_MAXINT64));
}


static void
test_wwn(void)
{
    static const struct {
        const char *text;
        guint min;
        const char *wwn;
    } rows[] = {
        { "20000000c9831b03", 16, "20000000c9831b03" },
        { "0x20000000C9831B03", 16, "20000000c9831b03" },
        { "0XFFFFFFFFFFFFFFFF", 16, "ffffffffffffffff" },
        { "0x1", 1, "0000000000000001" },
        { "0x1", 16, NULL },
        { "", 1, NULL },
        { "0x", 1, NULL },
        { "0x0x1", 1, NULL },
        { "20000000c9831b030", 16, NULL },
        { "20000000c9831b0", 16, NULL },
        { "-0000000c9831b03", 16, NULL },
        { " 0000000c9831b03", 16, NULL },
        { "2000000\xff"
          "9831b03",
          16, NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *wwn = md_wwn_normalize(rows[i].text, rows[i].min);

        g_assert_cmpstr(wwn, ==, rows[i].wwn);
    }
}


static void
test_random_wwn(void)
{
    g_autofree char *last = NULL;

    for (guint i = 0; i < 100; i++) {
        g_autofree char *wwn = md_wwn_random();
        g_autofree char *again = md_wwn_normalize(wwn, MD_WWN_DIGITS);

        g_assert_cmpstr(wwn, ==, again);
        g_assert_true(g_str_has_prefix(wwn, "5001a4a"));
        g_assert_cmpstr(wwn, !=, last);
        g_free(last);
        last = g_steal_pointer(&wwn);
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    documents_add_refusals("/scsi", refusals, G_N_ELEMENTS(refusals));
    g_test_add_func("/scsi/empty", test_empty);
    g_test_add_func("/scsi/parents", test_parents);
    g_test_add_func("/scsi/nested", test_nested);
    g_test_add_func("/scsi/addresses", test_addresses);
    g_test_add_func("/scsi/types", test_types);
    g_test_add_func("/wwn/normalize", test_wwn);
    g_test_add_func("/wwn/random", test_random_wwn);
    return g_test_run();
}
