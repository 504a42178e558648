/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The main loop of a test. */
#pragma once

#include <glib.h>


/* Runs whatever is ready now. */
static inline void
settle(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}
