/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waits for the completion of operations that create or remove a device: the write to sysfs must
 * have returned, and udev must have delivered the event, in either order. If udev does not report
 * the event in time after the write, the wait ends and the caller checks sysfs. */
#pragma once

#include <glib.h>

#include "util/settings.h"

typedef enum {
    MD_WAIT_NOTHING, /* not decided yet, see md_uevent_wait_expect() */
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

/* To be called before the write, if the wait began with MD_WAIT_NOTHING: sets the event to wait
 * for. Earlier events do not end the wait, because they have other causes. */
void md_uevent_wait_expect(MdUeventWait *self, const char *path, MdWaitFor what);

/* To be called after a successful write: calls `func` once, now or later. */
void
md_uevent_wait_written(MdUeventWait *self, const char *path, MdUeventWaitFunc func, gpointer data);

/* To be called after a failed write: ends the wait. */
void md_uevent_wait_cancel(MdUeventWait *self, const char *path);

/* Whether an operation waits for this event. If it waits for MD_WAIT_ADD, it registers the device
 * itself. */
gboolean md_uevent_wait_is_waiting(MdUeventWait *self, const char *path, MdWaitFor what);

/* To be called when udev's event has arrived, or its effect has been found in sysfs. FALSE if no
 * operation waits for the event. */
gboolean md_uevent_wait_notify(MdUeventWait *self, const char *path, MdWaitFor what);

/* The paths of all waits for this event, copied. */
GPtrArray *md_uevent_wait_list(MdUeventWait *self, MdWaitFor what);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdUeventWait, md_uevent_wait_free)
