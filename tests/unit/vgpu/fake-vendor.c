/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "fake-vendor.h"

#include <errno.h>
#include <unistd.h>

#include "conf/cap-mdev.h"
#include "conf/cap-pci.h"
#include "util/error.h"
#include "vendor/vendors.h"

#define CARD "sys/devices/card"

static FakeVendor *present; /* the card of the running test */


static guint
find_function(MdSysfsDir *dir)
{
    const char *path = md_sysfs_dir_get_path(dir);

    return (guint)(path[strlen(path) - 1] - '0');
}


static gboolean
fail(GError **error, int errnum)
{
    md_error_set_errno(error, errnum, "the toy refuses");
    return FALSE;
}


static gboolean
is_function(MdSysfsDir *function)
{
    return present != NULL && md_sysfs_dir_has(function, "physfn");
}


static gpointer
open_card(MdSysfsDir *card G_GNUC_UNUSED,
          const char *types_file G_GNUC_UNUSED,
          GError **error G_GNUC_UNUSED)
{
    return present;
}


static void
close_card(gpointer card)
{
    g_assert_true(card == present);
}


static GPtrArray *
list_supported(gpointer card G_GNUC_UNUSED)
{
    GPtrArray *types = md_vgpu_types_new();
    MdVgpuType *large = md_vgpu_type_new(FAKE_TYPE_LARGE, "Toy Large");
    MdVgpuType *small = md_vgpu_type_new(FAKE_TYPE_SMALL, "Toy Small");

    large->framebuffer = 4096;
    small->framebuffer = 1024;
    g_ptr_array_add(types, large);
    g_ptr_array_add(types, small);
    return types;
}


/* All vGPUs of a card have the same size, and a card has no room for more than two. */
static GPtrArray *
list_creatable(gpointer card, MdSysfsDir *function, GError **error G_GNUC_UNUSED)
{
    const FakeVendor *self = card;
    g_autoptr(GPtrArray) all = list_supported(card);
    GPtrArray *types = md_vgpu_types_new();
    guint32 size = 0;
    guint n = 0;

    for (guint i = 0; i < FAKE_FUNCTIONS; i++) {
        n += self->assigned[i] != 0 ? 1 : 0;
        size = self->assigned[i] != 0 ? self->assigned[i] : size;
    }
    for (guint i = 0; i < all->len && !self->is_empty && n < 2; i++) {
        MdVgpuType *type = g_ptr_array_index(all, i);

        if (self->assigned[find_function(function)] == 0 && (size == 0 || size == type->number))
            g_ptr_array_add(types, md_vgpu_type_copy(type));
    }
    return types;
}


static gboolean
read_assigned(gpointer card, MdSysfsDir *function, guint32 *number, GError **error G_GNUC_UNUSED)
{
    const FakeVendor *self = card;

    *number = self->assigned[find_function(function)];
    return TRUE;
}


static gboolean
assign(gpointer card, MdSysfsDir *function, guint32 number, GError **error)
{
    FakeVendor *self = card;
    guint32 *assigned = &self->assigned[find_function(function)];

    self->n_assigns++;
    if (self->taken >= 0) {
        self->assigned[self->taken] = FAKE_TYPE_LARGE;
        self->taken = -1;
    }
    if (*assigned != 0)
        return fail(error, EPERM);
    *assigned = self->assign_error != 0 || self->assign_result != 0 ? self->assign_result : number;
    return self->assign_error == 0 || fail(error, self->assign_error);
}


static gboolean
release(gpointer card, MdSysfsDir *function, GError **error)
{
    FakeVendor *self = card;

    self->n_releases++;
    if (self->n_busy > 0) {
        self->n_busy--;
        return fail(error, EBUSY);
    }
    if (self->release_error == 0 || self->clears)
        self->assigned[find_function(function)] = 0;
    return self->release_error == 0 || fail(error, self->release_error);
}


static gboolean
is_parameter(const char *name)
{
    return g_str_equal(name, FAKE_PARAMETER);
}


