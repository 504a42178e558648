/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vendor/vendor.h"

#include <errno.h>
#include <string.h>

#include "util/error.h"
#include "util/names.h"
#include "vendor/known-types.h"
#include "vendor/vendors.h"

#define CARD_DRIVER MD_ATTR_PHYSFN "/" MD_ATTR_DRIVER

static int is_enabled; /* atomic */
static GMutex mutex;
static char *table; /* path; protected by the mutex */


void
md_vendor_set_up(gboolean enabled, const char *types_file, const char *state_dir)
{
    md_known_types_set_up(state_dir);
    g_mutex_lock(&mutex);
    g_free(table);
    table = g_strdup(types_file);
    g_mutex_unlock(&mutex);
    g_atomic_int_set(&is_enabled, enabled);
}


static char *
dup_table(void)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);

    return g_strdup(table);
}


/* An empty table if vendors' functions are not served. */
static const MdVendor *const *
list_vendors(void)
{
    static const MdVendor *const none[] = { NULL };

    return g_atomic_int_get(&is_enabled) ? md_vendors_list() : none;
}


const MdVendor *
md_vendor_find(MdSysfsDir *function)
{
    for (const MdVendor *const *vendor = list_vendors(); *vendor != NULL; vendor++) {
        if ((*vendor)->is_function(function))
            return *vendor;
    }
    return NULL;
}


const MdVendor *
md_vendor_find_driver(const char *driver)
{
    for (const MdVendor *const *vendor = list_vendors(); *vendor != NULL; vendor++) {
        if (g_strcmp0((*vendor)->driver, driver) == 0)
            return *vendor;
    }
    return NULL;
}


/* The vendor by the prefix of a type's id, or NULL. */
static const MdVendor *
find_name(const char *name, gsize length)
{
    for (const MdVendor *const *vendor = list_vendors(); *vendor != NULL; vendor++) {
        if (strlen((*vendor)->name) == length && strncmp((*vendor)->name, name, length) == 0)
            return *vendor;
    }
    return NULL;
}


const MdVendor *
md_vendor_parse_id(const char *id, guint32 *number)
{
    const char *dash = strrchr(id, '-');

    if (dash == NULL || !md_vgpu_number_parse(dash + 1, number))
        return NULL;
    return find_name(id, (gsize)(dash - id));
}


char *
md_vendor_make_id(const MdVendor *vendor, guint32 number)
{
    return g_strdup_printf("%s-%u", vendor->name, number);
}


char *
md_vendor_get_card(MdSysfsDir *function)
{
    /* The link of a removed card may still be there. */
    return md_sysfs_dir_find_inode(function, MD_ATTR_PHYSFN) != 0
               ? md_sysfs_dir_resolve_link(function, MD_ATTR_PHYSFN)
               : NULL;
}


void
md_vendor_foreach_function(MdSysfsDir *card, MdVendorFunctionFunc func, gpointer data)
{
    g_autoptr(GPtrArray) names = md_sysfs_dir_list(card, ".");

    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *path =
            g_str_has_prefix(name, MD_LINK_VIRTFN) ? md_sysfs_dir_resolve_link(card, name) : NULL;
        g_autoptr(MdSysfsDir) function = path != NULL ? md_sysfs_dir_open(path, NULL) : NULL;

        if (function != NULL)
            func(function, data);
    }
}


gboolean
md_vendor_find_card(MdSysfsDir *function, char **card, guint64 *inode)
{
    *inode = md_sysfs_dir_find_link(function, CARD_DRIVER);
    *card = *inode != 0 ? md_sysfs_dir_resolve_link(function, MD_ATTR_PHYSFN) : NULL;
    return *card != NULL;
}


gpointer
md_vendor_open_card(const MdVendor *vendor, MdSysfsDir *function, GError **error)
{
    g_autofree char *path = md_vendor_get_card(function);
    g_autofree char *types_file = dup_table();
    g_autoptr(MdSysfsDir) card = NULL;

    if (path == NULL) {
        md_error_set_errno(error, ENOENT, "Unable to find the card of '%s'",
                           md_sysfs_dir_get_path(function));
        return NULL;
    }
    card = md_sysfs_dir_open(path, error);
    return card != NULL ? vendor->open(card, types_file, error) : NULL;
}
