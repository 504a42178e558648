/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Selects the client to be served next: the user with the fewest turns so far comes first, and the
 * clients of one user take turns. So a client waits for at most one client of each other user,
 * however many of them have sent something. Turns that a user does not use are not saved up. Main
 * loop only.
 */
#pragma once

#include <glib.h>

/* Embedded in a client; initialize with zeros. The fields are private to rounds.c. */
typedef struct {
    struct _MdRoundsShare *share; /* NULL: not waiting */
    GList link;
    void (*turn)(gpointer data);
    gpointer data;
} MdRoundsPlace;

/*
 * Calls `turn` once from the main loop, when it is the turn of this client; `key` is its share
 * (util/owner.h). Does nothing if the client is already waiting. If work is left after the turn,
 * `turn` must call this function again.
 */
void
md_rounds_enqueue(MdRoundsPlace *place, guint64 key, void (*turn)(gpointer data), gpointer data);

/* The same, but calls `turn` at once if no client waits and clients have used little time of this
 * iteration of the main loop. */
void md_rounds_run_or_enqueue(MdRoundsPlace *place,
                              guint64 key,
                              void (*turn)(gpointer data),
                              gpointer data);

/* Whether a frame may be sent without a turn: no client waits, and few frames were sent this way in
 * this iteration of the main loop. Frames are counted and not timed, so that the behaviour is the
 * same on every machine. */
gboolean md_rounds_may_send_now(void);

/* Cancels the turn; required before a waiting place is freed. */
void md_rounds_leave(MdRoundsPlace *place);
gboolean md_rounds_is_waiting(const MdRoundsPlace *place);
