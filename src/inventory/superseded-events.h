/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has happened at a path and is known already, so that events of it tell nothing: they come
 * late, twice, in another order, or never. The oldest are forgotten when there are too many.
 */
#pragma once

#include <glib.h>

/* Paths that are kept. */
#define MD_SUPERSEDED_EVENTS_MAX 4096

typedef struct _MdSupersededEvents MdSupersededEvents;

MdSupersededEvents *md_superseded_events_new(void);
void md_superseded_events_free(MdSupersededEvents *self);

/* All events of this path up to that number tell nothing new from now on. */
void md_superseded_events_close(MdSupersededEvents *self, const char *path, guint64 seqnum);

/* Whether an event is one of those. */
gboolean md_superseded_events_holds(MdSupersededEvents *self, const char *path, guint64 seqnum);

/* The device of this path was found gone, and that has been told, before the event of its removal:
 * events up to that one tell nothing new. */
void md_superseded_events_expect_removal(MdSupersededEvents *self, const char *path);
gboolean md_superseded_events_expects_removal(MdSupersededEvents *self, const char *path);

/* The event of the removal is here. Whether it was expected. */
gboolean md_superseded_events_take_removal(MdSupersededEvents *self, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdSupersededEvents, md_superseded_events_free)
