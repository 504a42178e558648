/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/kept.h"

/* The entry of a device; `origin` and `description` are NULL until properties are stored. */
typedef struct {
    guint64 inode;
    guint64 stamp;
    MdNodeDeviceDef *origin;
    MdNodeDeviceDef *description;
} Entry;

/* One cache for the whole process, because workers have no registry and the inode identifies the
 * device. */
static GMutex mutex;
static GHashTable *entries; /* set of Entry, by inode */
static guint64 last_stamp;


static void
entry_free(Entry *entry)
{
    md_node_device_def_unref(entry->origin);
    md_node_device_def_unref(entry->description);
    g_free(entry);
}


/* Called with the mutex held. */
static Entry *
entry_new(guint64 inode)
{
    Entry *entry = g_new0(Entry, 1);

    if (entries == NULL)
        entries =
            g_hash_table_new_full(g_int64_hash, g_int64_equal, (GDestroyNotify)entry_free, NULL);
    if (g_hash_table_size(entries) >= MD_KEPT_MAX)
        g_hash_table_remove_all(entries);
    entry->inode = inode;
    entry->stamp = ++last_stamp;
    g_hash_table_add(entries, entry);
    return entry;
}


/* Called with the mutex held; NULL if there is none. */
static Entry *
entry_find(guint64 inode)
{
    return entries != NULL ? g_hash_table_lookup(entries, &inode) : NULL;
}


MdNodeDeviceDef *
md_kept_find(guint64 inode, const MdNodeDeviceDef *origin, guint64 *stamp)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    Entry *entry = entry_find(inode);

    if (entry == NULL)
        entry = entry_new(inode);
    *stamp = entry->stamp;
    if (entry->description == NULL || entry->origin != origin)
        return NULL;
    return md_node_device_def_ref(entry->description);
}


void
md_kept_store(guint64 inode, MdNodeDeviceDef *origin, guint64 stamp, MdNodeDeviceDef *description)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    Entry *entry = entry_find(inode);

    if (entry == NULL || entry->stamp != stamp)
        return;
    md_node_device_def_unref(entry->origin);
    md_node_device_def_unref(entry->description);
    entry->origin = md_node_device_def_ref(origin);
    entry->description = md_node_device_def_ref(description);
}


void
md_kept_drop(guint64 inode)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);

    if (entries != NULL)
        g_hash_table_remove(entries, &inode);
}


void
md_kept_drop_all(void)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);

    g_clear_pointer(&entries, g_hash_table_unref);
}
