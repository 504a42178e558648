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
    char *devices_root; /* how the path of any device begins */
    MdUdev *udev;
    MdUeventWait *uevent_wait;
    MdPendingDevices *pending;      /* announced, but incomplete in sysfs */
    MdSupersededEvents *superseded; /* known without the events of it */
    GHashTable *namesakes; /* path of an ignored device -> its name, used by another device */
    /* Events up to this one precede our last full scan of sysfs, or were received from the
     * kernel. */
    guint64 looked_at_seq;

    /* During the start. */
    GTask *starting;
    GPtrArray *found; /* paths, those from `n_looked_at` on still to be looked at */
    guint n_looked_at;
    GSource *slice;
};

/* Handles an event of udev. */
void md_inventory_on_event(MdUdev *udev, MdUdevDevice *device, MdInventory *self);

/* Removes the device at a path, pending or registered; the latter is signalled. */
void md_inventory_drop(MdInventory *self, const char *path);

/* TRUE if the registered device is the one that sysfs has at its path. */
gboolean md_inventory_is_there(MdNodeDevice *device);

/* Reads a registered device again, because of an event (NULL: there is none). `always`: tells of it
 * even if nothing that we keep has changed. */
void
md_inventory_reread(MdInventory *self, MdNodeDevice *device, MdUdevDevice *event, gboolean always);
