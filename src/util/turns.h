/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One at a time on one thing, in the order of asking: for what takes several steps of the main loop
 * and must not be mixed with another of its kind. */
#pragma once

#include <glib.h>

typedef struct _MdTurns MdTurns;

typedef void (*MdTurnFunc)(gpointer data);

MdTurns *md_turns_new(void);
/* Whoever still waits is forgotten. */
void md_turns_free(MdTurns *self);

/* Calls `func` when it is the caller's turn, which may be at once. */
void md_turns_take(MdTurns *self, const char *thing, MdTurnFunc func, gpointer data);

/* Ends it and lets the next one begin. */
void md_turns_end(MdTurns *self, const char *thing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdTurns, md_turns_free)
