/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/backend.h"

#include "util/error.h"

static const MdBackend *const backends[] = {
    &md_backend_mdev,
};


const MdBackend *
md_backend_find(const MdNodeDeviceDef *def, GError **error)
{
    const MdCap *cap = g_ptr_array_index(def->caps, 0);

    for (gsize i = 0; i < G_N_ELEMENTS(backends); i++) {
        if (backends[i]->kind == cap->kind)
            return backends[i];
    }
    md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED, "Unsupported device type '%s' of device '%s'",
                 cap->kind->name, def->name != NULL ? def->name : "");
    return NULL;
}
