/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-refusal.h"

#include "util/error.h"
#include "vendor/known-types.h"

/* The vGPUs of a card. */
typedef struct {
    const MdVgpuAccess *access; /* to one of its functions */
    guint count;
    guint32 number;      /* the type of one of them */
    guint64 framebuffer; /* of this type in KiB; 0: unknown */
} Taken;


static guint64
find_framebuffer(GPtrArray *types, guint32 number)
{
    const MdVgpuType *type = md_vgpu_types_find(types, number);

    return type != NULL ? type->framebuffer : 0;
}


static void
count_function(MdSysfsDir *function, gpointer data)
{
    Taken *taken = data;
    const MdVgpuAccess *access = taken->access;
    guint32 number = 0;

    if (md_vendor_find(function) != access->vendor ||
        !access->vendor->read_assigned(access->card, function, &number, NULL) || number == 0)
        return;
    taken->count++;
    taken->number = number;
}


void
md_vgpu_refusal_explain(const MdVgpuAccess *access,
                        const char *function,
                        guint32 number,
                        gboolean is_empty,
                        GError **error)
{
    const char *vendor = access->vendor->name;
    g_autofree char *path = NULL;
    g_autoptr(MdSysfsDir) card = NULL;
    g_autoptr(GPtrArray) types = NULL;
    guint64 inode = 0;
    Taken taken = { .access = access };
    guint64 wanted = 0;

    if (md_vendor_find_card(access->dir, &path, &inode))
        card = md_sysfs_dir_open(path, NULL);
    if (card != NULL) {
        types = md_known_types_copy(path, inode);
        md_vendor_foreach_function(card, count_function, &taken);
        wanted = find_framebuffer(types, number);
        taken.framebuffer = find_framebuffer(types, taken.number);
    }
    if (taken.count == 0 && is_empty)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "the driver offers no types on parent '%s': %s",
                     function, access->vendor->empty_hint);
    else if (taken.count == 0)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "the driver does not offer type '%s-%u' on parent '%s'", vendor, number,
                     function);
    else if (!is_empty && wanted != 0 && taken.framebuffer != 0 && wanted != taken.framebuffer)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "type '%s-%u' of parent '%s' has no available instances: the card has vGPUs "
                     "of type '%s-%u', with a frame buffer of another size",
                     vendor, number, function, vendor, taken.number);
    else
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "type '%s-%u' of parent '%s' has no available instances: the %u vGPUs of the "
                     "card leave no room for another one",
                     vendor, number, function, taken.count);
}


void
md_vgpu_refusal_explain_write(
    const MdVgpuAccess *access, const char *function, guint32 number, int errnum, GError **error)
{
    g_autoptr(GPtrArray) types = access->vendor->list_creatable(access->card, access->dir, NULL);

    if (types != NULL && md_vgpu_types_find(types, number) != NULL) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                     "parent '%s' refused type '%s-%u', although its driver offers it: %s; the "
                     "kernel log may have the cause",
                     function, access->vendor->name, number, g_strerror(errnum));
        return;
    }
    md_vgpu_refusal_explain(access, function, number, types == NULL || types->len == 0, error);
    g_prefix_error(error, "%s: ", g_strerror(errnum));
}
