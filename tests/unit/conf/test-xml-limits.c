/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits of a document; larger ones are refused before they cost time. */
#include "config.h"

#include <string.h>
#include <time.h>

#include "conf/xml-scanner.h"
#include "conf/xml.h"
#include "util/error.h"

#define SCHEMA LIBVIRT_SCHEMADIR "/nodedev.rng"
#define MDEV   "<capability type='mdev'><type id='nvidia-11'/></capability>"

/* Maximum cost of a hostile document, relative to a harmless one of the same size; without the
 * limits, the factor is in the thousands. */
#define COST_MAX 10


static char *
repeat(const char *head, const char *part, guint n, const char *tail)
{
    GString *document = g_string_new(head);

    for (guint i = 0; i < n; i++)
        g_string_append(document, part);
    return g_string_free(g_string_append(document, tail), FALSE);
}


/* `part` contains `%u`. */
static char *
repeat_numbered(const char *head, const char *part, guint n, const char *tail)
{
    g_auto(GStrv) halves = g_strsplit(part, "%u", 2);
    GString *document = g_string_new(head);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(document, "%s%u%s", halves[0], i, halves[1]);
    return g_string_free(g_string_append(document, tail), FALSE);
}


/* `message` NULL: the document is accepted. Frees both documents. */
static void
check(char *taken, char *document, const char *message)
{
    g_autofree char *good = taken;
    g_autofree char *bad = document;
    g_autoptr(MdNodeDeviceDef) def = NULL;
    g_autoptr(MdNodeDeviceDef) none = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) refusal = NULL;

    def = md_xml_parse(good, &error);
    g_assert_no_error(error);
    none = md_xml_parse(bad, &refusal);
    g_assert_error(refusal, MD_ERROR, VIR_ERR_XML_ERROR);
    g_assert_cmpint(md_error_get_from(refusal), ==, VIR_FROM_XML);
    g_assert_cmpstr(refusal->message, ==, message);
}


static void
test_attributes(void)
{
    static const char message[] = "document has more than 64 attributes in one element, line 2";

    check(repeat_numbered("<device>\n<x", " a%u=''", 64, "/>" MDEV "</device>"),
          repeat_numbered("<device>\n<x", " a%u=''", 65, "/>" MDEV "</device>"), message);
    check(repeat_numbered("<device>\n<x", " a%u = \">\"", 64, "></x>" MDEV "</device>"),
          repeat_numbered("<device>\n<x", "\ta%u\t= 'x='", 200, "/>" MDEV "</device>"), message);
    for (guint n = 10000; n <= 100000; n += 30000)
        check(repeat("<device>\n<x", " a=''", 1, "/>" MDEV "</device>"),
              repeat_numbered("<device>\n<x", " a%u=''", n, "/>" MDEV "</device>"), message);
}


static void
test_all_attributes(void)
{
    g_autofree char *element = repeat_numbered("<x", " a%u=''", 50, "/>");

    check(repeat("<device><x/>", element, 999, "<y b='' c='' d=''/>" MDEV "</device>"),
          repeat("<device>", element, 1000, MDEV "</device>"),
          "document has more than 50000 attributes, line 1");
}


static void
test_namespaces(void)
{
    static const char message[] = "document has more than 8 namespaces in one element, line 1";

    check(repeat_numbered("<device><x xmlnsx='' xmln=''", " xmlns:a%u='u'", 8,
                          "/>" MDEV "</device>"),
          repeat_numbered("<device><x", " xmlns:a%u='u'", 9, "/>" MDEV "</device>"), message);
    check(repeat_numbered("<device><x xmlns='u'", " xmlns:a%u='u'", 7, "/>" MDEV "</device>"),
          repeat_numbered("<device><x xmlns='u'", " xmlns:a%u='u'", 50000, "/>" MDEV "</device>"),
          message);
}


static void
test_depth(void)
{
    static const char message[] = "document has more than 16 nested elements, line 1";
    g_autofree char *close = repeat("", "</a>", 15, MDEV "</device>");
    g_autofree char *close_more = repeat("", "</a>", 16, MDEV "</device>");

    check(repeat("<device>", "<a>", 15, close), repeat("<device>", "<a>", 16, close_more), message);
    check(repeat("<device>", "<a></a><a/>", 1000, MDEV "</device>"),
          repeat("<device>", "<a>", 100000, ""), message);
}


static void
test_elements(void)
{
    static const char message[] = "document has more than 50000 elements, line 1";
    const char *const parts[] = { "<a/>", "<!---->", "<?a?>", "<a>b</a>" };

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        check(repeat("<device>", parts[i], MD_XML_ELEMENTS_MAX - 3, MDEV "</device>"),
              repeat("<device>", parts[i], MD_XML_ELEMENTS_MAX - 2, MDEV "</device>"), message);
    check(repeat("<device><name>", "<![CDATA[]]>", MD_XML_ELEMENTS_MAX - 4,
                 "</name>" MDEV "</device>"),
          repeat("<device><name>", "<![CDATA[]]>", MD_XML_ELEMENTS_MAX - 3,
                 "</name>" MDEV "</device>"),
          message);
}


/* Frees `document`. */
static void
check_good(char *document)
{
    g_autofree char *good = document;
    g_autoptr(GError) error = NULL;
    MdNodeDeviceDef *def = md_xml_parse(good, &error);

    g_assert_no_error(error);
    md_node_device_def_unref(def);
}


