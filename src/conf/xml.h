/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parses and formats <device> documents. Errors have libvirt's codes: VIR_ERR_XML_DETAIL for
 * malformed documents, VIR_ERR_XML_INVALID_SCHEMA for documents refused by the schema, and
 * VIR_ERR_XML_ERROR, VIR_ERR_CONFIG_UNSUPPORTED or VIR_ERR_INTERNAL_ERROR for invalid values.
 * Several threads may parse documents at the same time.
 */
#pragma once

#include "conf/node-device.h"

/* Maximum size of a document, in bytes. */
#define MD_XML_DOCUMENT_MAX 1048576

/*
 * Parses a document as libvirt does: unknown elements are ignored, and the first error in a known
 * element is reported. Never accesses the network or files. Refuses document type declarations, and
 * thus entities, and documents beyond the limits of xml-scanner.h.
 */
MdNodeDeviceDef *md_xml_parse(const char *document, GError **error);

/* Whether the schema has been loaded, so that validation needs no disk; never blocks. */
gboolean md_xml_has_schema(const char *path);

/* Loads a schema unless it has been loaded. */
gboolean md_xml_load_schema(const char *path, GError **error);

/* Validates against libvirt's nodedev.rng (or another RELAX NG schema), which is loaded once. */
gboolean md_xml_validate(const char *document, const char *schema, GError **error);

/* Validates, then parses. */
MdNodeDeviceDef *md_xml_parse_valid(const char *document, const char *schema, GError **error);

/* Formats the document of a device, with a final newline. `details`: with mediated's additional
 * elements. */
char *md_xml_format(const MdNodeDeviceDef *def, gboolean details);
