/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log filters and log outputs in libvirt's syntax, and what is logged with them. */
#include "config.h"

#include <libvirt/virterror.h>

#include "util/error.h"
#include "util/log-control.h"
#include "util/log-rules.h"

typedef struct {
    const char *text;
    const char *result; /* as formatted, or of the error message */
} Case;


static void
check_error(GError *error, int code, const char *message)
{
    g_assert_error(error, MD_ERROR, code);
    g_assert_cmpint(md_error_get_from(error), ==, VIR_FROM_NONE);
    g_assert_cmpstr(error->message, ==, message);
    g_error_free(error);
}


static void
test_filters(void)
{
    static const Case cases[] = {
        { "", "" },
        { "  ", "" },
        { "1:node", "1:*node*" },
        { " 1:node_device  4:+rpc:rest ", "1:*node_device* 4:*rpc*" },
        { "3:x 2:x", "3:*x* 2:*x*" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) filters = md_log_filters_parse(cases[i].text, &error);
        g_autofree char *text = NULL;

        g_assert_no_error(error);
        text = md_log_filters_format(filters);
        g_assert_cmpstr(text, ==, cases[i].result);
    }
}


static void
test_bad_filters(void)
{
    static const Case cases[] = {
        { "rpc", "Malformed format for filter 'rpc'" },
        { "1:a 5:rpc", "Invalid priority '5' for filter '5:rpc'" },
        { "0:rpc", "Invalid priority '0' for filter '0:rpc'" },
        { "x:rpc", "Invalid priority 'x' for filter 'x:rpc'" },
        { "1:+", "Invalid match string '+'" },
        { "1:", "Invalid match string ''" },
        { "1:\377", "log filters or outputs are not printable UTF-8" },
        { "1:\033[31m", "log filters or outputs are not printable UTF-8" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;

        g_assert_null(md_log_filters_parse(cases[i].text, &error));
        check_error(error, VIR_ERR_INVALID_ARG, cases[i].result);
    }
}


static void
test_outputs(void)
{
    static const Case cases[] = {
        { "1:stderr", "1:stderr" },
        { "2:journald 3:syslog:mediated", "2:journald 3:syslog:mediated" },
        { "1:file:/a 2:stderr 4:file:/b 3:file:/a", "2:stderr 4:file:/b 3:file:/a" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GArray) outputs = md_log_outputs_parse(cases[i].text, &error);
        g_autofree char *text = NULL;

        g_assert_no_error(error);
        text = md_log_outputs_format(outputs);
        g_assert_cmpstr(text, ==, cases[i].result);
    }
}


static void
test_bad_outputs(void)
{
    static const Case cases[] = {
        { "stderr", "Malformed format for log output 'stderr'" },
        { "5:stderr", "Invalid log priority '5' for log output '5:stderr'" },
        { "1:tape", "Invalid log destination 'tape' for log output '1:tape'" },
        { "1:file", "Log output '1:file' does not meet the format requirements for destination "
                    "type 'file'" },
        { "1:stderr:x", "Log output '1:stderr:x' does not meet the format requirements for "
                        "destination type 'stderr'" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;

        g_assert_null(md_log_outputs_parse(cases[i].text, &error));
        check_error(error, VIR_ERR_INVALID_ARG, cases[i].result);
    }
}


static void
test_too_many(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GArray) filters = NULL;
    GError *error = NULL;

    for (guint i = 0; i < MD_LOG_RULES_MAX; i++)
        g_string_append(text, "1:a ");
    filters = md_log_filters_parse(text->str, NULL);
    g_assert_cmpuint(filters->len, ==, MD_LOG_RULES_MAX);
    g_string_append(text, "1:a");
    g_assert_null(md_log_filters_parse(text->str, &error));
    check_error(error, VIR_ERR_INVALID_ARG, "more than 64 filters or outputs");
}


static void
test_find(void)
{
    g_autoptr(GArray) filters = md_log_filters_parse("1:rpc 4:r 2:?.c", NULL);

    g_assert_cmpint(md_log_filters_find(filters, "xrpcx", 3), ==, MD_LOG_PRIORITY_DEBUG);
    g_assert_cmpint(md_log_filters_find(filters, "rp", 3), ==, MD_LOG_PRIORITY_ERROR);
    g_assert_cmpint(md_log_filters_find(filters, "a.c", 3), ==, MD_LOG_PRIORITY_INFO);
    g_assert_cmpint(md_log_filters_find(filters, "util", 3), ==, MD_LOG_PRIORITY_WARNING);
}


static void
set_filters(const char *text)
{
    g_autoptr(GError) error = NULL;

    md_log_control_set_filters(text, &error);
    g_assert_no_error(error);
}


static void
set_outputs(const char *text)
{
    g_autoptr(GError) error = NULL;

    md_log_control_set_outputs(text, &error);
    g_assert_no_error(error);
}


/* The lowest level that is logged. */
static GLogLevelFlags
get_lowest(void)
{
    static const GLogLevelFlags levels[] = { G_LOG_LEVEL_DEBUG, G_LOG_LEVEL_INFO,
                                             G_LOG_LEVEL_MESSAGE, G_LOG_LEVEL_WARNING };
    gsize i = 0;

    while (!md_log_control_is_wanted(levels[i]))
        i++;
    g_assert_true(md_log_control_is_wanted(G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL));
    return levels[i];
}


/* A message must pass both the filters and the output. */
static void
test_control(void)
{
    md_log_control_init(FALSE);
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_MESSAGE);
    set_outputs("1:stderr");
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_MESSAGE);
    set_filters("1:*");
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_DEBUG);
    set_outputs("2:stderr");
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_INFO);
    set_filters("4:mediated 1:*");
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_WARNING);
    set_filters("1:other");
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_MESSAGE);
    set_filters("");
    set_outputs("");
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_MESSAGE);

    md_log_control_init(TRUE);
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_DEBUG);
    set_outputs("4:stderr");
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_WARNING);
    set_outputs("");
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_DEBUG);
}


