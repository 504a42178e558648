/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/cap-mdev.h"
#include "conf/xml.h"
#include "node_device/driver-private.h"
#include "util/error.h"
#include "util/names.h"

#define SCHEMA LIBVIRT_SCHEMADIR "/nodedev.rng"

/* A name since libvirt 8.10, of CREATE_XML_VALIDATE's value. */
#define DEFINE_XML_VALIDATE (1U << 0)


static GTask *
change_new(MdDriver *self,
           const MdBackend *backend,
           GAsyncReadyCallback callback,
           gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);

    g_task_set_source_tag(task, md_driver_change_finish);
    g_task_set_task_data(task, (gpointer)backend, NULL);
    return task;
}


static void
on_backend_done(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    const MdBackend *backend = g_task_get_task_data(task);
    GError *error = NULL;
    char *name = backend->finish(result, &error);

    if (name == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, name, g_free);
}


char *
md_driver_change_finish(MdDriver *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}


static void
refuse(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data, GError *error)
{
    g_autoptr(GTask) task = change_new(self, NULL, callback, user_data);

    g_task_return_error(task, error);
}


/* By name, or by address: what the kernel calls it. */
static MdNodeDevice *
find_parent(MdDriver *self, const char *wanted)
{
    MdNodeDevice *device = md_registry_find(self->host.registry, wanted);

    return device != NULL ? device : md_registry_find_address(self->host.registry, wanted);
}


/* How a document names the parent; NULL and the error if it does not. */
static const char *
get_parent(const MdNodeDeviceDef *def, GError **error)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = def->parent != NULL ? def->parent : cap->parent_addr;

    if (wanted == NULL)
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "missing parent device");
    return wanted;
}


static void
set_invalid_parent(const char *wanted, GError **error)
{
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "invalid parent device '%s'", wanted);
}


/* The device that a document to be kept names as its parent. The machine itself stands in our own
 * documents for one that is not there: then the address tells. */
static MdNodeDevice *
find_kept_parent(MdDriver *self, const char *wanted, const MdCapMdev *cap)
{
    if (cap->parent_addr != NULL && g_str_equal(wanted, MD_NAME_COMPUTER))
        return md_registry_find_address(self->host.registry, cap->parent_addr);
    return find_parent(self, wanted);
}


/*
 * The address that a document means, its only name where the parent is not there. An address that
 * is given beside the name of a parent that is there does not count, as with libvirt.
 */
static gboolean
find_address(MdDriver *self, MdNodeDeviceDef *def, MdNodeDevice **parent, GError **error)
{
    MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = get_parent(def, error);
    g_autofree char *address = NULL;

    if (wanted == NULL)
        return FALSE;

    *parent = find_kept_parent(self, wanted, cap);
    if (*parent != NULL && ((*parent)->def->path == NULL || md_node_device_is_mdev(*parent))) {
        md_error_set(error, VIR_ERR_PARSE_FAILED, "Unable to find address for parent device '%s'",
                     wanted);
        return FALSE;
    }

    if (*parent != NULL)
        address = g_path_get_basename((*parent)->def->path);
    else
        address = md_cap_kind_make_address(wanted);
    if (address == NULL)
        address = g_strdup(cap->parent_addr);
    if (address == NULL) {
        set_invalid_parent(wanted, error);
        return FALSE;
    }
    g_free(cap->parent_addr);
    cap->parent_addr = g_steal_pointer(&address);
    return TRUE;
}


/* A document, as far as it can be judged by itself. */
static MdNodeDeviceDef *
read_document(const char *document, gboolean validate, const MdBackend **backend, GError **error)
{
    g_autoptr(MdNodeDeviceDef) def = NULL;

    if (validate && !md_xml_validate(document, SCHEMA, error))
        return NULL;
    def = md_xml_parse(document, error);
    if (def == NULL)
        return NULL;
    *backend = md_backend_find(def, error);
    return *backend != NULL ? g_steal_pointer(&def) : NULL;
}


