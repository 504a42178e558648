/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/inventory.h"

#include "conf/xml.h"
#include "node_device/probe.h"
#include "util/error.h"
#include "util/names.h"

/*
 * How long to wait before looking again at a device that another program is creating, in
 * milliseconds. The kernel sends no event when it adds the last pieces, which it does right after
 * the first ones.
 */
#define LOOK_AGAIN_FIRST 1
#define LOOK_AGAIN_MAX   100

struct _MdInventory {
    GObject parent;

    MdRegistry *registry;
    const MdSettings *settings;
    MdUdev *udev;
    MdWaiter *waiter;

    GHashTable
        *incomplete;     /* path -> Incomplete: announced, but sysfs does not hold all of it yet */
    GHashTable *settled; /* path -> number of the last event that tells nothing new of it */
    guint64 looked_at_seq; /* events up to this one are older than our last look at all of sysfs */
};

typedef struct {
    MdInventory *inventory;
    char *path;
    gboolean bound; /* it has a driver: it has come to stay, if only for a moment */
    guint delay;
    guint waited;
    guint timer;
} Incomplete;

static void md_inventory_reconcile(MdInventory *self);

G_DEFINE_FINAL_TYPE(MdInventory, md_inventory, G_TYPE_OBJECT)


static void
incomplete_free(Incomplete *incomplete)
{
    g_clear_handle_id(&incomplete->timer, g_source_remove);
    g_free(incomplete->path);
    g_free(incomplete);
}


static void
md_inventory_dispose(GObject *object)
{
    MdInventory *self = MD_INVENTORY(object);

    if (self->udev != NULL)
        g_signal_handlers_disconnect_by_data(self->udev, self);
    g_clear_object(&self->udev);
    g_clear_object(&self->registry);
    g_clear_pointer(&self->incomplete, g_hash_table_unref);
    g_clear_pointer(&self->settled, g_hash_table_unref);
    g_clear_pointer(&self->waiter, md_waiter_free);
    G_OBJECT_CLASS(md_inventory_parent_class)->dispose(object);
}


static void
md_inventory_class_init(MdInventoryClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_inventory_dispose;
}


static void
md_inventory_init(MdInventory *self)
{
    self->udev = md_udev_new();
    self->incomplete =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)incomplete_free);
    self->settled = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}


/* The nearest device above that we know; the machine itself above all others. */
static char *
find_parent_name(MdInventory *self, const char *path)
{
    g_autofree char *above = g_path_get_dirname(path);

    while (g_str_has_prefix(above, MD_PATH_SYSFS_DEVICES "/")) {
        MdNodeDevice *parent = md_registry_find_path(self->registry, above);
        char *next = NULL;

        if (parent != NULL)
            return g_strdup(parent->def->name);
        next = g_path_get_dirname(above);
        g_free(above);
        above = next;
    }
    return g_strdup(MD_NAME_COMPUTER);
}


static MdNodeDeviceDef *
probe(MdInventory *self, MdUdevDevice *device, MdSysfsDir *dir)
{
    MdNodeDeviceDef *def = md_probe_device(self->udev, device, dir);

    if (def != NULL)
        def->parent = find_parent_name(self, def->path);
    return def;
}


static void
register_device(MdInventory *self, MdUdevDevice *udev_device, MdSysfsDir *dir)
{
    g_autoptr(MdNodeDeviceDef) def = probe(self, udev_device, dir);
    MdNodeDevice *known = def != NULL ? md_registry_find(self->registry, def->name) : NULL;

    if (def == NULL)
        return;
    if (known != NULL && known->active) {
        g_warning("Device '%s' has the name '%s' of another one, ignoring", def->path, def->name);
        return;
    }
    md_registry_activate(self->registry, g_steal_pointer(&def),
                         dir != NULL ? md_sysfs_dir_get_inode(dir) : 0);
}


/* Registers a device whatever it lacks, if it is there at all. */
static void
register_path(MdInventory *self, const char *path)
{
    g_autoptr(MdUdevDevice) device = md_udev_look_up(self->udev, path);
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, NULL);

    if (device != NULL && dir != NULL && md_sysfs_dir_is_alive(dir))
        register_device(self, device, dir);
}


