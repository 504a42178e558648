/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of the registry: what others may hold of it, and what the main loop alone knows. It is
 * active, or persistent, or both; only the registry changes it. */
#pragma once

#include "conf/definition.h"
#include "conf/node-device.h"

typedef struct {
    MdNodeDeviceDef *def; /* as it is, or while inactive as it would be; replaced, never changed */
    gboolean active;      /* the kernel has it */
    guint64 inode;        /* while active, of its sysfs directory: another device at this path
                             has another one */
    MdDefinition *definition; /* on disk; NULL: none */
} MdNodeDevice;

/* An active device. Takes `def` over. */
MdNodeDevice *md_node_device_new(MdNodeDeviceDef *def, guint64 inode);
MdNodeDevice *md_node_device_ref(MdNodeDevice *self);
void md_node_device_unref(MdNodeDevice *self);

/* Whether its kind can have a definition. */
gboolean md_node_device_is_definable(const MdNodeDevice *self);

/* Whether its kind can have mediated devices below it, if its driver offers any. */
gboolean md_node_device_may_be_parent(const MdNodeDevice *self);

/* As libvirt has it: true of the machine itself, and of a device by its definition. Hardware that
 * may be pulled out is neither. */
gboolean md_node_device_is_persistent(const MdNodeDevice *self);
gboolean md_node_device_is_autostart(const MdNodeDevice *self);

/* Is told the document of a device, borrowed; NULL with `error`, which is taken over. */
typedef void (*MdDocumentFunc)(const char *document, GError *error, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdNodeDevice, md_node_device_unref)
