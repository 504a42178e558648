/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The part of the backend for mediated devices that changes definitions. MdBackend describes the
 * functions. */
#pragma once

#include "backend/backend.h"

void md_mdev_config_define_async(const MdDriverContext *context,
                                 MdNodeDevice *parent,
                                 const MdNodeDeviceDef *def,
                                 gboolean guarded,
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
void md_mdev_config_undefine_async(const MdDriverContext *context,
                                   const char *name,
                                   MdOwner *owner,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
void md_mdev_config_set_autostart_async(const MdDriverContext *context,
                                        const char *name,
                                        gboolean autostart,
                                        MdOwner *owner,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
void md_mdev_config_update_async(const MdDriverContext *context,
                                 MdNodeDevice *device,
                                 const MdNodeDeviceDef *def,
                                 guint what,
                                 MdOwner *owner,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
