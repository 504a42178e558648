/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Main loop sources owned by an object. */
#pragma once

#include <glib.h>

/* Sets callback and data of a source, attaches it to the caller's main loop, and returns it. */
GSource *md_source_attach(GSource *source, GSourceFunc func, gpointer data);

/* The same for a source that is always ready: each iteration of the main loop calls it once. */
GSource *md_source_attach_turns(GSourceFunc func, gpointer data);

/* Destroys the source, if any, and sets it to NULL. */
void md_source_clear(GSource **source);
