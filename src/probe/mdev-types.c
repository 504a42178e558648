/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/mdev-types.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#include "probe/probe.h"
#include "util/error.h"
#include "util/names.h"


/* FALSE if the device is not a parent, or offers no types: a driver may register a parent before it
 * knows the types, or without any. */
static gboolean
have_types(MdSysfsDir *parent)
{
    g_autoptr(GPtrArray) ids = md_sysfs_dir_list(parent, MD_ATTR_MDEV_TYPES);

    return ids->len > 0;
}


guint64
md_mdev_types_get_set(const char *path)
{
    g_autoptr(MdSysfsDir) parent = md_sysfs_dir_open(path, NULL);

    return parent != NULL && have_types(parent)
               ? md_sysfs_dir_find_inode(parent, MD_ATTR_MDEV_TYPES)
               : 0;
}


GPtrArray *
md_mdev_types_probe(MdSysfsDir *dir)
{
    if (!have_types(dir))
        return NULL;
    return md_mdev_types_new();
}


/* Cached types: inode of the directory -> MdMdevType. The whole process has one cache, which
 * workers use too: the inode alone identifies the type. */
static GHashTable *known;
static GMutex known_mutex;

/*
 * Cached lists of types: inode of mdev_supported_types -> GPtrArray of MdSysfsEntry. A driver that
 * registers a parent creates the directory, then its types one by one, and removes all of them
 * together.
 */
static GHashTable *known_sets;

/* Maximum number of entries of each cache, enough for dozens of boards. Beyond it, all entries are
 * dropped. */
#define KNOWN_MAX 4096


MdMdevType *
md_mdev_types_find(guint64 inode)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&known_mutex);
    const MdMdevType *type = known != NULL ? g_hash_table_lookup(known, &inode) : NULL;

    return type != NULL ? md_mdev_type_copy(type) : NULL;
}


static GPtrArray *
find_known_set(guint64 inode)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&known_mutex);
    GPtrArray *entries = known_sets != NULL ? g_hash_table_lookup(known_sets, &inode) : NULL;

    return entries != NULL ? g_ptr_array_ref(entries) : NULL;
}


/* Takes ownership of `value`. */
static void
cache_store(GHashTable **table, guint64 inode, gpointer value, GDestroyNotify value_free)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&known_mutex);

    if (*table == NULL)
        *table = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, value_free);
    if (g_hash_table_size(*table) >= KNOWN_MAX)
        g_hash_table_remove_all(*table);
    g_hash_table_replace(*table, g_memdup2(&inode, sizeof(inode)), value);
}


/* NULL if the type lacks the attribute, or the attribute has no printable character. Clears
 * `complete` if the attribute exists but cannot be read. */
static char *
read_attribute(MdSysfsDir *dir, const char *type_path, const char *name, gboolean *complete)
{
    g_autofree char *path = g_build_filename(type_path, name, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = md_sysfs_dir_read(dir, path, &error);
    g_autofree char *printed = text != NULL ? md_xml_writer_filter(text) : NULL;

    if (text == NULL && md_error_get_errno(error) != ENOENT)
        *complete = FALSE;
    return printed != NULL && *printed != '\0' ? g_steal_pointer(&printed) : NULL;
}


static char *
make_path(const char *id)
{
    return g_strconcat(MD_ATTR_MDEV_TYPES "/", id, NULL);
}


MdMdevType *
md_mdev_types_read_one(MdSysfsDir *dir, const char *path, guint64 inode)
{
    g_autofree char *target = NULL;
    g_autofree char *description = NULL;
    MdMdevType *type = md_mdev_types_find(inode);
    gboolean complete = TRUE;

    if (type != NULL || inode == 0)
        return type;

    /* `path` may be a link with another name. */
    target = md_sysfs_dir_read_link(dir, path);
    if (target == NULL)
        target = g_path_get_basename(path);

    type = md_mdev_type_new(target);
    type->name = read_attribute(dir, path, MD_ATTR_TYPE_NAME, &complete);
    type->device_api = read_attribute(dir, path, MD_ATTR_TYPE_API, &complete);
    description = read_attribute(dir, path, MD_ATTR_TYPE_DESC, &complete);
    if (description != NULL)
        md_mdev_type_set_description(type, description);
    if (complete)
        cache_store(&known, inode, md_mdev_type_copy(type), (GDestroyNotify)md_mdev_type_free);
    return type;
}


/* The types as MdSysfsEntry; must not be modified. */
static GPtrArray *
list_types(MdSysfsDir *parent)
{
    guint n = 0;
    guint64 inode = md_sysfs_dir_find_directory(parent, MD_ATTR_MDEV_TYPES, &n);
    GPtrArray *entries = inode != 0 ? find_known_set(inode) : NULL;

    if (entries != NULL && entries->len == n)
        return entries;
    g_clear_pointer(&entries, g_ptr_array_unref);
    entries = md_sysfs_dir_list_entries(parent, MD_ATTR_MDEV_TYPES);
    if (inode != 0 && entries->len == n)
        cache_store(&known_sets, inode, g_ptr_array_ref(entries),
                    (GDestroyNotify)g_ptr_array_unref);
    return entries;
}


GPtrArray *
md_mdev_types_read(MdSysfsDir *parent)
{
    g_autoptr(GPtrArray) entries = list_types(parent);
    g_autoptr(GPtrArray) types = md_mdev_types_new();

    for (guint i = 0; i < entries->len && i < MD_MDEV_TYPES_MAX; i++) {
        const MdSysfsEntry *entry = g_ptr_array_index(entries, i);
        g_autofree char *path = make_path(entry->name);
        g_autofree char *attribute = g_strconcat(path, "/" MD_ATTR_TYPE_AVAILABLE, NULL);
        MdMdevType *type = md_mdev_types_read_one(parent, path, entry->inode);
        gint64 available = 0;

        if (type == NULL)
            continue;
        if (md_sysfs_dir_read_int(parent, attribute, &available) && available > 0)
            type->available = available;
        g_ptr_array_add(types, type);
    }
    return types->len > 0 ? g_steal_pointer(&types) : NULL;
}


gboolean
md_mdev_types_refresh(GPtrArray **types, MdSysfsDir *parent, gboolean may_block, GError **error)
{
    if (!may_block && have_types(parent))
        return md_probe_check_may_block(FALSE, error);
    g_clear_pointer(types, g_ptr_array_unref);
    if (may_block)
        *types = md_mdev_types_read(parent);
    return TRUE;
}


/* Explains an empty list of types: the parent offers none, or the directory cannot be read. */
static void
set_no_types_error(MdSysfsDir *parent, GError **error)
{
    g_autoptr(GError) err = NULL;
    g_autoptr(MdSysfsDir) types = md_sysfs_dir_open_child(parent, MD_ATTR_MDEV_TYPES, &err);

    if (types == NULL && !md_error_is_gone(err))
        g_propagate_error(error, g_steal_pointer(&err));
    else
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                    "the parent does not support mediated devices");
}


