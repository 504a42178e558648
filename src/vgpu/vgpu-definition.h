/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of the backend of vGPUs that is about definitions. MdBackend describes the functions. */
#pragma once

#include "backend/backend.h"

extern const MdDefinitionOps md_vgpu_definition_ops;

/* If the document names a card, chooses a function of it: that of the device with the document's
 * UUID or, for a new device, the first one without vGPU and without definition. */
gboolean md_vgpu_definition_find_parent(const MdDriverContext *context,
                                        MdNodeDeviceDef *def,
                                        MdNodeDevice **parent,
                                        GError **error);
guint64
md_vgpu_definition_get_types_set(const MdDriverContext *context, const MdNodeDevice *parent);
gboolean md_vgpu_definition_will_remove(const MdDriverContext *context, const MdNodeDevice *device);
