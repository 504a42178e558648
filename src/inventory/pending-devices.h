/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that the kernel has announced before all of them was there, each looked at again until it
 * is whole or `event_timeout` is over. The kernel sends no event when it adds the last pieces.
 */
#pragma once

#include <glib.h>

#include "util/settings.h"

typedef struct _MdPendingDevices MdPendingDevices;

/*
 * Takes the device at this path in: if it is whole, or whatever it lacks if this is the `last`
 * time. FALSE: it is not whole yet, or has gone, even in the middle of the look, and nothing has
 * been done. Such a device is tried again, or forgotten after the last time; but one that has come
 * for certain is kept until md_pending_devices_remove().
 */
typedef gboolean (*MdPendingDevicesTake)(const char *path, gboolean last, gpointer data);

MdPendingDevices *
md_pending_devices_new(const MdSettings *settings, MdPendingDevicesTake take, gpointer data);
void md_pending_devices_free(MdPendingDevices *self);

/* Nothing changes for one that is being waited for already. */
void md_pending_devices_add(MdPendingDevices *self, const char *path);
void md_pending_devices_remove(MdPendingDevices *self, const char *path);

/* FALSE if it is not known; TRUE: it has a driver from now on, so that it has come for certain. */
gboolean md_pending_devices_set_bound(MdPendingDevices *self, const char *path);
/* One that has had a driver and has gone before it could be read: it is not looked at, but kept as
 * bound until md_pending_devices_remove(). */
void md_pending_devices_add_gone(MdPendingDevices *self, const char *path);
gboolean md_pending_devices_is_bound(MdPendingDevices *self, const char *path);

/* Paths of all of them, copied. */
GPtrArray *md_pending_devices_list(MdPendingDevices *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPendingDevices, md_pending_devices_free)
