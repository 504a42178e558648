/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses a document into libxml2's tree, in bounded time. Any thread. */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/*
 * Returns a well-formed document within the limits of xml-scanner.h, without a document type, and
 * with this root element; or NULL. Errors are VIR_ERR_XML_DETAIL for malformed documents, and
 * VIR_ERR_XML_ERROR.
 */
xmlDocPtr md_xml_document_read(const char *document,
                               const char *root_element,
                               gboolean for_schema,
                               GError **error);

/* For handlers of libxml2's errors. */
#if LIBXML_VERSION >= 21200
typedef const xmlError *MdXmlError;
#else
typedef xmlErrorPtr MdXmlError;
#endif

/* libxml2's message for use in errors: without the final newline, cleaned by md_text_clean(). */
char *md_xml_error_get_message(MdXmlError error);
