/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/document.h"

#include "conf/cap-mdev.h"
#include "conf/xml.h"
#include "node_device/probe/probe.h"
#include "util/worker.h"

/* A document to be made. */
typedef struct {
    const MdBackendHost *host;
    MdOwner *owner;
    MdNodeDeviceDef *def;
    guint64 inode;
    gboolean details;
    char *document;
} Document;


static void
document_free(Document *self)
{
    md_owner_unref(self->owner);
    md_node_device_def_unref(self->def);
    g_free(self->document);
    g_free(self);
}


static gboolean
make(Document *self, gboolean may_block, GError **error)
{
    g_autoptr(MdNodeDeviceDef) fresh = md_probe_refresh(self->def, self->inode, may_block, error);

    if (fresh == NULL)
        return FALSE;
    self->document = md_xml_format(fresh, self->details);
    return TRUE;
}


static gboolean
make_on_worker(gpointer data, GError **error)
{
    return make(data, TRUE, error);
}


static void
on_made(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    GError *error = NULL;
    Document *self = md_worker_run_finish(result, &error);

    if (self == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, g_steal_pointer(&self->document), g_free);
}


/* Takes both over. */
static void
begin(GTask *task, Document *self)
{
    g_autoptr(GError) error = NULL;

    if (make(self, FALSE, &error)) {
        g_task_return_pointer(task, g_steal_pointer(&self->document), g_free);
    } else if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        md_worker_run_async(make_on_worker, self, (GDestroyNotify)document_free, MD_WORKER_READ,
                            self->inode, self->host->settings->driver_timeout, self->owner, on_made,
                            task);
        return;
    } else {
        g_task_return_error(task, g_steal_pointer(&error));
    }
    document_free(self);
    g_object_unref(task);
}


static void
on_attributes(GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
    GTask *task = data;
    Document *self = g_task_get_task_data(task);
    g_autoptr(GError) error = NULL;
    GPtrArray *attrs = md_callouts_get_attributes_finish(result, &error);

    if (attrs != NULL) {
        MdNodeDeviceDef *def = md_node_device_def_copy(self->def);
        MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);

        g_ptr_array_unref(cap->attrs);
        cap->attrs = attrs;
        md_node_device_def_unref(self->def);
        self->def = def;
    } else if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED)) {
        g_message("Attributes of '%s': %s", self->def->name, error->message);
    }
    begin(task, self);
}


void
md_document_make_async(const MdBackendHost *host,
                       MdNodeDeviceDef *def,
                       guint64 inode,
                       MdOwner *owner,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
    const MdCapMdev *cap = md_node_device_def_get_cap(def, &md_cap_kind_mdev);
    GTask *task = g_task_new(NULL, NULL, callback, user_data);
    Document *self = g_new0(Document, 1);

    g_task_set_source_tag(task, md_document_make_async);
    self->host = host;
    self->owner = md_owner_ref(owner);
    self->def = md_node_device_def_ref(def);
    self->inode = inode;
    self->details = host->settings->xml_details;

    /* Only of one that is active. */
    if (cap == NULL || def->path == NULL || cap->type_id == NULL ||
        !md_callouts_exist(host->callouts)) {
        begin(task, self);
        return;
    }
    g_task_set_task_data(task, self, NULL);
    md_callouts_get_attributes_async(host->callouts, cap->parent_addr, cap->uuid, cap->type_id,
                                     owner, on_attributes, task);
}


char *
md_document_make_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_document_make_async), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}
