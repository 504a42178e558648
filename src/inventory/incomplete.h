/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that the kernel has announced before all of them was there, each looked at again until it
 * is whole or `event_timeout` is over. The kernel sends no event when it adds the last pieces.
 */
#pragma once

#include <glib.h>

#include "util/settings.h"

typedef struct _MdIncomplete MdIncomplete;

/*
 * Takes the device at this path in: if it is whole, or whatever it lacks if this is the `last`
 * time. FALSE: it is not whole yet, or has gone, even in the middle of the look, and nothing has
 * been done. Such a device is tried again, or forgotten after the last time; but one that has come
 * for certain is kept until md_incomplete_remove().
 */
typedef gboolean (*MdIncompleteTake)(const char *path, gboolean last, gpointer data);

MdIncomplete *md_incomplete_new(const MdSettings *settings, MdIncompleteTake take, gpointer data);
void md_incomplete_free(MdIncomplete *self);

/* Nothing changes for one that is being waited for already. */
void md_incomplete_add(MdIncomplete *self, const char *path);
void md_incomplete_remove(MdIncomplete *self, const char *path);

/* FALSE if it is not known; TRUE: it has a driver from now on, so that it has come for certain. */
gboolean md_incomplete_set_bound(MdIncomplete *self, const char *path);
/* One that has had a driver and has gone before it could be read: it is not looked at, but kept as
 * bound until md_incomplete_remove(). */
void md_incomplete_add_gone(MdIncomplete *self, const char *path);
gboolean md_incomplete_is_bound(MdIncomplete *self, const char *path);

/* Paths of all of them, copied. */
GPtrArray *md_incomplete_list(MdIncomplete *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdIncomplete, md_incomplete_free)
