/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/source.h"


GSource *
md_source_attach(GSource *source, GSourceFunc func, gpointer data)
{
    /* Our callbacks never run the main loop, so recursion cannot happen. This setting keeps GLib
     * from blocking the source during its dispatch, which would cost a wake-up of the loop each
     * time. */
    g_source_set_can_recurse(source, TRUE);
    g_source_set_callback(source, func, data, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
    return source;
}


GSource *
md_source_attach_turns(GSourceFunc func, gpointer data)
{
    GSource *source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    return md_source_attach(source, func, data);
}


void
md_source_clear(GSource **source)
{
    if (*source == NULL)
        return;

    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}
