/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where g_debug(), g_info(), g_message() and g_warning() go: the journal if stderr is connected to
 * it, else stderr. */
#pragma once

#include <glib.h>

/* Messages and above are shown; with `verbose` everything is. */
void md_log_init(gboolean verbose);