static gboolean
on_look_again(gpointer data)
{
    Incomplete *incomplete = data;
    MdInventory *self = incomplete->inventory;
    g_autofree char *path = g_strdup(incomplete->path);
    g_autoptr(MdUdevDevice) device = md_udev_look_up(self->udev, path);
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, NULL);
    gboolean complete = device != NULL && dir != NULL && md_probe_is_complete(device, dir);

    incomplete->waited += incomplete->delay;
    if (!complete && incomplete->waited < self->settings->event_timeout) {
        incomplete->delay = MIN(incomplete->delay * 2, LOOK_AGAIN_MAX);
        incomplete->timer = g_timeout_add(incomplete->delay, on_look_again, incomplete);
        return G_SOURCE_REMOVE;
    }

    incomplete->timer = 0;
    g_hash_table_remove(self->incomplete, path);
    register_path(self, path);
    return G_SOURCE_REMOVE;
}


static void
wait_for_completion(MdInventory *self, const char *path)
{
    Incomplete *incomplete = NULL;

    if (g_hash_table_contains(self->incomplete, path))
        return;

    incomplete = g_new0(Incomplete, 1);
    incomplete->inventory = self;
    incomplete->path = g_strdup(path);
    incomplete->delay = LOOK_AGAIN_FIRST;
    incomplete->timer = g_timeout_add(incomplete->delay, on_look_again, incomplete);
    g_hash_table_insert(self->incomplete, incomplete->path, incomplete);
}


/* A device that is not registered yet has shown up. */
static void
consider(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(path, NULL);

    if (dir == NULL || !md_sysfs_dir_is_alive(dir))
        return;

    if (!md_probe_is_complete(device, dir)) {
        wait_for_completion(self, path);
    } else {
        g_hash_table_remove(self->incomplete, path);
        register_device(self, device, dir);
    }
}


/* Forgets what is registered at a path, and tells so, or what was about to be. */
static void
drop(MdInventory *self, const char *path)
{
    MdNodeDevice *device = md_registry_find_path(self->registry, path);

    g_hash_table_remove(self->incomplete, path);
    if (device != NULL)
        md_registry_deactivate(self->registry, device);
}


/* TRUE if the registered device is the one that sysfs holds at its path. */
static gboolean
is_there(MdNodeDevice *device)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MdSysfsDir) dir = md_sysfs_dir_open(device->def->path, &error);

    if (dir == NULL)
        return !md_error_is_gone(error);
    return md_sysfs_dir_get_inode(dir) == device->inode && md_sysfs_dir_is_alive(dir);
}


static gboolean
is_same(const MdNodeDeviceDef *a, const MdNodeDeviceDef *b)
{
    g_autofree char *xml_a = md_xml_format(a, FALSE);
    g_autofree char *xml_b = md_xml_format(b, FALSE);

    return g_str_equal(xml_a, xml_b) &&
           md_node_device_def_get_flags(a) == md_node_device_def_get_flags(b);
}


/* A mediated device has nothing that we keep and that could change: it is bound as it comes and
 * unbound as it goes. */
static gboolean
is_settled(MdNodeDevice *device)
{
    return md_node_device_is_mdev(device);
}


/* Reads a registered device again; `always`: tells of it even if nothing that we keep has changed.
 */
static void
look_again_at(MdInventory *self, MdNodeDevice *device, MdUdevDevice *udev_device, gboolean always)
{
    g_autoptr(MdSysfsDir) dir = NULL;
    g_autoptr(MdNodeDeviceDef) def = NULL;

    if (is_settled(device)) {
        if (always)
            md_registry_update(self->registry, device, md_node_device_def_ref(device->def));
        return;
    }

    dir = md_sysfs_dir_open(device->def->path, NULL);
    if (dir == NULL)
        return;

    def = probe(self, udev_device, dir);
    if (def == NULL || !g_str_equal(def->name, device->def->name)) {
        drop(self, device->def->path);
        return;
    }
    if (always || !is_same(def, device->def))
        md_registry_update(self->registry, device, g_steal_pointer(&def));
}


