/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/driver.h"

#include "conf/cap-mdev.h"
#include "conf/xml.h"
#include "node_device/backend.h"
#include "node_device/inventory.h"
#include "node_device/probe.h"
#include "util/error.h"
#include "util/worker.h"

#define SCHEMA LIBVIRT_SCHEMADIR "/nodedev.rng"

/*
 * virConnectListAllNodeDeviceFlags, in three groups. Written as bits, as libvirt before 10.1 lacks
 * names for some: capabilities up to ccwgroup_member, persistent and transient, inactive and
 * active.
 */
#define LIST_CAPS       ((1U << 24) - 1)
#define LIST_PERSISTENT (1U << 28)
#define LIST_TRANSIENT  (1U << 29)
#define LIST_INACTIVE   (1U << 30)
#define LIST_ACTIVE     (1U << 31)
#define LIST_FLAGS      (LIST_CAPS | LIST_PERSISTENT | LIST_TRANSIENT | LIST_INACTIVE | LIST_ACTIVE)

struct _MdDriver {
    GObject parent;

    const MdSettings *settings;
    MdRegistry *registry;
    MdEvents *events;
    MdInventory *inventory;
};

G_DEFINE_FINAL_TYPE(MdDriver, md_driver, G_TYPE_OBJECT)


static void
md_driver_dispose(GObject *object)
{
    MdDriver *self = MD_DRIVER(object);

    g_clear_object(&self->inventory);
    g_clear_pointer(&self->events, md_events_free);
    g_clear_object(&self->registry);
    G_OBJECT_CLASS(md_driver_parent_class)->dispose(object);
}


static void
md_driver_class_init(MdDriverClass *klass)
{
    G_OBJECT_CLASS(klass)->dispose = md_driver_dispose;
}


static void
md_driver_init(MdDriver *self)
{
    self->registry = md_registry_new();
    self->events = md_events_new(self->registry);
}


MdDriver *
md_driver_new(const MdSettings *settings)
{
    MdDriver *self = g_object_new(MD_TYPE_DRIVER, NULL);

    self->settings = settings;
    self->inventory = md_inventory_new(self->registry, settings);
    return self;
}


gboolean
md_driver_start(MdDriver *self, GError **error)
{
    return md_inventory_start(self->inventory, error);
}


MdEvents *
md_driver_get_events(MdDriver *self)
{
    return self->events;
}


/* Devices made by others or by createXML live as long as the kernel keeps them; all hardware stays.
 */
static gboolean
is_transient(const MdNodeDeviceDef *def)
{
    return md_node_device_def_get_cap(def, &md_cap_kind_mdev) != NULL;
}


/* Of each group of flags none or any one must fit. */
static gboolean
matches(const MdNodeDeviceDef *def, guint flags)
{
    guint caps = flags & LIST_CAPS;
    guint activity = flags & (LIST_INACTIVE | LIST_ACTIVE);
    guint persistence = flags & (LIST_PERSISTENT | LIST_TRANSIENT);
    guint own = is_transient(def) ? LIST_TRANSIENT : LIST_PERSISTENT;

    if (caps != 0 && (md_node_device_def_get_flags(def) & caps) == 0)
        return FALSE;
    if (activity != 0 && (activity & LIST_ACTIVE) == 0)
        return FALSE;
    return persistence == 0 || (persistence & own) != 0;
}


GPtrArray *
md_driver_list_all(MdDriver *self, guint flags, GError **error)
{
    g_autoptr(GPtrArray) names = NULL;

    if (!md_error_check_flags(flags, LIST_FLAGS, VIR_FROM_NODEDEV, "virConnectListAllNodeDevices",
                              error))
        return NULL;

    names = g_ptr_array_new();
    for (GList *link = md_registry_list(self->registry); link != NULL; link = link->next) {
        MdNodeDevice *device = link->data;

        if (matches(device->def, flags))
            g_ptr_array_add(names, device->def->name);
    }
    return g_steal_pointer(&names);
}


