/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks at functions: what a card in any state tells. */
#include "config.h"

#include "vgpu/vgpu-look.h"

#include "fake-vendor.h"
#include "vendor/known-types.h"


/* Looks at all functions. */
static MdVgpuLook *
look(FakeVendor *vendor, gboolean lists)
{
    MdVgpuLook *self = md_vgpu_look_new(vendor->settings, lists);

    for (guint i = 0; i < FAKE_FUNCTIONS; i++)
        md_vgpu_look_add(self, vendor->functions[i]);
    g_assert_true(md_vgpu_look_run(self, NULL));
    return self;
}


static const MdVgpuSight *
get_sight(MdVgpuLook *self, guint i)
{
    return g_ptr_array_index(self->sights, i);
}


static void
test_states(void)
{
    g_autoptr(FakeVendor) vendor = fake_vendor_new();
    MdVgpuLook *self = NULL;

    vendor->assigned[1] = FAKE_TYPE_SMALL;
    self = look(vendor, FALSE);
    for (guint i = 0; i < FAKE_FUNCTIONS; i++) {
        g_assert_true(get_sight(self, i)->is_known);
        g_assert_true(get_sight(self, i)->is_offered);
        g_assert_false(get_sight(self, i)->has_choice);
    }
    g_assert_cmpuint(get_sight(self, 0)->number, ==, 0);
    g_assert_cmpstr(get_sight(self, 1)->type_id, ==, "toy-8");
    g_assert_null(get_sight(self, 1)->record);
    md_vgpu_look_free(self);
}


/* What a function can take changes with its siblings. */
static void
test_choice(void)
{
    g_autoptr(FakeVendor) vendor = fake_vendor_new();
    MdVgpuLook *free_card = look(vendor, TRUE);
    MdVgpuLook *taken = NULL;
    MdVgpuLook *free_again = NULL;

    vendor->assigned[1] = FAKE_TYPE_SMALL;
    taken = look(vendor, TRUE);
    vendor->assigned[1] = 0;
    free_again = look(vendor, TRUE);
    g_assert_true(get_sight(taken, 0)->has_choice);
    g_assert_cmpuint(get_sight(taken, 0)->choice, !=, get_sight(free_card, 0)->choice);
    g_assert_cmpuint(get_sight(taken, 0)->choice, ==, get_sight(taken, 2)->choice);
    g_assert_cmpuint(get_sight(free_again, 0)->choice, ==, get_sight(free_card, 0)->choice);
    md_vgpu_look_free(free_card);
    md_vgpu_look_free(taken);
    md_vgpu_look_free(free_again);
}


/* A type that another program has assigned is known, although nothing lists it. */
static void
test_assigned_is_known(void)
{
    g_autoptr(FakeVendor) vendor = fake_vendor_new();
    g_autoptr(MdSysfsDir) function = md_sysfs_dir_open(vendor->functions[0]->def->path, NULL);
    g_autoptr(GPtrArray) types = NULL;
    g_autofree char *card = NULL;
    guint64 inode = 0;
    MdVgpuLook *self = NULL;

    vendor->assigned[0] = 99;
    self = look(vendor, FALSE);
    g_assert_true(md_vendor_find_card(function, &card, &inode));
    types = md_known_types_copy(card, inode);
    g_assert_nonnull(md_vgpu_types_find(types, 99));
    md_vgpu_look_free(self);
}


/* A function that has gone has no vGPU. */
static void
test_gone(void)
{
    g_autoptr(FakeVendor) vendor = fake_vendor_new();
    g_autofree char *file = g_build_filename(vendor->functions[0]->def->path, "uevent", NULL);
    MdVgpuLook *self = NULL;

    vendor->assigned[0] = FAKE_TYPE_SMALL;
    g_assert_cmpint(g_unlink(file), ==, 0);
    self = look(vendor, FALSE);
    g_assert_true(get_sight(self, 0)->is_known);
    g_assert_false(get_sight(self, 0)->is_offered);
    g_assert_cmpuint(get_sight(self, 0)->number, ==, 0);
    md_vgpu_look_free(self);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vgpu/look/states", test_states);
    g_test_add_func("/vgpu/look/choice", test_choice);
    g_test_add_func("/vgpu/look/assigned-is-known", test_assigned_is_known);
    g_test_add_func("/vgpu/look/gone", test_gone);
    return g_test_run();
}
