/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creation and removal of vGPUs with a vendor that has no files: whatever the driver answers, the
 * state of the card decides. */
#include "config.h"

#include "vgpu/vgpu-write.h"

#include <errno.h>

#include "conf/cap-mdev.h"
#include "fake-vendor.h"
#include "util/error.h"
#include "vendor/known-types.h"

/* Types and card are known to the whole process, and a file system reuses inode numbers. */
typedef struct {
    FakeVendor *vendor;
    MdVgpuWrite *write;
    GError *error;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor = fake_vendor_new();
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_vgpu_write_unref(fixture->write);
    g_clear_error(&fixture->error);
    fake_vendor_free(fixture->vendor);
}


/* Creates a vGPU on the first `n_functions` functions. */
static gboolean
create(Fixture *fixture, const char *type_id, const char *parameter, guint n_functions)
{
    g_autoptr(GPtrArray) functions = g_ptr_array_new();
    g_autoptr(MdNodeDeviceDef) def = fake_vendor_make_def(type_id, parameter);

    for (guint i = 0; i < n_functions; i++)
        g_ptr_array_add(functions, fixture->vendor->functions[i]);
    md_vgpu_write_unref(fixture->write);
    g_clear_error(&fixture->error);
    fixture->write = md_vgpu_write_new_create(fixture->vendor->settings, functions, def);
    return md_vgpu_write_create(fixture->write, &fixture->error);
}


/* Removes the vGPU of the first function. */
static gboolean
remove_first(Fixture *fixture)
{
    g_autoptr(MdNodeDeviceDef) def = fake_vendor_make_def("toy-7", NULL);

    md_vgpu_write_unref(fixture->write);
    g_clear_error(&fixture->error);
    fixture->write =
        md_vgpu_write_new_remove(fixture->vendor->settings, fixture->vendor->functions[0], def);
    return md_vgpu_write_remove(fixture->write, &fixture->error);
}


static void
assert_error(Fixture *fixture, int code, const char *part)
{
    g_assert_error(fixture->error, MD_ERROR, code);
    g_assert_nonnull(strstr(fixture->error->message, part));
}


/* The state of the record of the first function; MD_VGPU_N_STATES: none. */
static MdVgpuState
read_state(Fixture *fixture)
{
    const MdNodeDevice *function = fixture->vendor->functions[0];
    g_autoptr(MdVgpuRecord) record = md_vgpu_record_read(fixture->vendor->settings->state_dir,
                                                         strrchr(function->def->path, '/') + 1,
                                                         function->inode, FAKE_TYPE_LARGE);

    return record != NULL ? record->state : MD_VGPU_N_STATES;
}


static void
test_create(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(create(fixture, "7", "on", 1));
    g_assert_no_error(fixture->error);
    g_assert_cmpstr(md_vgpu_write_get_type(fixture->write), ==, "toy-7");
    g_assert_cmpstr(md_vgpu_write_get_target(fixture->write)->name, ==, "pci_0000_3a_00_0");
    g_assert_cmpuint(fixture->vendor->assigned[0], ==, FAKE_TYPE_LARGE);
    g_assert_cmpstr(fixture->vendor->parameters[0], ==, "on");
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_COMPLETE);

    g_assert_true(remove_first(fixture));
    g_assert_true(md_vgpu_write_is_gone(fixture->write));
    g_assert_cmpuint(fixture->vendor->assigned[0], ==, 0);
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_N_STATES);
}


/* A card takes the vGPU on the first free function. */
static void
test_card(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(create(fixture, "toy-7", NULL, FAKE_FUNCTIONS));
    g_assert_true(create(fixture, "toy-7", NULL, FAKE_FUNCTIONS));
    g_assert_cmpstr(md_vgpu_write_get_target(fixture->write)->name, ==, "pci_0000_3a_00_1");
    g_assert_false(create(fixture, "toy-7", NULL, FAKE_FUNCTIONS));
    assert_error(fixture, VIR_ERR_INTERNAL_ERROR, "the 2 vGPUs of the card leave no room");
    g_assert_cmpuint(fixture->vendor->n_assigns, ==, 2);
}


/* Another program takes the function between the check and the write: the next one is tried. */
static void
test_race_for_function(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor->taken = 0;
    g_assert_true(create(fixture, "toy-7", NULL, FAKE_FUNCTIONS));
    g_assert_no_error(fixture->error);
    g_assert_cmpstr(md_vgpu_write_get_target(fixture->write)->name, ==, "pci_0000_3a_00_1");

    fixture->vendor->assigned[0] = 0;
    fixture->vendor->taken = 0;
    g_assert_false(create(fixture, "toy-7", NULL, 1));
    assert_error(fixture, VIR_ERR_INTERNAL_ERROR, "another program has assigned type 'toy-7'");
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_N_STATES);
}


static void
test_refusals(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor->is_empty = TRUE;
    g_assert_false(create(fixture, "toy-7", NULL, 1));
    assert_error(fixture, VIR_ERR_INTERNAL_ERROR, "wind it up");
    fixture->vendor->is_empty = FALSE;

    fixture->vendor->assigned[1] = FAKE_TYPE_LARGE;
    g_assert_false(create(fixture, "toy-8", NULL, 1));
    assert_error(fixture, VIR_ERR_INTERNAL_ERROR, "with a frame buffer of another size");

    fixture->vendor->assigned[0] = FAKE_TYPE_LARGE;
    g_assert_false(create(fixture, "toy-7", NULL, 1));
    assert_error(fixture, VIR_ERR_OPERATION_INVALID, "already has a vGPU of type 'toy-7'");
    g_assert_cmpuint(fixture->vendor->n_assigns, ==, 0);
}


