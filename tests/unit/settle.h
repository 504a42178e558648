/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main loop of a test. */
#pragma once

#include <glib.h>


/* Dispatches all sources that are ready. */
static inline void
settle(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}
