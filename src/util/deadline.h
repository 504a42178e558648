/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any number of deadlines on one main loop source, because the loop checks each of its sources on
 * every iteration. Setting deadlines in the order in which they expire, such as deadlines of equal
 * length, is cheap. Main loop only.
 */
#pragma once

#include <glib.h>

/* Embedded in the object with the deadline; initialize with zeros. The fields are private. */
typedef struct {
    GList link;
    gint64 due; /* monotonic time; 0: not set */
    void (*passed)(gpointer data);
    gpointer data;
} MdDeadline;

/* Calls `passed` once after this time, unless the deadline is cleared before. */
void
md_deadline_set(MdDeadline *self, guint milliseconds, void (*passed)(gpointer data), gpointer data);
void md_deadline_clear(MdDeadline *self);
