/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Configuration spaces: conventional, PCI Express, truncated, and with loops. */
#include "config.h"

#include <string.h>

#include <linux/pci_regs.h>

#include "probe/pci-config.h"

typedef struct {
    guint8 bytes[MD_PCI_CONFIG_SIZE];
    MdCapPci cap;
} Fixture;

/* Offset of the PCI Express capability in the tests. */
#define EXPRESS 0x60


static void
put(Fixture *fixture, gsize offset, guint value, guint n_bytes)
{
    for (guint i = 0; i < n_bytes; i++)
        fixture->bytes[offset + i] = (guint8)(value >> (8 * i));
}


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
    put(fixture, PCI_CAPABILITY_LIST, 0x40, 1);
    put(fixture, 0x40 + PCI_CAP_LIST_ID, PCI_CAP_ID_PM, 1);
    put(fixture, 0x40 + PCI_CAP_LIST_NEXT, EXPRESS, 1);
    put(fixture, EXPRESS + PCI_CAP_LIST_ID, PCI_CAP_ID_EXP, 1);
    put(fixture, EXPRESS + PCI_EXP_FLAGS, PCI_EXP_TYPE_ENDPOINT << 4 | 2, 2);
    put(fixture, EXPRESS + PCI_EXP_LNKCAP, 5U << 24 | 16 << 4 | 4, 4);
    put(fixture, EXPRESS + PCI_EXP_LNKSTA, 8 << 4 | 3, 2);
}


static void
tear_down(Fixture *fixture G_GNUC_UNUSED, gconstpointer data G_GNUC_UNUSED)
{
}


static void
test_express(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_pci_config_parse(fixture->bytes, sizeof(fixture->bytes), MD_PCI_CONFIG_SIZE, &fixture->cap);
    g_assert_cmpint(fixture->cap.header, ==, MD_PCI_HEADER_ENDPOINT);
    g_assert_true(fixture->cap.is_express);
    g_assert_true(fixture->cap.has_link_capability);
    g_assert_true(fixture->cap.has_link_status);
    g_assert_cmpint(fixture->cap.link_capability.port, ==, 5);
    g_assert_cmpuint(fixture->cap.link_capability.speed, ==, 4);
    g_assert_cmpuint(fixture->cap.link_capability.width, ==, 16);
    g_assert_cmpint(fixture->cap.link_status.port, ==, -1);
    g_assert_cmpuint(fixture->cap.link_status.speed, ==, 3);
    g_assert_cmpuint(fixture->cap.link_status.width, ==, 8);
}


static void
test_integrated(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, EXPRESS + PCI_EXP_FLAGS, PCI_EXP_TYPE_RC_END << 4 | 2, 2);
    md_pci_config_parse(fixture->bytes, sizeof(fixture->bytes), MD_PCI_CONFIG_SIZE, &fixture->cap);
    g_assert_true(fixture->cap.is_express);
    g_assert_false(fixture->cap.has_link_capability);
    g_assert_false(fixture->cap.has_link_status);
}


static void
test_host_bridge(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, PCI_STATUS, 0, 2);
    md_pci_config_parse(fixture->bytes, sizeof(fixture->bytes), 4096, &fixture->cap);
    g_assert_true(fixture->cap.is_express);
    g_assert_false(fixture->cap.has_link_capability);
    g_assert_false(fixture->cap.has_link_status);
}


static void
test_bridge(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    /* With the multi-function bit. */
    put(fixture, PCI_HEADER_TYPE, 0x81, 1);
    put(fixture, PCI_STATUS, 0, 2);
    md_pci_config_parse(fixture->bytes, sizeof(fixture->bytes), MD_PCI_CONFIG_SIZE, &fixture->cap);
    g_assert_cmpint(fixture->cap.header, ==, MD_PCI_HEADER_BRIDGE);
    g_assert_false(fixture->cap.is_express);
    g_assert_false(fixture->cap.has_link_capability);
    g_assert_false(fixture->cap.has_link_status);
}


static void
test_cut(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    for (gsize size = 0; size <= sizeof(fixture->bytes); size++) {
        g_autofree guint8 *cut = g_memdup2(fixture->bytes, size);

        md_pci_config_parse(cut, size, MD_PCI_CONFIG_SIZE, &fixture->cap);
        g_assert_cmpint(fixture->cap.is_express, ==, size > EXPRESS);
    }
}


static void
test_loop(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    put(fixture, 0x40 + PCI_CAP_LIST_NEXT, 0x40, 1);
    md_pci_config_parse(fixture->bytes, sizeof(fixture->bytes), MD_PCI_CONFIG_SIZE, &fixture->cap);
    g_assert_false(fixture->cap.is_express);
}


/* All ones: the device is disconnected or in reset. */
static void
test_nobody(void)
{
    guint8 config[64] = { 0x86, 0x80 };

    g_assert_true(md_pci_config_is_answer(config, sizeof(config)));
    g_assert_false(md_pci_config_is_answer(config, 0));
    g_assert_false(md_pci_config_is_answer(config, sizeof(config) - 1));
    memset(config, 0xff, sizeof(config));
    g_assert_false(md_pci_config_is_answer(config, sizeof(config)));
    /* The configuration space of a virtual function has no ids. */
    config[0x0e] = 0;
    g_assert_true(md_pci_config_is_answer(config, sizeof(config)));
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/pci-config/express", Fixture, NULL, set_up, test_express, tear_down);
    g_test_add("/pci-config/integrated", Fixture, NULL, set_up, test_integrated, tear_down);
    g_test_add("/pci-config/host-bridge", Fixture, NULL, set_up, test_host_bridge, tear_down);
    g_test_add("/pci-config/bridge", Fixture, NULL, set_up, test_bridge, tear_down);
    g_test_add("/pci-config/cut", Fixture, NULL, set_up, test_cut, tear_down);
    g_test_add("/pci-config/loop", Fixture, NULL, set_up, test_loop, tear_down);
    g_test_add_func("/pci-config/nobody", test_nobody);
    return g_test_run();
}
