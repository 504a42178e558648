/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads of the module inside libvirtd. */
#pragma once

#include <glib.h>

/* Starts a thread that handles none of libvirtd's signals, and that nobody joins. FALSE: failed. */
gboolean md_thread_start(GThreadFunc func, gpointer data);
