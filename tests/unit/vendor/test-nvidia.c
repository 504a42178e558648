/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NVIDIA's files of a function: what is read and written. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "conf/mdev-type.h"
#include "fake-card.h"
#include "util/error.h"
#include "vendor/vendor.h"

#define LIST     "nvidia/creatable_vgpu_types"
#define ASSIGNED "nvidia/current_vgpu_type"
#define PARAMS   "nvidia/vgpu_params"

typedef struct {
    FakeCard *card;
    const MdVendor *vendor;
    gpointer handle;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    fixture->card = fake_card_new();
    if (data != NULL)
        g_assert_true(g_file_set_contents(fixture->card->table, data, -1, NULL));
    md_vendor_set_up(TRUE, fixture->card->table, fixture->card->state_dir);
    fixture->vendor = md_vendor_find(fixture->card->function);
    g_assert_nonnull(fixture->vendor);
    fixture->handle = md_vendor_open_card(fixture->vendor, fixture->card->function, &error);
    g_assert_no_error(error);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor->close(fixture->handle);
    fake_card_free(fixture->card);
}


/* A virtual function with a list is a function; a card never is. */
static void
test_find(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(MdSysfsDir) card = md_sysfs_dir_open(fixture->card->card, NULL);
    guint32 number = 0;

    g_assert_cmpstr(fixture->vendor->name, ==, "nvidia");
    scratch_make_directory(fixture->card->card, "nvidia");
    fake_card_set_own(fixture->card, LIST, "");
    g_assert_null(md_vendor_find(card));
    g_assert_true(md_vendor_find_driver("nvidia") == fixture->vendor);
    g_assert_null(md_vendor_find_driver("vfio-pci"));
    g_assert_null(md_vendor_find_driver(NULL));
    g_assert_true(md_vendor_parse_id("nvidia-1155", &number) == fixture->vendor);
    g_assert_cmpuint(number, ==, 1155);
    g_assert_null(md_vendor_parse_id("i915-GVTg_V5_4", &number));
    g_assert_null(md_vendor_parse_id("nvidia-0", &number));
    g_assert_null(md_vendor_parse_id("nvidi-1", &number));
    g_assert_null(md_vendor_parse_id("1155", &number));

    fake_card_remove(fixture->card, LIST);
    g_assert_null(md_vendor_find(fixture->card->function));
    md_vendor_set_up(FALSE, fixture->card->table, fixture->card->state_dir);
    fake_card_set(fixture->card, LIST, "");
    g_assert_null(md_vendor_find(fixture->card->function));
    g_assert_null(md_vendor_find_driver("nvidia"));
}


/* The driver gives the name, the table everything else. */
static void
test_types(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) supported = fixture->vendor->list_supported(fixture->handle);
    g_autoptr(GPtrArray) types =
        fixture->vendor->list_creatable(fixture->handle, fixture->card->function, NULL);
    const MdVgpuType *type = NULL;

    g_assert_cmpuint(supported->len, ==, 2);
    g_assert_cmpuint(types->len, ==, 1);
    type = g_ptr_array_index(types, 0);
    g_assert_cmpstr(type->name, ==, "L40S-24Q");
    g_assert_cmpuint(type->framebuffer, ==, 24 << 20);
    g_assert_cmpuint(type->max_instances, ==, 2);
    g_assert_cmpuint(type->properties->len, ==, 3);
}


/* Without a table, types have a name only. */
static void
test_no_table(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) supported = fixture->vendor->list_supported(fixture->handle);
    g_autoptr(GPtrArray) types =
        fixture->vendor->list_creatable(fixture->handle, fixture->card->function, NULL);
    const MdVgpuType *type = g_ptr_array_index(types, 0);

    g_assert_cmpuint(supported->len, ==, 0);
    g_assert_cmpstr(type->name, ==, "L40S-24Q");
    g_assert_cmpuint(type->properties->len, ==, 0);
}


