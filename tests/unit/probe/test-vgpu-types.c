/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of a function with NVIDIA's files: what is shown, when the driver is queried, and the
 * look-up of a client's name for a type. */
#include "config.h"

#include <gio/gio.h>
#include <string.h>

#include "../vendor/fake-card.h"
#include "conf/cap-pci.h"
#include "conf/xml.h"
#include "probe/probe.h"
#include "probe/vgpu-types.h"
#include "util/error.h"
#include "vendor/vendor.h"

#define LIST     "nvidia/creatable_vgpu_types"
#define ASSIGNED "nvidia/current_vgpu_type"


static void
set_up(FakeCard **card, gconstpointer data)
{
    *card = fake_card_new();
    if (data != NULL)
        g_assert_true(g_file_set_contents((*card)->table, data, -1, NULL));
    md_vendor_set_up(TRUE, (*card)->table, (*card)->state_dir);
}


static void
tear_down(FakeCard **card, gconstpointer data G_GNUC_UNUSED)
{
    fake_card_free(*card);
}


static void
assert_types(FakeCard *card, const char *expected)
{
    g_autoptr(GPtrArray) types = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert_true(md_vgpu_types_refresh(&types, card->function, TRUE, NULL));
    for (guint i = 0; types != NULL && i < types->len; i++) {
        const MdMdevType *type = g_ptr_array_index(types, i);

        g_assert_cmpstr(type->device_api, ==, "vfio-pci");
        g_string_append_printf(text, "%s %s %" G_GUINT64_FORMAT ";", type->id,
                               type->name != NULL ? type->name : "?", type->available);
    }
    g_assert_cmpstr(types != NULL ? text->str : "none", ==, expected);
}


/* A function is a parent on the main loop once its types are known. */
static void
test_probe(FakeCard **card, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) types = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_null(md_vgpu_types_probe((*card)->function));
    g_assert_false(md_vgpu_types_refresh(&types, (*card)->function, FALSE, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
    assert_types(*card, "nvidia-1155 L40S-24Q 1;");
    types = md_vgpu_types_probe((*card)->function);
    g_assert_nonnull(types);
    g_assert_cmpuint(types->len, ==, 0);

    /* Another driver, or one that is bound again. */
    fake_card_bind(*card);
    g_assert_null(md_vgpu_types_probe((*card)->function));
}


/* Types stay, with no instances, when a sibling or the function itself has a type. */
static void
test_available(FakeCard **card, gconstpointer data G_GNUC_UNUSED)
{
    fake_card_set(*card, LIST, "1155 : a\n1156 : b\n1157 :\n");
    assert_types(*card, "nvidia-1155 a 1;nvidia-1156 b 1;nvidia-1157 ? 1;");
    fake_card_set(*card, LIST, "ID    : vGPU Name\n1156 : b\n");
    assert_types(*card, "nvidia-1155 a 0;nvidia-1156 b 1;nvidia-1157 ? 0;");
    fake_card_set(*card, LIST, "");
    assert_types(*card, "nvidia-1155 a 0;nvidia-1156 b 0;nvidia-1157 ? 0;");
    fake_card_set(*card, LIST, "1155 : a\n");
    fake_card_set(*card, ASSIGNED, "1156\n");
    assert_types(*card, "nvidia-1155 a 0;nvidia-1156 b 0;nvidia-1157 ? 0;");
}


/* A driver that does not answer offers nothing, but its types are known. */
static void
test_errors(FakeCard **card, gconstpointer data G_GNUC_UNUSED)
{
    assert_types(*card, "nvidia-1155 L40S-24Q 1;");
    fake_card_set(*card, ASSIGNED, "nonsense\n");
    assert_types(*card, "nvidia-1155 L40S-24Q 0;");
    fake_card_set(*card, ASSIGNED, "0\n");
    fake_card_remove(*card, LIST);
    scratch_make_directory(md_sysfs_dir_get_path((*card)->function), LIST);
    assert_types(*card, "nvidia-1155 L40S-24Q 0;");
}


static void
test_none(FakeCard **card, gconstpointer data G_GNUC_UNUSED)
{
    fake_card_set(*card, LIST, "ID    : vGPU Name\n");
    assert_types(*card, "none");
    g_assert_null(md_vgpu_types_probe((*card)->function));
    fake_card_set(*card, LIST, "1155 : a\n");
    md_vendor_set_up(FALSE, (*card)->table, (*card)->state_dir);
    assert_types(*card, "none");
    md_vendor_set_up(TRUE, (*card)->table, (*card)->state_dir);
    fake_card_remove(*card, LIST);
    assert_types(*card, "none");
}


/* The table has types that the driver has not listed yet, and their properties. */
static void
test_table(FakeCard **card, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdMdevType) first = md_vgpu_types_read_one((*card)->function, "nvidia-1156");
    g_autoptr(MdMdevType) listed = NULL;
    g_autoptr(MdMdevType) unknown = md_vgpu_types_read_one((*card)->function, "nvidia-1");
    g_autoptr(MdMdevType) other = md_vgpu_types_read_one((*card)->function, "i915-GVTg_V5_4");
    const MdMdevProperty *property = NULL;

    g_assert_cmpstr(first->name, ==, "other");
    g_assert_null(unknown);
    g_assert_null(other);
    assert_types(*card, "nvidia-1155 L40S-24Q 1;nvidia-1156 other 0;");
    listed = md_vgpu_types_read_one((*card)->function, "nvidia-1155");
    g_assert_cmpstr(listed->name, ==, "L40S-24Q");
    g_assert_cmpuint(listed->available, ==, 0);
    g_assert_cmpuint(listed->properties->len, ==, 3);
    property = g_ptr_array_index(listed->properties, 1);
    g_assert_cmpstr(property->name, ==, "framebuffer");
    g_assert_cmpstr(property->value, ==, "25165824");
    g_assert_cmpstr(property->unit, ==, "KiB");
}


