/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents of interfaces, disks, drives and vDPA devices: which are accepted, and which
 * refused. */
#include "config.h"

#include "conf/cap-net.h"
#include "conf/cap-storage.h"
#include "conf/cap-vdpa.h"
#include "documents.h"

#define CAP(type, inner) "<device><capability type='" type "'>" inner "</capability></device>"
#define NET(inner)       CAP("net", "<interface>eth0</interface>" inner)
#define STORAGE(inner)   CAP("storage", "<block>/dev/sda</block>" inner)


static const Refusal refusals[] = {
    { "net/nothing", CAP("net", ""), INTERNAL("no network interface supplied for 'new device'") },
    { "net/state", NET("<link state='sleeping'/>"),
      XML("invalid link state 'sleeping' for 'new device'") },
    { "net/speed", NET("<link speed='-1'/>"), XML("invalid link speed '-1' for 'new device'") },
    { "net/speed-range", NET("<link speed='4294967296'/>"),
      XML("invalid link speed '4294967296' for 'new device'") },
    { "net/two-links", NET("<link/><link/>"),
      XML("more than one element 'link' in 'capability' for 'new device'") },
    { "net/feature", NET("<feature name='rx'/><feature name='warp'/>"),
      XML("invalid network device feature 'warp' for 'new device'") },
    { "net/nameless-feature", NET("<feature/>"),
      XML("invalid network device feature '' for 'new device'") },
    { "net/medium", NET("<capability type='8025'/>"),
      INTERNAL("invalid network type supplied for 'new device'") },
    { "net/two-media", NET("<capability type='80203'/><capability type='80211'/>"),
      XML("more than one element 'capability' in 'capability' for 'new device'") },
    { "storage/nothing", CAP("storage", ""),
      INTERNAL("no block device path supplied for 'new device'") },
    { "storage/no-size", STORAGE("<bus>usb</bus>"), INTERNAL("no size supplied for 'new device'") },
    { "storage/size", STORAGE("<size>4k</size>"),
      INTERNAL("invalid size supplied for 'new device'") },
    { "storage/size-sign", STORAGE("<size>-1</size>"),
      INTERNAL("invalid size supplied for 'new device'") },
    { "storage/size-range", STORAGE("<size>18446744073709551616</size>"),
      INTERNAL("invalid size supplied for 'new device'") },
    { "storage/blocks", STORAGE("<size>1</size><num_blocks>few</num_blocks>"),
      INTERNAL("invalid num_blocks supplied for 'new device'") },
    { "storage/no-media-size", STORAGE("<capability type='removable'/>"),
      INTERNAL("no removable media size supplied for 'new device'") },
    { "storage/media-size",
      STORAGE("<capability type='removable'><media_size>big</media_size></capability>"),
      INTERNAL("invalid removable media size supplied for 'new device'") },
    { "storage/no-capability", STORAGE("<capability/>"),
      INTERNAL("missing storage capability type for 'new device'") },
    { "storage/capability", STORAGE("<capability type='zoned'/>"),
      INTERNAL("unknown storage capability type 'zoned' for 'new device'") },
};


static void
test_net(void)
{
    g_autoptr(MdNodeDeviceDef) def =
        documents_parse(NET("<address>52:54:00:12:34:56</address><link speed='1000' state='up'/>"
                            "<feature name='rx'/><feature name='ufo'/><feature name='switchdev'/>"
                            "<capability type='80211'/>"));
    g_autoptr(MdNodeDeviceDef) bare = documents_parse(NET("<link/><capability/>"));
    const MdCapNet *cap = md_node_device_def_get_cap(def, &md_cap_kind_net);
    const MdCapNet *bare_cap = md_node_device_def_get_cap(bare, &md_cap_kind_net);

    g_assert_cmpstr(cap->interface, ==, "eth0");
    g_assert_cmpstr(cap->address, ==, "52:54:00:12:34:56");
    g_assert_cmpint(cap->state, ==, MD_NET_STATE_UP);
    g_assert_cmpuint(cap->speed, ==, 1000);
    g_assert_cmphex(cap->features, ==,
                    1 << MD_NET_FEATURE_RX | 1 << MD_NET_FEATURE_UFO |
                        1 << MD_NET_FEATURE_SWITCHDEV);
    g_assert_cmpint(cap->medium, ==, MD_NET_MEDIUM_WLAN);
    g_assert_null(bare_cap->address);
    g_assert_cmpint(bare_cap->state, ==, MD_NET_STATE_NONE);
    g_assert_cmpuint(bare_cap->speed, ==, 0);
    g_assert_cmpint(bare_cap->medium, ==, MD_NET_MEDIUM_NONE);
}


