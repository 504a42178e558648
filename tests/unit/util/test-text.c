/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "util/text.h"

typedef struct {
    const char *text;
    const char *clean;
} Case;


static void
test_clean(void)
{
    const Case cases[] = {
        { "", "" },
        { "plain, <b> & \t\r\n", "plain, <b> & \t\r\n" },
        { "M\303\274ller \342\202\254 \360\237\222\276",
          "M\303\274ller \342\202\254 \360\237\222\276" },
        { "\033[31mRED\007\b", "[31mRED" },
        { "a\177b", "ab" },
        { "\302\200\302\2331m\302\237", "1m" },
        { "a\342\200\256cba", "acba" },                           /* override from right to left */
        { "\342\201\246\342\201\251\330\234\342\200\216x", "x" }, /* isolates and marks */
        { "a\342\200\250b\342\200\251c\357\273\277", "abc" }, /* ends of lines, a byte order mark */
        { "\342\200\256\360\237\222\276z",
          "\360\237\222\276z" }, /* longer than the gap before it */
        { "caf\351", "caf\357\277\275" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *clean = md_text_clean(cases[i].text, -1);
        g_autofree char *again = md_text_clean(clean, -1);

        g_assert_cmpstr(clean, ==, cases[i].clean);
        g_assert_cmpstr(again, ==, clean);
        g_assert_true(md_text_is_clean(clean));
        g_assert_cmpint(md_text_is_clean(cases[i].text), ==,
                        g_str_equal(cases[i].text, cases[i].clean));
    }
}


static void
test_length(void)
{
    g_autofree char *cut = md_text_clean("ab\303\274cd", 3);

    g_assert_cmpstr(cut, ==, "ab\357\277\275");
}


/* All control and formatting characters of Unicode, except line ends. */
static void
test_all_characters(void)
{
    for (gunichar c = 1; c < 0x110000; c++) {
        GUnicodeType type = g_unichar_type(c);
        gboolean harmful = type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT ||
                           type == G_UNICODE_SURROGATE || type == G_UNICODE_LINE_SEPARATOR ||
                           type == G_UNICODE_PARAGRAPH_SEPARATOR;

        if (c < 0x80 && strchr("\t\n\r", (int)c) != NULL)
            harmful = FALSE;
        g_assert_cmpint(md_text_is_harmless(c), ==, !harmful);
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/clean", test_clean);
    g_test_add_func("/text/length", test_length);
    g_test_add_func("/text/all-characters", test_all_characters);
    return g_test_run();
}
