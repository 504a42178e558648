/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libxml2's writer is not used: it does not escape ' in '...' and cannot write an empty element on
 * two lines. */
#include "config.h"

#include "conf/xml-writer.h"

#include <string.h>

#include "util/text.h"

/* Spaces per level. */
#define INDENT 2

/* Buffer size for any number, in bytes. */
#define NUMBER_SIZE 24

/* Initial buffer size in bytes, sufficient for most documents. */
#define USUAL_SIZE 1000

/* Maximum nesting of elements; no kind reaches half of it. */
#define DEPTH_MAX 16

/* ASCII that is neither markup nor a control character. */
static const gboolean is_plain[256] = {
    [' ' ... '!'] = TRUE, ['#' ... '%'] = TRUE, ['(' ... ';'] = TRUE,
    ['='] = TRUE,         ['?' ... '~'] = TRUE,
};

typedef enum {
    CONTENT_NONE, /* the start tag is still open */
    CONTENT_TEXT,
    CONTENT_CHILDREN,
} Content;

typedef struct {
    gsize name; /* offset in the text */
    gsize name_length;
    Content content;
} Element;

struct _MdXmlWriter {
    GString *text;
    Element stack[DEPTH_MAX]; /* the innermost last */
    guint depth;
    gboolean details;
};


MdXmlWriter *
md_xml_writer_new(gboolean details)
{
    MdXmlWriter *self = g_new0(MdXmlWriter, 1);

    self->text = g_string_sized_new(USUAL_SIZE);
    self->details = details;
    return self;
}


void
md_xml_writer_free(MdXmlWriter *self)
{
    if (self == NULL)
        return;

    if (self->text != NULL)
        g_string_free(self->text, TRUE);
    g_free(self);
}


gboolean
md_xml_writer_get_details(MdXmlWriter *self)
{
    return self->details;
}


static Element *
get_innermost(MdXmlWriter *self)
{
    return self->depth > 0 ? &self->stack[self->depth - 1] : NULL;
}


/* Like g_string_append_len(), but several times faster for a few bytes. */
static void
append_bytes(GString *out, const char *bytes, gsize n)
{
    if (n >= out->allocated_len - out->len) {
        g_string_append_len(out, bytes, (gssize)n);
        return;
    }
    memcpy(out->str + out->len, bytes, n);
    out->len += n;
    out->str[out->len] = '\0';
}


static void
indent_line(MdXmlWriter *self)
{
    static const char blanks[INDENT * DEPTH_MAX + 1] = "                                ";

    append_bytes(self->text, blanks, (gsize)INDENT * self->depth);
}


/* Escapes markup, line ends that a parser would normalize, and, as libvirt does, quotes. NULL: the
 * character needs no escape. */
static const char *
escape_character(gunichar character, gboolean in_attribute)
{
    switch (character) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    case '\r':
        return "&#13;";
    case '\n':
        return in_attribute ? "&#10;" : NULL;
    case '\t':
        return in_attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}


/* Replaces the two characters of a clean text that XML does not allow. */
static gunichar
filter_character(gunichar character)
{
    return character == 0xFFFE || character == 0xFFFF ? 0xFFFD : character;
}


/* The number of leading bytes that need neither escape nor cleaning. */
static gsize
count_plain(const char *value)
{
    const char *p = value;

    while (is_plain[(guchar)*p])
        p++;
    return (gsize)(p - value);
}


static void
append_escaped(GString *out, const char *value, gboolean in_attribute)
{
    gsize n_plain = count_plain(value);
    g_autofree char *clean = NULL;

    append_bytes(out, value, n_plain);
    if (value[n_plain] == '\0')
        return;

    clean = md_text_clean(value + n_plain, -1);
    for (const char *p = clean; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar character = filter_character(g_utf8_get_char(p));
        const char *escaped = escape_character(character, in_attribute);

        if (escaped != NULL)
            g_string_append(out, escaped);
        else
            g_string_append_unichar(out, character);
    }
}


char *
md_xml_writer_filter(const char *text)
{
    g_autofree char *clean = md_text_clean(text, -1);
    GString *printed = g_string_new(NULL);

    for (const char *p = clean; *p != '\0'; p = g_utf8_next_char(p))
        g_string_append_unichar(printed, filter_character(g_utf8_get_char(p)));
    return g_string_free(printed, FALSE);
}


