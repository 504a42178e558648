/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection object of libvirt's API. */
#include "config.h"

#include "remote/handlers.h"

#include <libvirt/libvirt.h>

#include "protocol/text.h"
#include "remote/served-version.h"
#include "util/error.h"

/* Features that a client may query, as in the protocol. */
enum {
    FEATURE_KEEPALIVE = 10,
    FEATURE_EVENT_CALLBACK = 14,
    FEATURE_CLOSE_CALLBACK = 15,
};

/* Set by a client's library that would have started the daemon if necessary. */
#define OPEN_AUTOSTART 4

/* The flags of virConnectOpenAuth(); readers set the first. */
#define OPEN_FLAGS (VIR_CONNECT_RO | VIR_CONNECT_NO_ALIASES | OPEN_AUTOSTART)


void
md_handle_open(MdCall *call, gconstpointer args)
{
    const md_open_args *open = args;
    const char *name = md_maybe_text_get(open->name);
    GError *error = NULL;

    if (md_error_check_flags(open->flags, OPEN_FLAGS, VIR_FROM_NONE, "virConnectOpen", &error))
        md_session_open(md_call_get_session(call), name, (open->flags & VIR_CONNECT_RO) != 0,
                        &error);

    if (error != NULL)
        md_call_fail(call, error);
    else
        md_call_reply(call, NULL);
}


void
md_handle_close(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    g_autoptr(MdSession) session = md_session_ref(md_call_get_session(call));

    md_call_reply(call, NULL);
    md_session_close_when_sent(session);
}


void
md_handle_get_type(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    const md_text_ret ret = { (char *)"nodedev" };

    md_call_reply(call, &ret);
}


void
md_handle_get_lib_version(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    const md_number_ret ret = { MD_SERVED_VERSION };

    md_call_reply(call, &ret);
}


void
md_handle_get_uri(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    const md_text_ret ret = { (char *)md_session_get_uri(md_call_get_session(call)) };

    md_call_reply(call, &ret);
}


/* Always: no third party can read or change what is sent through a Unix socket. */
void
md_handle_is_secure(MdCall *call, gconstpointer args G_GNUC_UNUSED)
{
    const md_int_ret ret = { 1 };

    md_call_reply(call, &ret);
}


void
md_handle_supports_feature(MdCall *call, gconstpointer args)
{
    const md_int_args *feature = args;
    const md_int_ret ret = { feature->value == FEATURE_KEEPALIVE ||
                             feature->value == FEATURE_EVENT_CALLBACK ||
                             feature->value == FEATURE_CLOSE_CALLBACK };

    if (feature->value == FEATURE_KEEPALIVE)
        md_client_enable_keepalive(md_session_get_client(md_call_get_session(call)));
    md_call_reply(call, &ret);
}
