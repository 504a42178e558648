/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One at a time on one thing, in the order of asking: for what takes several steps of the main loop
 * and must not be mixed with another of its kind. */
#pragma once

#include <glib.h>

typedef struct _MdKeyQueue MdKeyQueue;

typedef void (*MdKeyQueueFunc)(gpointer data);

MdKeyQueue *md_key_queue_new(void);
/* Whoever still waits is forgotten. */
void md_key_queue_free(MdKeyQueue *self);

/* Calls `func` when it is the caller's turn, which may be at once. */
void md_key_queue_take(MdKeyQueue *self, const char *thing, MdKeyQueueFunc func, gpointer data);

/* Ends it and lets the next one begin. */
void md_key_queue_end(MdKeyQueue *self, const char *thing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdKeyQueue, md_key_queue_free)
