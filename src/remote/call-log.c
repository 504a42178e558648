/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "remote/call-log.h"

#include "util/error.h"
#include "util/log.h"

#define DONE_MESSAGE_ID   "3f0f7d4b8a3e4d5f8b53d1a0c7c2f9e4"
#define FAILED_MESSAGE_ID "b7e2a9c05d1f4e6b9c48f3e1a6d0725c"


void
md_call_log_change(MdSession *session,
                   const MdIdentity *identity,
                   const char *function,
                   const char *device,
                   const char *parent,
                   gint64 since,
                   const GError *error)
{
    gint64 duration = g_get_monotonic_time() - since;
    g_autofree char *who = md_identity_describe(identity);
    const MdLogContext context = {
        .message_id = error == NULL ? DONE_MESSAGE_ID : FAILED_MESSAGE_ID,
        .procedure = function,
        .device = device,
        .parent = parent,
        .client = md_session_get_number(session),
        .uid = identity->uid,
        .duration = duration,
        .errnum = error != NULL ? md_error_get_errno(error) : 0,
    };

    if (error == NULL)
        md_log(G_LOG_LEVEL_MESSAGE, &context,
               "%s of '%s' for client %" G_GUINT64_FORMAT " (%s): "
               "done in %.1f ms",
               function, device, context.client, who, (double)duration / 1000);
    else
        md_log(G_LOG_LEVEL_MESSAGE, &context,
               "%s of '%s' for client %" G_GUINT64_FORMAT " (%s): "
               "failed after %.1f ms: %s",
               function, device != NULL ? device : "a new device", context.client, who,
               (double)duration / 1000, error->message);
}
