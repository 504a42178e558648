/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps the registry true to the kernel: listens to udev first and enumerates second. An event says
 * where to look; what is there, sysfs says. After a gap in the events all of it is compared, and
 * exactly what is missing is made up for.
 */
#pragma once

#include <gio/gio.h>

#include "inventory/uevent-wait.h"
#include "kernel/udev.h"
#include "registry/registry.h"
#include "util/settings.h"

#define MD_TYPE_INVENTORY (md_inventory_get_type())
G_DECLARE_FINAL_TYPE(MdInventory, md_inventory, MD, INVENTORY, GObject)

MdInventory *md_inventory_new(MdRegistry *registry, const MdSettings *settings);

/*
 * Ends when all devices that are there have been registered. That is done in slices, between which
 * the main loop serves others; events are kept until then.
 */
void md_inventory_start_async(MdInventory *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_inventory_start_finish(MdInventory *self, GAsyncResult *result, GError **error);

/* For those who create and remove: what they have announced here is left to them until they are
 * done. */
MdUeventWait *md_inventory_get_uevent_wait(MdInventory *self);

/*
 * All that has happened at this path so far is known to whoever calls, and told: events of it that
 * udev has not delivered yet are passed over.
 */
void md_inventory_forget_older_events(MdInventory *self, const char *path);

/*
 * Makes the registry agree with sysfs about one path: registers what is there, drops what is not.
 * Returns the device now registered at the path (borrowed), or NULL.
 */
MdNodeDevice *md_inventory_reconcile(MdInventory *self, const char *path);
