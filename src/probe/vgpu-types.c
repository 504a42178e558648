/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/vgpu-types.h"

#include <gio/gio.h>

#include "probe/mdev-types.h"
#include "probe/probe.h"
#include "util/error.h"
#include "vendor/known-types.h"

/* The device API of all vGPUs. */
#define DEVICE_API "vfio-pci"


GPtrArray *
md_vgpu_types_probe(MdSysfsDir *dir)
{
    g_autofree char *card = NULL;
    guint64 inode = 0;

    if (md_vendor_find(dir) == NULL || !md_vendor_find_card(dir, &card, &inode) ||
        !md_known_types_exist(card, inode))
        return NULL;
    return md_mdev_types_new();
}


static MdMdevType *
make_type(const MdVendor *vendor, const MdVgpuType *known)
{
    g_autofree char *id = md_vendor_make_id(vendor, known->number);
    MdMdevType *type = md_mdev_type_new(id);

    type->name = g_strdup(known->name);
    type->device_api = g_strdup(DEVICE_API);
    g_ptr_array_unref(type->properties);
    type->properties = g_ptr_array_ref(known->properties);
    return type;
}


/* The types that the function can take now; NULL if it has a type, or the driver does not tell.
 * Learns all types of which the function or the table knows. */
static GPtrArray *
list_creatable(const MdVendor *vendor, gpointer card, MdSysfsDir *dir)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *types = NULL;
    guint32 number = 0;

    /* A function with a type lists none. */
    if (vendor->read_assigned(card, dir, &number, &error) && number != 0) {
        md_known_types_learn_supported(vendor, card, dir);
        return NULL;
    }
    if (error == NULL)
        types = md_known_types_list_creatable(vendor, card, dir, &error);
    if (error != NULL)
        g_debug("Unable to read the types of '%s': %s", md_sysfs_dir_get_path(dir), error->message);
    return types;
}


/* All known types, as MdMdevType; NULL if there are none. */
static GPtrArray *
make_types(const MdVendor *vendor, MdSysfsDir *dir, GPtrArray *creatable)
{
    g_autoptr(GPtrArray) types = md_mdev_types_new();
    g_autoptr(GPtrArray) known = NULL;
    g_autofree char *card = NULL;
    guint64 inode = 0;

    if (!md_vendor_find_card(dir, &card, &inode))
        return NULL;
    known = md_known_types_copy(card, inode);
    for (guint i = 0; i < known->len; i++) {
        const MdVgpuType *entry = g_ptr_array_index(known, i);
        MdMdevType *type = make_type(vendor, entry);

        if (creatable != NULL && md_vgpu_types_find(creatable, entry->number) != NULL)
            type->available = 1;
        g_ptr_array_add(types, type);
    }
    return types->len > 0 ? g_steal_pointer(&types) : NULL;
}


/* For a worker; NULL if there are none. */
static GPtrArray *
read_types(const MdVendor *vendor, MdSysfsDir *dir)
{
    g_autoptr(GError) error = NULL;
    gpointer card = md_vendor_open_card(vendor, dir, &error);
    g_autoptr(GPtrArray) creatable = NULL;

    if (card == NULL) {
        g_debug("Unable to read the types of '%s': %s", md_sysfs_dir_get_path(dir), error->message);
        return NULL;
    }
    creatable = list_creatable(vendor, card, dir);
    vendor->close(card);
    return make_types(vendor, dir, creatable);
}


gboolean
md_vgpu_types_refresh(GPtrArray **types, MdSysfsDir *dir, gboolean may_block, GError **error)
{
    const MdVendor *vendor = md_vendor_find(dir);

    if (vendor != NULL && !md_probe_check_may_block(may_block, error))
        return FALSE;
    g_clear_pointer(types, g_ptr_array_unref);
    if (vendor != NULL)
        *types = read_types(vendor, dir);
    return TRUE;
}


MdMdevType *
md_vgpu_types_read_one(MdSysfsDir *dir, const char *id)
{
    guint32 number = 0;
    const MdVendor *vendor = md_vendor_parse_id(id, &number);
    g_autoptr(GPtrArray) known = NULL;
    const MdVgpuType *type = NULL;
    g_autofree char *card = NULL;
    guint64 inode = 0;

    if (vendor == NULL || !md_vendor_find_card(dir, &card, &inode))
        return NULL;
    if (!md_known_types_exist(card, inode)) {
        gpointer handle = md_vendor_open_card(vendor, dir, NULL);

        if (handle != NULL) {
            md_known_types_learn_supported(vendor, handle, dir);
            vendor->close(handle);
        }
    }
    known = md_known_types_copy(card, inode);
    type = md_vgpu_types_find(known, number);
    return type != NULL ? make_type(vendor, type) : NULL;
}


/* `types` NULL: the device is no vendor's function, or no types are known. */
static char *
choose_type(GPtrArray *types, const char *id, const char *name, GError **error)
{
    if (types != NULL)
        return md_mdev_types_choose(types, id, name, error);
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                "the parent does not support mediated devices");
    return NULL;
}


char *
md_vgpu_types_choose(MdSysfsDir *dir, const char *id, const char *name, GError **error)
{
    const MdVendor *vendor = md_vendor_find(dir);
    g_autoptr(GPtrArray) types = vendor != NULL ? make_types(vendor, dir, NULL) : NULL;

    return choose_type(types, id, name, error);
}


char *
md_vgpu_types_resolve(MdSysfsDir *dir, const char *id, const char *name, GError **error)
{
    const MdVendor *vendor = md_vendor_find(dir);
    g_autoptr(GPtrArray) types = vendor != NULL ? read_types(vendor, dir) : NULL;

    return choose_type(types, id, name, error);
}
