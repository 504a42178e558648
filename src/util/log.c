/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "util/log.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "util/log-control.h"
#include "util/log-output.h"

#define MESSAGE_FIELD "MESSAGE"

/* Prefix of our own fields. */
#define FIELD_PREFIX "MEDIATED_"

/* Ends a truncated message, and the maximum length of the text before it. */
#define CUT      "..."
#define FITS_MAX (MD_LOG_MESSAGE_MAX - strlen(CUT))

/* GLib's own fields, the members of MdLogContext, and room for a few more. */
#define FIELDS_MAX 24

/* Bytes of a number in a field. */
#define NUMBER_SIZE 24

/* The fields of one message, on the stack of md_log(). */
typedef struct {
    GLogField fields[FIELDS_MAX];
    gsize n_fields;
    char numbers[FIELDS_MAX][NUMBER_SIZE];
} Fields;

/* Milliseconds for the program's last lines: until a stalled reader is given up, and in all. */
#define LAST_LINES_STALL_TIMEOUT 1000
#define LAST_LINES_TIMEOUT       10000

/* Whether stderr supports colours. */
static gboolean has_colour;


/* Appends the character at `p`, escaped unless it is printable; returns the position after it. */
static const char *
append_character(GString *out, const char *p, const char *end)
{
    gunichar character = g_utf8_get_char_validated(p, end - p);

    if (character == (gunichar)-1 || character == (gunichar)-2) {
        g_string_append_printf(out, "\\x%02x", (guchar)*p);
        return p + 1;
    }
    if (character == '\n')
        g_string_append(out, "\\n");
    else if (character == '\t')
        g_string_append(out, "\\t");
    else if (character == '\\')
        g_string_append(out, "\\\\");
    else if (character < 0x80 && !g_ascii_isprint((char)character))
        g_string_append_printf(out, "\\x%02x", character);
    else if (character >= 0x80 && (!g_unichar_isgraph(character) || g_unichar_isspace(character)))
        g_string_append_printf(out, "\\u%04x", character);
    else
        g_string_append_unichar(out, character);
    return g_utf8_next_char(p);
}


/* Appends the text at `p` up to the next byte that may need escaping; returns the position of this
 * byte, or `end`. Most texts need no escaping. */
static const char *
append_plain(GString *out, const char *p, const char *end)
{
    const char *next = p;

    while (next < end && g_ascii_isprint(*next) && *next != '\\')
        next++;
    g_string_append_len(out, p, next - p);
    return next;
}


char *
md_log_escape(const char *text)
{
    /* A message cannot contain more bytes than this. */
    const char *end = text + strnlen(text, MD_LOG_MESSAGE_MAX + 1);
    GString *out = g_string_sized_new((gsize)(end - text) + 1);
    const char *p = append_plain(out, text, end);
    gsize fits = MIN(out->len, FITS_MAX); /* length of `out` that leaves room for CUT */

    while (p < end && out->len <= MD_LOG_MESSAGE_MAX) {
        p = append_character(out, p, end);
        if (out->len <= FITS_MAX)
            fits = out->len;
    }
    if (out->len > MD_LOG_MESSAGE_MAX) {
        g_string_truncate(out, fits);
        g_string_append(out, CUT);
    }
    return g_string_free(out, FALSE);
}


static const char *
get_field(const GLogField *fields, gsize n_fields, const char *key)
{
    for (gsize i = 0; i < n_fields; i++) {
        if (g_str_equal(fields[i].key, key))
            return fields[i].value;
    }
    return "";
}


/* The format of syslog(3), whose names of months do not depend on the language. */
static GString *
format_for_syslog(const char *name, const GLogField *fields, gsize n_fields)
{
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    g_autoptr(GDateTime) now = g_date_time_new_now_local();
    int priority = LOG_DAEMON | atoi(get_field(fields, n_fields, "PRIORITY"));
    GString *line = g_string_new(NULL);

    g_string_printf(line, "<%d>%s %2d %02d:%02d:%02d %s[%d]: %s", priority,
                    months[g_date_time_get_month(now) - 1], g_date_time_get_day_of_month(now),
                    g_date_time_get_hour(now), g_date_time_get_minute(now),
                    g_date_time_get_second(now), name, (int)getpid(),
                    get_field(fields, n_fields, MESSAGE_FIELD));
    return line;
}


static GString *
format_line(guint output, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    MdLogDestination destination = md_log_output_get_destination(output);
    gboolean colour = has_colour && destination == MD_LOG_TO_STDERR;
    g_autofree char *text = NULL;
    GString *line = NULL;

    if (destination == MD_LOG_TO_JOURNALD)
        return md_log_output_encode(fields, n_fields);
    if (destination == MD_LOG_TO_SYSLOG)
        return format_for_syslog(md_log_output_get_name(output), fields, n_fields);

    text = g_log_writer_format_fields(level, fields, n_fields, colour);
    line = g_string_new(text);
    g_string_append_c(line, '\n');
    return line;
}


static void
write_escaped(GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    for (guint i = 0; i < md_log_output_count(); i++) {
        if (md_log_control_is_for_output(level, i))
            md_log_output_write(i, format_line(i, level, fields, n_fields));
    }
}


