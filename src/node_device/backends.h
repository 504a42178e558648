/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of all backends. Only the driver and autostart use it: backends do not know of each
 * other. */
#pragma once

#include "backend/backend.h"

/* The backend for a device or a document, or NULL with VIR_ERR_CONFIG_UNSUPPORTED. */
const MdBackend *
md_backends_find(const MdDriverContext *context, const MdNodeDeviceDef *def, GError **error);

/* The same, but only among the backends with definitions. */
const MdBackend *md_backends_find_persistent(const MdDriverContext *context,
                                             const MdNodeDeviceDef *def,
                                             GError **error);

/* The backend with definitions that serves this parent, or NULL. */
const MdBackend *
md_backends_find_serving(const MdDriverContext *context, const MdNodeDevice *parent);
