/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of the backend for mediated devices that looks up the devices named in documents.
 * MdBackend describes the functions. */
#pragma once

#include "backend/backend.h"

MdNodeDevice *md_mdev_find_named_parent(const MdDriverContext *context, const MdNodeDeviceDef *def);
gboolean md_mdev_serves_parent(const MdNodeDevice *parent);
gboolean md_mdev_find_parent(const MdDriverContext *context,
                             const MdNodeDeviceDef *def,
                             MdNodeDevice **parent,
                             GError **error);
gboolean md_mdev_find_persistent_parent(const MdDriverContext *context,
                                        MdNodeDeviceDef *def,
                                        MdNodeDevice **parent,
                                        GError **error);
void
md_mdev_list_parents(const MdDriverContext *context, const MdNodeDeviceDef *def, GPtrArray *names);
MdNodeDevice *md_mdev_find_present(const MdDriverContext *context, const MdNodeDeviceDef *def);
