/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/backends.h"

#include "mdev/mdev.h"
#include "util/error.h"
#include "vhba/vhba.h"

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
md_backends_find(const MdNodeDeviceDef *def, GError **error)
{
    return find(def, FALSE, error);
}


const MdBackend *
md_backends_find_persistent(const MdNodeDeviceDef *def, GError **error)
{
    return find(def, TRUE, error);
}
