/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "probe/pci-names.h"

#include "kernel/udev.h"

typedef struct {
    char *vendor;
    char *product;
} Names;

/* One cache for the whole process, workers included, because the names depend on the ids alone. */
static GMutex mutex;
static GHashTable *known; /* both ids in one number -> Names */


static void
names_free(Names *names)
{
    g_free(names->vendor);
    g_free(names->product);
    g_free(names);
}


static gpointer
make_key(guint vendor, guint product)
{
    return GUINT_TO_POINTER((vendor & 0xffff) << 16 | (product & 0xffff));
}


/* FALSE if the names are not cached. */
static gboolean
names_find(gpointer key, char **vendor_name, char **product_name)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    const Names *names = known != NULL ? g_hash_table_lookup(known, key) : NULL;

    if (names == NULL)
        return FALSE;
    *vendor_name = g_strdup(names->vendor);
    *product_name = g_strdup(names->product);
    return TRUE;
}


static void
names_store(gpointer key, const char *vendor_name, const char *product_name)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);
    Names *names = g_new0(Names, 1);

    names->vendor = g_strdup(vendor_name);
    names->product = g_strdup(product_name);
    if (known == NULL)
        known = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)names_free);
    if (g_hash_table_size(known) >= MD_PCI_NAMES_MAX)
        g_hash_table_remove_all(known);
    g_hash_table_replace(known, key, names);
}


gboolean
md_pci_names_find(
    guint vendor, guint product, gboolean may_block, char **vendor_name, char **product_name)
{
    gpointer key = make_key(vendor, product);

    *vendor_name = NULL;
    *product_name = NULL;
    if (names_find(key, vendor_name, product_name))
        return TRUE;
    if (!may_block)
        return FALSE;
    md_udev_find_pci_names(vendor, product, vendor_name, product_name);
    names_store(key, *vendor_name, *product_name);
    return TRUE;
}


void
md_pci_names_drop(void)
{
    G_GNUC_UNUSED g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&mutex);

    if (known != NULL)
        g_hash_table_remove_all(known);
}
