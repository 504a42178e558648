/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-definition.h"

#include "backend/mdev-parent.h"
#include "conf/cap-mdev.h"
#include "probe/vgpu-types.h"
#include "util/error.h"
#include "util/names.h"
#include "vgpu/vgpu-attrs.h"
#include "vgpu/vgpu-target.h"
#include "vgpu/vgpus-private.h"

/* Microseconds during which a function counts as taken after it was chosen, because its definition
 * is being written. */
#define CHOICE_HOLDS (10 * G_TIME_SPAN_SECOND)


/* The job has opened the directory of the device, which is that of the function. */
static gboolean
write_attrs(
    MdSysfsDir *dir, const MdNodeDeviceDef *def, GPtrArray *attrs, guint *n_written, GError **error)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const MdVgpuTarget target = { .name = def->parent,
                                  .path = def->path,
                                  .address = cap->parent_addr,
                                  .inode = md_sysfs_dir_find_inode(dir, ".") };
    g_autoptr(MdVgpuAccess) access = md_vgpu_access_open(&target, NULL, error);

    return access != NULL && md_vgpu_access_check_type(access, &target, cap->type_id, error) &&
           md_vgpu_access_set_parameters(access, attrs, n_written, error);
}


const MdDefinitionOps md_vgpu_definition_ops = {
    .resolve_type = md_vgpu_types_resolve,
    .write_attrs = write_attrs,
    .check_attrs = md_vgpu_attrs_check,
};


static gboolean
is_taken(const MdDriverContext *context, const MdNodeDevice *function)
{
    g_autofree char *address = g_path_get_basename(function->def->path);
    g_autoptr(GList) defined = md_registry_list_defined(context->registry, address);

    return defined != NULL ||
           md_registry_find_sharing(context->registry, function->def->path) != NULL;
}


/* The first function that is not taken; those chosen a moment ago only if `recent`. */
static MdNodeDevice *
choose_free(const MdDriverContext *context, const MdVgpuCard *card, gboolean recent)
{
    MdVgpuCards *cards = context->vgpus->cards;
    g_autoptr(GPtrArray) functions = md_vgpu_cards_list_functions(cards, card);
    gint64 now = g_get_monotonic_time();

    for (guint i = 0; i < functions->len; i++) {
        MdNodeDevice *device = g_ptr_array_index(functions, i);
        MdVgpuFunction *function = md_vgpu_cards_find_function(cards, device->def->path);

        if (!device->def->is_assignable || is_taken(context, device) ||
            (!recent && function->chosen != 0 && now - function->chosen < CHOICE_HOLDS))
            continue;
        function->chosen = now;
        return device;
    }
    return NULL;
}


static MdNodeDevice *
choose_function(const MdDriverContext *context,
                const MdVgpuCard *card,
                const MdNodeDeviceDef *def,
                GError **error)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    MdNodeDevice *function = NULL;

    if (cap->uuid != NULL)
        function = md_vgpu_cards_find_parent_of(context->vgpus->cards, card, cap->uuid, NULL);
    if (function == NULL)
        function = choose_free(context, card, FALSE);
    if (function == NULL)
        function = choose_free(context, card, TRUE);
    if (function == NULL)
        md_error_set(error, VIR_ERR_OPERATION_INVALID,
                     "each function of '%s' has a vGPU or the definition of one", def->parent);
    return function;
}


gboolean
md_vgpu_definition_find_parent(const MdDriverContext *context,
                               MdNodeDeviceDef *def,
                               MdNodeDevice **parent,
                               GError **error)
{
    const MdNodeDevice *named = md_mdev_parent_find_named(context, def);
    const MdVgpuCard *card =
        named != NULL ? md_vgpu_cards_find_of(context->vgpus->cards, named) : NULL;
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

    if (card == NULL)
        return md_mdev_parent_find_persistent(context, def, parent, error);
    *parent = choose_function(context, card, def, error);
    if (*parent == NULL)
        return FALSE;
    g_free(cap->parent_addr);
    cap->parent_addr = g_path_get_basename((*parent)->def->path);
    return TRUE;
}


/* The driver registers a VFIO device for each function that it offers, and a new one whenever it is
 * loaded or bound again. */
guint64
md_vgpu_definition_get_types_set(const MdDriverContext *context G_GNUC_UNUSED,
                                 const MdNodeDevice *parent)
{
    g_autoptr(MdSysfsDir) dir = NULL;

    if (!parent->def->is_assignable)
        return 0;
    dir = md_sysfs_dir_open(parent->def->path, NULL);
    return dir != NULL ? md_sysfs_dir_find_inode(dir, MD_ATTR_VFIO_DEV) : 0;
}


gboolean
md_vgpu_definition_will_remove(const MdDriverContext *context, const MdNodeDevice *device)
{
    const MdVgpuFunction *function =
        device->active ? md_vgpu_cards_find_function(context->vgpus->cards, device->def->path)
                       : NULL;

    return function != NULL && function->recovering;
}
