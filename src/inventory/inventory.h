/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keeps the registry consistent with udev and sysfs: subscribes to udev first, then enumerates. An
 * event only tells which path to read; sysfs is authoritative. After lost events, all devices are
 * compared with sysfs, and the differences are signalled.
 *
 * Signals:
 *   "event" (const char *path)  an event of the device at this path has been handled; the device
 *                               may be of any subsystem
 *   "compared" ()               all devices have been compared with sysfs
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

/* Completes when all existing devices are registered. Scans in slices, so that the main loop serves
 * others; events are queued meanwhile. */
void md_inventory_start_async(MdInventory *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean md_inventory_start_finish(MdInventory *self, GAsyncResult *result, GError **error);

/* For operations that create or remove devices. While an operation waits for the add event of a
 * path, the inventory leaves the registration of the device to the operation. */
MdUeventWait *md_inventory_get_uevent_wait(MdInventory *self);

/* Ignores the events of this path that the kernel has sent so far, even if they arrive later. The
 * caller must ensure that the registry agrees with sysfs about the path. */
void md_inventory_forget_older_events(MdInventory *self, const char *path);

/* Makes the registry agree with sysfs about one path: registers or removes the device. Returns the
 * device that is registered at the path afterwards (borrowed), or NULL. */
MdNodeDevice *md_inventory_reconcile(MdInventory *self, const char *path);

/* Rereads the device registered at a path, if any; signals an update if stored data has changed. */
void md_inventory_reread_path(MdInventory *self, const char *path);
