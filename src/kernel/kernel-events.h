/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Receives the kernel's uevents and compares them with udevd's events. As long as udevd reports an
 * event for each uevent, the uevents are used for this comparison only. If udevd is not running, or
 * has reported nothing for too long after a uevent, it counts as silent, and the kernel's uevents
 * replace its events. If udevd skips an event but reports later ones, the skipped event is lost.
 */
#pragma once

#include <glib.h>

#include "kernel/kernel-message.h"
#include "util/settings.h"

typedef struct _MdKernelEvents MdKernelEvents;

typedef struct {
    /* udevd has become silent, and earlier events may never arrive; or it is no longer silent. */
    void (*silence_changed)(gboolean silent, gpointer data);
    /* While udevd is silent: the kernel has sent a uevent. `message` is valid during the call
     * only. */
    void (*event)(const MdKernelMessage *message, gpointer data);
    /* Events have been lost: by udevd, or in the socket that receives the kernel's uevents. */
    void (*lost)(gpointer data);
    /* Whether udevd has sent events that have not been read yet. */
    gboolean (*is_behind)(gpointer data);
} MdKernelEventsFuncs;

/* Events are queued from now on. `settings` must outlive the object: udev_receive_buffer, and
 * event_timeout, which limits how late udevd may report an event. NULL with an error if kernel
 * uevents cannot be received. */
MdKernelEvents *md_kernel_events_new(const MdSettings *settings,
                                     const MdKernelEventsFuncs *funcs,
                                     gpointer data,
                                     GError **error);
void md_kernel_events_free(MdKernelEvents *self);

/* Calls the functions from now on, from the main loop. */
void md_kernel_events_listen(MdKernelEvents *self);

/* udevd has reported the event with this number (0: not a kernel event). */
void md_kernel_events_acknowledge(MdKernelEvents *self, guint64 seqnum);

/* A full scan has covered all events up to this number: udevd need not report them any more. */
void md_kernel_events_forget_older(MdKernelEvents *self, guint64 seqnum);

gboolean md_kernel_events_is_silent(MdKernelEvents *self);

/* Whether udevd, or systemd on its behalf, listens on udevd's control socket, whose file may
 * outlive both. Makes no connection, so that systemd starts nothing. TRUE if the user lacks the
 * permission to find out. */
gboolean md_kernel_events_find_udevd(const MdRoots *roots);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MdKernelEvents, md_kernel_events_free)
