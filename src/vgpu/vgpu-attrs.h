/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The attributes of vGPUs in documents and definitions: parameters of the vendor. */
#pragma once

#include <glib.h>

/* Whether each of `attrs` (of MdMdevAttr) is a parameter of a vendor; otherwise
 * VIR_ERR_CONFIG_UNSUPPORTED names the first one that is not. */
gboolean md_vgpu_attrs_check(GPtrArray *attrs, GError **error);
