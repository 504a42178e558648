/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/log-rules.h"

#include "util/error.h"
#include "util/text.h"

static const char *const destination_names[] = {
    [MD_LOG_TO_STDERR] = "stderr",
    [MD_LOG_TO_SYSLOG] = "syslog",
    [MD_LOG_TO_FILE] = "file",
    [MD_LOG_TO_JOURNALD] = "journald",
};


static gboolean
find_destination(const char *name, MdLogDestination *destination)
{
    for (gsize i = 0; i < G_N_ELEMENTS(destination_names); i++) {
        if (g_str_equal(name, destination_names[i])) {
            *destination = (MdLogDestination)i;
            return TRUE;
        }
    }
    return FALSE;
}


static gboolean
has_name(MdLogDestination destination)
{
    return destination == MD_LOG_TO_SYSLOG || destination == MD_LOG_TO_FILE;
}


G_GNUC_PRINTF(2, 3)
static void
set_error(GError **error, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    md_error_set_from(error, VIR_FROM_NONE, VIR_ERR_INVALID_ARG, "%s", message);
}


static gboolean
parse_priority(const char *text, MdLogPriority *priority)
{
    guint64 number = 0;

    if (!g_ascii_string_to_unsigned(text, 10, MD_LOG_PRIORITY_DEBUG, MD_LOG_PRIORITY_ERROR, &number,
                                    NULL))
        return FALSE;
    *priority = (MdLogPriority)number;
    return TRUE;
}


static void
filter_clear(gpointer data)
{
    g_free(((MdLogFilter *)data)->pattern);
}


static void
output_clear(gpointer data)
{
    g_free(((MdLogOutput *)data)->name);
}


/* libvirt adds an asterisk at both ends, and ignores a plus sign, which once had a meaning. */
static gboolean
add_filter(GArray *filters, const char *word, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(word, ":", -1);
    MdLogFilter filter = { 0 };
    const char *match = NULL;

    if (parts[0] == NULL || parts[1] == NULL) {
        set_error(error, "Malformed format for filter '%s'", word);
        return FALSE;
    }
    if (!parse_priority(parts[0], &filter.priority)) {
        set_error(error, "Invalid priority '%s' for filter '%s'", parts[0], word);
        return FALSE;
    }
    match = *parts[1] == '+' ? parts[1] + 1 : parts[1];
    if (*match == '\0') {
        set_error(error, "Invalid match string '%s'", parts[1]);
        return FALSE;
    }
    filter.pattern = g_strconcat("*", match, "*", NULL);
    g_array_append_val(filters, filter);
    return TRUE;
}


/* The parts of an output, NULL-terminated. */
static gboolean
read_output(MdLogOutput *output, char **parts, const char *word, GError **error)
{
    guint n = g_strv_length(parts);

    if (n < 2) {
        set_error(error, "Malformed format for log output '%s'", word);
        return FALSE;
    }
    if (!parse_priority(parts[0], &output->priority)) {
        set_error(error, "Invalid log priority '%s' for log output '%s'", parts[0], word);
        return FALSE;
    }
    if (!find_destination(parts[1], &output->destination)) {
        set_error(error, "Invalid log destination '%s' for log output '%s'", parts[1], word);
        return FALSE;
    }
    if (n != (has_name(output->destination) ? 3 : 2)) {
        set_error(error,
                  "Log output '%s' does not meet the format requirements for destination type '%s'",
                  word, parts[1]);
        return FALSE;
    }
    output->name = g_strdup(parts[2]);
    return TRUE;
}


static void
drop_same_destination(GArray *outputs, const MdLogOutput *output)
{
    for (guint i = 0; i < outputs->len; i++) {
        const MdLogOutput *other = &g_array_index(outputs, MdLogOutput, i);

        if (other->destination == output->destination &&
            g_strcmp0(other->name, output->name) == 0) {
            g_array_remove_index(outputs, i);
            return;
        }
    }
}


static gboolean
add_output(GArray *outputs, const char *word, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(word, ":", -1);
    MdLogOutput output = { 0 };

    if (!read_output(&output, parts, word, error))
        return FALSE;
    drop_same_destination(outputs, &output);
    g_array_append_val(outputs, output);
    return TRUE;
}


static gboolean
add_words(GArray *rules,
          const char *text,
          gboolean (*add_word)(GArray *rules, const char *word, GError **error),
          GError **error)
{
    g_auto(GStrv) words = NULL;

    /* Patterns must be UTF-8, and clients print rules on terminals. */
    if (!md_text_is_clean(text)) {
        set_error(error, "log filters or outputs are not printable UTF-8");
        return FALSE;
    }
    words = g_strsplit(text, " ", -1);
    for (guint i = 0; words[i] != NULL; i++) {
        if (*words[i] == '\0')
            continue;
        if (rules->len >= MD_LOG_RULES_MAX) {
            set_error(error, "more than %d filters or outputs", MD_LOG_RULES_MAX);
            return FALSE;
        }
        if (!add_word(rules, words[i], error))
            return FALSE;
    }
    return TRUE;
}


GArray *
md_log_filters_parse(const char *text, GError **error)
{
    g_autoptr(GArray) filters = g_array_new(FALSE, FALSE, sizeof(MdLogFilter));

    g_array_set_clear_func(filters, filter_clear);
    return add_words(filters, text, add_filter, error) ? g_steal_pointer(&filters) : NULL;
}


GArray *
md_log_outputs_parse(const char *text, GError **error)
{
    g_autoptr(GArray) outputs = g_array_new(FALSE, FALSE, sizeof(MdLogOutput));

    g_array_set_clear_func(outputs, output_clear);
    return add_words(outputs, text, add_output, error) ? g_steal_pointer(&outputs) : NULL;
}


char *
md_log_filters_format(const GArray *filters)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < filters->len; i++) {
        const MdLogFilter *filter = &g_array_index(filters, MdLogFilter, i);

        g_string_append_printf(text, "%s%u:%s", i > 0 ? " " : "", filter->priority,
                               filter->pattern);
    }
    return g_string_free(text, FALSE);
}


static char *
format_outputs(const GArray *outputs, gboolean with_priorities)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < outputs->len; i++) {
        const MdLogOutput *output = &g_array_index(outputs, MdLogOutput, i);

        if (i > 0)
            g_string_append_c(text, ' ');
        if (with_priorities)
            g_string_append_printf(text, "%u:", output->priority);
        g_string_append(text, destination_names[output->destination]);
        if (output->name != NULL)
            g_string_append_printf(text, ":%s", output->name);
    }
    return g_string_free(text, FALSE);
}


char *
md_log_outputs_format(const GArray *outputs)
{
    return format_outputs(outputs, TRUE);
}


char *
md_log_outputs_format_destinations(const GArray *outputs)
{
    return format_outputs(outputs, FALSE);
}


MdLogPriority
md_log_filters_find(const GArray *filters, const char *source, MdLogPriority fallback)
{
    for (guint i = 0; i < filters->len; i++) {
        const MdLogFilter *filter = &g_array_index(filters, MdLogFilter, i);

        if (g_pattern_match_simple(filter->pattern, source))
            return filter->priority;
    }
    return fallback;
}
