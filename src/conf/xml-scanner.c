/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/xml-scanner.h"

#include <string.h>

#include "util/error.h"

#define BLANKS      " \t\r\n"
#define NAME_ENDS   BLANKS "=/<>'\""
#define COMMENT     "<!--"
#define CDATA       "<![CDATA["
#define INSTRUCTION "<?"
#define DOCTYPE     "<!DOCTYPE"
#define NAMESPACE   "xmlns"

/* The attributes of one start tag. */
typedef struct {
    guint n_attributes;
    guint n_namespaces;
} Tag;


void
md_xml_scanner_init(MdXmlScanner *self, const char *document, gboolean for_schema)
{
    memset(self, 0, sizeof(*self));
    self->start = document;
    self->at = document;
    self->max_elements = for_schema ? MD_XML_VALID_ELEMENTS_MAX : MD_XML_ELEMENTS_MAX;
    self->max_text = for_schema ? MD_XML_VALID_TEXT_MAX : G_MAXSIZE;
}


void
md_xml_scanner_clear(MdXmlScanner *self)
{
    g_clear_error(&self->error);
}


/* Sets the error. Returns NULL. */
static const char *
scanner_refuse(MdXmlScanner *self, const char *place, guint64 max, const char *what)
{
    guint line = 1;

    for (const char *p = self->start; p < place; p++)
        line += *p == '\n' ? 1 : 0;
    md_error_set_from(&self->error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                      "document has more than %" G_GUINT64_FORMAT " %s, line %u", max, what, line);
    return NULL;
}


static const char *
scanner_count_element(MdXmlScanner *self, const char *place)
{
    if (++self->n_elements > self->max_elements)
        return scanner_refuse(self, place, self->max_elements, "elements");
    return place;
}


static const char *
scanner_count_text(MdXmlScanner *self, const char *place, gsize size)
{
    self->text += size;
    if (self->text > self->max_text)
        return scanner_refuse(self, place, self->max_text, "bytes in one text");
    return place;
}


static const char *
skip_blanks(const char *p)
{
    return p + strspn(p, BLANKS);
}


/* The position after the next `mark`, or the end of the document. */
static const char *
find_end(const char *p, const char *mark)
{
    const char first[] = { *mark, '\0' };
    gsize length = strlen(mark);

    p += strcspn(p, first);
    while (*p != '\0' && strncmp(p, mark, length) != 0)
        p += 1 + strcspn(p + 1, first);
    return *p != '\0' ? p + length : p;
}


static gboolean
is_namespace(const char *name, gsize length)
{
    gsize prefix = strlen(NAMESPACE);

    return length >= prefix && strncmp(name, NAMESPACE, prefix) == 0 &&
           (length == prefix || name[prefix] == ':');
}


static const char *
scanner_count_attribute(MdXmlScanner *self, Tag *tag, const char *name, gsize length)
{
    if (++tag->n_attributes > MD_XML_ATTRIBUTES_MAX)
        return scanner_refuse(self, name, MD_XML_ATTRIBUTES_MAX, "attributes in one element");
    if (++self->n_attributes > MD_XML_ALL_ATTRIBUTES_MAX)
        return scanner_refuse(self, name, MD_XML_ALL_ATTRIBUTES_MAX, "attributes");
    if (is_namespace(name, length) && ++tag->n_namespaces > MD_XML_NAMESPACES_MAX)
        return scanner_refuse(self, name, MD_XML_NAMESPACES_MAX, "namespaces in one element");
    return name;
}


/* Skips the value after an equals sign; stops at the first malformed character. */
static const char *
scanner_pass_value(MdXmlScanner *self, const char *p)
{
    const char *start = NULL;
    char ends[3] = { '<', '\0', '\0' };

    p = skip_blanks(p);
    if (*p != '\'' && *p != '"')
        return p;

    ends[1] = *p;
    start = p + 1;
    p = start + strcspn(start, ends);
    self->text = 0;
    if (scanner_count_text(self, start, (gsize)(p - start)) == NULL)
        return NULL;
    return *p == ends[1] ? p + 1 : p;
}


/* Skips an attribute, or malformed text in its place; always advances. */
static const char *
scanner_pass_attribute(MdXmlScanner *self, Tag *tag, const char *p)
{
    gsize length = strcspn(p, NAME_ENDS);
    const char *name = p;

    p = skip_blanks(p + length);
    if (*p != '=')
        return p > name ? p : p + 1;
    if (scanner_count_attribute(self, tag, name, length) == NULL)
        return NULL;
    return scanner_pass_value(self, p + 1);
}


static const char *
scanner_pass_start_tag(MdXmlScanner *self, const char *p)
{
    Tag tag = { 0 };

    if (self->depth >= MD_XML_DEPTH_MAX)
        return scanner_refuse(self, p, MD_XML_DEPTH_MAX, "nested elements");

    p = skip_blanks(p + 1 + strcspn(p + 1, NAME_ENDS));
    while (*p != '\0' && *p != '<' && *p != '>') {
        p = scanner_pass_attribute(self, &tag, p);
        if (p == NULL)
            return NULL;
        p = skip_blanks(p);
    }

    self->text = 0;
    if (*p == '>' && p[-1] != '/')
        self->depth++;
    return *p == '>' ? p + 1 : p;
}


static const char *
scanner_pass_end_tag(MdXmlScanner *self, const char *p)
{
    self->text = 0;
    self->depth -= self->depth > 0 ? 1 : 0;
    return find_end(p, ">");
}


/* Skips the construct that begins with this '<'. NULL if the document is refused. */
static const char *
scanner_pass_markup(MdXmlScanner *self, const char *p)
{
    if (g_str_has_prefix(p, "</"))
        return scanner_pass_end_tag(self, p);
    if (g_str_has_prefix(p, DOCTYPE)) {
        md_error_set_from(&self->error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "document type declarations are not allowed");
        return NULL;
    }

    if (scanner_count_element(self, p) == NULL)
        return NULL;
    if (g_str_has_prefix(p, COMMENT))
        return find_end(p + strlen(COMMENT), "-->");
    if (g_str_has_prefix(p, INSTRUCTION))
        return find_end(p + strlen(INSTRUCTION), "?>");
    if (g_str_has_prefix(p, CDATA)) {
        const char *end = find_end(p + strlen(CDATA), "]]>");

        return scanner_count_text(self, p, (gsize)(end - p)) != NULL ? end : NULL;
    }
    return scanner_pass_start_tag(self, p);
}


gboolean
md_xml_scanner_advance(MdXmlScanner *self, const char *wanted)
{
    while (self->error == NULL && self->at < wanted && *self->at != '\0') {
        gsize length = strcspn(self->at, "<");
        const char *end = NULL;

        if (length > 0)
            end = scanner_count_text(self, self->at, length) != NULL ? self->at + length : NULL;
        else
            end = scanner_pass_markup(self, self->at);
        if (end != NULL)
            self->at = end;
    }
    return self->error == NULL;
}
