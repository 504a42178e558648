/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state that a daemon leaves to the next one (protocol/handover.x), in a sealed file in memory.
 * Errors are VIR_ERR_RPC of VIR_FROM_RPC.
 */
#pragma once

#include <glib.h>

#include "protocol/handover.h"

/* Maximum size of the state in bytes: the highest `max_memory`, and room for the devices. */
#define MD_HANDOVER_SIZE_MAX (1024 * 1024 * 1024 + 256 * 1024 * 1024)

/* Saves the session with this index; `saved` is zeroed. */
typedef void (*MdHandoverSaveFunc)(guint i, md_handover_session *saved, gpointer data);

/*
 * Returns the descriptor of the file, or -1: the state exceeds a limit, or memory is exhausted.
 * Calls `save` for one session after the other, and frees each of them once it is written, so that
 * not all of them are in memory twice. `save` NULL: the sessions are in `state`.
 */
int
md_handover_write(const md_handover *state, MdHandoverSaveFunc save, gpointer data, GError **error);

/*
 * Reads a state into `state`, which must be zeroed, and freed with md_handover_clear() even on
 * failure. Fails if the file is not sealed, of another revision, too long, or not exactly one
 * state.
 */
gboolean md_handover_read(int fd, md_handover *state, GError **error);

void md_handover_clear(md_handover *state);
void md_handover_clear_client(md_handover_client *client);

/* Copies bytes into a state. */
void md_handover_save_bytes(md_handover_bytes *saved, gconstpointer bytes, gsize size);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(md_handover, md_handover_clear)
