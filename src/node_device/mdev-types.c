/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/mdev-types.h"

#include "util/error.h"
#include "util/names.h"


gboolean
md_mdev_types_exist(MdSysfsDir *parent)
{
    return md_sysfs_dir_has(parent, MD_ATTR_MDEV_TYPES);
}


static MdSysfsDir *
open_type(MdSysfsDir *parent, const char *id)
{
    g_autofree char *path = g_build_filename(MD_ATTR_MDEV_TYPES, id, NULL);

    return md_sysfs_dir_open_child(parent, path, NULL);
}


/* Name and description; both are optional. */
static MdMdevType *
read_static(MdSysfsDir *dir, const char *id)
{
    MdMdevType *type = md_mdev_type_new(id);
    g_autofree char *description = md_sysfs_dir_read(dir, MD_ATTR_TYPE_DESC, NULL);

    type->name = md_sysfs_dir_read(dir, MD_ATTR_TYPE_NAME, NULL);
    if (description != NULL)
        md_mdev_type_set_description(type, description);
    return type;
}


MdMdevType *
md_mdev_types_read_one(MdSysfsDir *parent, const char *id)
{
    g_autoptr(MdSysfsDir) dir = open_type(parent, id);

    return dir != NULL ? read_static(dir, id) : NULL;
}


GPtrArray *
md_mdev_types_read(MdSysfsDir *parent)
{
    g_autoptr(GPtrArray) ids = NULL;
    GPtrArray *types = NULL;

    if (!md_mdev_types_exist(parent))
        return NULL;

    ids = md_sysfs_dir_list(parent, MD_ATTR_MDEV_TYPES);
    types = g_ptr_array_new_with_free_func((GDestroyNotify)md_mdev_type_free);
    for (guint i = 0; i < ids->len && i < MD_MDEV_TYPES_MAX; i++) {
        const char *id = g_ptr_array_index(ids, i);
        g_autoptr(MdSysfsDir) dir = open_type(parent, id);
        MdMdevType *type = NULL;
        gint64 available = 0;

        if (dir == NULL)
            continue;
        type = read_static(dir, id);
        type->device_api = md_sysfs_dir_read(dir, MD_ATTR_TYPE_API, NULL);
        if (md_sysfs_dir_read_int(dir, MD_ATTR_TYPE_AVAILABLE, &available) && available > 0)
            type->available = available;
        g_ptr_array_add(types, type);
    }
    return types;
}


static gboolean
type_has_name(MdSysfsDir *parent, const char *id, const char *name)
{
    g_autoptr(MdSysfsDir) dir = open_type(parent, id);
    g_autofree char *text = dir != NULL ? md_sysfs_dir_read(dir, MD_ATTR_TYPE_NAME, NULL) : NULL;

    return g_strcmp0(text, name) == 0;
}


static void
set_no_type_error(GPtrArray *ids, const char *wanted, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (guint i = 0; i < ids->len; i++)
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", (char *)g_ptr_array_index(ids, i));

    if (ids->len == 0)
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "the parent does not support mediated devices");
    else
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "the parent has no type '%s', only %s", wanted,
                     known->str);
}


char *
md_mdev_types_resolve(MdSysfsDir *parent, const char *id, const char *name, GError **error)
{
    g_autoptr(GPtrArray) ids = md_sysfs_dir_list(parent, MD_ATTR_MDEV_TYPES);
    g_autofree char *suffix = id != NULL ? g_strconcat("-", id, NULL) : NULL;
    const char *found = NULL;

    if (id != NULL && g_ptr_array_find_with_equal_func(ids, id, g_str_equal, NULL))
        return g_strdup(id);

    for (guint i = 0; i < ids->len; i++) {
        const char *candidate = g_ptr_array_index(ids, i);
        gboolean fits = id != NULL ? g_str_has_suffix(candidate, suffix)
                                   : type_has_name(parent, candidate, name);

        if (!fits)
            continue;
        if (found != NULL) {
            md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                         "type '%s' is ambiguous: it may be '%s' or '%s'", id != NULL ? id : name,
                         found, candidate);
            return NULL;
        }
        found = candidate;
    }

    if (found == NULL)
        set_no_type_error(ids, id != NULL ? id : name, error);
    return g_strdup(found);
}
