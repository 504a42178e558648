/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All devices there are, active or only defined, by name, by sysfs path and by address. Whatever is
 * in here is listed. A change is signalled after it has been made, each with the MdNodeDevice *:
 *
 *   "created"    it has become active
 *   "deleted"    it is not active any more
 *   "defined"    it has become persistent
 *   "undefined"  it is not persistent any more
 *   "updated"    anything else of it has changed; also of a parent of mediated devices, or of
 * virtual ports, whose children come or go
 */
#pragma once

#include <glib-object.h>

#include "registry/node-device.h"

#define MD_TYPE_REGISTRY (md_registry_get_type())
G_DECLARE_FINAL_TYPE(MdRegistry, md_registry, MD, REGISTRY, GObject)

MdRegistry *md_registry_new(void);

/*
 * The device of that name is active from now on: a new one, or one that was only defined. Takes
 * `def` over; an active device of that name must not be there. Returns it, borrowed; NULL if
 * somebody who heard of it has made it go again.
 */
MdNodeDevice *md_registry_activate(MdRegistry *self, MdNodeDeviceDef *def, guint64 inode);

/* An active device has gone; if it is defined it stays, inactive. */
void md_registry_deactivate(MdRegistry *self, MdNodeDevice *device);

/* Gives a device a new description of the same name and path (taken over). */
void md_registry_update(MdRegistry *self, MdNodeDevice *device, MdNodeDeviceDef *def);

/* The same, but signals nothing: another device's coming or going, which is signalled, tells of it.
 */
void md_registry_replace(MdRegistry *self, MdNodeDevice *device, MdNodeDeviceDef *def);

/* What `attrs` of MdMdevAttr an active device has been given. Signals nothing: it is no change, but
 * part of what has been signalled, or will be. */
void md_registry_set_attrs(MdRegistry *self, MdNodeDevice *device, GPtrArray *attrs);

/* The disk holds this definition now, a new or another one. */
void md_registry_define(MdRegistry *self, MdDefinition *definition);

/* The disk holds none of it any more; an active device stays, transient. */
void md_registry_undefine(MdRegistry *self, MdNodeDevice *device);

/* Borrowed, or NULL. */
MdNodeDevice *md_registry_find(MdRegistry *self, const char *name);
MdNodeDevice *md_registry_find_path(MdRegistry *self, const char *path);

/* Copies of the paths of all active devices below a path, parents before their children; the path
 * itself is not among them. Takes time by what is below, not by what is registered. */
GPtrArray *md_registry_list_below(MdRegistry *self, const char *path);

/* By name; VIR_ERR_NO_NODE_DEVICE if there is none. */
MdNodeDevice *md_registry_look_up(MdRegistry *self, const char *name, GError **error);

/* The device that the kernel calls so, of those that may be parents of mediated devices:
 * 0000:86:00.0. */
MdNodeDevice *md_registry_find_address(MdRegistry *self, const char *address);

/* Devices, active or not, whose definition names the parent of that address, each borrowed, in no
 * order; free the list only. */
GList *md_registry_list_defined(MdRegistry *self, const char *address);

/* All devices: the list itself, for reading. The active ones are in the order of their coming. */
GList *md_registry_list(MdRegistry *self);

guint md_registry_size(MdRegistry *self);
