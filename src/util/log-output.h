/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes log lines to the journal if stderr is connected to it, else to stderr. A stalled reader
 * never blocks the daemon: lines that cannot be written at once are queued up to a limit, and
 * written in order by the main loop. Any thread.
 */
#pragma once

#include <glib.h>

/* Maximum number of queued lines. After a line has been dropped, the queue must drain to half of
 * this number before further lines are accepted. */
#define MD_LOG_KEPT_MAX 4096

/* Detects whether stderr is the journal. This does not change while the program runs. */
void md_log_output_init(void);

/* Whether messages are sent to the journal, as fields. */
gboolean md_log_output_is_journal(void);

/* `line` includes its newline, or is the result of md_log_output_encode() for the journal. */
void md_log_output_write(GString *line);

/* Encodes the fields in the journal's native protocol. */
GString *md_log_output_encode(const GLogField *fields, gsize n_fields);

/* Writes a program's last line to stderr directly, without queueing or the journal. Gives up after
 * waiting `patience` milliseconds for a stalled reader. */
void md_log_output_print(const char *line, guint patience);

/* Writes the queued lines. Gives up if the reader stalls for `patience` milliseconds, and after
 * `limit` milliseconds in any case. */
void md_log_output_flush(guint patience, guint limit);
