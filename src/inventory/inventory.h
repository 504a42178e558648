/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps the registry up to date with the kernel: subscribes to udev first, then enumerates. An
 * event only says which path to read; sysfs is authoritative. After lost events, all devices are
 * compared with sysfs and the differences signalled.
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
 * Completes when all existing devices are registered. Works in slices, so that the main loop serves
 * others; events are queued meanwhile.
 */
void md_inventory_start_async(MdInventory *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_inventory_start_finish(MdInventory *self, GAsyncResult *result, GError **error);

/* For operations that create and remove devices: while an operation waits for the event of a path,
 * the inventory passes this event to the wait instead of handling it. */
MdUeventWait *md_inventory_get_uevent_wait(MdInventory *self);

/*
 * Ignores events of this path that the kernel has already sent but that have not arrived yet: the
 * registry already contains their effects, and the caller has signalled these effects.
 */
void md_inventory_forget_older_events(MdInventory *self, const char *path);

/*
 * Makes the registry agree with sysfs about one path: registers or removes the device. Returns the
 * device registered at the path (borrowed), or NULL.
 */
MdNodeDevice *md_inventory_reconcile(MdInventory *self, const char *path);
