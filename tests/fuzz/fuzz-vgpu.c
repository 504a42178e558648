/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a driver's list of types, as the type of a function, and as a vendor's table. The
 * resulting types have valid numbers, each once, and names and properties that a document can
 * show.
 */
#include "config.h"

#include <string.h>

#include "conf/cap-pci.h"
#include "conf/xml.h"
#include "util/text.h"
#include "vendor/nvidia-config.h"
#include "vendor/nvidia-list.h"
#include "vendor/vgpu-type.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


static void
check_document(const MdVgpuType *type)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    g_autoptr(MdNodeDeviceDef) parsed = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *document = NULL;
    g_autofree char *again = NULL;
    MdMdevType *shown = md_mdev_type_new("nvidia-1");

    shown->name = g_strdup(type->name);
    shown->device_api = g_strdup("vfio-pci");
    g_ptr_array_unref(shown->properties);
    shown->properties = g_ptr_array_ref(type->properties);
    def->name = g_strdup("pci_0000_00_00_0");
    md_node_device_def_add_cap(def, &md_cap_kind_pci);
    def->mdev_types = md_mdev_types_new();
    g_ptr_array_add(def->mdev_types, shown);
    document = md_xml_format(def, TRUE);
    parsed = md_xml_parse(document, &error);
    g_assert_no_error(error);
    again = md_xml_format(parsed, TRUE);
    g_assert_cmpstr(again, ==, document);
}


static void
check_types(GPtrArray *types)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    g_assert_cmpuint(types->len, <=, MD_MDEV_TYPES_MAX);
    for (guint i = 0; i < types->len; i++) {
        const MdVgpuType *type = g_ptr_array_index(types, i);

        g_assert_cmpuint(type->number, >, 0);
        g_assert_cmpuint(type->number, <=, MD_VGPU_NUMBER_MAX);
        g_assert_true(g_hash_table_add(seen, GUINT_TO_POINTER(type->number)));
        if (type->name != NULL) {
            g_assert_true(md_text_is_clean(type->name));
            g_assert_cmpuint(strlen(type->name), <=, MD_VGPU_NAME_MAX);
            g_assert_null(strpbrk(type->name, "\r\n\t"));
        }
        if (i < 2)
            check_document(type);
    }
}


static void
check_list(const char *text)
{
    g_autoptr(GPtrArray) types = md_nvidia_list_parse(text);
    guint32 number = 0;

    check_types(types);
    if (md_nvidia_assigned_parse(text, &number)) {
        g_autofree char *again = g_strdup_printf("%u", number);

        g_assert_cmpstr(again, ==, text);
    }
}


static void
check_table(const char *text, gsize size)
{
    static const MdNvidiaIds cards[] = { { 0x10de, 0x26b9, 0x10de, 0x14ab },
                                         { 0x10de, 0x2235, 0x1028, 0 } };
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNvidiaConfig) config = md_nvidia_config_parse(text, size, &error);

    g_assert_true((config == NULL) == (error != NULL));
    for (gsize i = 0; config != NULL && i < G_N_ELEMENTS(cards); i++) {
        g_autoptr(GPtrArray) types = md_nvidia_config_list(config, &cards[i]);

        check_types(types);
    }
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    check_list(text);
    check_table((const char *)data, size);
    return 0;
}
