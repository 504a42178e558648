/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/handlers.h"

typedef struct {
    MdCall *call;
    MdHandler handler;
} Pending;


static void
on_looked(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autofree Pending *pending = data;

    md_driver_look_finish(MD_DRIVER(source), result);
    pending->handler(pending->call, md_call_get_args(pending->call));
}


void
md_handle_after_look(MdCall *call, const char *device, MdHandler handler)
{
    MdDriver *driver = md_call_get_driver(call);
    Pending *pending = NULL;

    if (!md_driver_needs_look(driver, device)) {
        handler(call, md_call_get_args(call));
        return;
    }
    pending = g_new0(Pending, 1);
    pending->call = call;
    pending->handler = handler;
    md_driver_look_async(driver, device, md_call_get_owner(call), on_looked, pending);
}