MdNodeDevice *
md_inventory_check(MdInventory *self, const char *path)
{
    MdNodeDevice *device = md_registry_find_path(self->registry, path);
    g_autoptr(MdUdevDevice) udev_device = NULL;

    if (device != NULL && is_there(device))
        return device;

    drop(self, path);
    if (md_waiter_is_waiting(self->waiter, path, MD_WAIT_ADD))
        return NULL;

    udev_device = md_udev_look_up(self->udev, path);
    if (udev_device != NULL)
        consider(self, udev_device);
    return md_registry_find_path(self->registry, path);
}


static void
handle_add(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);

    if (!md_waiter_notify(self->waiter, path, MD_WAIT_ADD))
        md_inventory_check(self, path);
}


/* Whether the kernel tells of something that has happened since we last looked at everything; what
 * is older, and what an administrator has triggered, only says where to look. */
static gboolean
is_news(MdInventory *self, MdUdevDevice *device)
{
    return md_udev_device_get_seqnum(device) > self->looked_at_seq &&
           md_udev_device_get_property(device, MD_PROPERTY_SYNTH_UUID) == NULL;
}


/* It has gone before we could read it. That it has been there is a fact all the same; the event of
 * its going is on its way. */
static void
register_vanished(MdInventory *self, MdUdevDevice *device)
{
    g_hash_table_remove(self->incomplete, md_udev_device_get_path(device));
    register_device(self, device, NULL);
}


static void
handle_bind(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);
    MdNodeDevice *known = md_registry_find_path(self->registry, path);
    Incomplete *incomplete = NULL;

    if (known != NULL) {
        look_again_at(self, known, device, FALSE);
        return;
    }
    if (md_waiter_is_waiting(self->waiter, path, MD_WAIT_ADD) ||
        md_inventory_check(self, path) != NULL)
        return;

    incomplete = g_hash_table_lookup(self->incomplete, path);
    if (incomplete != NULL)
        incomplete->bound = TRUE;
    else if (md_probe_is_told_by_bind(device) && is_news(self, device))
        register_vanished(self, device);
}


/*
 * What has come under the same path since then has events of its own behind this one, so that each
 * coming and going is told, whatever sysfs holds by now.
 */
static void
handle_remove(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);
    Incomplete *incomplete = g_hash_table_lookup(self->incomplete, path);

    if (incomplete != NULL && incomplete->bound)
        register_vanished(self, device);
    if (is_news(self, device))
        drop(self, path);
    else
        md_inventory_check(self, path);
    md_waiter_notify(self->waiter, path, MD_WAIT_REMOVE);
}


/* Anything else that has happened to a device: change, unbind, online ... */
static void
handle_change(MdInventory *self, MdUdevDevice *device, gboolean always)
{
    const char *path = md_udev_device_get_path(device);
    MdNodeDevice *known = md_registry_find_path(self->registry, path);

    /* An unknown one may have become a parent, but may also have been refused and gone by now. Of
     * what is told by bind nothing else tells. */
    if (known != NULL)
        look_again_at(self, known, device, always);
    else if (!md_probe_is_told_by_bind(device))
        md_inventory_check(self, path);
}


void
md_inventory_settle(MdInventory *self, const char *path)
{
    guint64 seqnum = md_udev_read_seqnum();

    g_hash_table_replace(self->settled, g_strdup(path), g_memdup2(&seqnum, sizeof(seqnum)));
}


/* Whether an event comes too late to tell anything. */
static gboolean
is_settled_before(MdInventory *self, MdUdevDevice *device)
{
    const char *path = md_udev_device_get_path(device);
    const guint64 *last = g_hash_table_lookup(self->settled, path);

    if (last == NULL)
        return FALSE;
    if (md_udev_device_get_seqnum(device) <= *last)
        return TRUE;
    g_hash_table_remove(self->settled, path);
    return FALSE;
}


