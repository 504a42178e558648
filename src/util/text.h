/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Sanitizes strings of devices, drivers, files and clients for display in a terminal. Applies to
 * documents, error messages and all other output of the daemon except the log, which escapes
 * instead (log.h).
 */
#pragma once

#include <glib.h>

/*
 * Whether a character cannot affect the display: it is no control character (C0, DEL, C1), does not
 * reorder text (bidirectional overrides and isolates), and is neither invisible nor a Unicode line
 * separator. Tab, line feed and carriage return are harmless.
 */
gboolean md_text_is_harmless(gunichar character);

/* Whether a string is UTF-8 with harmless characters only, so that md_text_clean() would not change
 * it. */
gboolean md_text_is_clean(const char *text);

/*
 * Returns a copy of at most `length` bytes (-1: all) as valid UTF-8: invalid bytes are replaced by
 * U+FFFD, harmful characters removed.
 */
char *md_text_clean(const char *text, gssize length);
