/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "backend/backend.h"

#include "util/error.h"


static gboolean
serves_named_parent(const MdBackend *backend,
                    const MdDriverContext *context,
                    const MdNodeDeviceDef *def)
{
    const MdNodeDevice *parent = backend->find_named_parent(context, def);

    return parent != NULL && backend->serves_parent(context, parent);
}


const MdBackend *
md_backend_choose(const MdBackend *const *backends,
                  const MdDriverContext *context,
                  const MdNodeDeviceDef *def,
                  gboolean persistent,
                  GError **error)
{
    const MdCapKind *kind = md_node_device_def_get_kind(def);
    const MdBackend *first = NULL;

    for (gsize i = 0; backends[i] != NULL; i++) {
        if (backends[i]->kind != kind || (persistent && backends[i]->definitions == NULL))
            continue;
        if (serves_named_parent(backends[i], context, def))
            return backends[i];
        if (first == NULL)
            first = backends[i];
    }
    if (first == NULL)
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "Unsupported device type '%s' of device '%s'", kind->name,
                     def->name != NULL ? def->name : "");
    return first;
}


char *
md_backend_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, md_backend_finish), NULL);

    return g_task_propagate_pointer(G_TASK(result), error);
}
