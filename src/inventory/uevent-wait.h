/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * "Done" for a device that we create or remove ourselves means two things: the write to sysfs has
 * returned AND udev has delivered the event. They come in either order. If udev stays silent for
 * too long after the write, the wait ends all the same and the caller looks at sysfs.
 */
#pragma once

#include <glib.h>

#include "util/settings.h"

typedef enum {
    MD_WAIT_NOTHING, /* yet */
    MD_WAIT_ADD,
    MD_WAIT_REMOVE,
} MdWaitFor;

typedef struct _MdUeventWait MdUeventWait;

/* `seen`: udev's event has come. */
typedef void (*MdUeventWaitFunc)(const char *path, gboolean seen, gpointer data);

/* `settings` (event_timeout: from the return of the write on) must outlive it. */
MdUeventWait *md_uevent_wait_new(const MdSettings *settings);
void md_uevent_wait_free(MdUeventWait *self);

/* Before the write. FALSE if that path is being worked on already. */
gboolean md_uevent_wait_begin(MdUeventWait *self, const char *path, MdWaitFor what);

/* Before the write, of a wait for nothing: what is waited for from now on. What happens until then
 * is somebody else's. */
void md_uevent_wait_expect(MdUeventWait *self, const char *path, MdWaitFor what);

/* After a write that worked: calls `func` once, now or later. */
void
md_uevent_wait_written(MdUeventWait *self, const char *path, MdUeventWaitFunc func, gpointer data);

/* After a write that failed: nobody waits any more. */
void md_uevent_wait_cancel(MdUeventWait *self, const char *path);

/* Whether somebody waits for this; such a device is theirs to announce. */
gboolean md_uevent_wait_is_waiting(MdUeventWait *self, const char *path, MdWaitFor what);

/* udev's event has come (or its effect was found in sysfs). FALSE if nobody waits for it. */
gboolean md_uevent_wait_notify(MdUeventWait *self, const char *path, MdWaitFor what);

/* Paths of all waits of a kind, copied. */
GPtrArray *md_uevent_wait_list(MdUeventWait *self, MdWaitFor what);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdUeventWait, md_uevent_wait_free)
