/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's own events, as it sends them to udevd, compared with those that udevd tells of. As
 * long as it tells of all, they are used for nothing else. When there is no udevd, or the kernel
 * has told of something and udevd of nothing for too long, udevd is silent and they take the place
 * of its events. If udevd tells of others and never of that one, the event is lost.
 */
#pragma once

#include <glib.h>

#include "kernel/kernel-message.h"
#include "util/settings.h"

typedef struct _MdKernelEvents MdKernelEvents;

typedef struct {
    /* udevd is silent from now on: what has happened before may never have been told. Or it is at
     * work again. */
    void (*silence_changed)(gboolean silent, gpointer data);
    /* While udevd is silent: what the kernel tells. Valid during the call only. */
    void (*event)(const MdKernelMessage *message, gpointer data);
    /* Events have been lost: by udevd, or by the kernel on their way to us. */
    void (*lost)(gpointer data);
    /* Whether udevd has told of something that has not been read yet. */
    gboolean (*is_behind)(gpointer data);
} MdKernelEventsFuncs;

/*
 * From here on events queue up. `settings` (receive_buffer; event_timeout: how long udevd may owe
 * an event) must outlive it. NULL with an error if the kernel's events cannot be had.
 */
MdKernelEvents *md_kernel_events_new(const MdSettings *settings,
                                     const MdKernelEventsFuncs *funcs,
                                     gpointer data,
                                     GError **error);
void md_kernel_events_free(MdKernelEvents *self);

/* From here on the functions are called, from the main loop. */
void md_kernel_events_listen(MdKernelEvents *self);

/* udevd has told of the event with this number (0: of none of the kernel's). */
void md_kernel_events_heard(MdKernelEvents *self, guint64 seqnum);

/* All is looked at anew that has happened up to the event with this number: whether udevd tells of
 * it does not matter any more. */
void md_kernel_events_forget_older(MdKernelEvents *self, guint64 seqnum);

gboolean md_kernel_events_is_silent(MdKernelEvents *self);

/*
 * Whether udevd, or systemd for it, has the socket that udevd's clients connect to; its file
 * outlives both. Nothing is connected, and nothing started. A user who may not connect is told that
 * there is a udevd.
 */
gboolean md_kernel_events_find_udevd(const MdRoots *roots);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdKernelEvents, md_kernel_events_free)