static gboolean
set_parameter(gpointer card,
              MdSysfsDir *function,
              const char *name G_GNUC_UNUSED,
              const char *value,
              GError **error)
{
    FakeVendor *self = card;
    char **parameter = &self->parameters[find_function(function)];

    if (self->parameter_error != 0)
        return fail(error, self->parameter_error);
    g_free(*parameter);
    *parameter = g_strdup(value);
    return TRUE;
}


static const MdVendor toy = {
    .name = FAKE_VENDOR,
    .driver = "toy",
    .empty_hint = "wind it up",
    .is_function = is_function,
    .open = open_card,
    .close = close_card,
    .list_supported = list_supported,
    .list_creatable = list_creatable,
    .read_assigned = read_assigned,
    .assign = assign,
    .release = release,
    .is_parameter = is_parameter,
    .set_parameter = set_parameter,
};


const MdVendor *const *
md_vendors_list(void)
{
    static const MdVendor *const vendors[] = { &toy, NULL };

    return vendors;
}


static void
make_link(const char *directory, const char *name, const char *target)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);

    g_assert_cmpint(symlink(target, path), ==, 0);
}


static void
make_file(const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);

    g_assert_true(g_file_set_contents(path, "", 0, NULL));
}


static MdNodeDevice *
make_function(FakeVendor *self, guint number)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    g_autofree char *name = g_strdup_printf("sys/devices/0000:3a:00.%u", number);
    g_autofree char *link = g_strdup_printf("virtfn%u", number);
    g_autofree char *target = g_strdup_printf("../0000:3a:00.%u", number);
    g_autofree char *card = scratch_path(self->root, CARD);

    scratch_make_directory(self->root, name);
    def->path = scratch_path(self->root, name);
    def->name = g_strdup_printf("pci_0000_3a_00_%u", number);
    make_file(def->path, "uevent");
    make_link(def->path, "physfn", "../card");
    make_link(card, link, target);
    md_node_device_def_add_cap(def, &md_cap_kind_pci);
    return md_node_device_new(def, md_sysfs_find_inode(def->path));
}


FakeVendor *
fake_vendor_new(void)
{
    FakeVendor *self = g_new0(FakeVendor, 1);
    g_autoptr(MdRoots) roots = NULL;
    g_autofree char *card = NULL;

    self->root = g_dir_make_tmp("mediated-vgpu-XXXXXX", NULL);
    self->taken = -1;
    roots = md_roots_new_below(self->root, FALSE);
    self->settings = md_settings_load(roots, &(MdSettingsOrigin){ .config = NULL }, NULL);
    scratch_make_directory(self->root, CARD);
    card = scratch_path(self->root, CARD);
    make_link(card, "driver", "../toy");
    for (guint i = 0; i < FAKE_FUNCTIONS; i++)
        self->functions[i] = make_function(self, i);
    present = self;
    md_vendor_set_up(TRUE, "", self->settings->state_dir);
    return self;
}


void
fake_vendor_free(FakeVendor *self)
{
    present = NULL;
    for (guint i = 0; i < FAKE_FUNCTIONS; i++) {
        md_node_device_unref(self->functions[i]);
        g_free(self->parameters[i]);
    }
    md_settings_free(self->settings);
    scratch_remove(self->root);
    g_free(self);
}


MdNodeDeviceDef *
fake_vendor_make_def(const char *type_id, const char *parameter)
{
    MdNodeDeviceDef *def = md_node_device_def_new();
    MdCapMdev *cap = md_node_device_def_add_cap(def, &md_cap_kind_mdev);

    def->name = g_strdup("mdev_test");
    cap->uuid = g_strdup("6a7b8c9d-0000-4000-8000-000000000001");
    cap->type_id = g_strdup(type_id);
    if (parameter != NULL)
        md_mdev_attrs_add(cap->attrs, FAKE_PARAMETER, parameter);
    return def;
}
