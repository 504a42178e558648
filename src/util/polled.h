/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any number of descriptors on two main loop sources, one of them for descriptors that are seldom
 * ready. The loop checks each of its sources on every iteration; with a source each, a thousand
 * idle connections would make every call several times slower. Main loop only.
 */
#pragma once

#include <glib.h>

/* Embedded in the object that owns the descriptor; initialize with zeros. The fields are
 * private. */
typedef struct {
    GIOCondition wanted; /* 0: not watched */
    gboolean once;       /* edge-triggered: `ready` is called once per event */
    struct _MdPolledSet *set;
    guint slot; /* position among the ready descriptors, from 1; 0: not ready */
    void (*ready)(GIOCondition condition, gpointer data);
    gpointer data;
} MdPolled;

/* Creates the epoll instances; otherwise, the functions below create them when needed. */
gboolean md_polled_prepare(GError **error);

/*
 * Calls `ready` whenever one of the conditions `wanted` is true: G_IO_IN and G_IO_OUT, which
 * include errors and hang-ups, or G_IO_HUP for errors and hang-ups alone. 0 ends the watch; pass it
 * before closing the descriptor. FALSE with an error: the descriptor is not watched.
 */
gboolean md_polled_set(MdPolled *self,
                       int fd,
                       GIOCondition wanted,
                       void (*ready)(GIOCondition condition, gpointer data),
                       gpointer data,
                       GError **error);

/* The same for an eventfd: `ready` is called after each write to it; nothing needs to read it. */
gboolean md_polled_set_eventfd(MdPolled *self,
                               int fd,
                               void (*ready)(GIOCondition condition, gpointer data),
                               gpointer data,
                               GError **error);

/*
 * The same as G_IO_IN for descriptors that are seldom ready, such as events and listening sockets.
 * These are served before all others, and md_polled_process() skips them.
 */
gboolean md_polled_set_seldom(MdPolled *self,
                              int fd,
                              void (*ready)(GIOCondition condition, gpointer data),
                              gpointer data,
                              GError **error);

/* Calls the functions of all ready descriptors now instead of in the next iteration. Must not be
 * called from `ready`. */
void md_polled_process(void);
