/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/xml-document.h"

#include <libxml/parser.h>
#include <string.h>

#include "conf/xml-reader.h"
#include "conf/xml-scanner.h"
#include "conf/xml.h"
#include "util/error.h"
#include "util/text.h"

/* Bytes of a source line quoted on either side of an error. */
#define QUOTE_MAX 256

/* Bytes passed to the parser at once: the most that the parser can read after its first error. */
#define CHUNK 1024

#define DECLARATION "<?xml"

/* A document being parsed. */
typedef struct {
    const char *text;  /* in UTF-8 */
    const char *given; /* end of the text passed to the parser */
    MdXmlScanner scanner;
    gboolean at_refused; /* the parser has reached the construct that the scanner refused */
    xmlParserCtxtPtr context;
    char *message; /* of the first error that makes the document malformed */
} Source;

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlParserCtxt, xmlFreeParserCtxt)


char *
md_xml_error_get_message(MdXmlError error)
{
    g_autofree char *text = g_strdup(error->message != NULL ? error->message : "unknown error");

    return md_text_clean(g_strchomp(text), -1);
}


/* The source line of an error, with an arrow to the position in a second line. */
static char *
quote_source(const char *text, const char *at)
{
    const char *start = at;
    gsize length = strcspn(at, "\n");
    g_autofree char *line = NULL;
    g_autofree char *clean = NULL;
    g_autofree char *arrow = NULL;

    while (start > text && start[-1] != '\n' && at - start < QUOTE_MAX)
        start--;

    line = g_strndup(start, (gsize)(at - start) + MIN(length, QUOTE_MAX));
    for (char *p = line; *p != '\0'; p++) {
        if (g_ascii_iscntrl(*p) && *p != '\t')
            *p = ' ';
    }
    clean = md_text_clean(g_strchomp(line), -1);
    arrow = g_strnfill((gsize)(at - start), '-');
    return g_strdup_printf("%s\n%s^", clean, arrow);
}


/* Describes a syntax error and its position as libvirt does. */
static char *
describe_error(const char *text, const char *at, int line, const char *message)
{
    g_autofree char *quote = quote_source(text, at);

    return g_strdup_printf("(node_device_definition):%d: %s\n%s", line, message, quote);
}


/* Replaces libxml2's default handler, which prints. */
static void
on_parse_error(void *data, MdXmlError err)
{
    xmlParserCtxtPtr context = data;
    Source *source = context->_private;
    g_autofree char *message = NULL;
    long offset = 0;

    if (err->level != XML_ERR_FATAL || source->message != NULL || source->at_refused)
        return;

    message = md_xml_error_get_message(err);
    offset = CLAMP(xmlByteConsumed(context), 0, source->given - source->text);
    source->message = describe_error(source->text, source->text + offset, err->line, message);
}


/* The parser's read function. After an error, the parser gets no more input, because it might find
 * other constructs in the rest than the scanner does. */
static int
give_chunk(void *data, char *buffer, int size)
{
    Source *source = data;
    gsize n = (gsize)CLAMP(size, 0, CHUNK);

    if (source->message != NULL || !source->context->wellFormed)
        return 0;

    md_xml_scanner_advance(&source->scanner, source->given + n);
    n = MIN(n, (gsize)(source->scanner.at - source->given));
    source->at_refused = n == 0 && source->scanner.error != NULL;
    memcpy(buffer, source->given, n);
    source->given += n;
    return (int)n;
}


/* The encoding in the document's XML declaration, or NULL. */
static char *
get_encoding(const char *document)
{
    const char *end = g_str_has_prefix(document, DECLARATION) ? strstr(document, "?>") : NULL;
    g_autofree char *declaration = NULL;
    g_autoptr(GRegex) regex = NULL;
    g_autoptr(GMatchInfo) match = NULL;

    if (end == NULL)
        return NULL;

    declaration = g_strndup(document, (gsize)(end - document));
    regex = g_regex_new("\\sencoding\\s*=\\s*(['\"])([^'\"]*)\\1", G_REGEX_RAW, 0, NULL);
    return g_regex_match(regex, declaration, 0, &match) ? g_match_info_fetch(match, 2) : NULL;
}


static gboolean
is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && g_ascii_strcasecmp(name, *names) != 0)
        names++;
    return *names != NULL;
}


