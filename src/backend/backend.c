/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "backend/backend.h"

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
