/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scans a document before libxml2, in one pass of linear time. libxml2 compares each attribute of
 * an element with all others before it calls back for the element, so limits checked in its
 * callbacks would apply too late.
 *
 * In a well-formed document, the scanner finds exactly the constructs that the parser will find.
 * The caller must not feed a parser after its first error.
 */
#pragma once

#include <glib.h>

/* Limits of a document. */
#define MD_XML_ELEMENTS_MAX   50000 /* comments, instructions and CDATA sections count as well */
#define MD_XML_DEPTH_MAX      16
#define MD_XML_ATTRIBUTES_MAX 64 /* of one element, namespaces included */
#define MD_XML_NAMESPACES_MAX 8  /* declared by one element */

/* Attributes of all elements; each takes 256 bytes in libxml2's tree. */
#define MD_XML_ALL_ATTRIBUTES_MAX 50000

/* Validation takes time quadratic in these. */
#define MD_XML_VALID_ELEMENTS_MAX 8192
#define MD_XML_VALID_TEXT_MAX     4096 /* bytes of an attribute, or of text between two tags */

typedef struct {
    const char *start; /* of the document */
    const char *at;    /* the document up to here is within the limits */
    guint max_elements;
    gsize max_text;
    guint n_elements;
    guint n_attributes;
    guint depth;
    gsize text;
    GError *error; /* why scanning stopped; NULL: no error */
} MdXmlScanner;

/* `document` must outlive the scanner. `for_schema`: the document will also be validated. */
void md_xml_scanner_init(MdXmlScanner *self, const char *document, gboolean for_schema);
void md_xml_scanner_clear(MdXmlScanner *self);

/*
 * Scans until the document is known to be within the limits up to `wanted`, or to its end. FALSE
 * once `error` is set (VIR_ERR_XML_ERROR): `at` is then the start of the offending construct.
 */
gboolean md_xml_scanner_advance(MdXmlScanner *self, const char *wanted);
