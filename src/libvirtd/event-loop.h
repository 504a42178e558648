/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions that run on libvirtd's event loop, where libvirt reports events. */
#pragma once

#include <glib.h>

/* Calls func(data), then free_data(data), soon. FALSE: an error; nothing is called. */
gboolean md_event_loop_run(GFunc func, gpointer data, GDestroyNotify free_data);

/*
 * Waits until everything has run that was to run before this call, so that an event which was
 * received is delivered. Gives up after some time, so that libvirtd can never wait for itself.
 */
void md_event_loop_wait(void);
