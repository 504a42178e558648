/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All devices there are, by name, by sysfs path and by parent. Whatever is in here is listed; a
 * change is signalled after it has been made:
 *
 *   "added"   (MdNodeDevice *)
 *   "removed" (MdNodeDevice *)
 *   "updated" (MdNodeDevice *)  also for a parent whose children have come or gone
 */
#pragma once

#include <glib-object.h>

#include "node_device/node-device.h"

#define MD_TYPE_REGISTRY (md_registry_get_type())
G_DECLARE_FINAL_TYPE(MdRegistry, md_registry, MD, REGISTRY, GObject)

MdRegistry *md_registry_new(void);

/* Takes a reference of its own. A device of the same name must not be there. */
void md_registry_add(MdRegistry *self, MdNodeDevice *device);
void md_registry_remove(MdRegistry *self, MdNodeDevice *device);

/* Gives a device a new definition of the same name and path (taken over). */
void md_registry_update(MdRegistry *self, MdNodeDevice *device, MdNodeDeviceDef *def);

/* Borrowed, or NULL. */
MdNodeDevice *md_registry_find(MdRegistry *self, const char *name);
MdNodeDevice *md_registry_find_path(MdRegistry *self, const char *path);

/* All devices, in the order of their coming: the list itself, for reading. */
GList *md_registry_list(MdRegistry *self);

guint md_registry_size(MdRegistry *self);
