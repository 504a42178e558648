/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "registry/registry.h"

#include <string.h>

#include "util/error.h"
#include "util/names.h"

struct _MdRegistry {
    GObject parent;

    GQueue devices;      /* of MdNodeDevice, each referenced */
    GHashTable *by_name; /* name -> GList link of `devices`; the names belong to the devices */
    GTree *by_path;      /* sysfs path -> the same, for active devices with a path of their own;
                            sorted */
    GHashTable *by_shared_path; /* path of the parent -> the same, for devices that share it */
    GHashTable *by_address;     /* address -> the same, see get_address() */
    guint64 generation;         /* number of changes of the list and of its devices */
    GHashTable *defined;        /* address of the parent -> set of MdNodeDevice with a definition */
};

enum {
    SIGNAL_CREATED,
    SIGNAL_DELETED,
    SIGNAL_DEFINED,
    SIGNAL_UNDEFINED,
    SIGNAL_UPDATED,
    SIGNAL_LAST
};

static guint signals[SIGNAL_LAST];

G_DEFINE_FINAL_TYPE(MdRegistry, md_registry, G_TYPE_OBJECT)


static void
md_registry_finalize(GObject *object)
{
    MdRegistry *self = MD_REGISTRY(object);

    g_hash_table_unref(self->by_name);
    g_tree_unref(self->by_path);
    g_hash_table_unref(self->by_shared_path);
    g_hash_table_unref(self->by_address);
    g_hash_table_unref(self->defined);
    g_queue_clear_full(&self->devices, (GDestroyNotify)md_node_device_unref);
    G_OBJECT_CLASS(md_registry_parent_class)->finalize(object);
}