/* Text that resembles markup does not count. */
static void
test_no_markup(void)
{
    static const char *const frames[][2] = {
        { "<device><!--", "-->" MDEV "</device>" },
        { "<device><![CDATA[", "]]>" MDEV "</device>" },
        { "<device><?x ", "?>" MDEV "</device>" },
        { "<?x ", "?><device>" MDEV "</device>" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(frames); i++)
        check_good(repeat(frames[i][0], "<a b='' xmlns:c=''>]] > ->?", 30000, frames[i][1]));
    check_good(repeat("<device><a b=\"", "c='x'>/>", 100000, "\"/>" MDEV "</device>"));
    check_good(repeat("<device>", "c='x'>/>", 100000, MDEV "</device>"));
}


/* The maximum length of a text that the schema matches against a pattern. */
static void
test_validated(void)
{
    static const char head[] = "<device><name>x</name><capability type='mdev'><type id='a'/>";
    static const char tail[] = "</capability></device>";
    static const char text[] = "document has more than 4096 bytes in one text, line 1";
    g_autofree char *value = g_strnfill(MD_XML_VALID_TEXT_MAX + 1, '1');
    const struct {
        char *document;
        const char *message; /* NULL: it is valid */
    } rows[] = {
        { repeat(head, "<attr name='a' value='b'/>", MD_XML_VALID_ELEMENTS_MAX - 4, tail), NULL },
        { repeat(head, "<attr name='a' value='b'/>", MD_XML_VALID_ELEMENTS_MAX - 3, tail),
          "document has more than 8192 elements, line 1" },
        { g_strconcat(head, "<attr name='a' value='", value + 1, "'/>", tail, NULL), NULL },
        { g_strconcat(head, "<attr name='a' value='", value, "'/>", tail, NULL), text },
        { g_strconcat(head, "<parent_addr>", value + 1, "</parent_addr>", tail, NULL), NULL },
        { g_strconcat(head, "<parent_addr>", value, "</parent_addr>", tail, NULL), text },
        { repeat("<device><name>", "1234<!---->", 1025, "</name></device>"), text },
        { repeat("<device><name>", "<![CDATA[1]]>", 320, "</name></device>"), text },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *document = rows[i].document;
        g_autoptr(GError) error = NULL;
        g_autoptr(GError) none = NULL;

        g_test_message("row %u", i);
        md_xml_validate(document, SCHEMA, &error);
        if (rows[i].message == NULL) {
            g_assert_no_error(error);
            continue;
        }
        g_assert_error(error, MD_ERROR, VIR_ERR_XML_ERROR);
        g_assert_cmpstr(error->message, ==, rows[i].message);
        g_assert_null(md_xml_parse_valid(document, SCHEMA, &none));
        g_assert_error(none, MD_ERROR, VIR_ERR_XML_ERROR);
    }
}


static gint64
measure(const char *document, gboolean good)
{
    struct timespec start;
    struct timespec end;
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) def = NULL;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    def = md_xml_parse(document, &error);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    if (good)
        g_assert_no_error(error);
    else
        g_assert_true(g_error_matches(error, MD_ERROR, VIR_ERR_XML_DETAIL) ||
                      g_error_matches(error, MD_ERROR, VIR_ERR_XML_ERROR));
    return (end.tv_sec - start.tv_sec) * G_USEC_PER_SEC + (end.tv_nsec - start.tv_nsec) / 1000;
}


/*
 * After an error, parser and scanner may disagree: one finds text or a single attribute where the
 * other finds tags or many attributes. The parser must not read on.
 */
static void
test_out_of_step(void)
{
    static const char *const heads[] = {
        "<device><a b=\"<c ",
        "<device><!-- \x01 <c ",
        "<device><!-- -- <c ",
        "<device><?x \x01 <c ",
        "<device><![CDATA[ \x01 <c ",
        "<device><a b='\x01'<c ",
        "<device><a b='x'c='<c ",
        "<device><1 b='<c ",
        "<device><a b='&x;' <c ",
        "<device><a b=<c ",
        "<device></b '<c ",
        "<!DOCTYP x '<device ",
        "<device><? <c ",
        "<!-- -- ><device ",
        "<device><!-->\x01 <c ",
        "<device>\x01<a b='x' c='<d ",
        "<device><!X '<c ",
        "<device><a/><a b='<c ' d ",
    };
    g_autofree char *harmless =
        repeat("<device>", "<aaaaaaaaaaaaaaaa b=''/>", 40000, MDEV "</device>");
    gint64 cost = MAX(measure(harmless, TRUE), 1000);

    for (guint i = 0; i < G_N_ELEMENTS(heads); i++) {
        g_autofree char *document =
            repeat_numbered(heads[i], " a%u=''", 80000, "/>-->]]>?>" MDEV "</device>");
        gint64 time = measure(document, FALSE);

        g_test_message("row %u: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " us", i, time, cost);
        g_assert_cmpint(time, <, COST_MAX * cost);
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/conf/xml-limits/attributes", test_attributes);
    g_test_add_func("/conf/xml-limits/all-attributes", test_all_attributes);
    g_test_add_func("/conf/xml-limits/namespaces", test_namespaces);
    g_test_add_func("/conf/xml-limits/depth", test_depth);
    g_test_add_func("/conf/xml-limits/elements", test_elements);
    g_test_add_func("/conf/xml-limits/no-markup", test_no_markup);
    g_test_add_func("/conf/xml-limits/validated", test_validated);
    g_test_add_func("/conf/xml-limits/out-of-step", test_out_of_step);
    return g_test_run();
}
