/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looks up the devices named in the documents of mediated devices, for all backends that create
 * these. MdBackend describes the functions. */
#pragma once

#include "backend/backend.h"

MdNodeDevice *md_mdev_parent_find_named(const MdDriverContext *context, const MdNodeDeviceDef *def);
gboolean md_mdev_parent_find(const MdDriverContext *context,
                             const MdNodeDeviceDef *def,
                             MdNodeDevice **parent,
                             GError **error);
gboolean md_mdev_parent_find_persistent(const MdDriverContext *context,
                                        MdNodeDeviceDef *def,
                                        MdNodeDevice **parent,
                                        GError **error);
void
md_mdev_parent_list(const MdDriverContext *context, const MdNodeDeviceDef *def, GPtrArray *names);
MdNodeDevice *
md_mdev_parent_find_present(const MdDriverContext *context, const MdNodeDeviceDef *def);
