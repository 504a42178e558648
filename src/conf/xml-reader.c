/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include "conf/xml-reader.h"

#include <string.h>

#include "util/error.h"

#define UUID_DIGITS 32

#define ID_MAX 0xFFFF

/* Characters of an untrusted text in a message. */
#define QUOTE_MAX 64

/* Maximum bytes of a UTF-8 character. */
#define CHARACTER_MAX 4


static gboolean
is_element(xmlNodePtr node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && node->ns == NULL &&
           g_str_equal((const char *)node->name, name);
}


static xmlNodePtr
first_from(xmlNodePtr node, const char *name)
{
    while (node != NULL && !is_element(node, name))
        node = node->next;
    return node;
}


xmlNodePtr
md_xml_child(xmlNodePtr node, const char *name)
{
    return first_from(node->children, name);
}


xmlNodePtr
md_xml_next(xmlNodePtr node)
{
    return first_from(node->next, (const char *)node->name);
}


gboolean
md_xml_child_once(xmlNodePtr node, const char *name, xmlNodePtr *child, GError **error)
{
    xmlNodePtr found = md_xml_child(node, name);

    if (found != NULL && md_xml_next(found) != NULL) {
        g_autofree char *device = md_xml_device_name(node);

        md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                          "more than one element '%s' in '%s' for '%s'", name,
                          (const char *)node->name, device);
        return FALSE;
    }
    *child = found;
    return TRUE;
}


/* Moves the text from libxml2's allocator to GLib's. NULL if it is empty. */
static char *
take_text(xmlChar *text)
{
    char *copy = text != NULL && *text != '\0' ? g_strdup((const char *)text) : NULL;

    xmlFree(text);
    return copy;
}


char *
md_xml_text(xmlNodePtr node)
{
    return take_text(xmlNodeGetContent(node));
}


char *
md_xml_child_text(xmlNodePtr node, const char *name)
{
    xmlNodePtr child = md_xml_child(node, name);

    return child != NULL ? md_xml_text(child) : NULL;
}


char *
md_xml_attribute(xmlNodePtr node, const char *name)
{
    return take_text(xmlGetNoNsProp(node, BAD_CAST name));
}


char *
md_xml_shorten(const char *text)
{
    /* Reads only the bytes that QUOTE_MAX characters can have: the text may be megabytes long. */
    g_autofree char *valid =
        g_utf8_make_valid(text, (gssize)strnlen(text, QUOTE_MAX * CHARACTER_MAX));

    return g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), QUOTE_MAX));
}


char *
md_xml_device_name(xmlNodePtr node)
{
    g_autofree char *name = md_xml_child_text(xmlDocGetRootElement(node->doc), "name");

    return md_xml_shorten(name != NULL ? name : "new device");
}


gboolean
md_xml_parse_uint(const char *text, guint base, guint max, guint *number)
{
    guint64 value = 0;

    if (base == 0) {
        gboolean is_hex = g_ascii_strncasecmp(text, "0x", 2) == 0;

        base = is_hex ? 16 : 10;
        text += is_hex ? 2 : 0;
    }
    if (!g_ascii_string_to_unsigned(text, base, 0, max, &value, NULL))
        return FALSE;

    *number = (guint)value;
    return TRUE;
}


static gboolean
check_number(xmlNodePtr node,
             const char *what,
             const char *text,
             guint base,
             guint max,
             guint *number,
             GError **error)
{
    g_autofree char *device = md_xml_device_name(node);

    if (text == NULL) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "no %s supplied for '%s'", what, device);
        return FALSE;
    }
    /* libvirt accepts hexadecimal numbers with and without the prefix. */
    if (base == 16 && g_ascii_strncasecmp(text, "0x", 2) == 0)
        text += 2;
    if (!md_xml_parse_uint(text, base, max, number)) {
        md_error_set(error, VIR_ERR_INTERNAL_ERROR, "invalid %s supplied for '%s'", what, device);
        return FALSE;
    }
    return TRUE;
}


gboolean
md_xml_child_uint(xmlNodePtr node,
                  const char *name,
                  const char *what,
                  guint base,
                  guint max,
                  guint *number,
                  GError **error)
{
    g_autofree char *text = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    text = child != NULL ? md_xml_text(child) : NULL;
    return check_number(node, what, text, base, max, number, error);
}


gboolean
md_xml_child_id(
    xmlNodePtr node, const char *name, const char *what, guint *id, char **text, GError **error)
{
    g_autofree char *number = NULL;
    xmlNodePtr child = NULL;

    if (!md_xml_child_once(node, name, &child, error))
        return FALSE;
    number = child != NULL ? md_xml_attribute(child, "id") : NULL;
    if (!check_number(node, what, number, 16, ID_MAX, id, error))
        return FALSE;
    *text = md_xml_text(child);
    return TRUE;
}


void
md_xml_set_invalid_attribute(xmlNodePtr node, const char *name, const char *value, GError **error)
{
    g_autofree char *quote = md_xml_shorten(value);

    /* libvirt's wording, with its full stop. */
    md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                      "Invalid value for attribute '%s' in element '%s': '%s'.", name,
                      (const char *)node->name, quote);
}


gboolean
md_xml_attribute_uint(
    xmlNodePtr node, const char *name, guint base, guint max, guint *number, GError **error)
{
    g_autofree char *text = md_xml_attribute(node, name);

    if (text == NULL || md_xml_parse_uint(text, base, max, number))
        return TRUE;
    md_xml_set_invalid_attribute(node, name, text, error);
    return FALSE;
}


gboolean
md_xml_check_attribute(xmlNodePtr node, const char *name, GError **error)
{
    g_autofree char *text = md_xml_attribute(node, name);

    if (text != NULL)
        return TRUE;
    md_error_set_from(error, VIR_FROM_XML, VIR_ERR_XML_ERROR,
                      "Missing required attribute '%s' in element '%s'", name,
                      (const char *)node->name);
    return FALSE;
}


char *
md_uuid_normalize(const char *text)
{
    g_autoptr(GString) uuid = g_string_sized_new(UUID_DIGITS + 4);
    const char *p = text;
    guint n_digits = 0;

    while (g_ascii_isspace(*p))
        p++;
    while (n_digits < UUID_DIGITS) {
        if (n_digits % 2 == 0 && (*p == '-' || *p == ' ')) {
            p++;
            continue;
        }
        if (!g_ascii_isxdigit(*p))
            return NULL;
        if (n_digits == 8 || n_digits == 12 || n_digits == 16 || n_digits == 20)
            g_string_append_c(uuid, '-');
        g_string_append_c(uuid, g_ascii_tolower(*p++));
        n_digits++;
    }
    while (g_ascii_isspace(*p))
        p++;
    return *p == '\0' ? g_string_free(g_steal_pointer(&uuid), FALSE) : NULL;
}
