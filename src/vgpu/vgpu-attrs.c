/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "vgpu/vgpu-attrs.h"

#include "conf/cap-mdev.h"
#include "util/error.h"
#include "vendor/vendors.h"


static gboolean
is_parameter(const char *name)
{
    const MdVendor *const *vendors = md_vendors_list();

    for (gsize i = 0; vendors[i] != NULL; i++) {
        if (vendors[i]->is_parameter(name))
            return TRUE;
    }
    return FALSE;
}


gboolean
md_vgpu_attrs_check(GPtrArray *attrs, GError **error)
{
    for (guint i = 0; i < attrs->len; i++) {
        const MdMdevAttr *attr = g_ptr_array_index(attrs, i);

        if (is_parameter(attr->name))
            continue;
        md_error_set(error, VIR_ERR_CONFIG_UNSUPPORTED,
                     "attribute '%s' is not a parameter of vGPUs", attr->name);
        return FALSE;
    }
    return TRUE;
}