static void
test_storage(void)
{
    g_autoptr(MdNodeDeviceDef) disk = documents_parse(
        STORAGE("<bus>ata</bus><drive_type>disk</drive_type><model>M</model>"
                "<vendor>V</vendor><serial>S</serial><size>18446744073709551615</size>"
                "<logical_block_size>512</logical_block_size><num_blocks>7</num_blocks>"
                "<capability type='hotpluggable'/>"));
    g_autoptr(MdNodeDeviceDef) drive =
        documents_parse(STORAGE("<size>1</size><capability type='removable'>"
                                "<media_available>1</media_available><media_size>4096</media_size>"
                                "<media_label>L</media_label></capability>"));
    const MdCapStorage *cap = md_node_device_def_get_cap(disk, &md_cap_kind_storage);
    const MdCapStorage *drive_cap = md_node_device_def_get_cap(drive, &md_cap_kind_storage);

    g_assert_cmpstr(cap->block, ==, "/dev/sda");
    g_assert_cmpstr(cap->bus, ==, "ata");
    g_assert_cmpstr(cap->drive_type, ==, "disk");
    g_assert_cmpstr(cap->model, ==, "M");
    g_assert_cmpstr(cap->vendor, ==, "V");
    g_assert_cmpstr(cap->serial, ==, "S");
    g_assert_cmpuint(cap->size, ==, G_MAXUINT64);
    g_assert_cmpuint(cap->logical_block_size, ==, 512);
    g_assert_cmpuint(cap->num_blocks, ==, 7);
    g_assert_true(cap->is_hotpluggable);
    g_assert_false(cap->is_removable);
    g_assert_true(drive_cap->is_removable);
    g_assert_true(drive_cap->has_media);
    g_assert_cmpuint(drive_cap->size, ==, 4096);
    g_assert_cmpstr(drive_cap->media_label, ==, "L");
    g_assert_cmpuint(drive_cap->logical_block_size, ==, 0);
}


/* A name that fills half of a document does not slow down parsing of the other half. */
static void
test_storage_time(void)
{
    g_autofree char *name = g_strnfill(MD_XML_DOCUMENT_MAX / 2, 'x');
    g_autoptr(GString) document = g_string_new(NULL);
    g_autoptr(MdNodeDeviceDef) def = NULL;
    g_autoptr(GError) error = NULL;

    g_string_printf(document, "<device><name>%s</name><capability type='storage'>", name);
    while (document->len < MD_XML_DOCUMENT_MAX - 100)
        g_string_append(document, "<capability type='hotpluggable'/>");
    g_string_append(document, "<block>/dev/sda</block><size>1</size></capability></device>");
    def = md_xml_parse(document->str, &error);
    g_assert_no_error(error);
    g_assert_true(((MdCapStorage *)g_ptr_array_index(def->caps, 0))->is_hotpluggable);
}


static void
test_vdpa(void)
{
    g_autoptr(MdNodeDeviceDef) def =
        documents_parse(CAP("vdpa", "<chardev>/dev/vhost-vdpa-0</chardev>"));
    const MdCapVdpa *cap = md_node_device_def_get_cap(def, &md_cap_kind_vdpa);

    g_assert_cmpstr(cap->chardev, ==, "/dev/vhost-vdpa-0");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    documents_add_refusals("/conf/documents-io", refusals, G_N_ELEMENTS(refusals));
    g_test_add_func("/conf/documents-io/net", test_net);
    g_test_add_func("/conf/documents-io/storage", test_storage);
    g_test_add_func("/conf/documents-io/storage-time", test_storage_time);
    g_test_add_func("/conf/documents-io/vdpa", test_vdpa);
    return g_test_run();
}