static void
test_assign(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdSysfsDir *function = fixture->card->function;
    const guint32 refused[] = { 0, 2147483648, 4294967295 };
    g_autofree char *text = NULL;
    g_autofree char *released = NULL;
    guint32 number = 0;

    g_assert_true(fixture->vendor->assign(fixture->handle, function, 1155, NULL));
    text = fake_card_get(fixture->card, ASSIGNED);
    /* Unlike a driver, a file keeps the end of a longer text. */
    g_assert_true(g_str_has_prefix(text, "1155"));
    fake_card_set(fixture->card, ASSIGNED, "1155\n");
    g_assert_true(fixture->vendor->read_assigned(fixture->handle, function, &number, NULL));
    g_assert_cmpuint(number, ==, 1155);

    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_false(fixture->vendor->assign(fixture->handle, function, refused[i], &error));
        g_assert_error(error, MD_ERROR, VIR_ERR_INVALID_ARG);
    }
    fake_card_set(fixture->card, ASSIGNED, "");
    g_assert_true(fixture->vendor->release(fixture->handle, function, NULL));
    released = fake_card_get(fixture->card, ASSIGNED);
    g_assert_cmpstr(released, ==, "0");
}


static void
test_errors(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdSysfsDir *function = fixture->card->function;
    g_autoptr(GError) odd = NULL;
    g_autoptr(GError) gone = NULL;
    g_autoptr(GError) no_list = NULL;
    guint32 number = 0;

    fake_card_set(fixture->card, ASSIGNED, "-1\n");
    g_assert_false(fixture->vendor->read_assigned(fixture->handle, function, &number, &odd));
    g_assert_error(odd, MD_ERROR, VIR_ERR_INTERNAL_ERROR);
    fake_card_remove(fixture->card, ASSIGNED);
    g_assert_false(fixture->vendor->release(fixture->handle, function, &gone));
    g_assert_cmpint(md_error_get_errno(gone), ==, ENOENT);
    fake_card_remove(fixture->card, LIST);
    g_assert_null(fixture->vendor->list_creatable(fixture->handle, function, &no_list));
    g_assert_cmpint(md_error_get_errno(no_list), ==, ENOENT);
}


static void
assert_param(Fixture *fixture, const char *value, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    fake_card_set(fixture->card, PARAMS, "");
    fixture->vendor->set_parameter(fixture->handle, fixture->card->function, PARAMS, value, &error);
    text = fake_card_get(fixture->card, PARAMS);
    g_assert_cmpstr(text, ==, expected);
    if (*expected == '\0')
        g_assert_error(error, MD_ERROR, VIR_ERR_INVALID_ARG);
    else
        g_assert_no_error(error);
}


static void
test_parameters(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *longest = g_strnfill(1023, 'x');
    g_autofree char *longer = g_strnfill(1024, 'x');
    g_autofree char *line = g_strconcat(longest, "\n", NULL);

    g_assert_true(fixture->vendor->is_parameter(PARAMS));
    g_assert_false(fixture->vendor->is_parameter("vgpu_params"));
    g_assert_false(fixture->vendor->is_parameter(ASSIGNED));
    g_assert_false(fixture->vendor->is_parameter(""));

    assert_param(fixture, "frame_rate_limiter=0", "frame_rate_limiter=0\n");
    assert_param(fixture, "", " \n");
    assert_param(fixture, longest, line);
    assert_param(fixture, longer, "");
    assert_param(fixture, "a=1\nb=2", "");
    assert_param(fixture, "a=1\n", "");
}


int
main(int argc, char **argv)
{
    int result = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_add("/nvidia/find", Fixture, NULL, set_up, test_find, tear_down);
    g_test_add("/nvidia/types", Fixture, FAKE_TABLE, set_up, test_types, tear_down);
    g_test_add("/nvidia/no-table", Fixture, NULL, set_up, test_no_table, tear_down);
    g_test_add("/nvidia/assign", Fixture, NULL, set_up, test_assign, tear_down);
    g_test_add("/nvidia/errors", Fixture, NULL, set_up, test_errors, tear_down);
    g_test_add("/nvidia/parameters", Fixture, NULL, set_up, test_parameters, tear_down);
    result = g_test_run();
    fake_card_remove_all();
    return result;
}