/* Makes the device of `def` below the one that it names. */
static void
create(MdDriver *self,
       const MdBackend *backend,
       const MdNodeDeviceDef *def,
       GAsyncReadyCallback callback,
       gpointer user_data)
{
    GError *error = NULL;
    const char *wanted = get_parent(def, &error);
    MdNodeDevice *parent = wanted != NULL ? find_parent(self, wanted) : NULL;

    if (wanted != NULL && parent == NULL)
        set_invalid_parent(wanted, &error);
    if (parent == NULL || !backend->check_parent(parent, &error))
        refuse(self, callback, user_data, error);
    else
        backend->create_async(&self->host, parent, def, on_backend_done,
                              change_new(self, backend, callback, user_data));
}


/* An inactive device becomes what it is defined to be. */
static void
start(MdDriver *self, MdNodeDevice *device, GAsyncReadyCallback callback, gpointer user_data)
{
    const MdBackend *backend = md_backend_find(device->def, NULL);
    MdNodeDevice *parent =
        md_registry_find_address(self->host.registry, device->definition->parent_addr);
    g_autoptr(MdNodeDeviceDef) def = NULL;
    GError *error = NULL;

    if (parent == NULL) {
        md_error_set(&error, VIR_ERR_INTERNAL_ERROR,
                     "Unable to create mediated device '%s': its parent '%s' is not there",
                     device->def->name, device->definition->parent_addr);
        refuse(self, callback, user_data, error);
        return;
    }
    def = md_definition_to_device(device->definition, parent->def->name);
    create(self, backend, def, callback, user_data);
}


/* The definition that a document to create means, if it means one. */
static MdNodeDevice *
find_defined(MdDriver *self, const MdNodeDeviceDef *def)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    const char *wanted = get_parent(def, NULL);
    MdNodeDevice *parent = wanted != NULL ? find_parent(self, wanted) : NULL;
    MdNodeDevice *device = NULL;
    g_autofree char *address = NULL;
    g_autofree char *name = NULL;

    if (cap->uuid == NULL || parent == NULL || parent->def->path == NULL)
        return NULL;
    address = g_path_get_basename(parent->def->path);
    name = md_cap_mdev_make_name(cap->uuid, address);
    device = md_registry_find(self->host.registry, name);
    return device != NULL && !device->active ? device : NULL;
}


void
md_driver_create_xml_async(MdDriver *self,
                           const char *document,
                           guint flags,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
    g_autoptr(MdNodeDeviceDef) def = NULL;
    const MdBackend *backend = NULL;
    MdNodeDevice *defined = NULL;
    GError *error = NULL;

    if (md_error_check_flags(flags, VIR_NODE_DEVICE_CREATE_XML_VALIDATE, VIR_FROM_NODEDEV,
                             "virNodeDeviceCreateXML", &error))
        def = read_document(document, flags != 0, &backend, &error);
    if (def == NULL) {
        refuse(self, callback, user_data, error);
        return;
    }

    defined = find_defined(self, def);
    if (defined != NULL)
        start(self, defined, callback, user_data);
    else
        create(self, backend, def, callback, user_data);
}


