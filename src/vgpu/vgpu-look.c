/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-look.h"

#include "util/error.h"
#include "vendor/known-types.h"

/* The offset and the prime of the FNV-1a hash. */
#define HASH_OFFSET 14695981039346656037ULL
#define HASH_PRIME  1099511628211ULL


static void
sight_free(MdVgpuSight *self)
{
    md_vgpu_target_free(self->target);
    md_vgpu_record_free(self->record);
    g_free(self->type_id);
    g_free(self);
}


MdVgpuLook *
md_vgpu_look_new(const MdSettings *settings, gboolean lists)
{
    MdVgpuLook *self = g_new0(MdVgpuLook, 1);

    self->sights = g_ptr_array_new_with_free_func((GDestroyNotify)sight_free);
    self->accesses = g_ptr_array_new_with_free_func((GDestroyNotify)md_vgpu_access_free);
    self->state_dir = g_strdup(settings->state_dir);
    self->lists = lists;
    return self;
}


void
md_vgpu_look_add(MdVgpuLook *self, const MdNodeDevice *function)
{
    MdVgpuSight *sight = g_new0(MdVgpuSight, 1);

    sight->target = md_vgpu_target_new(function);
    sight->iommu_group = -1;
    g_ptr_array_add(self->sights, sight);
}


void
md_vgpu_look_free(MdVgpuLook *self)
{
    g_ptr_array_unref(self->sights);
    g_ptr_array_unref(self->accesses);
    g_free(self->state_dir);
    g_free(self);
}


static guint64
hash_choice(GPtrArray *types)
{
    guint64 hash = HASH_OFFSET;

    for (guint i = 0; i < types->len; i++) {
        const MdVgpuType *type = g_ptr_array_index(types, i);

        hash = (hash ^ type->number) * HASH_PRIME;
    }
    return hash;
}


static void
read_choice(MdVgpuSight *sight, const MdVgpuAccess *access)
{
    g_autoptr(GPtrArray) types =
        md_known_types_list_creatable(access->vendor, access->card, access->dir, NULL);

    if (types == NULL)
        return;
    sight->has_choice = TRUE;
    sight->choice = hash_choice(types);
}


/* The assigned type is one that the card can have, even if no function lists it any more. */
static void
learn_assigned(const MdVgpuSight *sight, const MdVgpuAccess *access)
{
    g_autofree char *card = NULL;
    guint64 inode = 0;

    if (md_vendor_find_card(access->dir, &card, &inode))
        md_known_types_learn_number(card, inode, sight->number);
}


/* Opens the function. The functions of a look belong to one card, which is opened once. */
static const MdVgpuAccess *
open_function(MdVgpuLook *self, const MdVgpuSight *sight, GError **error)
{
    const MdVgpuAccess *first =
        self->accesses->len > 0 ? g_ptr_array_index(self->accesses, 0) : NULL;
    MdVgpuAccess *access = md_vgpu_access_open(sight->target, first, error);

    if (access == NULL)
        return NULL;
    if (self->accesses->len > 1)
        g_ptr_array_set_size(self->accesses, 1);
    g_ptr_array_add(self->accesses, access);
    return access;
}


static void
read_function(MdVgpuLook *self, MdVgpuSight *sight)
{
    g_autoptr(GError) error = NULL;
    const MdVgpuAccess *access = open_function(self, sight, &error);

    if (access == NULL) {
        sight->is_known = g_error_matches(error, MD_ERROR, VIR_ERR_NO_NODE_DEVICE) ||
                          g_error_matches(error, MD_ERROR, VIR_ERR_OPERATION_UNSUPPORTED);
        return;
    }
    sight->is_offered = TRUE;
    if (self->lists)
        read_choice(sight, access);
    if (!access->vendor->read_assigned(access->card, access->dir, &sight->number, &error)) {
        g_debug("Failed to read the type of function '%s': %s", sight->target->name,
                error->message);
        return;
    }
    sight->is_known = TRUE;
    if (sight->number == 0)
        return;
    learn_assigned(sight, access);
    sight->type_id = md_vendor_make_id(access->vendor, sight->number);
    sight->record = md_vgpu_record_read(self->state_dir, sight->target->address,
                                        sight->target->inode, sight->number);
    sight->iommu_group = md_sysfs_dir_read_iommu_group(access->dir);
}


gboolean
md_vgpu_look_run(gpointer look, GError **error G_GNUC_UNUSED)
{
    MdVgpuLook *self = look;

    for (guint i = 0; i < self->sights->len; i++)
        read_function(self, g_ptr_array_index(self->sights, i));
    /* The last function borrows the card of the first one. */
    while (self->accesses->len > 0)
        g_ptr_array_set_size(self->accesses, (int)self->accesses->len - 1);
    return TRUE;
}
