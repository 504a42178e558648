/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Not libxml2's writer: that leaves ' unescaped in '...' and knows no empty block of two lines. */
#include "config.h"

#include "conf/xml-writer.h"

#include <stdarg.h>
#include <string.h>

/* Spaces a level. */
#define INDENT 2

typedef enum {
    CONTENT_NONE, /* the start tag is still open */
    CONTENT_TEXT,
    CONTENT_CHILDREN,
} Content;

typedef struct {
    char *name;
    Content content;
} Element;

struct _MdXmlWriter {
    GString *text;
    GArray *stack; /* of Element, the innermost last */
    gboolean details;
};


static void
clear_element(Element *element)
{
    g_free(element->name);
}


MdXmlWriter *
md_xml_writer_new(gboolean details)
{
    MdXmlWriter *self = g_new0(MdXmlWriter, 1);

    self->text = g_string_new(NULL);
    self->stack = g_array_new(FALSE, FALSE, sizeof(Element));
    g_array_set_clear_func(self->stack, (GDestroyNotify)clear_element);
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
    g_array_unref(self->stack);
    g_free(self);
}


gboolean
md_xml_writer_get_details(MdXmlWriter *self)
{
    return self->details;
}


static Element *
innermost(MdXmlWriter *self)
{
    if (self->stack->len == 0)
        return NULL;
    return &g_array_index(self->stack, Element, self->stack->len - 1);
}


static void
indent(MdXmlWriter *self)
{
    g_string_append_printf(self->text, "%*s", (int)(self->stack->len * INDENT), "");
}


/* What XML takes for markup, line ends that a parser would change, and quotes, as libvirt does. */
static const char *
escape(gunichar character, gboolean in_attribute)
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


static void
append_escaped(GString *out, const char *value, gboolean in_attribute)
{
    g_autofree char *valid = g_utf8_make_valid(value, -1);

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar character = g_utf8_get_char(p);
        const char *escaped = escape(character, in_attribute);

        if (escaped != NULL)
            g_string_append(out, escaped);
        else if (character == 0xFFFE || character == 0xFFFF)
            g_string_append_unichar(out, 0xFFFD);
        else if (character >= 0x20 || character == '\n' || character == '\t')
            g_string_append_unichar(out, character);
    }
}


void
md_xml_writer_start(MdXmlWriter *self, const char *element)
{
    const Element fresh = { g_strdup(element), CONTENT_NONE };

    md_xml_writer_block(self);
    indent(self);
    g_string_append_printf(self->text, "<%s", element);
    g_array_append_val(self->stack, fresh);
}


void
md_xml_writer_block(MdXmlWriter *self)
{
    Element *outer = innermost(self);

    if (outer == NULL || outer->content != CONTENT_NONE)
        return;

    g_string_append(self->text, ">\n");
    outer->content = CONTENT_CHILDREN;
}


void
md_xml_writer_end(MdXmlWriter *self)
{
    Element *element = innermost(self);
    g_autofree char *name = NULL;
    Content content;

    g_return_if_fail(element != NULL);

    name = g_steal_pointer(&element->name);
    content = element->content;
    g_array_set_size(self->stack, self->stack->len - 1);
    if (content == CONTENT_NONE) {
        g_string_append(self->text, "/>\n");
        return;
    }
    if (content == CONTENT_CHILDREN)
        indent(self);
    g_string_append_printf(self->text, "</%s>\n", name);
}


void
md_xml_writer_attribute(MdXmlWriter *self, const char *name, const char *value)
{
    g_return_if_fail(innermost(self) != NULL && innermost(self)->content == CONTENT_NONE);

    g_string_append_printf(self->text, " %s='", name);
    append_escaped(self->text, value, TRUE);
    g_string_append_c(self->text, '\'');
}


void
md_xml_writer_attribute_format(MdXmlWriter *self, const char *name, const char *format, ...)
{
    g_autofree char *value = NULL;
    va_list args;

    va_start(args, format);
    value = g_strdup_vprintf(format, args);
    va_end(args);
    md_xml_writer_attribute(self, name, value);
}


void
md_xml_writer_text(MdXmlWriter *self, const char *text)
{
    Element *element = innermost(self);

    g_return_if_fail(element != NULL && element->content != CONTENT_CHILDREN);

    if (element->content == CONTENT_NONE)
        g_string_append_c(self->text, '>');
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
md_xml_writer_element_format(MdXmlWriter *self, const char *element, const char *format, ...)
{
    g_autofree char *value = NULL;
    va_list args;

    va_start(args, format);
    value = g_strdup_vprintf(format, args);
    va_end(args);
    md_xml_writer_element(self, element, value);
}


void
md_xml_writer_id(MdXmlWriter *self, const char *element, guint id, const char *name)
{
    md_xml_writer_start(self, element);
    md_xml_writer_attribute_format(self, "id", "0x%04x", id);
    if (name != NULL)
        md_xml_writer_text(self, name);
    md_xml_writer_end(self);
}


char *
md_xml_writer_finish(MdXmlWriter *self)
{
    g_return_val_if_fail(self->text != NULL, NULL);

    while (self->stack->len > 0)
        md_xml_writer_end(self);
    return g_string_free(g_steal_pointer(&self->text), FALSE);
}
