/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/backend.h"

#include "util/error.h"

static const MdBackend *const backends[] = {
    &md_backend_mdev,
    &md_backend_vhba,
};


static const MdBackend *
find(const MdNodeDeviceDef *def, gboolean keeps, GError **error)
{
    const MdCap *cap = g_ptr_array_index(def->caps, 0);

    for (gsize i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (backends[i]->kind == cap->kind && (!keeps || backends[i]->define_async != NULL))
            return backends[i];
    }
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "Unsupported device type '%s' of device '%s'",
                 cap->kind->name, def->name != NULL ? def->name : "");
    return NULL;
}


const MdBackend *
md_backend_find(const MdNodeDeviceDef *def, GError **error)
{
    return find(def, FALSE, error);
}


const MdBackend *
md_backend_find_keeper(const MdNodeDeviceDef *def, GError **error)
{
    return find(def, TRUE, error);
}


char *
md_backend_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_backend_finish), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}


GTask *
md_backend_task_new(GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, NULL, callback, user_data);

    g_task_set_source_tag(task, md_backend_finish);
    return task;
}


void
md_backend_task_end(GTask *task, const char *name, GError *error)
{
    if (error != NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, g_strdup(name), g_free);
}
