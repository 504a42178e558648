/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state that a daemon leaves to the next one (protocol/handover.x), in a sealed file in memory.
 * Errors are VIR_ERR_RPC of VIR_FROM_RPC.
 */
#pragma once

#include <glib.h>

#include "protocol/handover.h"

/*
 * Bytes of a session beside the memory that is accounted to its connection, see connections.h. All
 * sessions of a state together have at most `max_memory` bytes, and these for each. If they have
 * more, the largest sessions are left out.
 */
#define MD_HANDOVER_SESSION_SIZE 1024

typedef struct {
    /* Saves the session with this index; `saved` is zeroed. Called up to two times. */
    void (*save)(guint i, md_handover_session *saved, gpointer data);
    /* A session of this size is left out; 0: the size exceeds a limit of its own. */
    void (*leave_out)(guint i, gsize size, gpointer data);
} MdHandoverFuncs;

/*
 * Returns the descriptor of the file, or -1: memory is exhausted. Saves one session after the
 * other, and frees each of them once it has been measured or written, so that not all of them are
 * in memory twice. `funcs` NULL: the sessions are in `state`.
 */
int md_handover_write(const md_handover *state,
                      gsize max_memory,
                      const MdHandoverFuncs *funcs,
                      gpointer data,
                      GError **error);

/*
 * Reads a state into `state`, which must be zeroed, and freed with md_handover_clear() even on
 * failure. `max_memory` may be lower than that of the writer. Fails if the file is not sealed, of
 * another revision, or not exactly one state.
 */
gboolean md_handover_read(int fd, gsize max_memory, md_handover *state, GError **error);

void md_handover_clear(md_handover *state);
void md_handover_clear_client(md_handover_client *client);

/* Copies bytes into a state. */
void md_handover_save_bytes(md_handover_bytes *saved, gconstpointer bytes, gsize size);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(md_handover, md_handover_clear)
