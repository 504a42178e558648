/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An operation of the daemon that creates or removes a device is complete when the write to sysfs
 * has returned and udev has delivered the event, in either order. If udev stays silent for too long
 * after the write, the wait ends and the caller checks sysfs.
 */
#pragma once

#include <glib.h>

#include "util/settings.h"

typedef enum {
    MD_WAIT_NOTHING, /* not known yet: set by md_uevent_wait_expect() */
    MD_WAIT_ADD,
    MD_WAIT_REMOVE,
} MdWaitFor;

typedef struct _MdUeventWait MdUeventWait;

/* `seen`: udev's event has arrived. */
typedef void (*MdUeventWaitFunc)(const char *path, gboolean seen, gpointer data);

/* `settings` (event_timeout, counted from the return of the write) must outlive the object. */
MdUeventWait *md_uevent_wait_new(const MdSettings *settings);
void md_uevent_wait_free(MdUeventWait *self);

/* To be called before the write. FALSE if another operation waits for this path. */
gboolean md_uevent_wait_begin(MdUeventWait *self, const char *path, MdWaitFor what);

/* To be called before the write, for a wait that began without an expected action: sets the action.
 * Events before this call do not end the wait, because they have other causes. */
void md_uevent_wait_expect(MdUeventWait *self, const char *path, MdWaitFor what);

/* To be called after a successful write: calls `func` once, now or later. */
void
md_uevent_wait_written(MdUeventWait *self, const char *path, MdUeventWaitFunc func, gpointer data);

/* To be called after a failed write: ends the wait. */
void md_uevent_wait_cancel(MdUeventWait *self, const char *path);

/* Whether an operation waits for this event; that operation then registers or removes the device
 * itself. */
gboolean md_uevent_wait_is_waiting(MdUeventWait *self, const char *path, MdWaitFor what);

/* udev's event has arrived, or its effect was found in sysfs. FALSE if nothing waits for it. */
gboolean md_uevent_wait_notify(MdUeventWait *self, const char *path, MdWaitFor what);

/* Paths of all waits of a kind, copied. */
GPtrArray *md_uevent_wait_list(MdUeventWait *self, MdWaitFor what);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdUeventWait, md_uevent_wait_free)