GPtrArray *
md_driver_list_by_cap(MdDriver *self, const char *cap, guint flags, GError **error)
{
    const MdCapKind *kind = cap != NULL ? md_cap_kind_find(cap) : NULL;

    if (!md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeListDevices", error))
        return NULL;
    if (cap != NULL && kind == NULL)
        return g_ptr_array_new();
    return md_driver_list_all(self, kind != NULL ? kind->flag : 0, error);
}


MdNodeDevice *
md_driver_look_up(MdDriver *self, const char *name, GError **error)
{
    MdNodeDevice *device = md_registry_find(self->registry, name);

    if (device == NULL)
        md_error_set(error, VIR_ERR_NO_NODE_DEVICE, "no node device with matching name '%s'", name);
    return device;
}


gboolean
md_driver_get_parent(MdDriver *self, const char *name, const char **parent, GError **error)
{
    MdNodeDevice *device = md_driver_look_up(self, name, error);

    if (device == NULL)
        return FALSE;
    *parent = device->def->parent;
    return TRUE;
}


GPtrArray *
md_driver_list_caps(MdDriver *self, const char *name, GError **error)
{
    MdNodeDevice *device = md_driver_look_up(self, name, error);
    g_autoptr(GPtrArray) kinds = NULL;

    if (device == NULL)
        return NULL;

    kinds = md_node_device_def_list_caps(device->def);
    for (guint i = 0; i < kinds->len; i++)
        kinds->pdata[i] = (gpointer)((const MdCapKind *)kinds->pdata[i])->name;
    return g_steal_pointer(&kinds);
}


gboolean
md_driver_is_active(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    if (md_driver_look_up(self, name, error) == NULL)
        return FALSE;
    *value = TRUE;
    return TRUE;
}


gboolean
md_driver_is_persistent(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    MdNodeDevice *device = md_driver_look_up(self, name, error);

    if (device == NULL)
        return FALSE;
    *value = !is_transient(device->def);
    return TRUE;
}


gboolean
md_driver_get_autostart(MdDriver *self, const char *name, gboolean *value, GError **error)
{
    return md_driver_is_persistent(self, name, value, error);
}


/* A document to be made. */
typedef struct {
    MdNodeDeviceDef *def;
    guint64 inode;
    gboolean details;
    char *document;
} Dump;


static void
dump_free(Dump *dump)
{
    md_node_device_def_unref(dump->def);
    g_free(dump->document);
    g_free(dump);
}


static gboolean
make_document(Dump *dump, gboolean may_block, GError **error)
{
    g_autoptr(MdNodeDeviceDef) fresh = md_probe_refresh(dump->def, dump->inode, may_block, error);

    if (fresh == NULL)
        return FALSE;
    dump->document = md_xml_format(fresh, dump->details);
    return TRUE;
}


static gboolean
run_dump(gpointer data, GError **error)
{
    return make_document(data, TRUE, error);
}


static void
on_dumped(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    Dump *dump = md_worker_run_finish(result, &error);

    if (dump == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, g_steal_pointer(&dump->document), g_free);
}


void
md_driver_get_xml_async(
    MdDriver *self, const char *name, guint flags, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    g_autoptr(GError) error = NULL;
    MdNodeDevice *device = NULL;
    Dump *dump = NULL;

    g_task_set_source_tag(task, md_driver_get_xml_async);
    if (!md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeDeviceGetXMLDesc", &error) ||
        (device = md_driver_look_up(self, name, &error)) == NULL) {
        g_task_return_error(task, g_steal_pointer(&error));
        return;
    }

    dump = g_new0(Dump, 1);
    dump->def = md_node_device_def_ref(device->def);
    dump->inode = device->inode;
    dump->details = self->settings->xml_details;
    if (make_document(dump, FALSE, &error)) {
        g_task_return_pointer(task, g_steal_pointer(&dump->document), g_free);
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        md_worker_run_async(run_dump, dump, (GDestroyNotify)dump_free, MD_WORKER_READ,
                            device->inode, self->settings->driver_timeout, on_dumped,
                            g_steal_pointer(&task));
        return;
    } else {
        g_task_return_error(task, g_steal_pointer(&error));
    }
    dump_free(dump);
}


char *
md_driver_get_xml_finish(MdDriver *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}


/* By name, or by address: what the kernel calls it. */
static MdNodeDevice *
find_parent(MdDriver *self, const char *wanted)
{
    MdNodeDevice *device = md_registry_find(self->registry, wanted);

    if (device != NULL)
        return device;

    for (GList *link = md_registry_list(self->registry); link != NULL; link = link->next) {
        const char *path = NULL;

        device = link->data;
        path = device->def->path;
        if (path != NULL && g_str_equal(strrchr(path, '/') + 1, wanted) &&
            !is_transient(device->def))
            return device;
    }
    return NULL;
}


static MdNodeDevice *
look_up_parent(MdDriver *self, const MdNodeDeviceDef *def, GError **error)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = def->parent != NULL ? def->parent : cap->parent_addr;
    MdNodeDevice *parent = NULL;

    if (wanted == NULL) {
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing parent device");
        return NULL;
    }

    parent = find_parent(self, wanted);
    if (parent == NULL)
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "invalid parent device '%s'", wanted);
    return parent;
}


