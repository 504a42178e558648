/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of a function whose vendor has no files for them: nothing outside a vendor's code may
 * rely on files. */
#include "config.h"

#include <errno.h>

#include "../vendor/fake-card.h"
#include "../vendor/fake-vendor.h"
#include "conf/mdev-type.h"
#include "probe/vgpu-types.h"
#include "util/error.h"

#define LARGE "fake-2147483647"
#define SMALL "fake-7"

typedef struct {
    FakeCard *card;
    const MdVendor *vendor;
    gpointer handle;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fake_vendor_reset();
    fixture->card = fake_card_new();
    scratch_make_directory(fixture->card->card, FAKE_FIRMWARE);
    md_vendor_set_up(TRUE, fixture->card->table, fixture->card->state_dir);
    fixture->vendor = md_vendor_find(fixture->card->function);
    g_assert_cmpstr(fixture->vendor->name, ==, "fake");
    fixture->handle = md_vendor_open_card(fixture->vendor, fixture->card->function, NULL);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor->close(fixture->handle);
    g_assert_cmpuint(fake_vendor_count_open(), ==, 0);
    fake_card_free(fixture->card);
}


/* The numbers of available instances of the two types. */
static void
assert_available(Fixture *fixture, guint small, guint large)
{
    g_autoptr(GPtrArray) types = NULL;
    const MdMdevType *type = NULL;

    g_assert_true(md_vgpu_types_refresh(&types, fixture->card->function, TRUE, NULL));
    g_assert_cmpuint(types->len, ==, 2);
    type = g_ptr_array_index(types, 0);
    g_assert_cmpstr(type->id, ==, SMALL);
    g_assert_cmpstr(type->name, ==, "Fake small");
    g_assert_cmpuint(type->properties->len, ==, 1);
    g_assert_cmpuint(type->available, ==, small);
    type = g_ptr_array_index(types, 1);
    g_assert_cmpstr(type->id, ==, LARGE);
    g_assert_cmpuint(type->available, ==, large);
}


static void
test_life(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdSysfsDir *function = fixture->card->function;
    g_autoptr(GPtrArray) types = NULL;
    guint32 number = 0;

    g_assert_null(md_vgpu_types_probe(function));
    assert_available(fixture, 1, 1);
    types = md_vgpu_types_probe(function);
    g_assert_nonnull(types);

    g_assert_true(md_vendor_parse_id(SMALL, &number) == fixture->vendor);
    g_assert_true(fixture->vendor->assign(fixture->handle, function, number, NULL));
    g_assert_cmpuint(fake_vendor_count_lists(), ==, 1);
    assert_available(fixture, 0, 0);
    /* The driver would list nothing for a function with a type. */
    g_assert_cmpuint(fake_vendor_count_lists(), ==, 1);
    g_assert_true(fixture->vendor->release(fixture->handle, function, NULL));
    assert_available(fixture, 1, 1);
}


static void
test_errors(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autoptr(GPtrArray) types = NULL;

    assert_available(fixture, 1, 1);
    fake_vendor_fail(EIO);
    assert_available(fixture, 0, 0);
    fake_vendor_fail(ENODEV);
    g_assert_true(md_vgpu_types_refresh(&types, fixture->card->function, TRUE, NULL));
    g_assert_null(types);
}


static void
test_names(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    MdSysfsDir *function = fixture->card->function;
    g_autofree char *by_name = md_vgpu_types_resolve(function, NULL, "Fake large", NULL);
    g_autofree char *by_number = md_vgpu_types_resolve(function, "7", NULL, NULL);
    g_autofree char *of_other = md_vgpu_types_resolve(function, "nvidia-7", NULL, NULL);
    g_autoptr(MdMdevType) type = md_vgpu_types_read_one(function, LARGE);
    g_autoptr(MdMdevType) type_of_other = md_vgpu_types_read_one(function, "nvidia-7");

    g_assert_cmpstr(by_name, ==, LARGE);
    g_assert_cmpstr(by_number, ==, SMALL);
    g_assert_null(of_other);
    g_assert_cmpstr(type->name, ==, "Fake large");
    g_assert_null(type_of_other);
    g_assert_true(fixture->vendor->is_parameter(FAKE_PARAMETER));
}


/* A card without the interface, although it has NVIDIA's files. */
static void
test_no_function(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *firmware = scratch_path(fixture->card->card, FAKE_FIRMWARE);
    g_autoptr(GPtrArray) types = NULL;

    g_assert_cmpint(g_rmdir(firmware), ==, 0);
    g_assert_null(md_vendor_find(fixture->card->function));
    g_assert_null(md_vgpu_types_probe(fixture->card->function));
    g_assert_true(md_vgpu_types_refresh(&types, fixture->card->function, FALSE, NULL));
    g_assert_null(types);
}


int
main(int argc, char **argv)
{
    int result = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_add("/vgpu-types-fake/life", Fixture, NULL, set_up, test_life, tear_down);
    g_test_add("/vgpu-types-fake/errors", Fixture, NULL, set_up, test_errors, tear_down);
    g_test_add("/vgpu-types-fake/names", Fixture, NULL, set_up, test_names, tear_down);
    g_test_add("/vgpu-types-fake/no-function", Fixture, NULL, set_up, test_no_function, tear_down);
    result = g_test_run();
    fake_card_remove_all();
    return result;
}
