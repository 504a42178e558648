/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Per path, the sequence number up to which the registry is already correct. Older events are
 * dropped, as events may arrive late, twice, out of order, or never. Bounded: the oldest entries
 * are discarded.
 */
#pragma once

#include <glib.h>

/* Maximum number of paths. */
#define MD_SUPERSEDED_EVENTS_MAX 4096

typedef struct _MdSupersededEvents MdSupersededEvents;

MdSupersededEvents *md_superseded_events_new(void);
void md_superseded_events_free(MdSupersededEvents *self);

/* Marks all events of this path up to this number as superseded. */
void md_superseded_events_add(MdSupersededEvents *self, const char *path, guint64 seqnum);

/* Whether an event is superseded. */
gboolean md_superseded_events_contain(MdSupersededEvents *self, const char *path, guint64 seqnum);

/* The removal of the device at this path was detected and signalled before the remove event
 * arrived: all events up to and including the remove event are superseded. */
void md_superseded_events_expect_removal(MdSupersededEvents *self, const char *path);
gboolean md_superseded_events_expects_removal(MdSupersededEvents *self, const char *path);

/* The remove event has arrived. Returns whether it was expected. */
gboolean md_superseded_events_handle_removal(MdSupersededEvents *self, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSupersededEvents, md_superseded_events_free)