static void
on_event(MdUdev *udev G_GNUC_UNUSED, const char *action, MdUdevDevice *device, MdInventory *self)
{
    if (!md_probe_is_of_interest(device) &&
        md_udev_device_get_property(device, MD_PROPERTY_MDEV_STATE) == NULL &&
        md_registry_find_path(self->registry, md_udev_device_get_path(device)) == NULL)
        return;
    if (is_settled_before(self, device))
        return;

    if (g_str_equal(action, "add"))
        handle_add(self, device);
    else if (g_str_equal(action, "remove"))
        handle_remove(self, device);
    else if (g_str_equal(action, "bind"))
        handle_bind(self, device);
    else
        handle_change(self, device, g_str_equal(action, "change"));
}


static void
on_lost(MdUdev *udev G_GNUC_UNUSED, MdInventory *self)
{
    g_message("Events of udev have been lost, comparing all devices with sysfs");
    md_inventory_reconcile(self);
}


/* Children first: the registry keeps devices in the order of their coming. */
static void
drop_vanished(MdInventory *self)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);

    for (GList *link = md_registry_list(self->registry); link != NULL; link = link->next) {
        MdNodeDevice *device = link->data;

        if (device->active && device->def->path != NULL && !is_there(device))
            g_ptr_array_add(gone, g_strdup(device->def->path));
    }
    for (guint i = gone->len; i > 0; i--)
        drop(self, g_ptr_array_index(gone, i - 1));
}


static void
look_again_at_all(MdInventory *self)
{
    GList *next = NULL;

    for (GList *link = md_registry_list(self->registry); link != NULL; link = next) {
        MdNodeDevice *device = link->data;
        g_autoptr(MdUdevDevice) udev_device = NULL;

        next = link->next;
        if (!device->active || device->def->path == NULL || is_settled(device))
            continue;
        udev_device = md_udev_look_up(self->udev, device->def->path);
        if (udev_device != NULL)
            look_again_at(self, device, udev_device, FALSE);
    }
}


static void
take_in_new(MdInventory *self)
{
    g_autoptr(GPtrArray) paths = md_udev_enumerate(md_probe_get_subsystems());

    for (guint i = 0; i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i);

        if (md_registry_find_path(self->registry, path) == NULL)
            md_inventory_check(self, path);
    }
}


static void
tell_waiters(MdInventory *self)
{
    g_autoptr(GPtrArray) adds = md_waiter_list(self->waiter, MD_WAIT_ADD);
    g_autoptr(GPtrArray) removes = md_waiter_list(self->waiter, MD_WAIT_REMOVE);

    for (guint i = 0; i < adds->len; i++) {
        if (g_file_test(g_ptr_array_index(adds, i), G_FILE_TEST_IS_DIR))
            md_waiter_notify(self->waiter, g_ptr_array_index(adds, i), MD_WAIT_ADD);
    }
    for (guint i = 0; i < removes->len; i++) {
        if (md_inventory_check(self, g_ptr_array_index(removes, i)) == NULL)
            md_waiter_notify(self->waiter, g_ptr_array_index(removes, i), MD_WAIT_REMOVE);
    }
}


static void
md_inventory_reconcile(MdInventory *self)
{
    /* Read first: what happens while we look may be told again, but not be missed. */
    self->looked_at_seq = md_udev_read_seqnum();
    drop_vanished(self);
    look_again_at_all(self);
    take_in_new(self);
    tell_waiters(self);
}


MdInventory *
md_inventory_new(MdRegistry *registry, const MdSettings *settings)
{
    MdInventory *self = g_object_new(MD_TYPE_INVENTORY, NULL);

    self->registry = g_object_ref(registry);
    self->settings = settings;
    self->waiter = md_waiter_new(settings);
    return self;
}


gboolean
md_inventory_start(MdInventory *self, GError **error)
{
    g_signal_connect(self->udev, "event", G_CALLBACK(on_event), self);
    g_signal_connect(self->udev, "lost", G_CALLBACK(on_lost), self);
    if (!md_udev_start(self->udev, self->settings->udev_receive_buffer, error))
        return FALSE;

    md_registry_activate(self->registry, md_probe_system(), 0);
    md_inventory_reconcile(self);
    g_debug("%u devices found", md_registry_size(self->registry));
    return TRUE;
}


MdWaiter *
md_inventory_get_waiter(MdInventory *self)
{
    return self->waiter;
}
