/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "node_device/backends.h"

#include "mdev/mdev.h"
#include "vgpu/vgpu.h"
#include "vhba/vhba.h"

static const MdBackend *const backends[] = {
    &md_backend_mdev,
    &md_backend_vgpu,
    &md_backend_vhba,
    NULL,
};


const MdBackend *
md_backends_find(const MdDriverContext *context, const MdNodeDeviceDef *def, GError **error)
{
    return md_backend_choose(backends, context, def, FALSE, error);
}


const MdBackend *
md_backends_find_persistent(const MdDriverContext *context,
                            const MdNodeDeviceDef *def,
                            GError **error)
{
    return md_backend_choose(backends, context, def, TRUE, error);
}


const MdBackend *
md_backends_find_serving(const MdDriverContext *context, const MdNodeDevice *parent)
{
    for (gsize i = 0; backends[i] != NULL; i++) {
        if (backends[i]->definitions != NULL && backends[i]->serves_parent(context, parent))
            return backends[i];
    }
    return NULL;
}
