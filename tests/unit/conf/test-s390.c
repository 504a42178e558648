/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of s390 devices in the kernel and in libvirt. */
#include "config.h"

#include "conf/cap-ap-card.h"
#include "conf/cap-ap-queue.h"
#include "conf/s390.h"


static void
test_names(void)
{
    static const struct {
        const char *device;
        const char *address; /* NULL: not the name of a parent of mediated devices */
    } rows[] = {
        { "css_0_0_0062", "0.0.0062" },
        { "css_fe_3_beef", "fe.3.beef" },
        { "ap_matrix", "matrix" },
        { "css_0_0_123", NULL },
        { "css_0_4_1234", NULL },
        { "css_0_0_1234_5", NULL },
        { "css", NULL },
        { "css_", NULL },
        { "cssx0_0_1234", NULL },
        /* These devices may have the address of a subchannel. */
        { "ccw_0_0_0062", NULL },
        { "ccwgroup_0_0_0062", NULL },
        { "ap_card04", NULL },
        { "ap_04_0023", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *address = md_cap_kind_make_address(rows[i].device);

        g_assert_cmpstr(address, ==, rows[i].address);
    }
}


static void
test_ap(void)
{
    guint adapter = 0;
    guint domain = 0;

    g_assert_true(md_ap_card_parse("cardff", &adapter));
    g_assert_cmphex(adapter, ==, 0xff);
    g_assert_true(md_ap_queue_parse("04.00ab", &adapter, &domain));
    g_assert_cmphex(adapter, ==, 0x04);
    g_assert_cmphex(domain, ==, 0xab);
    g_assert_false(md_ap_card_parse("car", &adapter));
    g_assert_false(md_ap_card_parse("", &adapter));
    g_assert_false(md_ap_card_parse("card 4", &adapter));
    g_assert_false(md_ap_queue_parse("04", &adapter, &domain));
    g_assert_false(md_ap_queue_parse("04.0023.1", &adapter, &domain));
    g_assert_false(md_ap_queue_parse("04.0100", &adapter, &domain));
}


static void
test_nested_only(void)
{
    const MdCapKind *kind = md_cap_kind_find("ccwgroup_member");

    g_assert_true(kind == &md_cap_kind_ccwgroup_member);
    g_assert_cmphex(kind->flag, ==, 1 << 23);
    g_assert_cmpuint(kind->size, ==, 0);
    g_assert_cmphex(md_cap_kind_ccwgroup.flag, ==, 1 << 22);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/conf/s390/names", test_names);
    g_test_add_func("/conf/s390/ap", test_ap);
    g_test_add_func("/conf/s390/nested-only", test_nested_only);
    return g_test_run();
}
