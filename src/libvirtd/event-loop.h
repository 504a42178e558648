/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that run on libvirtd's event loop, where libvirt reports events. */
#pragma once

#include <glib.h>

/* Calls func(data), then free_data(data), soon. FALSE: an error; nothing is called. */
gboolean md_event_loop_run(GFunc func, gpointer data, GDestroyNotify free_data);

/*
 * Waits until the event loop has run everything queued before this call, so that all events
 * received so far have been delivered. Gives up after two seconds, so that libvirtd cannot deadlock
 * by waiting for itself.
 */
void md_event_loop_wait(void);
