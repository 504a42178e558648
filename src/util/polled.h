/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Descriptors of any number of things with one source of the main loop for all of them, and one for
 * those that are seldom ready: a loop looks at each of its sources in every turn, so that a
 * thousand idle connections would make each call of others several times as slow. Main loop only.
 */
#pragma once

#include <glib.h>

/* Part of what has the descriptor; zero it first. Its fields are not for others. */
typedef struct {
    GIOCondition wanted; /* 0: not watched */
    gboolean once;       /* told of each event once */
    struct _MdPolledSet *set;
    guint slot; /* among those that are ready, from 1; 0: it is not */
    void (*ready)(GIOCondition condition, gpointer data);
    gpointer data;
} MdPolled;

/* Makes what watches them; the first call of md_polled_set() does it, too. */
gboolean md_polled_prepare(GError **error);

/*
 * From now on `ready` is called for these conditions, whenever they hold: G_IO_IN and G_IO_OUT,
 * each also at an error or hang-up, and G_IO_HUP, at these alone. 0: it is not called any more,
 * which must be said before the descriptor is closed. FALSE with an error: it is not watched.
 */
gboolean md_polled_set(MdPolled *self,
                       int fd,
                       GIOCondition wanted,
                       void (*ready)(GIOCondition condition, gpointer data),
                       gpointer data,
                       GError **error);

/* The same for an eventfd: `ready` is called after it has been written to, and nobody need read it.
 */
gboolean md_polled_set_eventfd(MdPolled *self,
                               int fd,
                               void (*ready)(GIOCondition condition, gpointer data),
                               gpointer data,
                               GError **error);

/*
 * The same as G_IO_IN for what is seldom ready: events, sockets that clients come to. In a turn of
 * the loop these come before all others, and md_polled_look() passes them over.
 */
gboolean md_polled_set_seldom(MdPolled *self,
                              int fd,
                              void (*ready)(GIOCondition condition, gpointer data),
                              gpointer data,
                              GError **error);

/* Calls at once what the loop would call in its next turn; not from within `ready`. */
void md_polled_look(void);
