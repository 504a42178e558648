/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Event subscriptions. */
#include "config.h"

#include "remote/handlers.h"

#include "protocol/text.h"


void
md_handle_register_close_callback(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_session_set_close_callback(md_call_get_session(call), TRUE);
    md_call_reply(call, NULL);
}


void
md_handle_unregister_close_callback(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_session_set_close_callback(md_call_get_session(call), FALSE);
    md_call_reply(call, NULL);
}


void
md_handle_register_event(MdCall *call, gconstpointer args)
{
    const md_register_args *wanted = args;
    const char *device = md_maybe_text_get(wanted->device);
    GError *error = NULL;
    const md_int_ret ret = { md_session_subscribe(md_call_get_session(call), wanted->event, device,
                                                  &error) };

    if (error != NULL)
        md_call_fail(call, error);
    else
        md_call_reply(call, &ret);
}


void
md_handle_deregister_event(MdCall *call, gconstpointer args)
{
    const md_int_args *callback = args;
    GError *error = NULL;

    if (md_session_unsubscribe(md_call_get_session(call), callback->value, &error))
        md_call_reply(call, NULL);
    else
        md_call_fail(call, error);
}
