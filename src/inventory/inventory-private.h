/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internals of the inventory, shared by inventory.c (events) and inventory-survey.c (full
 * scans). */
#pragma once

#include "inventory/inventory.h"
#include "inventory/pending-devices.h"
#include "inventory/superseded-events.h"

struct _MdInventory {
    GObject parent;

    MdRegistry *registry;
    const MdSettings *settings;
    MdUdev *udev;
    MdUeventWait *uevent_wait;
    MdPendingDevices *pending;      /* devices announced, but incomplete in sysfs */
    MdSupersededEvents *superseded; /* events to be ignored, by path */
    GHashTable *namesakes; /* path of an ignored device -> its name, which another device has */
    /* The greater of two sequence numbers: of the latest event before the last full scan of sysfs,
     * and of the latest uevent received directly from the kernel. */
    guint64 covered_seqnum;

    /* During the start. */
    GTask *starting;
    GPtrArray *found; /* paths, of which the first `n_scanned` have been scanned */
    guint n_scanned;
    GSource *slice;
};

/* Describes a device of udev, with its parent. NULL: it is not a node device. `known`: the device
 * registered at the path, or NULL; it may be an earlier device, with another inode. */
MdNodeDeviceDef *md_inventory_probe(MdInventory *self,
                                    MdUdevDevice *device,
                                    MdSysfsDir *dir,
                                    const MdNodeDevice *known);

/* After a registration: rereads the devices below the new one, and those that refer to it. */
void md_inventory_reread_neighbours(MdInventory *self, const char *path);

/* Rereads the devices that refer to this one, which has appeared or disappeared. Has no effect
 * during the start: the scan has read these devices completely, or reads them later. */
void md_inventory_reread_affected(MdInventory *self, const MdNodeDeviceDef *def);

/* Handles an event of udev. */
void md_inventory_on_event(MdUdev *udev, MdUdevDevice *device, MdInventory *self);

/* Removes the device at a path, pending or registered; signals the removal of a registered one. */
void md_inventory_drop(MdInventory *self, const char *path);

/* TRUE if the registered device is the one that sysfs has at its path. */
gboolean md_inventory_is_there(MdNodeDevice *device);

/* Rereads a registered device. `event`: the event with the device's properties, or NULL. `always`:
 * signals an update even if no stored data has changed. */
void
md_inventory_reread(MdInventory *self, MdNodeDevice *device, MdUdevDevice *event, gboolean always);
