/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which client is served next. The next turn is that of the user who has had fewest, and the
 * clients of one user take turns: however many clients of one user have sent something, a client of
 * another user waits for one of them only. Turns are not saved up by those who do not wait. Main
 * loop only.
 */
#pragma once

#include <glib.h>

/* Part of a client; zero it first. The fields are private to rounds.c. */
typedef struct {
    struct _MdRoundsShare *share; /* NULL: not waiting */
    GList link;
    void (*turn)(gpointer data);
    gpointer data;
} MdRoundsPlace;

/*
 * Calls `turn` once from the main loop, when it is the turn of this client of the user with that
 * share (util/owner.h). Does nothing if the client waits already. A turn that leaves something to
 * do has to wait again.
 */
void md_rounds_wait(MdRoundsPlace *place, guint64 key, void (*turn)(gpointer data), gpointer data);

/* The same, but calls `turn` at once if nobody waits and clients have not yet taken much of this
 * turn of the loop. */
void md_rounds_take(MdRoundsPlace *place, guint64 key, void (*turn)(gpointer data), gpointer data);

/* Whether a frame may be sent beside the turns: nobody waits, and there have not been many in this
 * turn of the loop. That is counted, so that few of them cost the same on any machine. */
gboolean md_rounds_pass(void);

/* The turn is no longer wanted; before a place that may wait is freed, too. */
void md_rounds_leave(MdRoundsPlace *place);
gboolean md_rounds_is_waiting(const MdRoundsPlace *place);
