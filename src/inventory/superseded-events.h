/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Remembers, per path, up to which sequence number the registry already contains the effects of the
 * events. Such events are ignored if they arrive late, twice, or out of order. The number of paths
 * is limited: the oldest are forgotten. */
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

/* To be called when the removal of the device at this path is detected and signalled before its
 * remove event arrives: the remove event is then superseded, as is a bind event before it. */
void md_superseded_events_expect_removal(MdSupersededEvents *self, const char *path);
gboolean md_superseded_events_expects_removal(MdSupersededEvents *self, const char *path);

/* To be called when the remove event has arrived. Returns whether it was expected, and is thus
 * superseded. */
gboolean md_superseded_events_handle_removal(MdSupersededEvents *self, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSupersededEvents, md_superseded_events_free)
