/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Devices that the kernel announced before their sysfs directories were complete. Each is checked
 * repeatedly until it is complete or `event_timeout` has passed, because the kernel sends no event
 * for the last attributes. */
#pragma once

#include <glib.h>

#include "util/settings.h"

typedef struct _MdPendingDevices MdPendingDevices;

/*
 * Registers the device at this path if it is complete; on the `last` attempt, registers it in any
 * state. FALSE: the device is incomplete or gone, and nothing was done. It is then tried again.
 * After the last attempt, it is dropped unless it is bound: a bound device is kept until
 * md_pending_devices_remove().
 */
typedef gboolean (*MdPendingDevicesTry)(const char *path, gboolean last, gpointer data);

MdPendingDevices *
md_pending_devices_new(const MdSettings *settings, MdPendingDevicesTry try_register, gpointer data);
void md_pending_devices_free(MdPendingDevices *self);

/* Has no effect while the device at this path is being checked. */
void md_pending_devices_add(MdPendingDevices *self, const char *path);
void md_pending_devices_remove(MdPendingDevices *self, const char *path);

/* Marks a pending device as bound to a driver, which proves that the device existed. FALSE: the
 * device is not pending. */
gboolean md_pending_devices_set_bound(MdPendingDevices *self, const char *path);
/* Adds a device that was bound, and removed before it could be read. It is not checked, but kept as
 * bound until md_pending_devices_remove(). */
void md_pending_devices_add_gone(MdPendingDevices *self, const char *path);
gboolean md_pending_devices_is_bound(MdPendingDevices *self, const char *path);

/* The paths of all pending devices, copied. */
GPtrArray *md_pending_devices_list(MdPendingDevices *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPendingDevices, md_pending_devices_free)