/* After a failure, filters and outputs are unchanged. */
static void
test_control_refuses(void)
{
    static const char *const unsupported[] = { "1:journald", "1:file:/tmp/log", "1:syslog:mediated",
                                               "1:stderr 1:journald" };
    g_autofree char *outputs = NULL;
    g_autofree char *filters = NULL;
    GError *error = NULL;
    guint n = 0;

    md_log_control_init(FALSE);
    set_filters("2:mediated 1:x");
    set_outputs("2:stderr");
    for (gsize i = 0; i < G_N_ELEMENTS(unsupported); i++) {
        g_assert_false(md_log_control_set_outputs(unsupported[i], &error));
        check_error(g_steal_pointer(&error), VIR_ERR_ARGUMENT_UNSUPPORTED,
                    "log outputs cannot be added or removed, only the priorities of 'stderr' can "
                    "be changed");
    }
    g_assert_false(md_log_control_set_filters("nonsense", NULL));
    g_assert_false(md_log_control_set_outputs("nonsense", NULL));

    outputs = md_log_control_get_outputs(&n);
    g_assert_cmpstr(outputs, ==, "2:stderr");
    g_assert_cmpuint(n, ==, 1);
    filters = md_log_control_get_filters(&n);
    g_assert_cmpstr(filters, ==, "2:*mediated* 1:*x*");
    g_assert_cmpuint(n, ==, 2);
    g_assert_cmpint(get_lowest(), ==, G_LOG_LEVEL_INFO);
    set_filters("");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/log-rules/filters", test_filters);
    g_test_add_func("/log-rules/filters/bad", test_bad_filters);
    g_test_add_func("/log-rules/outputs", test_outputs);
    g_test_add_func("/log-rules/outputs/bad", test_bad_outputs);
    g_test_add_func("/log-rules/too-many", test_too_many);
    g_test_add_func("/log-rules/find", test_find);
    g_test_add_func("/log-rules/control", test_control);
    g_test_add_func("/log-rules/control/refuses", test_control_refuses);
    return g_test_run();
}