/* The errno of a write does not decide: the type afterwards does. */
static void
test_errors_of_assignment(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor->assign_error = EIO;
    fixture->vendor->assign_result = FAKE_TYPE_LARGE;
    g_assert_true(create(fixture, "toy-7", NULL, 1));
    fixture->vendor->assigned[0] = 0;

    fixture->vendor->assign_result = 0;
    g_assert_false(create(fixture, "toy-7", NULL, 1));
    assert_error(fixture, VIR_ERR_INTERNAL_ERROR, "refused type 'toy-7', although its driver");

    fixture->vendor->assign_error = 0;
    fixture->vendor->assign_result = FAKE_TYPE_SMALL;
    g_assert_false(create(fixture, "toy-7", NULL, 1));
    assert_error(fixture, VIR_ERR_INTERNAL_ERROR, "another program has assigned type 'toy-8'");
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_N_STATES);
}


static void
test_refused_parameter(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->vendor->parameter_error = EINVAL;
    g_assert_false(create(fixture, "toy-7", "on", 1));
    g_assert_nonnull(fixture->error);
    g_assert_cmpuint(fixture->vendor->assigned[0], ==, 0);
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_N_STATES);

    fixture->vendor->release_error = EBUSY;
    g_assert_false(create(fixture, "toy-7", "on", 1));
    g_assert_cmpuint(fixture->vendor->assigned[0], ==, FAKE_TYPE_LARGE);
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_CREATING);
}


/* The type could not be taken back after a parameter was refused. */
static void
test_not_withdrawn(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    /* The driver has taken it away by itself: the record must not apply to another program's vGPU.
     */
    fixture->vendor->parameter_error = EINVAL;
    fixture->vendor->release_error = EPERM;
    fixture->vendor->clears = TRUE;
    g_assert_false(create(fixture, "toy-7", "on", 1));
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_N_STATES);

    /* A second attempt might make the driver free the vGPU twice. */
    fixture->vendor->release_error = EIO;
    fixture->vendor->clears = FALSE;
    g_assert_false(create(fixture, "toy-7", "on", 1));
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_STUCK);
    g_assert_false(remove_first(fixture));
    assert_error(fixture, VIR_ERR_OPERATION_INVALID, "another attempt could crash it");
}


/* The vendor's process holds the vGPU for a while after the end of its guest. */
static void
test_busy(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(create(fixture, "toy-7", NULL, 1));
    fixture->vendor->n_busy = 1;
    g_assert_false(remove_first(fixture));
    assert_error(fixture, VIR_ERR_INTERNAL_ERROR, "a process of the driver still uses");
    g_assert_true(md_vgpu_write_is_busy(fixture->write));
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_COMPLETE);

    g_clear_error(&fixture->error);
    g_assert_true(md_vgpu_write_remove(fixture->write, &fixture->error));
    g_assert_false(md_vgpu_write_is_busy(fixture->write));
    g_assert_cmpuint(fixture->vendor->n_releases, ==, 2);
}


/* After EIO, a second attempt might make the driver free the vGPU twice. */
static void
test_stuck(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_true(create(fixture, "toy-7", NULL, 1));
    fixture->vendor->release_error = EIO;
    g_assert_false(remove_first(fixture));
    assert_error(fixture, VIR_ERR_INTERNAL_ERROR, "the driver refused");
    g_assert_cmpint(read_state(fixture), ==, MD_VGPU_STUCK);

    fixture->vendor->release_error = 0;
    g_assert_false(remove_first(fixture));
    assert_error(fixture, VIR_ERR_OPERATION_INVALID, "another attempt could crash it");
    g_assert_cmpuint(fixture->vendor->n_releases, ==, 1);
}


/* Another program has removed the vGPU, or replaced it: it is not touched. */
static void
test_removed_by_others(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_assert_false(remove_first(fixture));
    assert_error(fixture, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name 'mdev_test'");
    g_assert_true(md_vgpu_write_is_gone(fixture->write));

    fixture->vendor->assigned[0] = FAKE_TYPE_SMALL;
    g_assert_false(remove_first(fixture));
    g_assert_true(md_vgpu_write_is_gone(fixture->write));
    g_assert_cmpuint(fixture->vendor->n_releases, ==, 0);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/vgpu/write/create", Fixture, NULL, set_up, test_create, tear_down);
    g_test_add("/vgpu/write/card", Fixture, NULL, set_up, test_card, tear_down);
    g_test_add("/vgpu/write/race-for-function", Fixture, NULL, set_up, test_race_for_function,
               tear_down);
    g_test_add("/vgpu/write/refusals", Fixture, NULL, set_up, test_refusals, tear_down);
    g_test_add("/vgpu/write/errors-of-assignment", Fixture, NULL, set_up, test_errors_of_assignment,
               tear_down);
    g_test_add("/vgpu/write/refused-parameter", Fixture, NULL, set_up, test_refused_parameter,
               tear_down);
    g_test_add("/vgpu/write/not-withdrawn", Fixture, NULL, set_up, test_not_withdrawn, tear_down);
    g_test_add("/vgpu/write/busy", Fixture, NULL, set_up, test_busy, tear_down);
    g_test_add("/vgpu/write/stuck", Fixture, NULL, set_up, test_stuck, tear_down);
    g_test_add("/vgpu/write/removed-by-others", Fixture, NULL, set_up, test_removed_by_others,
               tear_down);
    return g_test_run();
}