typedef struct {
    const char *id;
    const char *name;
    const char *expected; /* the type, or what the error says */
} Wish;

static const Wish wishes[] = {
    { "nvidia-1155", NULL, "nvidia-1155" },
    { "1155", NULL, "nvidia-1155" },
    { "nvidia-1156", NULL, "nvidia-1156" },
    { NULL, "L40S-48Q", "nvidia-1156" },
    { NULL, "L40S-2B", "type 'L40S-2B' is ambiguous: it matches 'nvidia-7' and 'nvidia-8'" },
    { NULL, "L40S", "the parent has no type 'L40S', only nvidia-7, nvidia-8, nvidia-1155" },
    { "155", NULL, "the parent has no type '155'" },
    { "", NULL, "the parent has no type ''" },
    { "fake-1155", NULL, "the parent has no type 'fake-1155'" },
};


static void
test_resolve(FakeCard **card, gconstpointer data)
{
    fake_card_set(*card, LIST, "1155 : L40S-24Q\n1156: L40S-48Q\n7: L40S-2B\n8: L40S-2B\n");
    for (gsize i = 0; i < G_N_ELEMENTS(wishes); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *id =
            md_vgpu_types_resolve((*card)->function, wishes[i].id, wishes[i].name, &error);

        if (id != NULL)
            g_assert_cmpstr(id, ==, wishes[i].expected);
        else
            g_assert_nonnull(strstr(error->message, wishes[i].expected));
    }
}


static void
test_resolve_nothing(FakeCard **card, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    fake_card_remove(*card, LIST);
    g_assert_null(md_vgpu_types_resolve((*card)->function, "nvidia-1155", NULL, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "does not support mediated devices"));
}


/* A whole document: order of the capabilities, and the driver's answer only on a worker. */
static void
test_document(FakeCard **card, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdNodeDeviceDef) def = md_node_device_def_new();
    g_autoptr(MdNodeDeviceDef) fresh = NULL;
    g_autoptr(GError) blocked = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *document = NULL;
    guint64 inode = md_sysfs_dir_get_inode((*card)->function);

    fake_card_set(*card, "uevent", "");
    def->name = g_strdup("pci_0000_3a_00_4");
    def->path = g_strdup(md_sysfs_dir_get_path((*card)->function));
    md_node_device_def_add_cap(def, &md_cap_kind_pci);
    g_assert_null(md_probe_refresh(def, inode, FALSE, &blocked));
    g_assert_error(blocked, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
    fresh = md_probe_refresh(def, inode, TRUE, &error);
    g_assert_no_error(error);
    g_assert_true(fresh->is_assignable);
    document = md_xml_format(fresh, TRUE);
    g_assert_true(g_regex_match_simple(
        "capability type='phys_function'.*<capability type='mdev_types'>\\s*"
        "<type id='nvidia-1155'>\\s*<name>L40S-24Q</name>\\s*<deviceAPI>vfio-pci</deviceAPI>\\s*"
        "<availableInstances>1</availableInstances>.*<capability type='mdev'>.*"
        "<attribute name='framebuffer' unit='KiB'>25165824</attribute>",
        document, G_REGEX_DOTALL, 0));
}


int
main(int argc, char **argv)
{
    int result = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_add("/vgpu-types/probe", FakeCard *, NULL, set_up, test_probe, tear_down);
    g_test_add("/vgpu-types/available", FakeCard *, NULL, set_up, test_available, tear_down);
    g_test_add("/vgpu-types/errors", FakeCard *, NULL, set_up, test_errors, tear_down);
    g_test_add("/vgpu-types/none", FakeCard *, NULL, set_up, test_none, tear_down);
    g_test_add("/vgpu-types/table", FakeCard *, FAKE_TABLE, set_up, test_table, tear_down);
    g_test_add("/vgpu-types/resolve", FakeCard *, NULL, set_up, test_resolve, tear_down);
    g_test_add("/vgpu-types/resolve-nothing", FakeCard *, NULL, set_up, test_resolve_nothing,
               tear_down);
    g_test_add("/vgpu-types/document", FakeCard *, FAKE_TABLE, set_up, test_document, tear_down);
    result = g_test_run();
    fake_card_remove_all();
    return result;
}
