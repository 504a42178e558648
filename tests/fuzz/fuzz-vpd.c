/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as the vital product data of a card: the result makes a well-formed document that can
 * be parsed and prints the same again.
 */
#include "config.h"

#include <string.h>

#include "conf/cap-pci.h"
#include "conf/xml.h"
#include "probe/pci-vpd.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


static void
check_value(const char *value)
{
    for (const char *p = value; *p != '\0'; p++)
        g_assert_true(g_ascii_isprint(*p));
}


static void
check_document(const MdPciVpd *vpd)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    MdCapPci *cap = md_node_device_def_add_cap(def, &md_cap_kind_pci);
    g_autoptr(MdNodeDeviceDef) parsed = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *document = NULL;
    g_autofree char *again = NULL;

    cap->vpd = md_pci_vpd_copy(vpd);
    document = md_xml_format(def, FALSE);
    parsed = md_xml_parse(document, &error);
    g_assert_no_error(error);
    again = md_xml_format(parsed, FALSE);
    g_assert_cmpstr(again, ==, document);
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    /* An allocation of the exact size lets sanitizers detect overruns. */
    g_autofree guint8 *bytes = g_memdup2(data, size);
    g_autoptr(MdPciVpd) vpd = md_pci_vpd_decode(bytes, size);

    if (vpd == NULL)
        return 0;
    if (vpd->name != NULL)
        check_value(vpd->name);
    for (guint section = 0; section < MD_PCI_VPD_N_SECTIONS; section++) {
        const GPtrArray *fields = vpd->fields[section];

        for (guint i = 0; fields != NULL && i < fields->len; i++)
            check_value(((const MdPciVpdField *)g_ptr_array_index(fields, i))->value);
    }
    check_document(vpd);
    return 0;
}
