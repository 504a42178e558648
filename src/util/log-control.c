/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/log-control.h"

#include "util/error.h"
#include "util/log-output.h"

static struct {
    MdLogPriority initial; /* of the output, and of messages that no filter matches */
    MdLogPriority output;
    GArray *filters; /* of MdLogFilter; NULL: none */
    gint lowest;     /* the lowest MdLogPriority that is logged; atomic, the others are not */
} control = { MD_LOG_PRIORITY_WARNING, MD_LOG_PRIORITY_WARNING, NULL, MD_LOG_PRIORITY_WARNING };


/* A message passes the filters, and then the output. */
static void
update_lowest(void)
{
    MdLogPriority lowest = control.initial;

    if (control.filters != NULL)
        lowest = md_log_filters_find(control.filters, G_LOG_DOMAIN, control.initial);
    g_atomic_int_set(&control.lowest, (gint)MAX(lowest, control.output));
}


void
md_log_control_init(gboolean verbose)
{
    control.initial = verbose ? MD_LOG_PRIORITY_DEBUG : MD_LOG_PRIORITY_WARNING;
    control.output = control.initial;
    update_lowest();
}


static MdLogPriority
get_priority(GLogLevelFlags level)
{
    if (level > G_LOG_LEVEL_INFO)
        return MD_LOG_PRIORITY_DEBUG;
    if (level > G_LOG_LEVEL_MESSAGE)
        return MD_LOG_PRIORITY_INFO;
    return level > G_LOG_LEVEL_WARNING ? MD_LOG_PRIORITY_WARNING : MD_LOG_PRIORITY_ERROR;
}


gboolean
md_log_control_is_wanted(GLogLevelFlags level)
{
    return (gint)get_priority(level & G_LOG_LEVEL_MASK) >= g_atomic_int_get(&control.lowest);
}


gboolean
md_log_control_set_filters(const char *text, GError **error)
{
    GArray *filters = md_log_filters_parse(text, error);

    if (filters == NULL)
        return FALSE;
    g_clear_pointer(&control.filters, g_array_unref);
    control.filters = filters;
    update_lowest();
    return TRUE;
}


static MdLogDestination
get_destination(void)
{
    return md_log_output_is_journal() ? MD_LOG_TO_JOURNALD : MD_LOG_TO_STDERR;
}


static gboolean
check_destination(const GArray *outputs, GError **error)
{
    const char *own = md_log_destination_get_name(get_destination());

    if (outputs->len == 1 &&
        g_array_index(outputs, MdLogOutput, 0).destination == get_destination())
        return TRUE;
    md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_ARGUMENT_UNSUPPORTED,
                      "the log has exactly one output, '%s', of which only the priority can change",
                      own);
    return FALSE;
}


gboolean
md_log_control_set_outputs(const char *text, GError **error)
{
    g_autoptr(GArray) outputs = md_log_outputs_parse(text, error);

    if (outputs == NULL || (outputs->len > 0 && !check_destination(outputs, error)))
        return FALSE;
    control.output =
        outputs->len > 0 ? g_array_index(outputs, MdLogOutput, 0).priority : control.initial;
    update_lowest();
    return TRUE;
}


char *
md_log_control_get_filters(guint *n)
{
    *n = control.filters != NULL ? control.filters->len : 0;
    return control.filters != NULL ? md_log_filters_format(control.filters) : g_strdup("");
}


char *
md_log_control_get_outputs(guint *n)
{
    *n = 1;
    return g_strdup_printf("%u:%s", control.output, md_log_destination_get_name(get_destination()));
}