static void
md_registry_class_init(MdRegistryClass *klass)
{
    static const char *const names[SIGNAL_LAST] = { "created", "deleted", "defined", "undefined",
                                                    "updated" };

    G_OBJECT_CLASS(klass)->finalize = md_registry_finalize;
    for (int i = 0; i < SIGNAL_LAST; i++)
        signals[i] = g_signal_new(names[i], MD_TYPE_REGISTRY, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                  NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}


static int
compare_paths(gconstpointer a, gconstpointer b, gpointer data G_GNUC_UNUSED)
{
    return strcmp(a, b);
}


static void
md_registry_init(MdRegistry *self)
{
    g_queue_init(&self->devices);
    self->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    self->by_path = g_tree_new_full(compare_paths, NULL, NULL, NULL);
    self->by_shared_path = g_hash_table_new(g_str_hash, g_str_equal);
    self->by_address = g_hash_table_new(g_str_hash, g_str_equal);
    self->defined =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
}


MdRegistry *
md_registry_new(void)
{
    return g_object_new(MD_TYPE_REGISTRY, NULL);
}


/* The address of a device, which is its kernel name, if the device may be a parent of mediated
 * devices; otherwise NULL. Kernel names are unique on one bus only: an s390 subchannel may have the
 * name of another subchannel's device. */
static const char *
get_address(const MdNodeDevice *device)
{
    if (!device->active || device->def->path == NULL || !md_node_device_may_be_parent(device))
        return NULL;
    return strrchr(device->def->path, '/') + 1;
}


static void
index_definition(MdRegistry *self, MdNodeDevice *device)
{
    const char *address = device->definition->parent_addr;
    GHashTable *children = g_hash_table_lookup(self->defined, address);

    if (children == NULL) {
        children = g_hash_table_new(NULL, NULL);
        g_hash_table_insert(self->defined, g_strdup(address), children);
    }
    g_hash_table_add(children, device);
}


static void
unindex_definition(MdRegistry *self, MdNodeDevice *device)
{
    const char *address = device->definition->parent_addr;
    GHashTable *children = g_hash_table_lookup(self->defined, address);

    g_hash_table_remove(children, device);
    if (g_hash_table_size(children) == 0)
        g_hash_table_remove(self->defined, address);
}


static void
index_path(MdRegistry *self, GList *link)
{
    const MdNodeDevice *device = link->data;

    if (!device->active || device->def->path == NULL)
        return;
    if (device->def->shares_path)
        g_hash_table_replace(self->by_shared_path, device->def->path, link);
    else
        g_tree_replace(self->by_path, device->def->path, link);
}


static void
unindex_path(MdRegistry *self, const MdNodeDevice *device)
{
    if (!device->active || device->def->path == NULL)
        return;
    if (device->def->shares_path)
        g_hash_table_remove(self->by_shared_path, device->def->path);
    else
        g_tree_remove(self->by_path, device->def->path);
}


static void
index_device(MdRegistry *self, GList *link)
{
    MdNodeDevice *device = link->data;
    const char *address = get_address(device);

    self->generation++;
    g_hash_table_replace(self->by_name, device->def->name, link);
    index_path(self, link);
    if (address != NULL)
        g_hash_table_replace(self->by_address, (gpointer)address, link);
    if (device->definition != NULL)
        index_definition(self, device);
}


/* To be called before a device is changed, because the tables borrow their keys from the device. */
static GList *
unindex_device(MdRegistry *self, MdNodeDevice *device)
{
    GList *link = g_hash_table_lookup(self->by_name, device->def->name);
    const char *address = get_address(device);

    self->generation++;
    g_hash_table_remove(self->by_name, device->def->name);
    unindex_path(self, device);
    if (address != NULL && g_hash_table_lookup(self->by_address, address) == link)
        g_hash_table_remove(self->by_address, address);
    if (device->definition != NULL)
        unindex_definition(self, device);
    return link;
}


/* Takes ownership of `def`. */
static void
replace_def(MdNodeDevice *device, MdNodeDeviceDef *def)
{
    md_node_device_def_unref(device->def);
    device->def = def;
}


/* Whether a device uses resources of its parent. */
static gboolean
consumes_parent(const MdNodeDevice *child, const MdNodeDevice *parent)
{
    const MdCapKind *kind = md_node_device_def_get_kind(child->def);

    return kind->consumes != NULL && kind->consumes(md_node_device_def_get_kind(parent->def));
}


MdNodeDevice *
md_registry_find_consumed(MdRegistry *self, const MdNodeDevice *child)
{
    MdNodeDevice *parent = NULL;

    /* The computer has no parent. */
    if (child->def->parent != NULL)
        parent = md_registry_find(self, child->def->parent);
    return parent != NULL && parent->def->path != NULL && consumes_parent(child, parent) ? parent
                                                                                         : NULL;
}


/* To be called when a child has appeared or disappeared, because the parent's available resources
 * may have changed. */
static void
signal_parent_updated(MdRegistry *self, const MdNodeDevice *child)
{
    MdNodeDevice *parent = md_registry_find_consumed(self, child);

    if (parent != NULL)
        g_signal_emit(self, signals[SIGNAL_UPDATED], 0, parent);
}


/* Describes the device of a definition, which names its parent by address. */
static MdNodeDeviceDef *
describe_definition(MdRegistry *self, const MdDefinition *definition)
{
    MdNodeDevice *parent = md_registry_find_address(self, definition->parent_addr);

    return md_definition_to_device(definition,
                                   parent != NULL ? parent->def->name : MD_NAME_COMPUTER);
}


GList *
md_registry_list_defined(MdRegistry *self, const char *address)
{
    GHashTable *children = g_hash_table_lookup(self->defined, address);

    return children != NULL ? g_hash_table_get_keys(children) : NULL;
}


/* To be called when a parent has appeared or disappeared, which changes the parent in the documents
 * of its inactive, defined devices. */
static void
describe_children_again(MdRegistry *self, const char *address)
{
    g_autoptr(GList) children = md_registry_list_defined(self, address);

    /* A signal handler may remove another device. */
    for (GList *link = children; link != NULL; link = link->next)
        md_node_device_ref(link->data);
    for (GList *link = children; link != NULL; link = link->next) {
        g_autoptr(MdNodeDevice) device = link->data;

        if (!device->active && device->definition != NULL)
            md_registry_update(self, device, describe_definition(self, device->definition));
    }
}


/* Adds a new active device. Takes ownership of `def`. */
static GList *
append_device(MdRegistry *self, MdNodeDeviceDef *def, guint64 inode)
{
    g_queue_push_tail(&self->devices, md_node_device_new(def, inode));
    return self->devices.tail;
}


/* Assumes that a program that has started a defined device has also set the defined attributes,
 * unless the type differs. */
static void
adopt_attrs(MdNodeDeviceDef *def, const MdDefinition *definition)
{
    if (md_definition_has_type_of(definition, def))
        md_node_device_def_set_attrs(def, definition->attrs);
}


MdNodeDevice *
md_registry_activate(MdRegistry *self, MdNodeDeviceDef *def, guint64 inode)
{
    MdNodeDevice *known = md_registry_find(self, def->name);
    g_autoptr(MdNodeDevice) device = NULL;
    g_autofree char *address = NULL;
    GList *link = NULL;

    g_return_val_if_fail(known == NULL || !known->active, NULL);

    if (known == NULL) {
        link = append_device(self, def, inode);
    } else {
        link = unindex_device(self, known);
        g_queue_unlink(&self->devices, link);
        g_queue_push_tail_link(&self->devices, link);
        adopt_attrs(def, known->definition);
        replace_def(known, def);
        known->active = TRUE;
        known->inode = inode;
    }

    /* A signal handler may remove the device. */
    device = md_node_device_ref(link->data);
    address = g_strdup(get_address(device));
    index_device(self, link);
    g_signal_emit(self, signals[SIGNAL_CREATED], 0, device);
    signal_parent_updated(self, device);
    if (address != NULL)
        describe_children_again(self, address);
    return device->active ? device : NULL;
}


/* Removes the device that shares the path of a device being removed. */
static void
deactivate_sharing(MdRegistry *self, const MdNodeDevice *device)
{
    MdNodeDevice *child = NULL;

    if (device->def->path != NULL && !device->def->shares_path)
        child = md_registry_find_sharing(self, device->def->path);
    if (child != NULL)
        md_registry_deactivate(self, child);
}


void
md_registry_deactivate(MdRegistry *self, MdNodeDevice *device)
{
    g_autoptr(MdNodeDevice) keep = md_node_device_ref(device);
    g_autofree char *address = g_strdup(get_address(device));
    GList *link = NULL;

    g_return_if_fail(device->active);

    deactivate_sharing(self, device);
    /* A signal handler may have removed the device. */
    if (!device->active)
        return;
    link = unindex_device(self, device);
    device->active = FALSE;
    if (device->definition != NULL) {
        replace_def(device, describe_definition(self, device->definition));
        index_device(self, link);
    } else {
        g_queue_delete_link(&self->devices, link);
        md_node_device_unref(device);
    }
    g_signal_emit(self, signals[SIGNAL_DELETED], 0, keep);
    signal_parent_updated(self, keep);
    if (address != NULL)
        describe_children_again(self, address);
}


void
md_registry_replace(MdRegistry *self, MdNodeDevice *device, MdNodeDeviceDef *def)
{
    GList *link = NULL;

    g_return_if_fail(g_str_equal(device->def->name, def->name));

    link = unindex_device(self, device);
    replace_def(device, def);
    index_device(self, link);
}


void
md_registry_update(MdRegistry *self, MdNodeDevice *device, MdNodeDeviceDef *def)
{
    md_registry_replace(self, device, def);
    g_signal_emit(self, signals[SIGNAL_UPDATED], 0, device);
}


void
md_registry_set_attrs(MdRegistry *self, MdNodeDevice *device, GPtrArray *attrs)
{
    GPtrArray *known = md_node_device_def_get_attrs(device->def);
    MdNodeDeviceDef *def = NULL;

    if (known == NULL || (known->len == 0 && attrs->len == 0))
        return;

    def = md_node_device_def_copy(device->def);
    md_node_device_def_set_attrs(def, attrs);
    md_registry_replace(self, device, def);
}


/* Adds a new inactive device. */
static void
add_defined(MdRegistry *self, MdDefinition *definition)
{
    GList *link = append_device(self, describe_definition(self, definition), 0);
    MdNodeDevice *device = link->data;

    device->active = FALSE;
    device->definition = md_definition_ref(definition);
    index_device(self, link);
    g_signal_emit(self, signals[SIGNAL_DEFINED], 0, device);
}


void
md_registry_define(MdRegistry *self, MdDefinition *definition)
{
    g_autofree char *name = md_definition_make_name(definition);
    MdNodeDevice *device = md_registry_find(self, name);
    GList *link = NULL;
    gboolean is_new = FALSE;

    if (device == NULL) {
        add_defined(self, definition);
        return;
    }

    is_new = device->definition == NULL;
    link = unindex_device(self, device);
    md_definition_unref(device->definition);
    device->definition = md_definition_ref(definition);
    if (!device->active)
        replace_def(device, describe_definition(self, definition));
    index_device(self, link);
    g_signal_emit(self, signals[is_new ? SIGNAL_DEFINED : SIGNAL_UPDATED], 0, device);
}


void
md_registry_undefine(MdRegistry *self, MdNodeDevice *device)
{
    g_autoptr(MdNodeDevice) keep = md_node_device_ref(device);
    GList *link = NULL;

    g_return_if_fail(device->definition != NULL);

    link = unindex_device(self, device);
    g_clear_pointer(&device->definition, md_definition_unref);
    if (device->active) {
        index_device(self, link);
    } else {
        g_queue_delete_link(&self->devices, link);
        md_node_device_unref(device);
    }
    g_signal_emit(self, signals[SIGNAL_UNDEFINED], 0, keep);
}


MdNodeDevice *
md_registry_find(MdRegistry *self, const char *name)
{
    GList *link = g_hash_table_lookup(self->by_name, name);

    return link != NULL ? link->data : NULL;
}


MdNodeDevice *
md_registry_look_up(MdRegistry *self, const char *name, GError **error)
{
    MdNodeDevice *device = md_registry_find(self, name);

    if (device == NULL)
        md_error_set(error, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'", name);
    return device;
}


MdNodeDevice *
md_registry_find_path(MdRegistry *self, const char *path)
{
    GList *link = g_tree_lookup(self->by_path, path);

    return link != NULL ? link->data : NULL;
}


MdNodeDevice *
md_registry_find_sharing(MdRegistry *self, const char *path)
{
    GList *link = g_hash_table_lookup(self->by_shared_path, path);

    return link != NULL ? link->data : NULL;
}


GPtrArray *
md_registry_list_below(MdRegistry *self, const char *path)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *prefix = g_strconcat(path, "/", NULL);

    for (GTreeNode *node = g_tree_lower_bound(self->by_path, prefix);
         node != NULL && g_str_has_prefix(g_tree_node_key(node), prefix);
         node = g_tree_node_next(node))
        g_ptr_array_add(paths, g_strdup(g_tree_node_key(node)));
    return paths;
}


MdNodeDevice *
md_registry_find_address(MdRegistry *self, const char *address)
{
    GList *link = g_hash_table_lookup(self->by_address, address);

    return link != NULL ? link->data : NULL;
}


GList *
md_registry_list(MdRegistry *self)
{
    return self->devices.head;
}


guint64
md_registry_get_generation(MdRegistry *self)
{
    return self->generation;
}


guint
md_registry_size(MdRegistry *self)
{
    return self->devices.length;
}
