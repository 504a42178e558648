/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layout is libvirt's, and the output is well-formed for all strings. */
#include "config.h"

#include <libxml/parser.h>

#include "conf/xml-writer.h"


static void
test_layout(void)
{
    g_autoptr(MdXmlWriter) writer = md_xml_writer_new(FALSE);
    g_autofree char *document = NULL;

    md_xml_writer_start(writer, "a");
    md_xml_writer_element(writer, "missing", NULL);
    md_xml_writer_element(writer, "empty", "");
    md_xml_writer_start(writer, "b");
    md_xml_writer_attribute(writer, "x", "1");
    md_xml_writer_attribute_hex(writer, "y", 10, 2);
    md_xml_writer_attribute_number(writer, "z", 0);
    md_xml_writer_end(writer);
    md_xml_writer_start(writer, "c");
    md_xml_writer_block(writer);
    md_xml_writer_end(writer);
    md_xml_writer_start(writer, "d");
    md_xml_writer_element_number(writer, "e", G_MAXUINT64);
    md_xml_writer_element_hex(writer, "f", G_MAXUINT64, 1);
    md_xml_writer_element_hex(writer, "g", 0, 1);
    document = md_xml_writer_finish(writer);

    g_assert_cmpstr(document, ==,
                    "<a>\n"
                    "  <empty></empty>\n"
                    "  <b x='1' y='0x0a' z='0'/>\n"
                    "  <c>\n"
                    "  </c>\n"
                    "  <d>\n"
                    "    <e>18446744073709551615</e>\n"
                    "    <f>0xffffffffffffffff</f>\n"
                    "    <g>0x0</g>\n"
                    "  </d>\n"
                    "</a>\n");
    g_assert_false(md_xml_writer_get_details(writer));
}


static char *
write_both(const char *value)
{
    g_autoptr(MdXmlWriter) writer = md_xml_writer_new(TRUE);

    md_xml_writer_start(writer, "a");
    md_xml_writer_attribute(writer, "x", value);
    md_xml_writer_text(writer, value);
    return md_xml_writer_finish(writer);
}


static void
test_escapes(void)
{
    g_autofree char *document = write_both("<>&\"' \t\r\n");

    g_assert_cmpstr(document, ==,
                    "<a x='&lt;&gt;&amp;&quot;&apos; &#9;&#13;&#10;'>&lt;&gt;&amp;&quot;&apos; "
                    "\t&#13;\n</a>\n");
}


/* The result of parsing, where it differs from the input. */
static void
test_odd_strings(void)
{
    static const struct {
        const char *value;
        const char *read;
    } rows[] = {
        { "it's \"it\" & <so>\r\n\t", NULL },
        { "\xf0\x9f\x98\x80 \xc3\xbc", NULL },
        { "\xfc", "\xef\xbf\xbd" },
        { "a\x01\x02\x1f"
          "b",
          "ab" },
        { "\xef\xbf\xbe\xef\xbf\xbf", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
        { "]]>", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *expected = rows[i].read != NULL ? rows[i].read : rows[i].value;
        g_autofree char *document = write_both(rows[i].value);
        xmlDocPtr doc = xmlReadDoc(BAD_CAST document, NULL, NULL, XML_PARSE_NONET);
        xmlNodePtr root = xmlDocGetRootElement(doc);
        xmlChar *text = xmlNodeGetContent(root);
        xmlChar *attribute = xmlGetProp(root, BAD_CAST "x");

        g_assert_cmpstr((const char *)text, ==, expected);
        g_assert_cmpstr((const char *)attribute, ==, expected);
        xmlFree(text);
        xmlFree(attribute);
        xmlFreeDoc(doc);
    }
}


int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/conf/xml-writer/layout", test_layout);
    g_test_add_func("/conf/xml-writer/escapes", test_escapes);
    g_test_add_func("/conf/xml-writer/odd-strings", test_odd_strings);
    return g_test_run();
}
