/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/log-control.h"

#include "util/error.h"
#include "util/log-output.h"

/* The source of all messages, with libvirt's names, so that filters written for libvirt match. */
#define SOURCE "mediated node_device.node_device_driver node_device.node_device_udev"

static struct {
    MdLogPriority initial; /* of outputs, and of messages that no filter matches */
    GArray *filters;       /* of MdLogFilter; NULL: none */
    GArray *outputs;       /* of MdLogOutput, as configured; NULL: one with the initial priority */
    gint lowest;           /* the lowest MdLogPriority that is logged; atomic */
} control = { .initial = MD_LOG_PRIORITY_WARNING, .lowest = MD_LOG_PRIORITY_WARNING };


/* A message must be selected by the filters and by an output. */
static void
update_lowest(void)
{
    MdLogPriority lowest = control.initial;
    MdLogPriority output = MD_LOG_PRIORITY_ERROR;

    if (control.filters != NULL)
        lowest = md_log_filters_find(control.filters, SOURCE, control.initial);
    for (guint i = 0; i < md_log_output_count(); i++)
        output = MIN(output, md_log_output_get_priority(i));
    g_atomic_int_set(&control.lowest, (gint)MAX(lowest, output));
}


/* The running output `i` in a list, borrowed; NULL: not in the list, or `list` is NULL. */
static const MdLogOutput *
find_in_list(guint i, const GArray *list)
{
    for (guint j = 0; list != NULL && j < list->len; j++) {
        const MdLogOutput *output = &g_array_index(list, MdLogOutput, j);

        if (md_log_output_get_destination(i) == output->destination &&
            g_strcmp0(md_log_output_get_name(i), output->name) == 0)
            return output;
    }
    return NULL;
}


/* Outputs that are not in the list, which may be NULL, get the initial priority. */
static void
set_output_priorities(const GArray *list)
{
    for (guint i = 0; i < md_log_output_count(); i++) {
        const MdLogOutput *output = find_in_list(i, list);

        md_log_output_set_priority(i, output != NULL ? output->priority : control.initial);
    }
}


void
md_log_control_init(gboolean verbose)
{
    control.initial = verbose ? MD_LOG_PRIORITY_DEBUG : MD_LOG_PRIORITY_WARNING;
    set_output_priorities(NULL);
    update_lowest();
}


void
md_log_control_configure(MdLogPriority initial,
                         const char *filters,
                         const char *outputs,
                         GPtrArray *problems)
{
    g_autoptr(GArray) wanted = outputs != NULL ? md_log_outputs_parse(outputs, NULL) : NULL;

    control.initial = initial;
    if (filters != NULL)
        control.filters = md_log_filters_parse(filters, NULL);
    if (wanted != NULL && md_log_output_use(wanted, problems))
        control.outputs = g_steal_pointer(&wanted);
    set_output_priorities(control.outputs);
    update_lowest();
}


void
md_log_control_set_initial(MdLogPriority initial)
{
    if (initial == control.initial)
        return;
    control.initial = initial;
    if (control.outputs == NULL)
        set_output_priorities(NULL);
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
md_log_control_is_for_output(GLogLevelFlags level, guint output)
{
    return get_priority(level & G_LOG_LEVEL_MASK) >= md_log_output_get_priority(output);
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


/* The running outputs; their names are borrowed. */
static GArray *
list_outputs(void)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(MdLogOutput));

    for (guint i = 0; i < md_log_output_count(); i++) {
        const MdLogOutput output = { md_log_output_get_priority(i),
                                     md_log_output_get_destination(i),
                                     (char *)md_log_output_get_name(i) };

        g_array_append_val(list, output);
    }
    return list;
}


/* FALSE with an error unless the list has exactly the running outputs. */
static gboolean
check_outputs(const GArray *list, GError **error)
{
    g_autoptr(GArray) running = list_outputs();
    g_autofree char *own = md_log_outputs_format_destinations(running);
    gboolean ok = list->len == running->len;

    for (guint i = 0; ok && i < running->len; i++)
        ok = find_in_list(i, list) != NULL;
    if (!ok)
        md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_ARGUMENT_UNSUPPORTED,
                          "log outputs cannot be added or removed, only the priorities of '%s' can "
                          "be changed",
                          own);
    return ok;
}


gboolean
md_log_control_set_outputs(const char *text, GError **error)
{
    g_autoptr(GArray) list = md_log_outputs_parse(text, error);

    if (list == NULL || (list->len > 0 && !check_outputs(list, error)))
        return FALSE;
    set_output_priorities(list->len > 0 ? list : control.outputs);
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
    g_autoptr(GArray) running = list_outputs();

    *n = running->len;
    return md_log_outputs_format(running);
}
