/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the log shows of texts that others wrote: printable, on one line, bounded. */
#include "config.h"

#include <string.h>

#include "util/log.h"


static void
test_escape(void)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        { "", "" },
        { "Ger\303\244t 'mdev'", "Ger\303\244t 'mdev'" },
        { "a\nmediated-CRITICAL: forged", "a\\nmediated-CRITICAL: forged" },
        { "\t\r\033[31m\177", "\\t\\x0d\\x1b[31m\\x7f" },
        { "a\\nb", "a\\\\nb" },
        { "\377\376", "\\xff\\xfe" },
        { "half \303", "half \\xc3" },
        { "\302\23331m", "\\u009b31m" },
        { "\342\200\256gnp", "\\u202egnp" },
        { "\342\200\250", "\\u2028" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = md_log_escape(cases[i].text);

        g_assert_cmpstr(shown, ==, cases[i].shown);
    }
}


/* However a text is cut, what is left is whole characters and whole escapes. */
static void
test_bound(void)
{
    static const char *const pieces[] = { "a", "\n", "\303\244", "\342\200\256", "\377" };

    for (gsize i = 0; i < G_N_ELEMENTS(pieces); i++) {
        for (guint lead = 0; lead < 8; lead++) {
            g_autoptr(GString) text = g_string_new(NULL);
            g_autofree char *shown = NULL;

            for (guint n = 0; n < lead; n++)
                g_string_append_c(text, 'x');
            for (guint n = 0; n < MD_LOG_MESSAGE_MAX; n++)
                g_string_append(text, pieces[i]);
            shown = md_log_escape(text->str);

            if (lead == 0 && strlen(pieces[i]) == 1 && g_ascii_isprint(*pieces[i])) {
                g_assert_cmpstr(shown, ==, text->str);
            } else {
                g_assert_cmpuint(strlen(shown), <=, MD_LOG_MESSAGE_MAX);
                g_assert_cmpuint(strlen(shown), >, MD_LOG_MESSAGE_MAX - 12);
                g_assert_true(g_str_has_suffix(shown, "..."));
            }
            g_assert_true(g_utf8_validate(shown, -1, NULL));
        }
    }
}


static void
test_writer(void)
{
    if (g_test_subprocess()) {
        const MdLogContext context = { .procedure = "virNodeDeviceDestroy", .device = "one\ntwo" };

        md_log_init(FALSE);
        md_log(G_LOG_LEVEL_MESSAGE, &context, "Destroyed '%s'", context.device);
        g_message("Attribute '%s'", "1\nmediated-CRITICAL: forged");
        g_info("not shown");
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*Destroyed 'one\\ntwo'*Attribute '1\\nmediated-CRITICAL: forged'*");
    g_test_trap_assert_stderr_unmatched("*\nmediated-CRITICAL*");
    g_test_trap_assert_stderr_unmatched("*not shown*");
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/escape", test_escape);
    g_test_add_func("/log/bound", test_bound);
    g_test_add_func("/log/writer", test_writer);
    return g_test_run();
}