void
md_driver_create_async(
    MdDriver *self, const char *name, guint flags, GAsyncReadyCallback callback, gpointer user_data)
{
    MdNodeDevice *device = NULL;
    GError *error = NULL;

    if (md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeDeviceCreate", &error))
        device = md_driver_look_up(self, name, &error);
    if (device != NULL && !device->active) {
        start(self, device, callback, user_data);
        return;
    }
    if (device != NULL)
        md_error_set(&error, VIR_ERR_OPERATION_INVALID, "Device '%s' is already active", name);
    refuse(self, callback, user_data, error);
}


void
md_driver_destroy_async(MdDriver *self,
                        const char *name,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
    const MdBackend *backend = NULL;
    GError *error = NULL;
    MdNodeDevice *device = md_driver_look_up(self, name, &error);

    if (device != NULL)
        backend = md_backend_find(device->def, &error);
    if (backend != NULL && !device->active)
        md_error_set(&error, VIR_ERR_OPERATION_INVALID, "Device '%s' is not active", name);
    if (error != NULL)
        refuse(self, callback, user_data, error);
    else
        backend->destroy_async(&self->host, device, on_backend_done,
                               change_new(self, backend, callback, user_data));
}


void
md_driver_define_xml_async(MdDriver *self,
                           const char *document,
                           guint flags,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
    g_autoptr(MdNodeDeviceDef) def = NULL;
    const MdBackend *backend = NULL;
    MdNodeDevice *parent = NULL;
    GError *error = NULL;

    if (md_error_check_flags(flags, DEFINE_XML_VALIDATE, VIR_FROM_NODEDEV, "virNodeDeviceDefineXML",
                             &error))
        def = read_document(document, flags != 0, &backend, &error);
    if (def == NULL || !find_address(self, def, &parent, &error))
        refuse(self, callback, user_data, error);
    else
        backend->define_async(&self->host, parent, def, on_backend_done,
                              change_new(self, backend, callback, user_data));
}


void
md_driver_undefine_async(
    MdDriver *self, const char *name, guint flags, GAsyncReadyCallback callback, gpointer user_data)
{
    MdNodeDevice *device = NULL;
    const MdBackend *backend = NULL;
    GError *error = NULL;

    if (md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeDeviceUndefine", &error))
        device = md_driver_look_up(self, name, &error);
    if (device != NULL) {
        backend = md_backend_find(device->def, NULL);
        if (backend == NULL)
            md_error_set(&error, VIR_ERR_OPERATION_INVALID, "Node device '%s' is not defined",
                         name);
    }
    if (backend == NULL)
        refuse(self, callback, user_data, error);
    else
        backend->undefine_async(&self->host, name, on_backend_done,
                                change_new(self, backend, callback, user_data));
}


void
md_driver_set_autostart_async(MdDriver *self,
                              const char *name,
                              gboolean autostart,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
    const MdBackend *backend = NULL;
    GError *error = NULL;
    MdNodeDevice *device = md_driver_look_up(self, name, &error);

    if (device != NULL) {
        backend = md_backend_find(device->def, NULL);
        if (backend == NULL)
            md_error_set(&error, VIR_ERR_OPERATION_UNSUPPORTED,
                         "Unsupported device type: autostart of '%s' cannot be set", name);
    }
    if (backend == NULL)
        refuse(self, callback, user_data, error);
    else
        backend->set_autostart_async(&self->host, name, autostart, on_backend_done,
                                     change_new(self, backend, callback, user_data));
}


static guint
get_what(guint flags)
{
    return ((flags & MD_UPDATE_LIVE) != 0 ? MD_BACKEND_UPDATE_LIVE : 0) |
           ((flags & MD_UPDATE_CONFIG) != 0 ? MD_BACKEND_UPDATE_CONFIG : 0);
}


void
md_driver_update_async(MdDriver *self,
                       const char *name,
                       const char *document,
                       guint flags,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
    g_autoptr(MdNodeDeviceDef) def = NULL;
    MdNodeDevice *device = NULL;
    MdNodeDevice *parent = NULL;
    const MdBackend *backend = NULL;
    GError *error = NULL;

    if (md_error_check_flags(flags, MD_UPDATE_LIVE | MD_UPDATE_CONFIG, VIR_FROM_NODEDEV,
                             "virNodeDeviceUpdate", &error))
        device = md_driver_look_up(self, name, &error);
    if (device != NULL && md_backend_find(device->def, &error) != NULL)
        def = read_document(document, FALSE, &backend, &error);
    if (def == NULL || !find_address(self, def, &parent, &error))
        refuse(self, callback, user_data, error);
    else
        backend->update_async(&self->host, device, def, get_what(flags), on_backend_done,
                              change_new(self, backend, callback, user_data));
}
