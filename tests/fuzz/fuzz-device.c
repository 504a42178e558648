/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a PCI configuration space, as a reply of devlink, and as the description of a type.
 * No byte after the end is read, and the result makes a document that can be parsed and prints the
 * same again.
 */
#include "config.h"

#include <linux/devlink.h>
#include <linux/genetlink.h>

#include "conf/cap-pci.h"
#include "conf/xml.h"
#include "probe/devlink.h"
#include "probe/pci-config.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


static void
check_document(const MdNodeDeviceDef *def)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *document = md_xml_format(def, TRUE);
    g_autoptr(MdNodeDeviceDef) parsed = md_xml_parse(document, &error);
    g_autofree char *again = NULL;

    g_assert_no_error(error);
    again = md_xml_format(parsed, TRUE);
    g_assert_cmpstr(again, ==, document);
}


static void
check_config(const guint8 *bytes, gsize size)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    MdCapPci *cap = md_node_device_def_add_cap(def, &md_cap_kind_pci);

    def->name = g_strdup("pci_0000_00_00_0");
    md_pci_config_parse(bytes, MIN(size, MD_PCI_CONFIG_SIZE), size, cap);
    check_document(def);
}


static void
check_devlink(const guint8 *bytes, gsize size)
{
    static const guint16 types[] = { CTRL_ATTR_FAMILY_ID, DEVLINK_ATTR_ESWITCH_MODE };

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        const guint8 *payload = md_devlink_find_attribute(bytes, size, types[i], sizeof(guint16));

        if (payload != NULL) {
            g_assert_true(payload >= bytes);
            g_assert_true(payload + sizeof(guint16) <= bytes + size);
        }
    }
}


static void
check_description(const guint8 *bytes, gsize size)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    MdMdevType *type = md_mdev_type_new("type-1");
    g_autofree char *text = g_strndup((const char *)bytes, size);

    def->name = g_strdup("pci_0000_00_00_0");
    md_node_device_def_add_cap(def, &md_cap_kind_pci);
    def->mdev_types = md_mdev_types_new();
    type->device_api = g_strdup("vfio-pci");
    md_mdev_type_set_description(type, text);
    g_ptr_array_add(def->mdev_types, type);
    check_document(def);
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    /* An allocation of the exact size lets sanitizers detect overruns. */
    g_autofree guint8 *bytes = g_memdup2(data, size);

    check_config(bytes, size);
    check_devlink(bytes, size);
    check_description(bytes, size);
    return 0;
}
