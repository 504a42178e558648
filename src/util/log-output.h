/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes log lines to the journal if stderr is connected to it, else to stderr, or to the outputs
 * that are configured. A stalled reader never blocks the daemon: lines that cannot be written at
 * once are queued up to a limit for each output, and written in order by the main loop. Any thread,
 * unless noted otherwise.
 */
#pragma once

#include "util/log-rules.h"

/* Maximum number of outputs. */
#define MD_LOG_OUTPUTS_MAX 8

/* Maximum number of queued lines. After a line has been dropped, the queue must drain to half of
 * this number before further lines are accepted. */
#define MD_LOG_KEPT_MAX 4096

/* Detects whether stderr is the journal, and sets up one output. Before there are threads. */
void md_log_output_init(void);

/*
 * Replaces this output by `wanted` (of MdLogOutput). Leaves out each output that cannot be opened,
 * and adds a text about it to `problems`. FALSE: nothing is replaced, because none can be opened.
 * Before there are threads.
 */
gboolean md_log_output_use(const GArray *wanted, GPtrArray *problems);

/* The outputs have numbers from 0. */
guint md_log_output_count(void);
MdLogDestination md_log_output_get_destination(guint i);
const char *md_log_output_get_name(guint i); /* borrowed; NULL: the destination has none */

/* The lowest priority of messages for an output. */
MdLogPriority md_log_output_get_priority(guint i);
void md_log_output_set_priority(guint i, MdLogPriority priority);

/* `line` includes its newline for stderr and files; for the journal, it is the result of
 * md_log_output_encode(). */
void md_log_output_write(guint i, GString *line);

/* Encodes the fields in the journal's native protocol. */
GString *md_log_output_encode(const GLogField *fields, gsize n_fields);

/* Writes a program's last line to stderr directly, without queueing or the journal. Gives up after
 * waiting `stall_timeout` milliseconds for a stalled reader. */
void md_log_output_print(const char *line, guint stall_timeout);

/* Writes the queued lines. Gives up if the reader stalls for `stall_timeout` milliseconds, and
 * after `limit` milliseconds in any case. */
void md_log_output_flush(guint stall_timeout, guint limit);