static char *
latin1_to_utf8(const char *text)
{
    GString *converted = g_string_new(NULL);

    for (; *text != '\0'; text++)
        g_string_append_unichar(converted, (guchar)*text);
    return g_string_free(converted, FALSE);
}


/* Sets an error that quotes the position in the document. Returns NULL. */
static char *
refuse_at(const char *text, const char *at, const char *message, GError **error)
{
    g_autofree char *description = NULL;
    int line = 1;

    for (const char *p = text; p < at; p++)
        line += *p == '\n' ? 1 : 0;
    description = describe_error(text, at, line, message);
    md_error_set(error, VIR_ERR_XML_DETAIL, "%s", description);
    return NULL;
}


/* Converts the document to UTF-8. Other encodings are refused: the scanner does not know them, and
 * the C library loads most converters from files. */
static char *
decode_document(const char *document, GError **error)
{
    static const char *const utf8[] = { "UTF-8", "UTF8", "US-ASCII", "ASCII", NULL };
    static const char *const latin1[] = { "ISO-8859-1", "ISO-LATIN-1", "ISO LATIN 1", NULL };
    g_autofree char *encoding = get_encoding(document);
    const char *end = NULL;

    if (encoding != NULL && is_one_of(encoding, latin1))
        return latin1_to_utf8(document);
    if (encoding != NULL && !is_one_of(encoding, utf8)) {
        g_autofree char *quote = md_xml_shorten(encoding);
        g_autofree char *message = g_strdup_printf("Unsupported encoding %s", quote);

        return refuse_at(document, document, message, error);
    }
    if (!g_utf8_validate(document, -1, &end))
        return refuse_at(document, end, "Input is not proper UTF-8, indicate encoding !", error);
    return g_strdup(document);
}


/* NULL if the document is refused; `source` has the reason. */
static xmlDocPtr
parse_source(Source *source)
{
    g_autoptr(xmlParserCtxt) context = xmlNewParserCtxt();

    source->context = context;
    context->_private = source;
    context->sax->serror = on_parse_error;
    return xmlCtxtReadIO(context, give_chunk, NULL, source, NULL, NULL,
                         XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
}


static xmlDocPtr
parse_text(const char *text, gboolean for_schema, GError **error)
{
    Source source = { .text = text, .given = text };
    g_autofree char *message = NULL;
    g_autoptr(xmlDoc) doc = NULL;

    md_xml_scanner_init(&source.scanner, text, for_schema);
    doc = parse_source(&source);
    message = source.message;
    if (doc == NULL && message == NULL && source.scanner.error != NULL)
        g_propagate_error(error, g_steal_pointer(&source.scanner.error));
    else if (doc == NULL)
        md_error_set(error, VIR_ERR_XML_DETAIL, "%s",
                     message != NULL ? message : "(node_device_definition): failed to parse");
    md_xml_scanner_clear(&source.scanner);
    return g_steal_pointer(&doc);
}


static gpointer
init_parser(gpointer data G_GNUC_UNUSED)
{
    xmlInitParser();
    return NULL;
}


xmlDocPtr
md_xml_document_read(const char *document,
                     const char *root_element,
                     gboolean for_schema,
                     GError **error)
{
    static GOnce once = G_ONCE_INIT;
    g_autofree char *text = NULL;
    g_autoptr(xmlDoc) doc = NULL;
    xmlNodePtr root = NULL;

    if (strnlen(document, MD_XML_DOCUMENT_MAX + 1) > MD_XML_DOCUMENT_MAX) {
        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "document is larger than %d bytes", MD_XML_DOCUMENT_MAX);
        return NULL;
    }

    g_once(&once, init_parser, NULL);
    text = decode_document(document, error);
    doc = text != NULL ? parse_text(text, for_schema, error) : NULL;
    if (doc == NULL)
        return NULL;

    root = xmlDocGetRootElement(doc);
    if (root == NULL || !g_str_equal((const char *)root->name, root_element)) {
        g_autofree char *name = md_xml_shorten(root != NULL ? (const char *)root->name : "");

        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "expecting root element of '%s', not '%s'", root_element, name);
        return NULL;
    }
    return g_steal_pointer(&doc);
}