static void
on_backend_created(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    const MdBackend *backend = g_task_get_task_data(task);
    GError *error = NULL;
    char *name = backend->create_finish(result, &error);

    if (name == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, name, g_free);
}


/* All of a create that can be refused without touching the device. */
static MdNodeDeviceDef *
check_document(MdDriver *self,
               const char *document,
               guint flags,
               const MdBackend **backend,
               MdNodeDevice **parent,
               GError **error)
{
    g_autoptr(MdNodeDeviceDef) def = NULL;

    if (!md_error_check_flags(flags, VIR_NODE_DEVICE_CREATE_XML_VALIDATE, VIR_FROM_NODEDEV,
                              "virNodeDeviceCreateXML", error))
        return NULL;
    if ((flags & VIR_NODE_DEVICE_CREATE_XML_VALIDATE) != 0 &&
        !md_xml_validate(document, SCHEMA, error))
        return NULL;

    def = md_xml_parse(document, error);
    if (def == NULL)
        return NULL;
    *backend = md_backend_find(def, error);
    if (*backend == NULL)
        return NULL;
    *parent = look_up_parent(self, def, error);
    if (*parent == NULL || !(*backend)->check_parent(*parent, error))
        return NULL;
    return g_steal_pointer(&def);
}


void
md_driver_create_xml_async(MdDriver *self,
                           const char *document,
                           guint flags,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
    const MdBackendHost host = { self->inventory, self->settings };
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    g_autoptr(MdNodeDeviceDef) def = NULL;
    const MdBackend *backend = NULL;
    MdNodeDevice *parent = NULL;
    GError *error = NULL;

    g_task_set_source_tag(task, md_driver_create_xml_async);
    def = check_document(self, document, flags, &backend, &parent, &error);
    if (def == NULL) {
        g_task_return_error(task, error);
        return;
    }

    g_task_set_task_data(task, (gpointer)backend, NULL);
    backend->create_async(&host, parent, def, on_backend_created, g_steal_pointer(&task));
}


char *
md_driver_create_xml_finish(MdDriver *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}


static void
on_backend_destroyed(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    const MdBackend *backend = g_task_get_task_data(task);
    GError *error = NULL;
    gboolean ok = backend->destroy_finish(result, &error);

    if (ok)
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}


void
md_driver_destroy_async(MdDriver *self,
                        const char *name,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
    const MdBackendHost host = { self->inventory, self->settings };
    g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
    MdNodeDevice *device = NULL;
    const MdBackend *backend = NULL;
    GError *error = NULL;

    g_task_set_source_tag(task, md_driver_destroy_async);
    device = md_driver_look_up(self, name, &error);
    if (device != NULL)
        backend = md_backend_find(device->def, &error);
    if (backend == NULL) {
        g_task_return_error(task, error);
        return;
    }

    g_task_set_task_data(task, (gpointer)backend, NULL);
    backend->destroy_async(&host, device, on_backend_destroyed, g_steal_pointer(&task));
}


gboolean
md_driver_destroy_finish(MdDriver *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);

    return g_task_propagate_boolean(G_TASK(result), error);
}
