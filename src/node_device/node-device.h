/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of the registry: a definition that others may hold, and what the main loop alone knows
 * about it. */
#pragma once

#include "conf/node-device.h"

typedef struct {
    MdNodeDeviceDef *def; /* replaced, never changed */
    guint64 inode;        /* of its sysfs directory: another device at this path has another one */
} MdNodeDevice;

/* Takes `def` over. */
MdNodeDevice *md_node_device_new(MdNodeDeviceDef *def, guint64 inode);
MdNodeDevice *md_node_device_ref(MdNodeDevice *self);
void md_node_device_unref(MdNodeDevice *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdNodeDevice, md_node_device_unref)
