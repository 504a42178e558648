/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "backend/definition-config.h"
#include "node_device/backends.h"
#include "node_device/draft.h"
#include "node_device/driver-private.h"
#include "util/error.h"

/* Named in libvirt since 8.10, with the value of CREATE_XML_VALIDATE. */
#define DEFINE_XML_VALIDATE (1U << 0)


static GTask *
change_new(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, NULL, callback, user_data);

    g_task_set_source_tag(task, md_driver_change_finish);
    return task;
}


static void
on_backend_done(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    char *name = md_backend_finish(result, &error);

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
refuse_change(MdDriver *self, GAsyncReadyCallback callback, gpointer user_data, GError *error)
{
    g_autoptr(GTask) task = change_new(self, callback, user_data);

    g_task_return_error(task, error);
}


/* Creates the device of `def` below its parent. */
static void
create_device(MdDriver *self,
              const MdBackend *backend,
              const MdNodeDeviceDef *def,
              MdOwner *owner,
              GAsyncReadyCallback callback,
              gpointer user_data)
{
    MdNodeDevice *parent = NULL;
    GError *error = NULL;

    if (!backend->find_parent(&self->context, def, &parent, &error))
        refuse_change(self, callback, user_data, error);
    else
        backend->create_async(&self->context, parent, def, owner, on_backend_done,
                              change_new(self, callback, user_data));
}


/* Creates an inactive device according to its definition. */
static void
start_device(MdDriver *self,
             MdNodeDevice *device,
             MdOwner *owner,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
    const MdBackend *backend = md_backends_find(&self->context, device->def, NULL);
    MdNodeDevice *parent =
        md_registry_find_address(self->context.registry, device->definition->parent_addr);
    g_autoptr(MdNodeDeviceDef) def = NULL;
    GError *error = NULL;

    if (parent == NULL) {
        md_error_set(&error, VIR_ERR_INTERNAL_ERROR,
                     "Unable to create mediated device '%s': no parent '%s'", device->def->name,
                     device->definition->parent_addr);
        refuse_change(self, callback, user_data, error);
        return;
    }
    def = md_definition_to_device(device->definition, parent->def->name);
    create_device(self, backend, def, owner, callback, user_data);
}


void
md_driver_create_xml_async(MdDriver *self,
                           const MdDraft *draft,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
    create_device(self, draft->backend, draft->def, owner, callback, user_data);
}


void
md_driver_create_async(MdDriver *self,
                       const char *name,
                       guint flags,
                       MdOwner *owner,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
    MdNodeDevice *device = NULL;
    GError *error = NULL;

    if (md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeDeviceCreate", &error))
        device = md_driver_look_up(self, name, &error);
    if (device != NULL && !device->active) {
        start_device(self, device, owner, callback, user_data);
        return;
    }
    if (device != NULL)
        md_error_set(&error, VIR_ERR_OPERATION_INVALID, "Device '%s' is already active", name);
    refuse_change(self, callback, user_data, error);
}


void
md_driver_destroy_async(MdDriver *self,
                        const char *name,
                        MdOwner *owner,
                        GAsyncReadyCallback callback,
                        gpointer user_data)
{
    const MdBackend *backend = NULL;
    GError *error = NULL;
    MdNodeDevice *device = md_driver_look_up(self, name, &error);

    if (device != NULL)
        backend = md_backends_find(&self->context, device->def, &error);
    if (backend != NULL && !device->active)
        md_error_set(&error, VIR_ERR_OPERATION_INVALID, "Device '%s' is not active", name);
    if (error != NULL)
        refuse_change(self, callback, user_data, error);
    else
        backend->destroy_async(&self->context, device, owner, on_backend_done,
                               change_new(self, callback, user_data));
}


void
md_driver_define_xml_async(MdDriver *self,
                           const MdDraft *draft,
                           gboolean guarded,
                           MdOwner *owner,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
    MdNodeDevice *parent = NULL;
    GError *error = NULL;

    if (!draft->backend->find_persistent_parent(&self->context, draft->def, &parent, &error))
        refuse_change(self, callback, user_data, error);
    else
        md_definition_config_define_async(&self->context, draft->backend->definitions, parent,
                                          draft->def, guarded, owner, on_backend_done,
                                          change_new(self, callback, user_data));
}


void
md_driver_undefine_async(MdDriver *self,
                         const char *name,
                         guint flags,
                         MdOwner *owner,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
    MdNodeDevice *device = NULL;
    const MdBackend *backend = NULL;
    GError *error = NULL;

    if (md_error_check_flags(flags, 0, VIR_FROM_NODEDEV, "virNodeDeviceUndefine", &error))
        device = md_driver_look_up(self, name, &error);
    if (device != NULL)
        backend = md_backends_find_persistent(&self->context, device->def, &error);
    /* Hardware cannot have a definition: libvirt's error. */
    if (device != NULL && backend == NULL && !md_node_device_is_persistent(device)) {
        g_clear_error(&error);
        md_error_set(&error, VIR_ERR_OPERATION_INVALID, "Node device '%s' is not defined", name);
    }
    if (backend == NULL)
        refuse_change(self, callback, user_data, error);
    else
        md_definition_config_undefine_async(&self->context, name, owner, on_backend_done,
                                            change_new(self, callback, user_data));
}


void
md_driver_set_autostart_async(MdDriver *self,
                              const char *name,
                              gboolean autostart,
                              MdOwner *owner,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
    const MdBackend *backend = NULL;
    GError *error = NULL;
    MdNodeDevice *device = md_driver_look_up(self, name, &error);

    if (device != NULL) {
        backend = md_backends_find_persistent(&self->context, device->def, NULL);
        if (backend == NULL)
            md_error_set(&error, VIR_ERR_OPERATION_UNSUPPORTED,
                         "Unsupported device type: autostart of '%s' cannot be set", name);
    }
    if (backend == NULL)
        refuse_change(self, callback, user_data, error);
    else
        md_definition_config_set_autostart_async(&self->context, backend->definitions, name,
                                                 autostart, owner, on_backend_done,
                                                 change_new(self, callback, user_data));
}


static guint
get_what(guint flags)
{
    return ((flags & MD_UPDATE_LIVE) != 0 ? MD_BACKEND_UPDATE_LIVE : 0) |
           ((flags & MD_UPDATE_CONFIG) != 0 ? MD_BACKEND_UPDATE_CONFIG : 0);
}


/* The backend of the device, regardless of the parent named in the document. NULL with an error if
 * the device does not exist or cannot be updated. */
static const MdBackend *
find_updating_backend(MdDriver *self, const char *name, MdNodeDevice **device, GError **error)
{
    *device = md_driver_look_up(self, name, error);

    return *device != NULL ? md_backends_find_persistent(&self->context, (*device)->def, error)
                           : NULL;
}


void
md_driver_read_document(MdDriver *self,
                        MdDraftUse use,
                        const char *name,
                        const char *document,
                        guint flags,
                        MdOwner *owner,
                        MdDraftFunc func,
                        gpointer user_data)
{
    static const struct {
        guint flags;
        guint validate; /* the flag that requests validation */
        const char *function;
        MdDraftFindBackend find;
    } uses[] = {
        [MD_DRAFT_CREATE] = { VIR_NODE_DEVICE_CREATE_XML_VALIDATE,
                              VIR_NODE_DEVICE_CREATE_XML_VALIDATE, "virNodeDeviceCreateXML",
                              md_backends_find },
        [MD_DRAFT_DEFINE] = { DEFINE_XML_VALIDATE, DEFINE_XML_VALIDATE, "virNodeDeviceDefineXML",
                              md_backends_find_persistent },
        [MD_DRAFT_UPDATE] = { MD_UPDATE_LIVE | MD_UPDATE_CONFIG, 0, "virNodeDeviceUpdate",
                              md_backends_find_persistent },
    };
    MdNodeDevice *device = NULL;
    GError *error = NULL;

    if (md_error_check_flags(flags, uses[use].flags, VIR_FROM_NODEDEV, uses[use].function,
                             &error) &&
        (name == NULL || find_updating_backend(self, name, &device, &error) != NULL))
        md_draft_read(document, (flags & uses[use].validate) != 0, uses[use].find, &self->context,
                      owner, func, user_data);
    else
        func(NULL, error, user_data);
}


void
md_driver_update_async(MdDriver *self,
                       const char *name,
                       const MdDraft *draft,
                       guint flags,
                       MdOwner *owner,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
    MdNodeDevice *device = NULL;
    MdNodeDevice *parent = NULL;
    GError *error = NULL;
    const MdBackend *backend = find_updating_backend(self, name, &device, &error);

    if (backend == NULL ||
        !backend->find_persistent_parent(&self->context, draft->def, &parent, &error))
        refuse_change(self, callback, user_data, error);
    else
        md_definition_config_update_async(&self->context, backend->definitions, device, draft->def,
                                          get_what(flags), owner, on_backend_done,
                                          change_new(self, callback, user_data));
}


MdNodeDevice *
md_driver_find_drafted(MdDriver *self, const MdDraft *draft)
{
    return draft->backend->find_present(&self->context, draft->def);
}


GPtrArray *
md_driver_list_parents(MdDriver *self, const MdDraft *draft)
{
    GPtrArray *names = g_ptr_array_new();

    draft->backend->list_parents(&self->context, draft->def, names);
    return names;
}
