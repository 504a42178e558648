/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources of the main loop that belong to an object. */
#pragma once

#include <glib.h>

/* Sets callback and data of a source, attaches it to the caller's main loop, and hands it back. */
GSource *md_source_attach(GSource *source, GSourceFunc func, gpointer data);

/* The same of a source that is always due: each turn of the main loop calls it once, like those
 * that are ready. */
GSource *md_source_attach_turns(GSourceFunc func, gpointer data);

/* Destroys what is there, if anything, and leaves NULL. */
void md_source_clear(GSource **source);
