/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a document: parsed or refused with an error. A parsed document is within the limits,
 * can be printed and parsed again, and prints the same again.
 */
#include "config.h"

#include <libxml/parser.h>
#include <string.h>

#include "conf/xml-document.h"
#include "conf/xml-scanner.h"
#include "conf/xml.h"
#include "util/error.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);


/* The error codes documented in xml.h. */
static gboolean
is_legal(const GError *error)
{
    return error->domain == MD_ERROR &&
           (error->code == VIR_ERR_XML_DETAIL || error->code == VIR_ERR_XML_ERROR ||
            error->code == VIR_ERR_CONFIG_UNSUPPORTED || error->code == VIR_ERR_INTERNAL_ERROR);
}


static void
check_element(xmlNodePtr node)
{
    guint n_attributes = 0;
    guint n_namespaces = 0;

    for (xmlNsPtr ns = node->nsDef; ns != NULL; ns = ns->next)
        n_namespaces++;
    for (xmlAttrPtr attr = node->properties; attr != NULL; attr = attr->next)
        n_attributes++;
    g_assert_cmpuint(n_namespaces, <=, MD_XML_NAMESPACES_MAX);
    g_assert_cmpuint(n_attributes + n_namespaces, <=, MD_XML_ATTRIBUTES_MAX);
}


static guint
check_nodes(xmlNodePtr node, guint depth)
{
    guint n = 0;

    for (; node != NULL; node = node->next) {
        if (node->type == XML_TEXT_NODE)
            continue;
        n++;
        if (node->type != XML_ELEMENT_NODE)
            continue;
        g_assert_cmpuint(depth, <, MD_XML_DEPTH_MAX);
        check_element(node);
        n += check_nodes(node->children, depth + 1);
    }
    return n;
}


/* Checks with libxml2 alone that the scanner has not misinterpreted the document. */
static void
check_limits(const char *document)
{
    g_autoptr(xmlDoc) doc =
        xmlReadMemory(document, (int)strlen(document), NULL, NULL,
                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

    /* libxml2 is stricter about the declared encoding. */
    if (doc != NULL)
        g_assert_cmpuint(check_nodes(doc->children, 0), <=, MD_XML_ELEMENTS_MAX);
}


int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *document = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(MdNodeDeviceDef) def = md_xml_parse(document, &error);
    g_autoptr(MdNodeDeviceDef) copy = NULL;
    g_autoptr(MdNodeDeviceDef) again = NULL;
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    if (def == NULL) {
        g_assert_nonnull(error);
        g_assert_true(is_legal(error));
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
        return 0;
    }

    g_assert_no_error(error);
    check_limits(document);
    copy = md_node_device_def_copy(def);
    first = md_xml_format(copy, TRUE);
    /* Escapes may make the text too long to be read. */
    again = md_xml_parse(first, &error);
    if (again == NULL) {
        g_assert_error(error, MD_ERROR, VIR_ERR_XML_ERROR);
        return 0;
    }
    second = md_xml_format(again, TRUE);
    g_assert_cmpstr(second, ==, first);
    return 0;
}
