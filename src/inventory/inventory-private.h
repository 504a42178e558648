/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inventory from within: inventory.c follows the events, inventory-survey.c looks at all there
 * is. */
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
    MdPendingDevices *pending;      /* announced, but sysfs does not hold all of it yet */
    MdSupersededEvents *superseded; /* known without the events of it */
    GHashTable *namesakes;          /* path of what is left out because of its name -> that name */
    /* Events up to this one are older than our last look at all of sysfs, or were told by the
     * kernel. */
    guint64 looked_at_seq;

    /* While it starts. */
    GTask *starting;
    GPtrArray *found; /* paths, those from `n_looked_at` on still to be looked at */
    guint n_looked_at;
    GSource *slice;
};

/* What udev tells. */
void md_inventory_on_event(MdUdev *udev, MdUdevDevice *device, MdInventory *self);

/* Forgets what is registered at a path, and tells so, or what was about to be. */
void md_inventory_drop(MdInventory *self, const char *path);

/* TRUE if the registered device is the one that sysfs holds at its path. */
gboolean md_inventory_is_there(MdNodeDevice *device);

/* Reads a registered device again, because of an event (NULL: there is none). `always`: tells of it
 * even if nothing that we keep has changed. */
void
md_inventory_reread(MdInventory *self, MdNodeDevice *device, MdUdevDevice *event, gboolean always);
