/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of mediated devices and of their definitions, for all backends. They end like operations
 * of a backend, see md_backend_finish(). `ops` are those of the device's backend. */
#pragma once

#include "backend/backend.h"

/* Creates or replaces the definition of `def`; `parent` NULL: the parent is absent, and parent_addr
 * identifies it. `guarded`: as in md_driver_define_xml_async(). */
void md_definition_config_define_async(const MdDriverContext *context,
                                       const MdDefinitionOps *ops,
                                       MdNodeDevice *parent,
                                       const MdNodeDeviceDef *def,
                                       gboolean guarded,
                                       MdOwner *owner,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
void md_definition_config_undefine_async(const MdDriverContext *context,
                                         const char *name,
                                         MdOwner *owner,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
void md_definition_config_set_autostart_async(const MdDriverContext *context,
                                              const MdDefinitionOps *ops,
                                              const char *name,
                                              gboolean autostart,
                                              MdOwner *owner,
                                              GAsyncReadyCallback callback,
                                              gpointer user_data);

/* Sets the attributes of a device to those of `def`; `what`: MdBackendUpdate flags. */
void md_definition_config_update_async(const MdDriverContext *context,
                                       const MdDefinitionOps *ops,
                                       MdNodeDevice *device,
                                       const MdNodeDeviceDef *def,
                                       guint what,
                                       MdOwner *owner,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
