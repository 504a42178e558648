/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/registry.h"

struct _MdRegistry {
    GObject parent;

    GQueue devices;      /* of MdNodeDevice, each referenced, in the order of their coming */
    GHashTable *by_name; /* name -> GList link of `devices`; the names belong to the devices */
    GHashTable *by_path; /* sysfs path -> the same; devices without a path are not in here */
};

enum { SIGNAL_ADDED, SIGNAL_REMOVED, SIGNAL_UPDATED, SIGNAL_LAST };

static guint signals[SIGNAL_LAST];

G_DEFINE_FINAL_TYPE(MdRegistry, md_registry, G_TYPE_OBJECT)


static void
md_registry_finalize(GObject *object)
{
    MdRegistry *self = MD_REGISTRY(object);

    g_hash_table_unref(self->by_name);
    g_hash_table_unref(self->by_path);
    g_queue_clear_full(&self->devices, (GDestroyNotify)md_node_device_unref);
    G_OBJECT_CLASS(md_registry_parent_class)->finalize(object);
}


static void
md_registry_class_init(MdRegistryClass *klass)
{
    static const char *const names[SIGNAL_LAST] = { "added", "removed", "updated" };

    G_OBJECT_CLASS(klass)->finalize = md_registry_finalize;
    for (int i = 0; i < SIGNAL_LAST; i++)
        signals[i] = g_signal_new(names[i], MD_TYPE_REGISTRY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}


static void
md_registry_init(MdRegistry *self)
{
    g_queue_init(&self->devices);
    self->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    self->by_path = g_hash_table_new(g_str_hash, g_str_equal);
}


static void
index_device(MdRegistry *self, GList *link)
{
    MdNodeDevice *device = link->data;

    g_hash_table_replace(self->by_name, device->def->name, link);
    if (device->def->path != NULL)
        g_hash_table_replace(self->by_path, device->def->path, link);
}


static void
unindex_device(MdRegistry *self, MdNodeDevice *device)
{
    g_hash_table_remove(self->by_name, device->def->name);
    if (device->def->path != NULL)
        g_hash_table_remove(self->by_path, device->def->path);
}


/* A child has come or gone: what its parent has to offer is another now. */
static void
signal_parent_updated(MdRegistry *self, MdNodeDevice *child)
{
    MdNodeDevice *parent = NULL;

    /* The machine itself offers nothing that could change. */
    if (child->def->parent == NULL)
        return;
    parent = md_registry_find(self, child->def->parent);
    if (parent != NULL && parent->def->path != NULL)
        g_signal_emit(self, signals[SIGNAL_UPDATED], 0, parent);
}


MdRegistry *
md_registry_new(void)
{
    return g_object_new(MD_TYPE_REGISTRY, NULL);
}


void
md_registry_add(MdRegistry *self, MdNodeDevice *device)
{
    g_return_if_fail(md_registry_find(self, device->def->name) == NULL);

    g_queue_push_tail(&self->devices, md_node_device_ref(device));
    index_device(self, self->devices.tail);
    g_signal_emit(self, signals[SIGNAL_ADDED], 0, device);
    signal_parent_updated(self, device);
}


void
md_registry_remove(MdRegistry *self, MdNodeDevice *device)
{
    g_autoptr(MdNodeDevice) keep = md_node_device_ref(device);
    GList *link = g_hash_table_lookup(self->by_name, device->def->name);

    g_return_if_fail(link != NULL && link->data == device);

    unindex_device(self, device);
    g_queue_delete_link(&self->devices, link);
    md_node_device_unref(device);
    g_signal_emit(self, signals[SIGNAL_REMOVED], 0, keep);
    signal_parent_updated(self, keep);
}


void
md_registry_update(MdRegistry *self, MdNodeDevice *device, MdNodeDeviceDef *def)
{
    GList *link = g_hash_table_lookup(self->by_name, device->def->name);

    g_return_if_fail(link != NULL && link->data == device);
    g_return_if_fail(g_str_equal(device->def->name, def->name));

    unindex_device(self, device);
    md_node_device_def_unref(device->def);
    device->def = def;
    index_device(self, link);
    g_signal_emit(self, signals[SIGNAL_UPDATED], 0, device);
}


MdNodeDevice *
md_registry_find(MdRegistry *self, const char *name)
{
    GList *link = g_hash_table_lookup(self->by_name, name);

    return link != NULL ? link->data : NULL;
}


MdNodeDevice *
md_registry_find_path(MdRegistry *self, const char *path)
{
    GList *link = g_hash_table_lookup(self->by_path, path);

    return link != NULL ? link->data : NULL;
}


GList *
md_registry_list(MdRegistry *self)
{
    return self->devices.head;
}


guint
md_registry_size(MdRegistry *self)
{
    return self->devices.length;
}
