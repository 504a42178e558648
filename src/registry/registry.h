/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All devices, active or only defined, by name, by sysfs path and by address. Clients see exactly
 * these devices. Signals are emitted after a change, with the MdNodeDevice *:
 *
 *   "created"    the device has become active
 *   "deleted"    the device is no longer active
 *   "defined"    the device has become persistent
 *   "undefined"  the device is no longer persistent
 *   "updated"    anything else has changed; also emitted for a parent of mediated devices or of
 *                virtual ports, if a child appears or disappears
 */
#pragma once

#include <glib-object.h>

#include "registry/node-device.h"

#define MD_TYPE_REGISTRY (md_registry_get_type())
G_DECLARE_FINAL_TYPE(MdRegistry, md_registry, MD, REGISTRY, GObject)

MdRegistry *md_registry_new(void);

/*
 * Makes the device with this name active: a new one, or one that was only defined. Takes ownership
 * of `def`; no active device may have this name. Returns the device, borrowed; NULL if a signal
 * handler has deactivated it again.
 */
MdNodeDevice *md_registry_activate(MdRegistry *self, MdNodeDeviceDef *def, guint64 inode);

/* Removes an active device, after the one that shares its path, if any. A defined device remains as
 * an inactive one. */
void md_registry_deactivate(MdRegistry *self, MdNodeDevice *device);

/* Replaces `def` of a device with another one, which has the same name and path. Takes ownership of
 * `def`. */
void md_registry_update(MdRegistry *self, MdNodeDevice *device, MdNodeDeviceDef *def);

/* The same without a signal, for a change that follows from the appearance or disappearance of
 * another device, which is signalled. */
void md_registry_replace(MdRegistry *self, MdNodeDevice *device, MdNodeDeviceDef *def);

/* Sets the attributes (MdMdevAttr) that have been written to an active device. Emits no signal,
 * because the creation or update itself is signalled. */
void md_registry_set_attrs(MdRegistry *self, MdNodeDevice *device, GPtrArray *attrs);

/* To be called when a new or changed definition is on disk. */
void md_registry_define(MdRegistry *self, MdDefinition *definition);

/* To be called when the definition is no longer on disk. An active device becomes transient; an
 * inactive one is removed. */
void md_registry_undefine(MdRegistry *self, MdNodeDevice *device);

/* Borrowed, or NULL. */
MdNodeDevice *md_registry_find(MdRegistry *self, const char *name);
/* The device with this path of its own. */
MdNodeDevice *md_registry_find_path(MdRegistry *self, const char *path);
/* The device that shares this path with its parent. */
MdNodeDevice *md_registry_find_sharing(MdRegistry *self, const char *path);

/* Returns copies of the paths of all active devices below a path, parents before children, without
 * the path itself. The cost depends on the size of the result, not on the number of registered
 * devices. */
GPtrArray *md_registry_list_below(MdRegistry *self, const char *path);

/* Finds a device by name; VIR_ERR_NO_NODE_DEVICE if there is none. */
MdNodeDevice *md_registry_look_up(MdRegistry *self, const char *name, GError **error);

/* Finds a possible parent of mediated devices by its kernel name: 0000:86:00.0. */
MdNodeDevice *md_registry_find_address(MdRegistry *self, const char *address);

/* The devices, active or not, whose definition names the parent with this address; borrowed,
 * unordered. Free the list only. */
GList *md_registry_list_defined(MdRegistry *self, const char *address);

/* The parent whose resources a device uses, or would use if it were active; borrowed. NULL if there
 * is none, or if it is absent. */
MdNodeDevice *md_registry_find_consumed(MdRegistry *self, const MdNodeDevice *child);

/* All devices, as the internal list, read-only. Active devices are in order of activation. */
GList *md_registry_list(MdRegistry *self);

/* A number that changes whenever a device or the list changes. */
guint64 md_registry_get_generation(MdRegistry *self);

guint md_registry_size(MdRegistry *self);