/* GLib's own fields are constants of the program. */
static gboolean
is_foreign(const GLogField *field)
{
    return g_str_equal(field->key, MESSAGE_FIELD) || g_str_has_prefix(field->key, FIELD_PREFIX);
}


static void
field_escape(GLogField *field, GPtrArray *texts)
{
    g_autofree char *raw =
        field->length < 0 ? g_strdup(field->value) : g_strndup(field->value, (gsize)field->length);

    field->value = md_log_escape(raw);
    field->length = -1;
    g_ptr_array_add(texts, (gpointer)field->value);
}


static GLogWriterOutput
write_log(GLogLevelFlags level,
          const GLogField *fields,
          gsize n_fields,
          gpointer data G_GNUC_UNUSED)
{
    g_autofree GLogField *safe = NULL;
    g_autoptr(GPtrArray) texts = NULL;

    if (!md_log_control_is_wanted(level))
        return G_LOG_WRITER_HANDLED;

    safe = g_memdup2(fields, n_fields * sizeof(*fields));
    texts = g_ptr_array_new_with_free_func(g_free);
    for (gsize i = 0; i < n_fields; i++) {
        if (is_foreign(&safe[i]))
            field_escape(&safe[i], texts);
    }
    write_escaped(level, safe, n_fields);
    return G_LOG_WRITER_HANDLED;
}


/* G_DEBUG can make any level fatal: GLib then aborts the program after this call. Only this
 * handler, not the writer, knows whether a message is fatal. */
static void
handle_line(const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
    g_log_default_handler(domain, level, message, data);
    if ((level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) != 0)
        md_log_end();
}


/* GLib's own function blocks on a stalled reader. */
static void
print_to_stderr(const char *text)
{
    const char *charset = NULL;
    g_autofree char *words = NULL;

    if (!g_get_console_charset(&charset))
        words = g_convert_with_fallback(text, -1, charset, "UTF-8", "?", NULL, NULL, NULL);
    md_log_output_print(words != NULL ? words : text, LAST_LINES_STALL_TIMEOUT);
}


void
md_log_bound_stderr(void)
{
    g_set_printerr_handler(print_to_stderr);
}


void
md_log_init(gboolean verbose)
{
    md_log_bound_stderr();
    /* Without TZ, the C library would look up this file for each line, on a disk that may hang. */
    g_setenv("TZ", ":/etc/localtime", FALSE);
    has_colour = g_log_writer_supports_color(STDERR_FILENO);
    md_log_output_init();
    /* stdout belongs to --version and --help. */
    g_log_writer_default_set_use_stderr(TRUE);
    md_log_control_init(verbose);
    g_log_set_writer_func(write_log, NULL, NULL);
    g_log_set_default_handler(handle_line, NULL);
}


void
md_log_end(void)
{
    md_log_output_flush(LAST_LINES_STALL_TIMEOUT, LAST_LINES_TIMEOUT);
}


/* `value` NULL: none. */
static void
fields_add(Fields *self, const char *key, const char *value)
{
    if (value == NULL)
        return;

    g_assert(self->n_fields < FIELDS_MAX);
    self->fields[self->n_fields++] = (GLogField){ key, value, -1 };
}


static void
fields_add_number(Fields *self, const char *key, gint64 value)
{
    char *text = self->numbers[self->n_fields];

    g_snprintf(text, NUMBER_SIZE, "%" G_GINT64_FORMAT, value);
    fields_add(self, key, text);
}


static const char *
get_priority(GLogLevelFlags level)
{
    switch (level & G_LOG_LEVEL_MASK) {
    case G_LOG_LEVEL_CRITICAL:
    case G_LOG_LEVEL_WARNING:
        return "4";
    case G_LOG_LEVEL_MESSAGE:
        return "5";
    case G_LOG_LEVEL_INFO:
        return "6";
    default:
        return "7";
    }
}


void
md_log(GLogLevelFlags level, const MdLogContext *context, const char *format, ...)
{
    Fields fields = { .n_fields = 0 };
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);

    fields_add(&fields, MESSAGE_FIELD, message);
    fields_add(&fields, "PRIORITY", get_priority(level));
    fields_add(&fields, "GLIB_DOMAIN", G_LOG_DOMAIN);
    fields_add(&fields, "MESSAGE_ID", context->message_id);
    fields_add(&fields, FIELD_PREFIX "PROCEDURE", context->procedure);
    fields_add(&fields, FIELD_PREFIX "DEVICE", context->device);
    fields_add(&fields, FIELD_PREFIX "PARENT", context->parent);
    if (context->procedure != NULL)
        fields_add_number(&fields, FIELD_PREFIX "DURATION_USEC", context->duration);
    if (context->client != 0) {
        fields_add_number(&fields, FIELD_PREFIX "CLIENT", (gint64)context->client);
        fields_add_number(&fields, FIELD_PREFIX "UID", context->uid);
    }
    if (context->errnum != 0)
        fields_add_number(&fields, "ERRNO", context->errnum);
    g_log_structured_array(level, fields.fields, fields.n_fields);
}
