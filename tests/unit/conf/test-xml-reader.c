/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of documents: UUIDs, numbers and addresses are parsed exactly, and similar strings
 * rejected. */
#include "config.h"

#include <string.h>

#include "conf/cap-css.h"
#include "conf/cap-pci.h"
#include "conf/xml-reader.h"

#define UUID "c6b1f2c0-1111-4222-8333-4444aabbccdd"


static void
test_uuid(void)
{
    static const char *const good[] = {
        UUID,
        "C6B1F2C0-1111-4222-8333-4444AABBCCDD",
        "c6b1f2c011114222833344"
        "44aabbccdd",
        "\n  " UUID "\t",
        "c6b1f2c0-1111-4222-83334444-aabbccdd",
        "c6b1f2c0-11114222-8333-4444aabbccdd",
        "c6b1f2c0 1111 4222 8333 4444aabbccdd",
        "-c6--b1-f2c0 - 1111-4222-8333-4444-aa bb-cc-dd",
    };
    static const char *const bad[] = {
        "",
        "c6b1f2c0",
        UUID "0",
        "c6b1f2c0-1111-4222-8333-4444aabbccd",
        "c6b1f2c0-1111-4222-83334-444aabbccdd",
        "c6b1f2c0\t1111-4222-8333-4444aabbccdd",
        UUID "-",
        UUID " 0",
        "g6b1f2c0-1111-4222-8333-4444aabbccdd",
        "{c6b1f2c0-1111-4222-8333-4444aabbccdd}",
        "--------------------------------",
    };

    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *uuid = md_uuid_normalize(good[i]);

        g_assert_cmpstr(uuid, ==, UUID);
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_null(md_uuid_normalize(bad[i]));
}


static void
test_uint(void)
{
    static const struct {
        const char *text;
        guint base;
        gboolean good;
        guint number;
    } rows[] = {
        { "0", 10, TRUE, 0 },    { "255", 10, TRUE, 255 },
        { "256", 10, FALSE, 0 }, { "0x1f", 10, FALSE, 0 },
        { "1f", 16, TRUE, 31 },  { "0x1f", 16, FALSE, 0 },
        { "0x1F", 0, TRUE, 31 }, { "12", 0, TRUE, 12 },
        { "0x", 0, FALSE, 0 },   { "", 10, FALSE, 0 },
        { " 1", 10, FALSE, 0 },  { "1 ", 10, FALSE, 0 },
        { "-1", 10, FALSE, 0 },  { "+1", 10, FALSE, 0 },
        { "1.0", 10, FALSE, 0 }, { "99999999999999999999", 10, FALSE, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint number = 0;

        g_test_message("'%s' to base %u", rows[i].text, rows[i].base);
        g_assert_cmpint(md_xml_parse_uint(rows[i].text, rows[i].base, 255, &number), ==,
                        rows[i].good);
        g_assert_cmpuint(number, ==, rows[i].number);
    }
}


static void
test_pci_address(void)
{
    static const char *const bad[] = {
        "",
        "0000:86:00",
        "0000:86:00.8",
        "0000:86:20.0",
        "86:00.0",
        "0000.86.00.0",
        "0000:86.00:0",
        "0000:86:00.0 ",
        "0000:86:00.0.0",
        "0000:186:00.0",
        "-001:86:00.0",
        "100000000:86:00.0",
        "0000:0x:00.0",
        "000:86:00.0",
    };
    MdPciAddress address = { 0 };

    g_assert_true(md_pci_address_parse("0000:86:1F.7", &address));
    g_assert_cmpuint(address.domain, ==, 0);
    g_assert_cmpuint(address.bus, ==, 0x86);
    g_assert_cmpuint(address.slot, ==, 0x1f);
    g_assert_cmpuint(address.function, ==, 7);
    g_assert_true(md_pci_address_parse("10000:01:00.0", &address));
    g_assert_cmpuint(address.domain, ==, 0x10000);

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("'%s'", bad[i]);
        g_assert_false(md_pci_address_parse(bad[i], &address));
    }
    g_assert_cmpuint(address.domain, ==, 0x10000);
}


static void
test_ccw_address(void)
{
    static const char *const bad[] = {
        "", "0.0.62", "0.4.0062", "ff.0.0062", "0.0.0062.0", "0.0.006g", "0.0.00062", "0:0:0062",
    };
    MdCcwAddress address = { 0 };

    g_assert_true(md_ccw_address_parse("fe.3.0aBc", &address));
    g_assert_cmpuint(address.cssid, ==, 0xfe);
    g_assert_cmpuint(address.ssid, ==, 3);
    g_assert_cmpuint(address.devno, ==, 0xabc);

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("'%s'", bad[i]);
        g_assert_false(md_ccw_address_parse(bad[i], &address));
    }
}


/* A client may send any bytes. */
static void
test_shorten_invalid(void)
{
    static const char *const texts[] = { "\xfc", "wwn \xf0\x9f", "\xff\xfe" };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        /* An allocation of the exact size lets memory checkers detect overruns. */
        g_autofree char *text = g_strdup(texts[i]);
        g_autofree char *quote = md_xml_shorten(text);

        g_assert_true(g_utf8_validate(quote, -1, NULL));
        g_assert_true(g_str_has_suffix(quote, "\xef\xbf\xbd"));
    }
}


/* Truncation never splits a character. */
static void
test_shorten(void)
{
    g_autofree char *same = md_xml_shorten("short");
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *cut = NULL;

    for (guint i = 0; i < 1000; i++)
        g_string_append(text, "\xc3\xbc");
    cut = md_xml_shorten(text->str);

    g_assert_cmpstr(same, ==, "short");
    g_assert_true(g_utf8_validate(cut, -1, NULL));
    g_assert_cmpuint(strlen(cut), ==, 128);
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/conf/xml-reader/uuid", test_uuid);
    g_test_add_func("/conf/xml-reader/uint", test_uint);
    g_test_add_func("/conf/xml-reader/pci-address", test_pci_address);
    g_test_add_func("/conf/xml-reader/ccw-address", test_ccw_address);
    g_test_add_func("/conf/xml-reader/shorten", test_shorten);
    g_test_add_func("/conf/xml-reader/shorten-invalid", test_shorten_invalid);
    return g_test_run();
}
