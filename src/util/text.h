/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Texts of devices, drivers, files and clients, for those who read them in a terminal. One rule for
 * documents, error messages and whatever else leaves the daemon; the log escapes instead (log.h).
 */
#pragma once

#include <glib.h>

/*
 * Whether a character can only be seen: none that controls a terminal (C0, DEL, C1), reorders the
 * text around it (bidirectional overrides and isolates), is invisible or ends a line unseen. Tab,
 * line feed and carriage return are harmless.
 */
gboolean md_text_is_harmless(gunichar character);

/* Whether a text is UTF-8 of harmless characters only, so that md_text_clean() changes nothing. */
gboolean md_text_is_clean(const char *text);

/*
 * A copy of at most `length` bytes (-1: all) as valid UTF-8, for the caller to free: what is no
 * UTF-8 is replaced by U+FFFD, a harmful character by nothing.
 */
char *md_text_clean(const char *text, gssize length);
