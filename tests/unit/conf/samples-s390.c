/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channel devices and cryptographic adapters of s390; parents are in samples.c. */
#include "config.h"

#include "conf/cap-ap-card.h"
#include "conf/cap-ap-queue.h"
#include "conf/cap-ccw.h"
#include "conf/cap-ccwgroup.h"
#include "samples.h"


MdNodeDeviceDef *
md_sample_ccw_disk(void)
{
    MdNodeDeviceDef *def = md_sample_new("ccw_0_3_beef", "/sys/devices/css0/0.3.0a3f/0.3.beef",
                                         "css_0_3_0a3f", "dasd-eckd");
    MdCapCcw *cap = md_node_device_def_add_cap(def, &md_cap_kind_ccw);

    g_assert_true(md_ccw_address_parse("0.3.beef", &cap->address));
    cap->state = MD_CCW_STATE_ONLINE;
    return def;
}


MdNodeDeviceDef *
md_sample_ccw_member(void)
{
    MdNodeDeviceDef *def = md_sample_new("ccw_0_0_bd01", "/sys/devices/css0/0.0.0021/0.0.bd01",
                                         "css_0_0_0021", "qeth");
    MdCapCcw *cap = md_node_device_def_add_cap(def, &md_cap_kind_ccw);

    g_assert_true(md_ccw_address_parse("0.0.bd01", &cap->address));
    cap->state = MD_CCW_STATE_OFFLINE;
    cap->group_device = g_strdup("ccwgroup_0_0_bd00");
    return def;
}


MdNodeDeviceDef *
md_sample_ccwgroup(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("ccwgroup_0_0_bd00", "/sys/devices/qeth/0.0.bd00", "computer", "qeth");
    MdCapCcwGroup *cap = md_node_device_def_add_cap(def, &md_cap_kind_ccwgroup);

    g_assert_true(md_ccw_address_parse("0.0.bd00", &cap->address));
    cap->state = MD_CCW_STATE_OFFLINE;
    md_ccwgroup_members_add(cap->members, "cdev0", "ccw_0_0_bd00");
    md_ccwgroup_members_add(cap->members, "cdev1", "ccw_0_0_bd01");
    md_ccwgroup_members_add(cap->members, "cdev2", "ccw_0_0_bd02");
    cap->card_type = g_strdup("OSD_10GIG <\x01>");
    cap->chpid = g_strdup("BD");
    return def;
}


MdNodeDeviceDef *
md_sample_ap_card(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("ap_card0a", "/sys/devices/ap/card0a", "computer", "cex4card");
    MdCapApCard *cap = md_node_device_def_add_cap(def, &md_cap_kind_ap_card);

    g_assert_true(md_ap_card_parse("card0a", &cap->adapter));
    return def;
}


MdNodeDeviceDef *
md_sample_ap_queue(void)
{
    MdNodeDeviceDef *def =
        md_sample_new("ap_0a_00ff", "/sys/devices/ap/card0a/0a.00ff", "ap_card0a", "vfio_ap");
    MdCapApQueue *cap = md_node_device_def_add_cap(def, &md_cap_kind_ap_queue);

    g_assert_true(md_ap_queue_parse("0a.00ff", &cap->adapter, &cap->domain));
    return def;
}
