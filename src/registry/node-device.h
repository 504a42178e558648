/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device of the registry: a definition that others may reference, and state private to the main
 * loop. A device is active, or persistent, or both; only the registry changes it. */
#pragma once

#include "conf/definition.h"
#include "conf/node-device.h"

typedef struct {
    MdNodeDeviceDef *def; /* the active device or, if inactive, the device as defined; replaced,
                             never modified */
    gboolean active;      /* the device exists in the kernel */
    guint64 inode; /* while active, the inode of its sysfs directory, which distinguishes it from a
                      later device with the same path */
    MdDefinition *definition; /* on disk; NULL: none */
} MdNodeDevice;

/* Creates an active device. Takes ownership of `def`. */
MdNodeDevice *md_node_device_new(MdNodeDeviceDef *def, guint64 inode);
MdNodeDevice *md_node_device_ref(MdNodeDevice *self);
void md_node_device_unref(MdNodeDevice *self);

/* Whether devices of this kind can have a definition. */
gboolean md_node_device_is_definable(const MdNodeDevice *self);

/* Whether devices of this kind can be parents of mediated devices, if their driver offers types. */
gboolean md_node_device_may_be_parent(const MdNodeDevice *self);

/* TRUE for the computer and for devices with a definition. As in libvirt, removable hardware is not
 * persistent. */
gboolean md_node_device_is_persistent(const MdNodeDevice *self);

/* TRUE for the computer and for devices whose definition has autostart. */
gboolean md_node_device_is_autostart(const MdNodeDevice *self);

/* Receives the document of a device, borrowed; or NULL with an `error`, of which it takes
 * ownership. */
typedef void (*MdDocumentFunc)(const char *document, GError *error, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdNodeDevice, md_node_device_unref)
