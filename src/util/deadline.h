/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deadlines of any number of things with one source of the main loop for all of them: a loop looks
 * at each of its sources in every turn. Setting one is cheap as long as most are set in the order
 * in which they pass, as those of one kind are. Main loop only.
 */
#pragma once

#include <glib.h>

/* Part of what must end in time; zero it first. Its fields are not for others. */
typedef struct {
    GList link;
    gint64 due; /* monotonic time; 0: not set */
    void (*passed)(gpointer data);
    gpointer data;
} MdDeadline;

/* Calls `passed` once after so many milliseconds, unless it is cleared before. */
void
md_deadline_set(MdDeadline *self, guint milliseconds, void (*passed)(gpointer data), gpointer data);
void md_deadline_clear(MdDeadline *self);
