/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of vGPUs: their states, whose vGPU they describe, and damaged files. */
#include "config.h"

#include "vgpu/vgpu-record.h"

#include <glib/gstdio.h>

#define ADDRESS "0000:3d:00.4"
#define UUID    "6a7b8c9d-0000-4000-8000-000000000001"

typedef struct {
    char *top;
    char *directory;
} Fixture;


static void
set_up(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    fixture->top = g_dir_make_tmp("md-vgpu-record-XXXXXX", NULL);
    fixture->directory = g_build_filename(fixture->top, "vgpu", NULL);
}


static void
tear_down(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    md_vgpu_record_remove(fixture->top, ADDRESS);
    g_rmdir(fixture->directory);
    g_assert_cmpint(g_rmdir(fixture->top), ==, 0);
    g_free(fixture->directory);
    g_free(fixture->top);
}


static void
assert_state(Fixture *fixture, MdVgpuState state)
{
    g_autoptr(MdVgpuRecord) record = md_vgpu_record_read(fixture->top, ADDRESS, 17, 1155);

    g_assert_nonnull(record);
    g_assert_cmpstr(record->uuid, ==, UUID);
    g_assert_cmpuint(record->state, ==, state);
}


static void
write_record(Fixture *fixture, MdVgpuState state)
{
    const MdVgpuRecord record = { 17, 1155, (char *)UUID, state };

    md_vgpu_record_write(fixture->top, ADDRESS, &record);
}


static void
test_states(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    write_record(fixture, MD_VGPU_CREATING);
    assert_state(fixture, MD_VGPU_CREATING);
    md_vgpu_record_complete(fixture->top, ADDRESS);
    assert_state(fixture, MD_VGPU_COMPLETE);
    write_record(fixture, MD_VGPU_STUCK);
    assert_state(fixture, MD_VGPU_STUCK);
    write_record(fixture, MD_VGPU_CREATING);
    assert_state(fixture, MD_VGPU_CREATING);
    md_vgpu_record_remove(fixture->top, ADDRESS);
    g_assert_null(md_vgpu_record_read(fixture->top, ADDRESS, 17, 1155));
}


/* A daemon that is killed while it changes the state leaves both files: the later state holds. */
static void
test_killed(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    g_autofree char *file = g_build_filename(fixture->directory, ADDRESS, NULL);

    write_record(fixture, MD_VGPU_STUCK);
    g_assert_true(g_file_set_contents(file, "17\n1155\n" UUID "\n", -1, NULL));
    assert_state(fixture, MD_VGPU_STUCK);
}


/* A function that appeared again, or has another type, or another function: not the vGPU of the
 * record. */
static void
test_identity(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    write_record(fixture, MD_VGPU_CREATING);
    g_assert_null(md_vgpu_record_read(fixture->top, ADDRESS, 18, 1155));
    g_assert_null(md_vgpu_record_read(fixture->top, ADDRESS, 17, 1156));
    g_assert_null(md_vgpu_record_read(fixture->top, "0000:3d:00.5", 17, 1155));
    assert_state(fixture, MD_VGPU_CREATING);
}


static void
test_damaged(Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
    static const char *const texts[] = { "",
                                         "17\n1155\n",
                                         "17\n1155\n" UUID,
                                         "17\n1155\n" UUID "\nmore\n",
                                         "17\n1155\nno-uuid\n",
                                         "17\n0\n" UUID "\n",
                                         "17\n4294968451\n" UUID "\n",
                                         "-17\n1155\n" UUID "\n" };
    g_autofree char *file = g_build_filename(fixture->directory, ADDRESS, NULL);

    g_assert_cmpint(g_mkdir(fixture->directory, 0700), ==, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_assert_true(g_file_set_contents(file, texts[i], -1, NULL));
        g_assert_null(md_vgpu_record_read(fixture->top, ADDRESS, 17, 1155));
    }
    g_assert_true(g_file_set_contents(file, "17\n1155\n" UUID "\n", -1, NULL));
    assert_state(fixture, MD_VGPU_COMPLETE);
}


/* The UUID that OpenNebula shows for this function. */
static void
test_foreign_uuid(void)
{
    g_autofree char *uuid = md_vgpu_record_make_uuid(ADDRESS);

    g_assert_cmpstr(uuid, ==, "4fe72103-4494-50f8-9cc8-7a3e31d626f9");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/vgpu/record/states", Fixture, NULL, set_up, test_states, tear_down);
    g_test_add("/vgpu/record/killed", Fixture, NULL, set_up, test_killed, tear_down);
    g_test_add("/vgpu/record/identity", Fixture, NULL, set_up, test_identity, tear_down);
    g_test_add("/vgpu/record/damaged", Fixture, NULL, set_up, test_damaged, tear_down);
    g_test_add_func("/vgpu/record/foreign-uuid", test_foreign_uuid);
    return g_test_run();
}
