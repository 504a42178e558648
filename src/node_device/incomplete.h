/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Devices that the kernel has announced before all of them was there, each looked at again until it
 * is whole or `event_timeout` is over. The kernel sends no event when it adds the last pieces.
 */
#pragma once

#include <glib.h>

#include "util/settings.h"

typedef struct _MdIncomplete MdIncomplete;

/* Whether the device at this path is whole; asked ever again. */
typedef gboolean (*MdIncompleteCheck)(const char *path, gpointer data);
/* It is whole, or is not waited for any longer; it has been forgotten already. */
typedef void (*MdIncompleteDone)(const char *path, gpointer data);

MdIncomplete *md_incomplete_new(const MdSettings *settings,
                                MdIncompleteCheck check,
                                MdIncompleteDone done,
                                gpointer data);
void md_incomplete_free(MdIncomplete *self);

/* Nothing changes for one that is known already. */
void md_incomplete_add(MdIncomplete *self, const char *path);
void md_incomplete_remove(MdIncomplete *self, const char *path);

/* FALSE if it is not known; TRUE: it has a driver from now on, so that it has come for certain. */
gboolean md_incomplete_set_bound(MdIncomplete *self, const char *path);
gboolean md_incomplete_is_bound(MdIncomplete *self, const char *path);
