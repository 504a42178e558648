/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "fake-card.h"

#include <unistd.h>

static GPtrArray *roots; /* of all cards */


static void
make_link(const char *root, const char *name, const char *target)
{
    g_autofree char *path = scratch_path(root, name);

    g_assert_cmpint(symlink(target, path), ==, 0);
}


FakeCard *
fake_card_new(void)
{
    FakeCard *self = g_new0(FakeCard, 1);
    g_autofree char *function = NULL;

    self->root = g_dir_make_tmp("mediated-card-XXXXXX", NULL);
    self->card = scratch_path(self->root, FAKE_CARD_NAME);
    self->table = scratch_path(self->root, "vgpuConfig.xml");
    self->state_dir = scratch_path(self->root, "state");
    function = scratch_path(self->root, FAKE_FUNCTION_NAME);
    scratch_make_directory(self->root, FAKE_CARD_NAME);
    scratch_make_directory(self->root, FAKE_FUNCTION_NAME "/nvidia");
    scratch_make_directory(self->root, "drivers/nvidia");
    make_link(function, "physfn", "../" FAKE_CARD_NAME);
    make_link(function, "driver", "../drivers/nvidia");
    make_link(self->card, "virtfn0", "../" FAKE_FUNCTION_NAME);
    make_link(self->card, "driver", "../drivers/nvidia");
    fake_card_set(self, "nvidia/creatable_vgpu_types", "ID    : vGPU Name\n1155  : L40S-24Q\n");
    fake_card_set(self, "nvidia/current_vgpu_type", "0\n");
    fake_card_set_own(self, "vendor", "0x10de\n");
    fake_card_set_own(self, "device", "0x26b9\n");
    fake_card_set_own(self, "subsystem_vendor", "0x10de\n");
    fake_card_set_own(self, "subsystem_device", "0x1851\n");
    self->function = md_sysfs_dir_open(function, NULL);
    g_assert_nonnull(self->function);
    return self;
}


void
fake_card_free(FakeCard *self)
{
    if (roots == NULL)
        roots = g_ptr_array_new_with_free_func((GDestroyNotify)scratch_remove);
    g_ptr_array_add(roots, self->root);
    md_sysfs_dir_free(self->function);
    g_free(self->card);
    g_free(self->table);
    g_free(self->state_dir);
    g_free(self);
}


void
fake_card_remove_all(void)
{
    g_clear_pointer(&roots, g_ptr_array_unref);
}


static void
write_attribute(const char *directory, const char *attribute, const char *text)
{
    g_autofree char *path = scratch_path(directory, attribute);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}


void
fake_card_set(FakeCard *self, const char *attribute, const char *text)
{
    g_autofree char *function = scratch_path(self->root, FAKE_FUNCTION_NAME);

    write_attribute(function, attribute, text);
}


void
fake_card_put_function(FakeCard *self, guint number, const char *types, const char *assigned)
{
    g_autofree char *name = g_strdup_printf("0000:3a:00.%u", number);
    g_autofree char *function = scratch_path(self->root, name);
    g_autofree char *files = scratch_path(function, "nvidia");
    g_autofree char *link = g_strdup_printf("virtfn%u", number);
    g_autofree char *target = g_strconcat("../", name, NULL);

    if (!g_file_test(function, G_FILE_TEST_EXISTS)) {
        g_assert_cmpint(g_mkdir_with_parents(files, 0755), ==, 0);
        make_link(function, "physfn", "../" FAKE_CARD_NAME);
        make_link(self->card, link, target);
    }
    write_attribute(files, "creatable_vgpu_types", types);
    write_attribute(files, "current_vgpu_type", assigned);
}


void
fake_card_set_own(FakeCard *self, const char *attribute, const char *text)
{
    write_attribute(self->card, attribute, text);
}


char *
fake_card_get(FakeCard *self, const char *attribute)
{
    g_autofree char *path = g_build_filename(self->root, FAKE_FUNCTION_NAME, attribute, NULL);
    char *text = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}


void
fake_card_remove(FakeCard *self, const char *attribute)
{
    g_autofree char *path = g_build_filename(self->root, FAKE_FUNCTION_NAME, attribute, NULL);

    g_assert_cmpint(g_unlink(path), ==, 0);
}


/* The former link stays, so that the new one has another inode. */
void
fake_card_bind(FakeCard *self)
{
    static guint number;
    g_autofree char *link = scratch_path(self->card, "driver");
    g_autofree char *old = g_strdup_printf("%s-%u", link, number++);

    g_assert_cmpint(g_rename(link, old), ==, 0);
    make_link(self->card, "driver", "../drivers/nvidia");
}
