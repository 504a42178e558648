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
