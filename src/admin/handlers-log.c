/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log filters and log outputs. */
#include "config.h"

#include "admin/handlers.h"
#include "protocol/text.h"
#include "util/log-control.h"


void
md_admin_handle_get_log_outputs(MdAdminCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_admin_outputs_ret ret = { 0 };
    guint n = 0;
    g_autofree char *outputs = md_log_control_get_outputs(&n);

    ret.outputs = outputs;
    ret.count = n;
    md_admin_call_reply(call, &ret);
}


/* Without filters, the text is missing. */
void
md_admin_handle_get_log_filters(MdAdminCall *call, gconstpointer args G_GNUC_UNUSED)
{
    md_admin_filters_ret ret = { 0 };
    guint n = 0;
    g_autofree char *filters = md_log_control_get_filters(&n);

    ret.filters = n > 0 ? &filters : NULL;
    ret.count = n;
    md_admin_call_reply(call, &ret);
}


static void
set_rules(MdAdminCall *call,
          gboolean (*set)(const char *text, GError **error),
          const char *what,
          md_maybe_text rules)
{
    const char *text = rules != NULL ? md_maybe_text_get(rules) : "";
    GError *error = NULL;

    if (set(text, &error))
        g_message("Log %s set to '%s' by an administrator", what, text);
    md_admin_call_finish(call, error);
}


void
md_admin_handle_set_log_outputs(MdAdminCall *call, gconstpointer args)
{
    const md_admin_rules_args *wanted = args;

    set_rules(call, md_log_control_set_outputs, "outputs", wanted->rules);
}


void
md_admin_handle_set_log_filters(MdAdminCall *call, gconstpointer args)
{
    const md_admin_rules_args *wanted = args;

    set_rules(call, md_log_control_set_filters, "filters", wanted->rules);
}