static void
set_no_type_error(GPtrArray *types, const char *wanted, GError **error)
{
    g_autoptr(GString) offered = g_string_new(NULL);

    for (guint i = 0; i < types->len; i++) {
        const MdMdevType *type = g_ptr_array_index(types, i);

        g_string_append_printf(offered, "%s%s", i > 0 ? ", " : "", type->id);
    }

    g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "the parent has no type '%s', only %s",
                wanted, offered->str);
}


/* Whether the parent has a type with exactly this id. Refuses ids that lead to another
 * directory. */
static gboolean
has_id(MdSysfsDir *parent, const char *id)
{
    g_autofree char *path = make_path(id);

    return *id != '\0' && *id != '.' && strchr(id, '/') == NULL && md_sysfs_dir_has(parent, path);
}


/* The types with their names, if these are needed, and without available instances. */
static GPtrArray *
list_candidates(MdSysfsDir *parent, gboolean with_names)
{
    g_autoptr(GPtrArray) ids = md_sysfs_dir_list(parent, MD_ATTR_MDEV_TYPES);
    GPtrArray *types = md_mdev_types_new();

    for (guint i = 0; i < ids->len; i++) {
        const char *id = g_ptr_array_index(ids, i);
        g_autofree char *path = make_path(id);
        guint64 inode = with_names ? md_sysfs_dir_find_inode(parent, path) : 0;
        MdMdevType *type = md_mdev_types_read_one(parent, path, inode);

        g_ptr_array_add(types, type != NULL ? type : md_mdev_type_new(id));
    }
    return types;
}


char *
md_mdev_types_choose(GPtrArray *types, const char *id, const char *name, GError **error)
{
    g_autofree char *suffix = id != NULL ? g_strconcat("-", id, NULL) : NULL;
    const char *found = NULL;

    for (guint i = 0; i < types->len; i++) {
        const MdMdevType *type = g_ptr_array_index(types, i);

        if (id != NULL && g_str_equal(type->id, id))
            return g_strdup(id);
        if (id != NULL ? !g_str_has_suffix(type->id, suffix) : g_strcmp0(type->name, name) != 0)
            continue;
        if (found != NULL) {
            md_error_set(error, VIR_ERR_INTERNAL_ERROR,
                         "type '%s' is ambiguous: it matches '%s' and '%s'", id != NULL ? id : name,
                         found, type->id);
            return NULL;
        }
        found = type->id;
    }
    if (found == NULL)
        set_no_type_error(types, id != NULL ? id : name, error);
    return g_strdup(found);
}


char *
md_mdev_types_resolve(MdSysfsDir *parent, const char *id, const char *name, GError **error)
{
    g_autoptr(GPtrArray) types = NULL;

    if (id != NULL && has_id(parent, id))
        return g_strdup(id);
    types = list_candidates(parent, id == NULL);
    if (types->len > 0)
        return md_mdev_types_choose(types, id, name, error);
    set_no_types_error(parent, error);
    return NULL;
}
