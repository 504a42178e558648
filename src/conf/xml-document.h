/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the bytes of a document to libxml2's tree, in bounded time. May be called on any thread. */
#pragma once

#include <glib.h>
#include <libxml/tree.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

/*
 * A well-formed document within the limits of xml-scanner.h and without a document type, whose root
 * has that name; or NULL. Errors are VIR_ERR_XML_DETAIL, for what is not well-formed, and
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

/* libxml2's text as one message of ours: no final newline, nothing that cannot be sent. */
char *md_xml_error_get_message(MdXmlError error);
