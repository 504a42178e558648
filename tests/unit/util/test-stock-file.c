/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The syntax of libvirt's configuration files, and the line and key of every error. */
#include "config.h"

#include <string.h>

#include "util/error.h"
#include "util/stock-file.h"


static GPtrArray *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *entries = md_stock_file_parse(text, strlen(text), &error);

    g_assert_no_error(error);
    return entries;
}


static void
test_nothing(void)
{
    static const char *const texts[] = { "", "\n", "# only = comments", "  \t\r\n#\n\n  # a\n" };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GPtrArray) entries = parse(texts[i]);

        g_assert_cmpuint(entries->len, ==, 0);
    }
}


static void
assert_entry(GPtrArray *entries, guint i, const char *key, guint line, MdStockType type)
{
    const MdStockEntry *entry = entries->pdata[i];

    g_assert_cmpstr(entry->key, ==, key);
    g_assert_cmpuint(entry->line, ==, line);
    g_assert_cmpint(entry->type, ==, type);
}


static const MdStockEntry *
get_entry(GPtrArray *entries, guint i)
{
    return entries->pdata[i];
}


static void
test_numbers(void)
{
    g_autoptr(GPtrArray) entries = parse("a = 5\n  b=-1 # why\nc\t=\t+7;d=0\r\n");

    g_assert_cmpuint(entries->len, ==, 4);
    assert_entry(entries, 0, "a", 1, MD_STOCK_NUMBER);
    assert_entry(entries, 1, "b", 2, MD_STOCK_NUMBER);
    assert_entry(entries, 2, "c", 3, MD_STOCK_NUMBER);
    assert_entry(entries, 3, "d", 3, MD_STOCK_NUMBER);
    g_assert_cmpint(get_entry(entries, 0)->number, ==, 5);
    g_assert_cmpint(get_entry(entries, 1)->number, ==, -1);
    g_assert_cmpint(get_entry(entries, 2)->number, ==, 7);
    g_assert_cmpint(get_entry(entries, 3)->number, ==, 0);
}


static void
test_texts(void)
{
    g_autoptr(GPtrArray) entries = parse("a = \"0770\"#\nb = 'say \"x\"'\nc = \"\"\nd = "
                                         "\"\"\"one\n\"two\"\nthree\"\"\"\ne = \"C:\\x\"");

    g_assert_cmpuint(entries->len, ==, 5);
    g_assert_cmpstr(get_entry(entries, 0)->text, ==, "0770");
    g_assert_cmpstr(get_entry(entries, 1)->text, ==, "say \"x\"");
    g_assert_cmpstr(get_entry(entries, 2)->text, ==, "");
    g_assert_cmpstr(get_entry(entries, 3)->text, ==, "one\n\"two\"\nthree");
    g_assert_cmpstr(get_entry(entries, 4)->text, ==, "C:\\x");
    assert_entry(entries, 4, "e", 7, MD_STOCK_TEXT);
}


static void
test_lists(void)
{
    g_autoptr(GPtrArray) entries =
        parse("a = []\nb = [ \"x\", 'y', ]\nc = [\n  \"polkit\"\n  ,\n  3\n]\nd = 1\n");

    g_assert_cmpuint(entries->len, ==, 4);
    g_assert_cmpuint(g_strv_length(get_entry(entries, 0)->list), ==, 0);
    g_assert_cmpuint(g_strv_length(get_entry(entries, 1)->list), ==, 2);
    g_assert_cmpstr(get_entry(entries, 1)->list[1], ==, "y");
    g_assert_cmpstr(get_entry(entries, 2)->list[0], ==, "polkit");
    g_assert_cmpstr(get_entry(entries, 2)->list[1], ==, "3");
    assert_entry(entries, 3, "d", 8, MD_STOCK_NUMBER);
}


static void
test_mistakes(void)
{
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        { "= 5\n", "1: expected a key" },
        { "[limits]\n", "1: expected a key" },
        { "a = 1\n\n5 = 5\n", "3: expected a key" },
        { "max_clients\n", "1: max_clients: expected '='" },
        { "max-clients = 5\n", "1: max: expected '='" },
        { "a =\n", "1: a: expected a number, a string in quotes, or a list" },
        { "a = none\n", "1: a: expected a number, a string in quotes, or a list" },
        { "a = -\n", "1: a: a sign without a number" },
        { "a = 99999999999999999999\n", "1: a: the number is too large" },
        { "a = 5 clients\n", "1: a: expected the end of the line after the value" },
        { "a = 1.5\n", "1: a: expected the end of the line after the value" },
        { "\na = \"x\n\"\n", "2: a: unterminated string" },
        { "a = 'x\"", "1: a: unterminated string" },
        { "a = \"\"\"x\n\"\"\n", "1: a: unterminated string" },
        { "a = [ \"x\"\n\n\"y\" ]", "3: a: expected ',' or ']' in the list" },
        { "a = [ \"x\"", "1: a: expected ',' or ']' in the list" },
        { "a = [ [ 1 ] ]", "1: a: expected a number or a string in quotes" },
        { "a = [", "1: a: expected a number or a string in quotes" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(md_stock_file_parse(cases[i].text, strlen(cases[i].text), &error));
        g_assert_error(error, MD_ERROR, VIR_ERR_CONF_SYNTAX);
        g_assert_cmpstr(error->message, ==, cases[i].message);
    }
}


static void
test_zero_byte(void)
{
    static const char text[] = "a = 1\nb = \"x\0y\"\n";
    g_autoptr(GError) error = NULL;

    g_assert_null(md_stock_file_parse(text, sizeof(text) - 1, &error));
    g_assert_cmpstr(error->message, ==, "2: a zero byte");
}


/* A text that ends anywhere is read up to its end and no further. */
static void
test_truncated(void)
{
    static const char text[] = "a = [ 'x', \"\"\"y\"\"\", -5 ] ; b = 'z' # end";

    for (gsize length = 0; length < sizeof(text); length++) {
        g_autofree char *copy = g_memdup2(text, MAX(length, 1));
        g_autoptr(GPtrArray) entries = md_stock_file_parse(copy, length, NULL);

        g_assert_true(entries == NULL || entries->len <= 2);
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stock-file/nothing", test_nothing);
    g_test_add_func("/stock-file/numbers", test_numbers);
    g_test_add_func("/stock-file/texts", test_texts);
    g_test_add_func("/stock-file/lists", test_lists);
    g_test_add_func("/stock-file/mistakes", test_mistakes);
    g_test_add_func("/stock-file/zero-byte", test_zero_byte);
    g_test_add_func("/stock-file/truncated", test_truncated);
    return g_test_run();
}
