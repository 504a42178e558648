/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the lines of the log go: to the journal if stderr is connected to it, else to stderr.
 * Nobody waits for a reader that does not read: what cannot be written at once is kept, in order
 * and up to a bound, and written by the main loop later. Any thread.
 */
#pragma once

#include <glib.h>

/* Lines that are kept. After one was lost, half of them must have gone before others are taken. */
#define MD_LOG_KEPT_MAX 4096

/* What stderr is does not change while the program runs. */
void md_log_output_init(void);

/* Whether messages go to the journal, as fields. */
gboolean md_log_output_is_journal(void);

/* A line with its end, or for the journal what md_log_output_encode() has made. */
void md_log_output_write(GString *line);

/* The fields as the journal's socket takes them. */
GString *md_log_output_encode(const GLogField *fields, gsize n_fields);

/* Writes a line to stderr, not to the journal: a program's last one, which is not to be kept. Gives
 * up when nobody has made room for it for `patience` milliseconds. */
void md_log_output_print(const char *line, guint patience);

/* Writes what is kept. Gives up when the reader has taken nothing for `patience` milliseconds, and
 * after `limit` milliseconds in any case. */
void md_log_output_flush(guint patience, guint limit);
