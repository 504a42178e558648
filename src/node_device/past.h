/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What has happened at a path and is known already, so that events of it tell nothing: they come
 * late, twice, in another order, or never. The oldest are forgotten when there are too many.
 */
#pragma once

#include <glib.h>

/* Paths that are kept. */
#define MD_PAST_MAX 4096

typedef struct _MdPast MdPast;

MdPast *md_past_new(void);
void md_past_free(MdPast *self);

/* All events of this path up to that number tell nothing new from now on. */
void md_past_close(MdPast *self, const char *path, guint64 seqnum);

/* Whether an event is one of those. */
gboolean md_past_holds(MdPast *self, const char *path, guint64 seqnum);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdPast, md_past_free)
