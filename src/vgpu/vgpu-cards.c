/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-cards.h"

#include <string.h>

#include "conf/cap-mdev.h"
#include "kernel/sysfs.h"
#include "vendor/vendor.h"


static void
function_free(MdVgpuFunction *self)
{
    g_free(self->path);
    g_free(self);
}


static void
card_stop(MdVgpuCard *self)
{
    g_clear_handle_id(&self->timer, g_source_remove);
    g_clear_handle_id(&self->soon, g_source_remove);
}


static void
card_clear(MdVgpuCard *self)
{
    card_stop(self);
    g_hash_table_unref(self->functions);
    g_free(self->path);
}


MdVgpuCard *
md_vgpu_card_ref(MdVgpuCard *self)
{
    return g_rc_box_acquire(self);
}


void
md_vgpu_card_unref(MdVgpuCard *self)
{
    g_rc_box_release_full(self, (GDestroyNotify)card_clear);
}


MdVgpuCards *
md_vgpu_cards_new(MdRegistry *registry)
{
    MdVgpuCards *self = g_new0(MdVgpuCards, 1);

    self->registry = registry;
    self->by_path =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)md_vgpu_card_unref);
    self->functions = g_hash_table_new(g_str_hash, g_str_equal);
    return self;
}


void
md_vgpu_cards_stop(MdVgpuCards *self)
{
    GHashTableIter iter;
    MdVgpuCard *card = NULL;

    g_hash_table_iter_init(&iter, self->by_path);
    while (g_hash_table_iter_next(&iter, NULL, (gpointer *)&card))
        card_stop(card);
}


void
md_vgpu_cards_free(MdVgpuCards *self)
{
    g_hash_table_unref(self->functions);
    g_hash_table_unref(self->by_path);
    g_free(self);
}


/* Whether a driver that may offer vGPUs is bound to the device, and does not make it a parent of
 * mediated devices. */
static gboolean
may_be_function(const MdNodeDevice *device)
{
    const MdNodeDeviceDef *def = device->def;

    return device->active && def->path != NULL && !def->shares_path &&
           (def->mdev_types == NULL || def->is_assignable) &&
           md_vendor_find_driver(def->driver) != NULL;
}


/* The path of a function's card; NULL if the device is no function. */
static char *
find_card_path(const MdNodeDevice *device)
{
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(device->def->path, NULL);

    return dir != NULL ? md_vendor_get_card(dir) : NULL;
}


static MdVgpuCard *
get_card(MdVgpuCards *self, const char *path)
{
    MdVgpuCard *card = g_hash_table_lookup(self->by_path, path);

    if (card != NULL)
        return card;
    card = g_rc_box_new0(MdVgpuCard);
    card->path = g_strdup(path);
    card->inode = md_sysfs_find_inode(path);
    card->functions =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)function_free);
    g_hash_table_insert(self->by_path, card->path, card);
    return card;
}


static void
remove_path(MdVgpuCards *self, const char *path)
{
    MdVgpuFunction *function = g_hash_table_lookup(self->functions, path);
    MdVgpuCard *card = function != NULL ? function->card : NULL;

    if (card == NULL)
        return;
    g_hash_table_remove(self->functions, path);
    g_hash_table_remove(card->functions, path);
    if (g_hash_table_size(card->functions) == 0) {
        card_stop(card);
        g_hash_table_remove(self->by_path, card->path);
    }
}


MdVgpuCard *
md_vgpu_cards_add(MdVgpuCards *self, const MdNodeDevice *device)
{
    MdVgpuFunction *function = NULL;
    g_autofree char *path = NULL;

    if (!may_be_function(device)) {
        md_vgpu_cards_remove(self, device);
        return NULL;
    }
    function = g_hash_table_lookup(self->functions, device->def->path);
    if (function != NULL && function->inode == device->inode)
        return NULL;
    remove_path(self, device->def->path);
    path = find_card_path(device);
    if (path == NULL)
        return NULL;

    function = g_new0(MdVgpuFunction, 1);
    function->path = g_strdup(device->def->path);
    function->inode = device->inode;
    function->card = get_card(self, path);
    g_hash_table_insert(function->card->functions, function->path, function);
    g_hash_table_insert(self->functions, function->path, function);
    return function->card;
}


void
md_vgpu_cards_remove(MdVgpuCards *self, const MdNodeDevice *device)
{
    if (device->def->path != NULL && !device->def->shares_path)
        remove_path(self, device->def->path);
}


MdVgpuCard *
md_vgpu_cards_find(MdVgpuCards *self, const char *path)
{
    return g_hash_table_lookup(self->by_path, path);
}


MdVgpuCard *
md_vgpu_cards_find_of(MdVgpuCards *self, const MdNodeDevice *device)
{
    return device->def->path != NULL && !device->def->shares_path
               ? md_vgpu_cards_find(self, device->def->path)
               : NULL;
}


MdVgpuFunction *
md_vgpu_cards_find_function(MdVgpuCards *self, const char *path)
{
    return g_hash_table_lookup(self->functions, path);
}


static int
compare_paths(gconstpointer a, gconstpointer b)
{
    const MdNodeDevice *one = *(const MdNodeDevice *const *)a;
    const MdNodeDevice *other = *(const MdNodeDevice *const *)b;

    return strcmp(one->def->path, other->def->path);
}


GPtrArray *
md_vgpu_cards_list_functions(MdVgpuCards *self, const MdVgpuCard *card)
{
    GPtrArray *devices = g_ptr_array_new();
    GHashTableIter iter;
    gpointer path = NULL;

    g_hash_table_iter_init(&iter, card->functions);
    while (g_hash_table_iter_next(&iter, &path, NULL)) {
        MdNodeDevice *device = md_registry_find_path(self->registry, path);

        if (device != NULL)
            g_ptr_array_add(devices, device);
    }
    g_ptr_array_sort(devices, compare_paths);
    return devices;
}


MdNodeDevice *
md_vgpu_cards_find_parent_of(MdVgpuCards *self,
                             const MdVgpuCard *card,
                             const char *uuid,
                             MdNodeDevice **vgpu)
{
    g_autoptr(GPtrArray) functions = md_vgpu_cards_list_functions(self, card);

    for (guint i = 0; i < functions->len; i++) {
        MdNodeDevice *function = g_ptr_array_index(functions, i);
        g_autofree char *address = g_path_get_basename(function->def->path);
        g_autofree char *name = md_cap_mdev_make_name(uuid, address);
        MdNodeDevice *found = md_registry_find(self->registry, name);

        if (found == NULL)
            continue;
        if (vgpu != NULL)
            *vgpu = found;
        return function;
    }
    return NULL;
}
