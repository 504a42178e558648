/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "fake-vendor.h"

#include <errno.h>

#include "conf/mdev-type.h"
#include "util/error.h"

/* A card takes as much as two of the small types, or one of the large. */
#define SMALL   7
#define LARGE   2147483647
#define N_SMALL 2

typedef struct {
    char *path;
    GPtrArray *supported;
} FakeHandle;

static GHashTable *assigned; /* address of a function -> number */
static int fail_errnum;
static guint n_lists;
static guint n_open;


void
fake_vendor_reset(void)
{
    g_clear_pointer(&assigned, g_hash_table_unref);
    assigned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    fail_errnum = 0;
    n_lists = 0;
}


void
fake_vendor_fail(int errnum)
{
    fail_errnum = errnum;
}


guint
fake_vendor_count_lists(void)
{
    return n_lists;
}


guint
fake_vendor_count_open(void)
{
    return n_open;
}


static gboolean
check_answer(int errnum, GError **error)
{
    if (errnum != 0)
        md_error_set_errno(error, errnum, "the firmware refuses");
    return errnum == 0;
}


static char *
get_address(MdSysfsDir *function)
{
    return g_path_get_basename(md_sysfs_dir_get_path(function));
}


static guint32
get_assigned(MdSysfsDir *function)
{
    g_autofree char *address = get_address(function);

    return GPOINTER_TO_UINT(g_hash_table_lookup(assigned, address));
}


static gboolean
fake_is_function(MdSysfsDir *function)
{
    return md_sysfs_dir_has(function, "physfn/" FAKE_FIRMWARE);
}


static void
add_type(FakeHandle *self, guint32 number, const char *name)
{
    MdVgpuType *type = md_vgpu_type_new(number, name);

    md_mdev_properties_add(type->properties, "class", name, NULL);
    g_ptr_array_add(self->supported, type);
}


static gpointer
fake_open(MdSysfsDir *card, const char *types_file G_GNUC_UNUSED, GError **error)
{
    FakeHandle *self = NULL;

    if (!check_answer(fail_errnum == ENODEV ? ENODEV : 0, error))
        return NULL;
    self = g_new0(FakeHandle, 1);
    self->path = g_strdup(md_sysfs_dir_get_path(card));
    self->supported = md_vgpu_types_new();
    add_type(self, LARGE, "Fake large");
    add_type(self, SMALL, "Fake small");
    n_open++;
    return self;
}


static void
fake_close(gpointer card)
{
    FakeHandle *self = card;

    g_ptr_array_unref(self->supported);
    g_free(self->path);
    g_free(self);
    n_open--;
}


static GPtrArray *
fake_list_supported(gpointer card)
{
    const FakeHandle *self = card;

    return md_vgpu_types_copy(self->supported);
}


static GPtrArray *
fake_list_creatable(gpointer card, MdSysfsDir *function, GError **error)
{
    const FakeHandle *self = card;
    guint n_assigned = g_hash_table_size(assigned);
    g_autoptr(GPtrArray) types = md_vgpu_types_copy(self->supported);

    n_lists++;
    if (!check_answer(fail_errnum, error))
        return NULL;
    if (n_assigned > 0)
        g_ptr_array_remove_index(types, 0);
    if (n_assigned >= N_SMALL || get_assigned(function) != 0)
        g_ptr_array_set_size(types, 0);
    return g_steal_pointer(&types);
}


static gboolean
fake_read_assigned(gpointer card G_GNUC_UNUSED,
                   MdSysfsDir *function,
                   guint32 *number,
                   GError **error)
{
    if (!check_answer(fail_errnum, error))
        return FALSE;
    *number = get_assigned(function);
    return TRUE;
}


static gboolean
fake_assign(gpointer card, MdSysfsDir *function, guint32 number, GError **error)
{
    const FakeHandle *self = card;

    if (!check_answer(fail_errnum, error) ||
        !check_answer(get_assigned(function) != 0 ? EPERM : 0, error) ||
        !check_answer(md_vgpu_types_find(self->supported, number) == NULL ? EINVAL : 0, error))
        return FALSE;
    g_hash_table_insert(assigned, get_address(function), GUINT_TO_POINTER(number));
    return TRUE;
}


static gboolean
fake_release(gpointer card G_GNUC_UNUSED, MdSysfsDir *function, GError **error)
{
    g_autofree char *address = get_address(function);

    return check_answer(fail_errnum, error) &&
           check_answer(g_hash_table_remove(assigned, address) ? 0 : EINVAL, error);
}


static gboolean
fake_is_parameter(const char *name)
{
    return g_str_equal(name, FAKE_PARAMETER);
}


static gboolean
fake_set_parameter(gpointer card G_GNUC_UNUSED,
                   MdSysfsDir *function,
                   const char *name G_GNUC_UNUSED,
                   const char *value G_GNUC_UNUSED,
                   GError **error)
{
    return check_answer(get_assigned(function) != 0 ? fail_errnum : ENXIO, error);
}


/* Replaces that of src/vendor. */
const MdVendor *const *
md_vendors_list(void)
{
    static const MdVendor fake = {
        .name = "fake",
        .driver = "fake-vgpu",
        .empty_hint = "the firmware has no types",
        .is_function = fake_is_function,
        .open = fake_open,
        .close = fake_close,
        .list_supported = fake_list_supported,
        .list_creatable = fake_list_creatable,
        .read_assigned = fake_read_assigned,
        .assign = fake_assign,
        .release = fake_release,
        .is_parameter = fake_is_parameter,
        .set_parameter = fake_set_parameter,
    };
    static const MdVendor *const vendors[] = { &fake, NULL };

    return vendors;
}