void
md_xml_writer_start(MdXmlWriter *self, const char *element)
{
    Element *fresh = &self->stack[self->depth];

    g_return_if_fail(self->depth < DEPTH_MAX);

    md_xml_writer_block(self);
    indent_line(self);
    append_bytes(self->text, "<", 1);
    *fresh = (Element){ self->text->len, strlen(element), CONTENT_NONE };
    append_bytes(self->text, element, fresh->name_length);
    self->depth++;
}


void
md_xml_writer_block(MdXmlWriter *self)
{
    Element *outer = get_innermost(self);

    if (outer == NULL || outer->content != CONTENT_NONE)
        return;

    append_bytes(self->text, ">\n", 2);
    outer->content = CONTENT_CHILDREN;
}


void
md_xml_writer_end(MdXmlWriter *self)
{
    const Element *element = get_innermost(self);

    g_return_if_fail(element != NULL);

    self->depth--;
    if (element->content == CONTENT_NONE) {
        append_bytes(self->text, "/>\n", 3);
        return;
    }
    if (element->content == CONTENT_CHILDREN)
        indent_line(self);
    append_bytes(self->text, "</", 2);
    append_bytes(self->text, self->text->str + element->name, element->name_length);
    append_bytes(self->text, ">\n", 2);
}


void
md_xml_writer_attribute(MdXmlWriter *self, const char *name, const char *value)
{
    g_return_if_fail(get_innermost(self) != NULL && get_innermost(self)->content == CONTENT_NONE);

    append_bytes(self->text, " ", 1);
    append_bytes(self->text, name, strlen(name));
    append_bytes(self->text, "='", 2);
    append_escaped(self->text, value, TRUE);
    append_bytes(self->text, "'", 1);
}


/* Writes a number and a NUL so that they end at `end`; returns the start. Several times faster than
 * printf(). */
static const char *
print_number(char *end, guint64 number, guint base, guint digits)
{
    *--end = '\0';
    for (guint i = 0; i < digits || number > 0; i++) {
        *--end = "0123456789abcdef"[number % base];
        number /= base;
    }
    return end;
}


static const char *
print_hex(char *end, guint64 number, guint digits)
{
    char *begin = (char *)print_number(end, number, 16, digits);

    *--begin = 'x';
    *--begin = '0';
    return begin;
}


void
md_xml_writer_attribute_number(MdXmlWriter *self, const char *name, guint64 number)
{
    char buffer[NUMBER_SIZE];

    md_xml_writer_attribute(self, name, print_number(buffer + sizeof(buffer), number, 10, 1));
}


void
md_xml_writer_attribute_hex(MdXmlWriter *self, const char *name, guint64 number, guint digits)
{
    char buffer[NUMBER_SIZE];

    md_xml_writer_attribute(self, name, print_hex(buffer + sizeof(buffer), number, digits));
}


void
md_xml_writer_text(MdXmlWriter *self, const char *text)
{
    Element *element = get_innermost(self);

    g_return_if_fail(element != NULL && element->content != CONTENT_CHILDREN);

    if (element->content == CONTENT_NONE)
        append_bytes(self->text, ">", 1);
    element->content = CONTENT_TEXT;
    append_escaped(self->text, text, FALSE);
}


void
md_xml_writer_element(MdXmlWriter *self, const char *element, const char *value)
{
    if (value == NULL)
        return;

    md_xml_writer_start(self, element);
    md_xml_writer_text(self, value);
    md_xml_writer_end(self);
}


void
md_xml_writer_element_number(MdXmlWriter *self, const char *element, guint64 number)
{
    char buffer[NUMBER_SIZE];

    md_xml_writer_element(self, element, print_number(buffer + sizeof(buffer), number, 10, 1));
}


void
md_xml_writer_element_hex(MdXmlWriter *self, const char *element, guint64 number, guint digits)
{
    char buffer[NUMBER_SIZE];

    md_xml_writer_element(self, element, print_hex(buffer + sizeof(buffer), number, digits));
}


void
md_xml_writer_id(MdXmlWriter *self, const char *element, guint id, const char *name)
{
    md_xml_writer_start(self, element);
    md_xml_writer_attribute_hex(self, "id", id, 4);
    if (name != NULL)
        md_xml_writer_text(self, name);
    md_xml_writer_end(self);
}


char *
md_xml_writer_finish(MdXmlWriter *self)
{
    g_return_val_if_fail(self->text != NULL, NULL);

    while (self->depth > 0)
        md_xml_writer_end(self);
    return g_string_free(g_steal_pointer(&self->text), FALSE);
}
